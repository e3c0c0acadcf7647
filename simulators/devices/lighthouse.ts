// Lighthouse ApexRemote particle counter: sampling, record keeping, status and commands, from the register map v1.50 as
// excerpted in the design's devices.md §1.1. The registers themselves are in lighthouse-registers.ts. No driver code.

import { poisson } from '../plant/chance.ts'
import type { UnitSpec } from '../spec.ts'
import type { Table } from '../wire/pdu.ts'
import { EXCEPTION, type Refusal, refuse } from '../wire/refusal.ts'
import type { InstrumentParts, SimulatedInstrument, SnapshotValue, Step } from './instrument.ts'
import { type CounterRecord, RecordBuffer } from './lighthouse-records.ts'
import { readCounter, writeCounter } from './lighthouse-registers.ts'
import { SampleCycle } from './sample-cycle.ts'

/** Bits of the record status, register 30008. */
export const RECORD_STATUS = {
  laser: 1 << 0,
  flow: 1 << 1,
  overflow: 1 << 2,
  malfunction: 1 << 3,
  thresholdHigh: 1 << 4,
} as const

/** Bits of the device status, register 40003. */
export const DEVICE_STATUS = {
  running: 1 << 0,
  sampling: 1 << 1,
  newData: 1 << 2,
  error: 1 << 3,
  laser: 1 << 11,
  flow: 1 << 12,
  service: 1 << 13,
  thresholdHigh: 1 << 14,
} as const

/** Values written to the command register 40002. */
const COMMAND = {
  saveAll: 1,
  reserved: 2,
  clearBuffer: 3,
  saveParameters: 4,
  remoteControl: 5,
  localControl: 6,
  pumpOn: 7,
  pumpOff: 8,
  manualStart: 9,
  manualStop: 10,
  start: 11,
  stop: 12,
  setClock: 13,
} as const

/** Above this concentration of its smallest channel the counter sees two particles as one, per m³. */
const COINCIDENCE_PER_M3 = 35_000_000
const STANDARD_CHANNELS_UM = [0.5, 5]
const STANDARD_FLOW_LPM = 28.3
const STANDARD_SAMPLE_SECONDS = 60
const U32_MAX = 0xffff_ffff

/** Settings that can be read and written. */
export interface CounterSettings {
  delaySeconds: number
  holdSeconds: number
  sampleSeconds: number
  location: number
  dataSet: number
  readonly enabled: number[]
  readonly thresholds: number[]
}

export class Lighthouse implements SimulatedInstrument {
  readonly functions = [3, 4, 6]
  readonly channelsUm: readonly number[]
  readonly flowLpm: number
  readonly records = new RecordBuffer()
  readonly settings: CounterSettings
  readonly #parts: InstrumentParts
  readonly #serial: number
  readonly #cycle: SampleCycle
  /** Expected counts so far in each channel's own band (this size up to the next). */
  readonly #expected: number[]
  #clockOffsetMs = 0
  #stuckSeconds: number | undefined
  #steppedMono = Number.NEGATIVE_INFINITY
  #wall = 0
  #mono = 0
  #begun = false
  #newData = false
  #shared = false
  #pump = true
  #status = 0
  /** Record status bits gathered during the sample that goes on. */
  #sampleStatus = 0
  #peakPerM3 = 0
  #swapped = 0
  #lastCounts: readonly number[] = []

  constructor(unit: UnitSpec, parts: InstrumentParts) {
    this.#parts = parts
    this.channelsUm = unit.channelsUm ?? STANDARD_CHANNELS_UM
    this.flowLpm = unit.flowLpm ?? STANDARD_FLOW_LPM
    this.#serial = Number(unit.serial ?? 0)
    this.#expected = this.channelsUm.map(() => 0)
    this.settings = {
      delaySeconds: 0,
      holdSeconds: unit.holdSeconds ?? 0,
      sampleSeconds: unit.sampleSeconds ?? STANDARD_SAMPLE_SECONDS,
      location: 1,
      dataSet: 0,
      enabled: this.channelsUm.map(() => 1),
      thresholds: this.channelsUm.map(() => U32_MAX),
    }
    this.#cycle = new SampleCycle(() => this.settings)
    this.#cycle.start()
  }

  /** Serial number as shown. */
  get serial(): number {
    return (this.#serial + this.#swapped) >>> 0
  }

  /** Instrument time, whole seconds since 1970. */
  get clockSeconds(): number {
    return this.#stuckSeconds ?? Math.floor((this.#wall + this.#clockOffsetMs) / 1000)
  }

  /** The device status word, register 40003. */
  get deviceStatus(): number {
    let status = this.#status
    if (this.#cycle.running) status |= DEVICE_STATUS.running
    if (this.#cycle.phase === 'sampling') status |= DEVICE_STATUS.sampling
    if (this.#newData) status |= DEVICE_STATUS.newData
    return status
  }

  tick(step: Step): void {
    this.#wall = step.wall
    this.#mono = step.mono
    if (!this.#begun) this.#recordBefore()
    this.#watchFaults(step)
    for (const { drawnMs, finished } of this.#cycle.advance(Math.round(step.seconds * 1000))) {
      this.#draw(drawnMs)
      if (finished) this.#finishSample(this.#cycle.sampleSeconds)
    }
  }

  /** The counter was running before the simulation began: its last sample has just ended. */
  #recordBefore(): void {
    this.#begun = true
    const { sampleSeconds } = this.settings
    this.#draw(sampleSeconds * 1000)
    this.#finishSample(sampleSeconds)
  }

  #watchFaults({ mono }: Step): void {
    const { faults } = this.#parts
    const clockStep = faults.active('clock-step', mono)
    if (clockStep !== undefined && clockStep.sinceMono > this.#steppedMono) {
      this.#steppedMono = clockStep.sinceMono
      this.#clockOffsetMs += clockStep.value * 1000
    }
    if (faults.active('stuck-clock', mono) === undefined) this.#stuckSeconds = undefined
    else this.#stuckSeconds ??= this.clockSeconds
    const broken = faults.active('sensor-fault', mono) ?? faults.active('nan', mono)
    this.#status =
      (broken === undefined ? 0 : DEVICE_STATUS.error | DEVICE_STATUS.service) |
      (faults.active('laser-fault', mono) === undefined ? 0 : DEVICE_STATUS.laser) |
      (faults.active('flow-fault', mono) === undefined ? 0 : DEVICE_STATUS.flow)
    this.#swapped = faults.active('swap', mono)?.value ?? 0
    this.#shareWithOther(faults.active('other-master', mono) !== undefined)
  }

  /** While another master reads records, the index is where that one wants it, and NEW DATA is gone. */
  #shareWithOther(present: boolean): void {
    if (present) {
      this.records.select(0)
      this.#newData = false
    } else if (this.#shared) {
      this.records.select(-1)
    }
    this.#shared = present
  }

  /** Draws air for so long: the expected counts of each band rise; a fault of the cell is noted for the record. */
  #draw(ms: number): void {
    const volumeM3 = (this.flowLpm * ms) / 60_000_000
    const drift = this.#parts.faults.active('drift', this.#mono)
    const minutes = drift === undefined ? 0 : (this.#mono - drift.sinceMono) / 60_000
    const gain = 1 + ((drift?.value ?? 0) / 100) * minutes
    const levels = this.channelsUm.map((size) => this.#parts.surroundings.concentration(size))
    levels.forEach((level, index) => {
      const band = Math.max(0, level - (levels[index + 1] ?? 0))
      this.#expected[index] = (this.#expected[index] ?? 0) + band * Math.max(0, gain) * volumeM3
    })
    this.#peakPerM3 = Math.max(this.#peakPerM3, levels[0] ?? 0)
    this.#sampleStatus |=
      (this.#status & DEVICE_STATUS.laser ? RECORD_STATUS.laser : 0) |
      (this.#status & DEVICE_STATUS.flow || !this.#pump ? RECORD_STATUS.flow : 0) |
      (this.#status & DEVICE_STATUS.error ? RECORD_STATUS.malfunction : 0)
  }

  #finishSample(sampleSeconds: number): void {
    const counts = this.#count()
    const frozen = this.#parts.faults.active('frozen', this.#mono) !== undefined
    let status = this.#sampleStatus
    if (this.#peakPerM3 > COINCIDENCE_PER_M3) status |= RECORD_STATUS.overflow
    const above = counts.reduce(
      (bits, count, index) => (this.#isAbove(index, count) ? bits | (1 << index) : bits),
      0,
    )
    if (above !== 0) status |= RECORD_STATUS.thresholdHigh
    this.#clearSample()
    // A frozen counter goes on sampling and stores nothing: its record count and last record stay as they are.
    if (frozen) return
    this.#lastCounts = counts
    this.records.store({
      endSeconds: this.clockSeconds,
      sampleSeconds,
      location: this.settings.location,
      status,
      counts,
      temperatureC: this.#parts.surroundings.temperature(),
      humidityPercent: this.#parts.surroundings.humidity(),
      alarms: above,
    })
    this.#newData = true
  }

  #isAbove(channel: number, count: number): boolean {
    const alarmEnabled = ((this.settings.enabled[channel] ?? 0) & 2) !== 0
    return alarmEnabled && count > (this.settings.thresholds[channel] ?? U32_MAX)
  }

  /** Cumulative counts: independent Poisson numbers of each band, summed from the largest size down. */
  #count(): number[] {
    let sum = 0
    return this.#expected
      .map((mean) => poisson(mean, this.#parts.random))
      .toReversed()
      .map((band) => {
        sum = Math.min(U32_MAX, sum + band)
        return sum
      })
      .toReversed()
  }

  #clearSample(): void {
    this.#expected.fill(0)
    this.#peakPerM3 = 0
    this.#sampleStatus = 0
  }

  /** A command as written to 40002; it is complete when the reply goes out. */
  command(code: number): Refusal | undefined {
    switch (code) {
      case COMMAND.clearBuffer:
        this.records.clear()
        this.#newData = false
        return undefined
      case COMMAND.pumpOn:
      case COMMAND.pumpOff:
        this.#pump = code === COMMAND.pumpOn
        return undefined
      case COMMAND.manualStart:
        this.#clearSample()
        this.#cycle.startManually()
        return undefined
      case COMMAND.manualStop:
        if (this.#cycle.stop()) this.#finishSample(Math.round(this.#cycle.sampleSeconds))
        return undefined
      case COMMAND.start:
        this.#clearSample()
        this.#cycle.start()
        return undefined
      case COMMAND.stop:
        this.#cycle.stop()
        this.#clearSample()
        return undefined
      case COMMAND.setClock:
        this.#clockOffsetMs = this.settings.dataSet * 1000 - this.#wall
        return undefined
      case COMMAND.saveAll:
      case COMMAND.reserved:
      case COMMAND.saveParameters:
      case COMMAND.remoteControl:
      case COMMAND.localControl:
        return undefined
      default:
        return refuse(EXCEPTION.illegalValue)
    }
  }

  /** Apex counters start sampling by themselves when power comes; the sample that went on is lost. */
  powerUp(step: Step, memoryLost: boolean): void {
    this.#wall = step.wall
    this.#mono = step.mono
    if (memoryLost) this.records.clear()
    this.records.select(-1)
    this.#newData = false
    this.#pump = true
    this.#clearSample()
    this.#cycle.start()
  }

  /** Reading any of the record registers clears NEW DATA. */
  recordWasRead(): void {
    this.#newData = false
  }

  /** The record that the input registers show. */
  visibleRecord(): CounterRecord | undefined {
    return this.records.visible()
  }

  read(table: Table, address: number, quantity: number): readonly number[] | Refusal {
    return readCounter(this, table, address, quantity)
  }

  write(table: Table, address: number, values: readonly number[]): Refusal | undefined {
    return readOnlyTable(table) ?? writeCounter(this, address, values[0] ?? 0)
  }

  snapshot(): Readonly<Record<string, SnapshotValue>> {
    const counts = Object.fromEntries(
      this.channelsUm.map((size, index) => [`counts${size}um`, this.#lastCounts[index] ?? 0]),
    )
    return {
      ...counts,
      records: this.records.count,
      status: this.deviceStatus,
      clockSeconds: this.clockSeconds,
      serial: String(this.serial),
    }
  }
}

const readOnlyTable = (table: Table): Refusal | undefined =>
  table === 'holding_register' ? undefined : refuse(EXCEPTION.illegalFunction)
