// What tests of the drivers need again and again: short profiles, a bus, an order, and the driver on a real socket.

import { seededRandom } from '#core/random.ts'
import type { RawSignal } from '#core/reading.ts'
import type {
  BusSettings,
  DataType,
  InstrumentSettings,
  Profile,
  SignalSpec,
  Table,
} from '#drivers/profile.ts'
import { type DriverOptions, openDriver } from '#drivers/registry.ts'
import type { BusDriver, PollReply } from '#ports/driver.ts'
import { silentLog } from '#ports/log.ts'
import { systemClock } from '../../agent/runtime/system-clock.ts'

export const signal = (
  name: string,
  address: number,
  type: DataType = 'u16',
  over: Partial<SignalSpec> = {},
): SignalSpec => ({
  name,
  quantity: 'count',
  unit: '1',
  table: 'holding_register' satisfies Table,
  address,
  type,
  byteOrder: 'ABCD',
  scale: 1,
  offset: 0,
  invalid: [],
  ...over,
})

export const profileOf = (
  signals: readonly SignalSpec[],
  over: Partial<Profile> = {},
): Profile => ({
  id: 'test',
  protocol: 'modbus',
  source: { document: 'none', confirmedOnHardware: false },
  limits: { maxRegistersPerRead: 125, maxGap: 0, turnaroundMs: 0 },
  signals,
  status: [],
  ...over,
})

export const instrument = (
  id: string,
  unitId: number,
  profile: Profile,
  bus = 'bus-1',
): InstrumentSettings => ({ id, bus, unitId, profile })

export const tcpBus = (port: number, over: Partial<BusSettings> = {}): BusSettings =>
  ({
    id: 'bus-1',
    protocol: 'modbus-tcp',
    host: '127.0.0.1',
    port,
    timeoutMs: 120,
    retries: 1,
    lateReplyMs: 0,
    ...over,
  }) as BusSettings

/** A line at 19200 8N1 on a port that a test never opens. */
export const rtuBus = (over: Partial<BusSettings> = {}): BusSettings =>
  ({
    id: 'bus-1',
    protocol: 'modbus-rtu',
    path: '/dev/none',
    baudRate: 19_200,
    dataBits: 8,
    parity: 'none',
    stopBits: 1,
    turnaroundMs: 0,
    timeoutMs: 500,
    retries: 1,
    lateReplyMs: 2000,
    ...over,
  }) as BusSettings

/** A driver with the machine's clock and a seeded source of randomness. */
export const driverOf = (
  bus: BusSettings,
  instruments: readonly InstrumentSettings[],
  over: Partial<DriverOptions> = {},
): BusDriver =>
  openDriver({
    bus,
    instruments,
    clock: systemClock(),
    random: seededRandom(7),
    log: silentLog,
    ...over,
  })

/** Polls all signals of an instrument. */
export const pollAll = (
  driver: BusDriver,
  { id, profile }: InstrumentSettings,
  probe = false,
): Promise<PollReply> =>
  driver.poll({ instrument: id, signals: profile.signals.map(({ name }) => name), probe })

/** A result in a few words: its value, or why there is none. */
export const brief = (result: RawSignal): number | string =>
  result.kind === 'value'
    ? result.value
    : result.exceptionCode === undefined
      ? result.reason
      : `${result.reason} ${result.exceptionCode}`

export const briefs = (reply: PollReply): (number | string)[] =>
  reply.signals.map(({ result }) => brief(result))
