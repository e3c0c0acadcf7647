// The one door to the drivers: from the settings of a bus and its instruments to a driver that polls them. Decides which
// protocol stands on which link; knows no instrument.

import type { Random } from '#core/random.ts'
import type { Clock } from '#ports/clock.ts'
import type { BusCounters, BusDriver } from '#ports/driver.ts'
import type { Log } from '#ports/log.ts'
import type { OpenLink } from './link/link.ts'
import { tcpLink } from './link/tcp-link.ts'
import type { Framing, FramingSink } from './modbus/framing.ts'
import { MbapFraming } from './modbus/mbap-framing.ts'
import { ModbusDriver } from './modbus/modbus-driver.ts'
import { Transport } from './modbus/transport.ts'
import { sampleReader } from './particle-counter/sample-reader.ts'
import type { BusSettings, InstrumentSettings } from './profile.ts'

export interface DriverOptions {
  readonly bus: BusSettings
  /** The instruments of this bus. */
  readonly instruments: readonly InstrumentSettings[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Another way to the wire, for tests; default what the bus settings name. */
  readonly open?: OpenLink
}

const newCounters = (): BusCounters => ({
  requests: 0,
  replies: 0,
  timeouts: 0,
  lateReplies: 0,
  foreignFrames: 0,
  malformedFrames: 0,
  exceptions: 0,
  reconnects: 0,
  retries: 0,
})

/** Opens the driver of a bus: it connects by itself, and goes on trying until it is closed. */
export function openDriver(options: DriverOptions): BusDriver {
  const { bus, instruments, clock, random, log } = options
  const counters = newCounters()
  const refusals = 1
  const transport = new Transport({
    bus: bus.id,
    open: options.open ?? linkOf(bus),
    framing: framingOf(bus, random),
    timeoutMs: bus.timeoutMs,
    unitCount: new Set(instruments.map(({ unitId }) => unitId)).size,
    counters,
    clock,
    random,
    log,
  })
  return new ModbusDriver({
    transport,
    counters,
    clock,
    retries: bus.retries,
    lateReplyMs: bus.lateReplyMs,
    refusals,
    instruments,
    sampleReader: (unit) => sampleReader(unit, refusals),
  })
}

function linkOf(bus: BusSettings): OpenLink {
  switch (bus.protocol) {
    case 'modbus-tcp':
    case 'modbus-rtu-over-tcp':
      return tcpLink(bus)
    case 'modbus-rtu':
      throw new Error('serial lines come next')
  }
}

function framingOf(bus: BusSettings, random: Random): (sink: FramingSink) => Framing {
  switch (bus.protocol) {
    case 'modbus-tcp':
      return (sink) => new MbapFraming(sink, Math.floor(random() * 0x10000))
    case 'modbus-rtu-over-tcp':
    case 'modbus-rtu':
      throw new Error('serial lines come next')
  }
}
