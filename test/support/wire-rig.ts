// A driver on a fake line in virtual time, and a way to wait for what it promises without waiting.

import type { BusSettings, InstrumentSettings } from '#drivers/profile.ts'
import type { BusDriver, PollReply } from '#ports/driver.ts'
import { driverOf, pollAll, tcpBus } from './driver-rig.ts'
import { FakeWire } from './fake-wire.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

export interface WireRig {
  readonly clock: VirtualClock
  readonly wire: FakeWire
  readonly driver: BusDriver
  /** Lets time pass until the promise is kept. */
  done<Result>(promise: Promise<Result>, stepMs?: number): Promise<Result>
  poll(instrument: InstrumentSettings, probe?: boolean): Promise<PollReply>
  sample(instrument: InstrumentSettings): Promise<PollReply>
}

const STEPS_MAX = 100_000

export function wireRig(
  instruments: readonly InstrumentSettings[],
  bus: BusSettings = tcpBus(502, { timeoutMs: 300 }),
): WireRig {
  const clock = virtualClock()
  const wire = new FakeWire(clock, bus.protocol === 'modbus-tcp' ? 'mbap' : 'rtu')
  const driver = driverOf(bus, instruments, { clock, open: wire.open })
  const done = async <Result>(promise: Promise<Result>, stepMs = 5): Promise<Result> => {
    let result: { readonly value: Result } | undefined
    let failure: { readonly error: unknown } | undefined
    promise.then(
      (value) => {
        result = { value }
      },
      (error: unknown) => {
        failure = { error }
      },
    )
    for (let step = 0; result === undefined; step++) {
      if (failure !== undefined) throw failure.error
      if (step > STEPS_MAX) throw new Error('what was promised does not come')
      await clock.advance(stepMs)
    }
    return result.value
  }
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
