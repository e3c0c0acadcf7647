// The registers of a Lighthouse ApexRemote, map v1.50 (devices.md §1.1): which word stands where. Decides addresses and
// encodings only; sampling and commands are lighthouse.ts.

import { hashOf } from '../plant/chance.ts'
import type { Table } from '../wire/pdu.ts'
import { EXCEPTION, type Refusal, refuse } from '../wire/refusal.ts'
import { ascii, type Field, f32LowFirst, readFields, u32HighFirst } from './instrument.ts'
import type { Lighthouse } from './lighthouse.ts'

const MAP_VERSION = 150
const FIRMWARE = 312
const LITRES_PER_CUBIC_FOOT = 28.316_846_592
/** Channels the record has room for; those the counter has not return garbage. */
const RECORD_CHANNELS = 16
const ANALOG_CHANNELS = 16
/** Temperature and humidity are fitted. */
const ANALOG_MASK = 0b11
const CALIBRATION_DUE_SECONDS = 1_830_297_600
const DELAY_SECONDS_MAX = 359_999
const SAMPLE_SECONDS_MAX = 86_399
const LOCATIONS_MAX = 200

const HOLDING: readonly Table[] = ['holding_register']
const INPUT: readonly Table[] = ['input_register']

const ADDRESS = {
  command: 1,
  recordIndex: 24,
  location: 25,
  delay: 28,
  hold: 30,
  sample: 32,
  dataSet: 34,
  channelEnable: 3008,
  channelThreshold: 5008,
} as const

const signed = (value: number): number => value & 0xffff

/** 32-bit signed seconds, high word first: the map's own limit is 2038. */
const i32 = (value: number): number[] => u32HighFirst(value >>> 0)

function holdingFields(counter: Lighthouse): Field[] {
  const { settings } = counter
  const field = (address: number, words: () => readonly number[], length = 1): Field => ({
    tables: HOLDING,
    address,
    length,
    words,
  })
  const zeros = (address: number, length: number): Field => field(address, () => [], length)
  const channels = counter.channelsUm.flatMap((_, index) => [
    field(ADDRESS.channelEnable + 2 * index, () => u32HighFirst(settings.enabled[index] ?? 0), 2),
    field(
      ADDRESS.channelThreshold + 2 * index,
      () => u32HighFirst(settings.thresholds[index] ?? 0),
      2,
    ),
  ])
  return [
    field(0, () => [MAP_VERSION]),
    field(ADDRESS.command, () => [0]),
    field(2, () => [counter.deviceStatus]),
    field(3, () => [FIRMWARE]),
    field(4, () => u32HighFirst(counter.serial), 2),
    field(6, () => ascii('ApexRemote', 8), 8),
    field(14, () => ascii('APEXR5P', 8), 8),
    field(22, () => [Math.round((counter.flowLpm / LITRES_PER_CUBIC_FOOT) * 100)]),
    field(23, () => [signed(counter.records.count)]),
    field(ADDRESS.recordIndex, () => [signed(counter.records.index)]),
    field(ADDRESS.location, () => [settings.location]),
    field(26, () => i32(counter.clockSeconds), 2),
    field(ADDRESS.delay, () => u32HighFirst(settings.delaySeconds), 2),
    field(ADDRESS.hold, () => u32HighFirst(settings.holdSeconds), 2),
    field(ADDRESS.sample, () => u32HighFirst(settings.sampleSeconds), 2),
    field(ADDRESS.dataSet, () => i32(settings.dataSet), 2),
    zeros(36, 2),
    field(38, () => [2500]),
    field(39, () => [10_000]),
    field(40, () => ascii('CFM', 2), 2),
    field(42, () => [1200]),
    zeros(43, 3),
    field(46, () => i32(CALIBRATION_DUE_SECONDS), 2),
    zeros(48, 7),
    field(55, () => [(counter.deviceStatus & (1 << 11)) === 0 ? 0 : 1, counter.deviceStatus], 2),
    zeros(57, 2),
    field(59, () => i32(counter.visibleRecord()?.endSeconds ?? 0), 2),
    zeros(61, 2),
    field(63, () => [counter.visibleRecord()?.alarms ?? 0, 0, 0, 0], 4),
    zeros(67, 6),
    field(73, () => i32(CALIBRATION_DUE_SECONDS - 31_536_000), 2),
    ...channels,
  ]
}

function recordFields(counter: Lighthouse): Field[] {
  const record = counter.visibleRecord()
  const field = (address: number, words: () => readonly number[], length = 2): Field => ({
    tables: INPUT,
    address,
    length,
    words,
  })
  const counts = Array.from({ length: RECORD_CHANNELS }, (_, index) => {
    const fitted = index < counter.channelsUm.length
    // "Retrieving data from an inactive channel returns garbage."
    const garbage = hashOf(`${index} ${record?.endSeconds ?? 0}`)
    return field(8 + 2 * index, () => u32HighFirst(fitted ? (record?.counts[index] ?? 0) : garbage))
  })
  const analogs = Array.from({ length: ANALOG_CHANNELS }, (_, index) => {
    const values = [record?.temperatureC ?? 0, record?.humidityPercent ?? 0]
    return field(40 + 2 * index, () => f32LowFirst(values[index] ?? index * 1e9))
  })
  return [
    field(0, () => i32(record?.endSeconds ?? 0)),
    field(2, () => u32HighFirst(record?.sampleSeconds ?? 0)),
    field(4, () => i32(record?.location ?? 0)),
    field(6, () => u32HighFirst(record?.status ?? 0)),
    ...counts,
    ...analogs,
    field(72, () => [ANALOG_MASK], 1),
    field(73, () => [(1 << counter.channelsUm.length) - 1], 1),
    field(74, () => [0], 1),
    field(75, () => [record?.alarms ?? 0], 1),
  ]
}

/** Reads registers; reading a record clears NEW DATA. */
export function readCounter(
  counter: Lighthouse,
  table: Table,
  address: number,
  quantity: number,
): readonly number[] | Refusal {
  const fields = table === 'input_register' ? recordFields(counter) : holdingFields(counter)
  const words = readFields(fields, table, address, quantity)
  if (table === 'input_register' && !('exception' in words)) counter.recordWasRead()
  return words
}

/** Writes one register (function 06 is all there is); 32-bit settings are written half by half. */
export function writeCounter(
  counter: Lighthouse,
  address: number,
  word: number,
): Refusal | undefined {
  const { settings } = counter
  switch (address) {
    case ADDRESS.command:
      return counter.command(word)
    case ADDRESS.recordIndex:
      return counter.records.select(word >= 0x8000 ? word - 0x1_0000 : word)
        ? undefined
        : refuse(EXCEPTION.illegalValue)
    case ADDRESS.location:
      if (word < 1 || word > LOCATIONS_MAX) return refuse(EXCEPTION.illegalValue)
      settings.location = word
      return undefined
    case ADDRESS.delay:
    case ADDRESS.delay + 1:
      return writeHalf(address, word, DELAY_SECONDS_MAX, settings.delaySeconds, (value) => {
        settings.delaySeconds = value
      })
    case ADDRESS.hold:
    case ADDRESS.hold + 1:
      return writeHalf(address, word, DELAY_SECONDS_MAX, settings.holdSeconds, (value) => {
        settings.holdSeconds = value
      })
    case ADDRESS.sample:
    case ADDRESS.sample + 1:
      return writeHalf(address, word, SAMPLE_SECONDS_MAX, settings.sampleSeconds, (value) => {
        settings.sampleSeconds = value
      })
    case ADDRESS.dataSet:
    case ADDRESS.dataSet + 1:
      return writeHalf(address, word, 0x7fff_ffff, settings.dataSet, (value) => {
        settings.dataSet = value
      })
    default:
      return writeChannel(counter, address, word)
  }
}

/** One half of a 32-bit setting: even addresses are the high word. */
function writeHalf(
  address: number,
  word: number,
  max: number,
  before: number,
  keep: (value: number) => void,
): Refusal | undefined {
  const high = address % 2 === 0
  const value = high ? word * 0x1_0000 + (before & 0xffff) : (before & 0xffff0000) + word
  if (value < 0 || value > max) return refuse(EXCEPTION.illegalValue)
  keep(value)
  return undefined
}

/** Enable bits and thresholds by channel; the low word is the one to write. */
function writeChannel(counter: Lighthouse, address: number, word: number): Refusal | undefined {
  for (const [base, values] of [
    [ADDRESS.channelEnable, counter.settings.enabled],
    [ADDRESS.channelThreshold, counter.settings.thresholds],
  ] as const) {
    const channel = (address - base - 1) / 2
    if (Number.isInteger(channel) && channel >= 0 && channel < values.length) {
      values[channel] = word
      return undefined
    }
  }
  return refuse(EXCEPTION.illegalAddress)
}
