// A driver on a fake line in virtual time, and a way to wait for what it promises without waiting.

import type { BusSettings, InstrumentSettings } from '#drivers/profile.ts'
import type { BusDriver, PollReply } from '#ports/driver.ts'
import { driverOf, pollAll, tcpBus } from './driver-rig.ts'
import { FakeWire } from './fake-wire.ts'
import { passUntil, type VirtualClock, virtualClock } from './virtual-clock.ts'

export interface WireRig {
  readonly clock: VirtualClock
  readonly wire: FakeWire
  readonly driver: BusDriver
  /** Lets time pass until the promise is kept. */
  done<Result>(promise: Promise<Result>, stepMs?: number): Promise<Result>
  poll(instrument: InstrumentSettings, probe?: boolean): Promise<PollReply>
  sample(instrument: InstrumentSettings): Promise<PollReply>
}

export function wireRig(
  instruments: readonly InstrumentSettings[],
  bus: BusSettings = tcpBus(502, { timeoutMs: 300 }),
): WireRig {
  const clock = virtualClock()
  const wire = new FakeWire(clock, bus.protocol === 'modbus-tcp' ? 'mbap' : 'rtu')
  const driver = driverOf(bus, instruments, { clock, open: wire.open })
  const done = <Result>(promise: Promise<Result>, stepMs = 5): Promise<Result> =>
    passUntil(clock, promise, stepMs)
  return {
    clock,
    wire,
    driver,
    done,
    poll: (instrument, probe = false) => done(pollAll(driver, instrument, probe)),
    sample: ({ id }) =>
      done(driver.poll({ instrument: id, signals: [], sample: true, probe: false })),
  }
}
