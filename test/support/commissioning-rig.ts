// A commissioning line on a fake wire in virtual time.

import { seededRandom } from '#core/random.ts'
import { Line } from '#drivers/commissioning/line.ts'
import { type ScanOptions, type ScanReport, scanLine } from '#drivers/commissioning/scan.ts'
import type { BusSettings } from '#drivers/profile.ts'
import { rtuBus, tcpBus } from './driver-rig.ts'
import { FakeWire } from './fake-wire.ts'
import { passUntil, type VirtualClock, virtualClock } from './virtual-clock.ts'

export const rtuLine = rtuBus({
  id: 'line',
  parity: 'even',
  timeoutMs: 300,
  retries: 0,
  turnaroundMs: 20,
})

export const tcpLine: BusSettings = tcpBus(502)

export interface CommissioningRig {
  readonly clock: VirtualClock
  readonly wire: FakeWire
  readonly line: Line
  /** Lets time pass until the promise is kept. */
  done<Result>(promise: Promise<Result>): Promise<Result>
  scan(over?: Partial<ScanOptions>): Promise<ScanReport>
}

export function commissioningRig(bus: BusSettings = rtuLine): CommissioningRig {
  const clock = virtualClock()
  const wire = new FakeWire(clock, bus.protocol === 'modbus-tcp' ? 'mbap' : 'rtu')
  const line = new Line({ bus, clock, random: seededRandom(3), open: wire.open })
  const done = <Result>(promise: Promise<Result>): Promise<Result> => passUntil(clock, promise, 1)
  const scan = (over: Partial<ScanOptions> = {}) =>
    done(
      scanLine({
        line,
        protocol: bus.protocol,
        from: 1,
        to: 247,
        timeoutMs: 100,
        read: { functionCode: 3, address: 0, quantity: 1 },
        signal: new AbortController().signal,
        ...over,
      }),
    )
  return { clock, wire, line, done, scan }
}
