// The one door to the drivers: from the settings of a bus and its instruments to a driver that polls them. Decides which
// protocol stands on which link; knows no instrument.

import type { BackoffLimits } from '#core/backoff.ts'
import type { Random } from '#core/random.ts'
import type { OutputDriver } from '#ports/annunciator.ts'
import type { Clock } from '#ports/clock.ts'
import type { BusCounters, BusDriver } from '#ports/driver.ts'
import type { Log } from '#ports/log.ts'
import type { OpenLink } from './link/link.ts'
import { serialLink } from './link/serial-link.ts'
import { tcpLink } from './link/tcp-link.ts'
import type { Framing, FramingSink } from './modbus/framing.ts'
import { MbapFraming } from './modbus/mbap-framing.ts'
import { ModbusDriver } from './modbus/modbus-driver.ts'
import { type LineQuarantine, Quarantines } from './modbus/quarantine.ts'
import { RtuFraming, silentIntervalMs } from './modbus/rtu-framing.ts'
import { Transport } from './modbus/transport.ts'
import { ModbusOutput } from './output/modbus-output.ts'
import { sampleReader } from './particle-counter/sample-reader.ts'
import type { BusSettings, InstrumentSettings, OutputSettings } from './profile.ts'

export interface DriverOptions {
  readonly bus: BusSettings
  /** The instruments of this bus. */
  readonly instruments: readonly InstrumentSettings[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Who may still answer late, beyond the life of a driver; default nobody. */
  readonly quarantines?: Quarantines
  /** Another way to the wire, for tests; default what the bus settings name. */
  readonly open?: OpenLink
}

/** The counts of a bus on which nothing has happened. */
export const newCounters = (): BusCounters => ({
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

/** The first try to connect again comes within a second; a converter is not hammered, a replugged adapter soon found. */
const TCP_BACKOFF: BackoffLimits = { firstMsMax: 1000, msMax: 30_000 }
const SERIAL_BACKOFF: BackoffLimits = { firstMsMax: 1000, msMax: 5000 }

/**
 * How often a lone register must be refused before it is set aside. Without transaction ids an exception may be a late
 * one of another request, so that two more have to confirm it.
 */
const REFUSALS_WITH_IDS = 1
const REFUSALS_WITHOUT_IDS = 3

/** Opens the driver of a bus: it connects by itself, and goes on trying until it is closed. */
export function openDriver(options: DriverOptions): BusDriver {
  const { bus, instruments, clock, random, log } = options
  const counters = newCounters()
  const withIds = bus.protocol === 'modbus-tcp'
  const refusals = withIds ? REFUSALS_WITH_IDS : REFUSALS_WITHOUT_IDS
  const transport = new Transport({
    bus: bus.id,
    open: options.open ?? linkOf(bus),
    backoff: bus.protocol === 'modbus-rtu' ? SERIAL_BACKOFF : TCP_BACKOFF,
    framing: framingOf(bus, random),
    timeoutMs: bus.timeoutMs,
    unitCount: new Set(instruments.map(({ unitId }) => unitId)).size,
    counters,
    clock,
    random,
    log,
  })
  return new ModbusDriver({
    id: bus.id,
    transport,
    counters,
    clock,
    log,
    retries: bus.retries,
    lateReplyMs: withIds ? 0 : bus.lateReplyMs,
    quarantine: quarantineOf(bus, options.quarantines),
    refusals,
    instruments,
    sampleReader: (unit) => sampleReader(unit, refusals),
  })
}

/** Opens the driver of an output module, on a bus of its own: it connects by itself, until it is closed. */
export const openOutput = (
  settings: OutputSettings,
  parts: Pick<DriverOptions, 'clock' | 'random' | 'log'>,
): OutputDriver => new ModbusOutput({ settings, open: linkOf(settings.bus), ...parts })

/** The owner of a process's quarantines (URS-10), for whoever opens drivers one after another. */
export { Quarantines }

function quarantineOf(bus: BusSettings, owner = new Quarantines()): LineQuarantine {
  if (bus.protocol === 'modbus-tcp') return new Quarantines().line(bus.id, 0)
  const wire = bus.protocol === 'modbus-rtu' ? bus.path : `${bus.host}:${bus.port}`
  return owner.line(wire, bus.timeoutMs + bus.lateReplyMs)
}

/** The link that a bus stands on. */
export function linkOf(bus: BusSettings): OpenLink {
  if (bus.protocol !== 'modbus-rtu') return tcpLink(bus)
  const { path, baudRate, dataBits, parity, stopBits } = bus
  return serialLink({ path, baudRate, dataBits, parity, stopBits })
}

/** The framing that a bus speaks. */
export function framingOf(bus: BusSettings, random: Random): (sink: FramingSink) => Framing {
  switch (bus.protocol) {
    case 'modbus-tcp':
      return (sink) => new MbapFraming(sink, Math.floor(random() * 0x10000))
    case 'modbus-rtu-over-tcp':
      return (sink) => new RtuFraming(sink, { charMs: 0, gapMs: bus.turnaroundMs })
    case 'modbus-rtu': {
      const bits = 1 + bus.dataBits + (bus.parity === 'none' ? 0 : 1) + bus.stopBits
      const charMs = (bits * 1000) / bus.baudRate
      const gapMs = Math.max(silentIntervalMs(bus.baudRate, charMs), bus.turnaroundMs)
      return (sink) => new RtuFraming(sink, { charMs, gapMs })
    }
  }
}
