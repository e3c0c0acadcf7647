// The simulated site without its wires: plant, instruments, faults and script, moved on in steps of protocol time. Same
// specification, seed, script and steps give the same site, exactly. Never reads a clock and never opens a port.

import type { Millis } from '#core/time.ts'
import { buildInstrument, MODELS } from './devices/catalogue.ts'
import type {
  SimulatedInstrument,
  SnapshotValue,
  Step,
  Surroundings,
} from './devices/instrument.ts'
import { type FaultKind, type FaultOptions, FaultSet, faultKind } from './faults.ts'
import { hashOf, randomFor } from './plant/chance.ts'
import { chamberOf, Plant, type ZoneState } from './plant/plant.ts'
import { parseScript, type ScriptLine, type SimulatedEvent } from './script.ts'
import { type BusSpec, faultsOfSpec, type SimulationSpec, type UnitSpec } from './spec.ts'

/** Protocol time of one step. */
export const STEP_MS = 100
const SPEED_MIN = 0.01
const SPEED_MAX = 3600
/** Events waiting for their time, those that come again counted once. */
const WAITING_MAX = 20_000
/** Events carried out in one step; the rest waits for the next. */
const EVENTS_PER_STEP_MAX = 1000

export interface WorldOptions {
  readonly seed: number
  /** Plant seconds in a second of protocol time. */
  readonly speed: number
  readonly script: readonly ScriptLine[]
  readonly start: { readonly mono: Millis; readonly wall: Millis }
  /** Hears what happens, in words, with the plant time in s. */
  readonly say: (words: string, plantSeconds: number) => void
}

/** The state of everything, for people and tests. */
export interface Snapshot {
  readonly plantSeconds: number
  readonly zones: Readonly<Record<string, ZoneState>>
  readonly instruments: Readonly<Record<string, Readonly<Record<string, SnapshotValue>>>>
  readonly faults: Readonly<Record<string, readonly FaultKind[]>>
}

/** One instrument with its faults. */
export interface WorldUnit {
  readonly spec: UnitSpec
  readonly device: SimulatedInstrument
  readonly faults: FaultSet
  /** Off since a reboot began; whether its memory is lost. */
  off?: { memoryLost: boolean }
}

interface Waiting {
  readonly line: ScriptLine
  readonly atMs: Millis
}

export class World {
  readonly #options: WorldOptions
  readonly #plant: Plant
  readonly #units = new Map<string, WorldUnit>()
  readonly #busFaults = new Map<string, FaultSet>()
  readonly #busOf = new Map<string, BusSpec>()
  #waiting: Waiting[] = []
  #now: Millis

  /** Throws in words, all of them, when the specification cannot be simulated or the script names what is not there. */
  constructor(spec: SimulationSpec, options: WorldOptions) {
    const faults = faultsOfSpec(spec, MODELS)
    if (!(options.speed >= SPEED_MIN && options.speed <= SPEED_MAX)) {
      faults.push(`speed ${options.speed} is not between ${SPEED_MIN} and ${SPEED_MAX}`)
    }
    if (faults.length > 0) throw new Error(faults.join('\n'))
    this.#options = options
    this.#now = options.start.mono
    this.#plant = new Plant(spec, options.seed)
    for (const bus of spec.buses) {
      this.#busFaults.set(bus.id, new FaultSet(randomFor(options.seed, `bus/${bus.id}`)))
      for (const unit of bus.units) this.#build(spec, bus, unit)
    }
    const refusals = options.script.flatMap((line) => {
      const refusal = this.refusal(line.event)
      return refusal === undefined ? [] : [`script line ${line.line}: ${refusal}`]
    })
    if (refusals.length > 0) throw new Error(refusals.join('\n'))
    for (const line of options.script) this.#wait({ line, atMs: line.atMs })
  }

  #build(spec: SimulationSpec, bus: BusSpec, unit: UnitSpec): void {
    const name = unit.instrument
    const complete = {
      ...unit,
      serial: unit.serial ?? String(100_000_000 + (hashOf(name) % 900_000_000)),
    }
    const faults = new FaultSet(randomFor(this.#options.seed, `faults/${name}`))
    const device = buildInstrument(complete, {
      surroundings: this.#surroundings(spec, unit),
      faults,
      random: randomFor(this.#options.seed, `instrument/${name}`),
    })
    this.#units.set(name, { spec: complete, device, faults })
    this.#busOf.set(name, bus)
  }

  #surroundings(spec: SimulationSpec, unit: UnitSpec): Surroundings {
    const plant = this.#plant
    const place = unit.model === 'vaisala-gmp251' ? chamberOf(spec, unit) : unit.zone
    return {
      differentialPressure: () => plant.differentialPressure(unit.zone, unit.against),
      temperature: () => plant.temperature(place),
      humidity: () => plant.humidity(place),
      co2Ppm: () => plant.co2Ppm(place),
      airVelocity: () => plant.airVelocity(unit.zone),
      doorOpen: () => plant.doorOpen(place),
      concentration: (sizeUm) => plant.concentration(unit.zone, sizeUm),
    }
  }

  unit(instrument: string): WorldUnit | undefined {
    return this.#units.get(instrument)
  }

  /** The faults of a bus; one that the specification does not name has none. */
  busFaults(bus: string): FaultSet {
    return this.#busFaults.get(bus) ?? new FaultSet(() => 0)
  }

  /** Moves everything on by one step that ends at this monotonic moment. */
  step(mono: Millis): void {
    this.#now = mono
    const { start, speed } = this.#options
    this.#plant.advance((STEP_MS / 1000) * speed)
    this.#carryOut()
    const step: Step = {
      mono,
      wall: start.wall + (mono - start.mono),
      seconds: STEP_MS / 1000,
    }
    for (const unit of this.#units.values()) tickUnit(unit, step)
  }

  #carryOut(): void {
    const nowMs = this.#plant.seconds * 1000 + 1e-6
    for (let count = 0; count < EVENTS_PER_STEP_MAX; count++) {
      const next = this.#waiting[0]
      if (next === undefined || next.atMs > nowMs) return
      this.#waiting.shift()
      const { event, everyMs, text } = next.line
      if (everyMs !== undefined) this.#wait({ line: next.line, atMs: next.atMs + everyMs })
      this.#apply(event, text)
    }
  }

  #wait(waiting: Waiting): void {
    if (this.#waiting.length >= WAITING_MAX) {
      throw new Error(`more than ${WAITING_MAX} events are waiting; wait until some have happened`)
    }
    const later = this.#waiting.findIndex((other) => other.atMs > waiting.atMs)
    this.#waiting.splice(later === -1 ? this.#waiting.length : later, 0, waiting)
  }

  #apply(event: SimulatedEvent, text: string): void {
    this.#options.say(event.kind === 'say' ? event.words : text, this.#plant.seconds)
    switch (event.kind) {
      case 'say':
        return
      case 'fault':
        return this.fault(event.target, event.fault, event.options)
      case 'clear':
        return this.clear(event.target, event.fault)
      default:
        return this.#plant.apply(event)
    }
  }

  /** Takes one line of the script language now, its time counted from now. Throws in words. */
  event(text: string): void {
    const parsed = parseScript(text)
    if (!parsed.ok) throw new Error(parsed.faults.map(({ words }) => words).join('\n'))
    for (const line of parsed.lines) {
      const refusal = this.refusal(line.event)
      if (refusal !== undefined) throw new Error(refusal)
    }
    const nowMs = this.#plant.seconds * 1000
    for (const line of parsed.lines) {
      if (line.atMs === 0 && line.everyMs === undefined) this.#apply(line.event, line.text)
      else this.#wait({ line, atMs: nowMs + line.atMs })
    }
  }

  /** Why this event cannot happen on this site; undefined when it can. */
  refusal(event: SimulatedEvent): string | undefined {
    if (event.kind === 'say') return undefined
    if (event.kind !== 'fault' && event.kind !== 'clear') return this.#plant.refusal(event)
    const kind = event.fault
    if (!this.#units.has(event.target) && !this.#busFaults.has(event.target)) {
      const known = [...this.#busFaults.keys(), ...this.#units.keys()]
      return `there is no instrument or bus "${event.target}"; there is ${known.join(', ')}`
    }
    const onBus = this.#busFaults.has(event.target)
    return kind !== undefined && onBus && faultKind(kind).on === 'instrument'
      ? `"${kind}" is a fault of an instrument, and "${event.target}" is a bus`
      : undefined
  }

  #faultSets(target: string, kind?: FaultKind): FaultSet[] {
    const unit = this.#units.get(target)
    const bus = unit === undefined ? target : (this.#busOf.get(target)?.id ?? '')
    const onBus = kind === undefined ? unit === undefined : faultKind(kind).on === 'bus'
    if (onBus) return [this.busFaults(bus)]
    if (unit !== undefined) return [unit.faults]
    // A fault of the wire, said of a bus, strikes each of its units.
    return [...this.#units.values()]
      .filter(({ spec }) => this.#busOf.get(spec.instrument)?.id === bus)
      .map(({ faults }) => faults)
  }

  /** Puts a fault in force on an instrument or a bus. Throws in words for a name that is not there. */
  fault(target: string, kind: FaultKind, options: FaultOptions = {}): void {
    const refusal = this.refusal({ kind: 'fault', target, fault: kind, options })
    if (refusal !== undefined) throw new Error(refusal)
    for (const faults of this.#faultSets(target, kind)) faults.set(kind, options, this.#now)
  }

  /** Ends one kind of fault, or all, of an instrument or a bus with its units. */
  clear(target: string, kind?: FaultKind): void {
    const refusal = this.refusal({
      kind: 'clear',
      target,
      ...(kind === undefined ? {} : { fault: kind }),
    })
    if (refusal !== undefined) throw new Error(refusal)
    for (const faults of this.#faultSets(target, kind)) faults.clear(kind)
    if (kind !== undefined || this.#units.has(target)) return
    for (const { spec, faults } of this.#units.values()) {
      if (this.#busOf.get(spec.instrument)?.id === target) faults.clear()
    }
  }

  snapshot(): Snapshot {
    const units = [...this.#units.values()]
    const faults: [string, FaultKind[]][] = [
      ...[...this.#busFaults].map(([id, set]): [string, FaultKind[]] => [id, set.names(this.#now)]),
      ...units.map(({ spec, faults: set }): [string, FaultKind[]] => [
        spec.instrument,
        set.names(this.#now),
      ]),
    ]
    return {
      plantSeconds: this.#plant.seconds,
      zones: this.#plant.state(),
      instruments: Object.fromEntries(
        units.map(({ spec, device }) => [spec.instrument, device.snapshot()]),
      ),
      faults: Object.fromEntries(faults.filter(([, kinds]) => kinds.length > 0)),
    }
  }
}

/** One step of one instrument: nothing while it is without power, a start-up when power comes back. */
function tickUnit(unit: WorldUnit, step: Step): void {
  const lost = unit.faults.active('memory-loss', step.mono) !== undefined
  if (lost || unit.faults.active('reboot', step.mono) !== undefined) {
    unit.off = { memoryLost: lost || unit.off?.memoryLost === true }
    return
  }
  if (unit.off !== undefined) {
    unit.device.powerUp(step, unit.off.memoryLost)
    delete unit.off
  }
  unit.device.tick(step)
}
