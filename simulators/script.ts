// The script language: one event a line, each at its time. Turns text into events or into complaints with line and words;
// decides nothing about what an event does (plant/plant.ts, main.ts). The language is described in docs/simulators.md.

import { type Millis, parseDuration } from '#core/time.ts'
import { FAULT_KINDS, type FaultKind, type FaultOptions, faultKind, isFaultKind } from './faults.ts'

/** Something that happens in the rooms. Durations are plant time. */
export type PlantEvent =
  | { readonly kind: 'door'; readonly zone: string; readonly to?: string; readonly forMs: Millis }
  | {
      readonly kind: 'disturb'
      readonly zone: string
      readonly sizeUm: number
      readonly perM3: number
      readonly forMs: Millis
    }
  | {
      readonly kind: 'people'
      readonly zone: string
      readonly count: number
      readonly working: boolean
    }
  | {
      readonly kind: 'pressure'
      readonly zone: string
      readonly offsetPa: number
      readonly forMs: Millis
    }
  | { readonly kind: 'fan'; readonly zone: string; readonly forMs: Millis }
  | {
      readonly kind: 'temperature' | 'humidity' | 'co2'
      readonly zone: string
      /** °C, %, or ppm. */
      readonly level: number
      readonly forMs: Millis
    }

/** Something that happens to an instrument or a bus, or is only said. Durations are protocol time. */
export type FieldEvent =
  | {
      readonly kind: 'fault'
      readonly target: string
      readonly fault: FaultKind
      readonly options: FaultOptions
    }
  | { readonly kind: 'clear'; readonly target: string; readonly fault?: FaultKind }
  | { readonly kind: 'say'; readonly words: string }

export type SimulatedEvent = PlantEvent | FieldEvent

/** An event at its plant time after the start, and how often it comes again. */
export interface ScriptLine {
  readonly line: number
  readonly atMs: Millis
  readonly everyMs?: Millis
  readonly event: SimulatedEvent
  /** The event as it was written, for the log. */
  readonly text: string
}

export interface ScriptFault {
  readonly line: number
  readonly words: string
}

export type ParsedScript =
  | { readonly ok: true; readonly lines: readonly ScriptLine[] }
  | { readonly ok: false; readonly faults: readonly ScriptFault[] }

export const SCRIPT_LINES_MAX = 10_000
const LINE_LENGTH_MAX = 500
/** The shortest repetition, so that no script can stop the simulation by itself. */
const EVERY_MS_MIN = 1000

/** Thrown within this file only: the words of what is wrong with one line. */
class Complaint extends Error {}

/** Reads a whole script; all complaints at once. Lines in order of time, then of writing. */
export function parseScript(text: string): ParsedScript {
  const lines: ScriptLine[] = []
  const faults: ScriptFault[] = []
  const rows = text.split(/\r?\n/)
  if (rows.length > SCRIPT_LINES_MAX) {
    const words = `the script has ${rows.length} lines; at most ${SCRIPT_LINES_MAX} are read`
    return { ok: false, faults: [{ line: SCRIPT_LINES_MAX + 1, words }] }
  }
  rows.forEach((row, index) => {
    try {
      const parsed = parseLine(row, index + 1)
      if (parsed !== undefined) lines.push(parsed)
    } catch (error) {
      if (!(error instanceof Complaint)) throw error
      faults.push({ line: index + 1, words: error.message })
    }
  })
  if (faults.length > 0) return { ok: false, faults }
  return { ok: true, lines: lines.toSorted((a, b) => a.atMs - b.atMs || a.line - b.line) }
}

/** One fault as people read it: `demo.txt:3  …`. */
export const formatScriptFault = (file: string, { line, words }: ScriptFault): string =>
  `${file}:${line}  ${words}`

function parseLine(row: string, line: number): ScriptLine | undefined {
  if (row.length > LINE_LENGTH_MAX) {
    throw new Complaint(`the line is longer than ${LINE_LENGTH_MAX} characters`)
  }
  const text = withoutComment(row).trim()
  if (text === '') return undefined
  const tokens = new Tokens(text)
  const first = tokens.peek() ?? ''
  let atMs = 0
  if (first.startsWith('+')) {
    tokens.next('a time')
    atMs = durationOf(first.slice(1), 'the time after the start')
  }
  let everyMs: Millis | undefined
  if (tokens.take('every')) {
    everyMs = durationOf(tokens.next('a duration after "every"'), 'the repetition')
    if (everyMs < EVERY_MS_MIN) throw new Complaint('"every" takes one second at least')
  }
  const words = tokens.rest()
  const event = parseEvent(tokens)
  return { line, atMs, ...(everyMs === undefined ? {} : { everyMs }), event, text: words }
}

/** A `#` begins a comment at the start of a line or after a space. */
const withoutComment = (row: string): string => row.replace(/(^|\s)#.*$/u, '$1')

/** The words of a line, taken one by one. */
class Tokens {
  readonly #words: readonly string[]
  #at = 0

  constructor(text: string) {
    this.#words = text.split(/\s+/u)
  }

  peek(): string | undefined {
    return this.#words[this.#at]
  }

  next(what: string): string {
    const word = this.#words[this.#at]
    if (word === undefined) throw new Complaint(`${what} is missing at the end of the line`)
    this.#at += 1
    return word
  }

  take(word: string): boolean {
    if (this.#words[this.#at] !== word) return false
    this.#at += 1
    return true
  }

  rest(): string {
    return this.#words.slice(this.#at).join(' ')
  }

  end(): void {
    const word = this.peek()
    if (word !== undefined) throw new Complaint(`"${word}" is one word too many`)
  }
}

const VERBS: Readonly<Record<string, (tokens: Tokens) => SimulatedEvent>> = {
  door: parseDoor,
  disturb: parseDisturb,
  people: parsePeople,
  pressure: parsePressure,
  fan: parseFan,
  temperature: (tokens) =>
    parseLevel(tokens, 'temperature', ['C', '°C'], 'a temperature such as 24.5C'),
  humidity: (tokens) => parseLevel(tokens, 'humidity', ['%'], 'a humidity such as 60%'),
  co2: parseCo2,
  fault: parseFault,
  clear: parseClear,
  say: parseSay,
}

/** Reads one event without its time, as `Simulation.event` takes it. */
function parseEvent(tokens: Tokens): SimulatedEvent {
  const verb = tokens.next('an event')
  const parse = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined
  if (parse === undefined) {
    throw new Complaint(`"${verb}" is no event; there are ${Object.keys(VERBS).join(', ')}`)
  }
  return parse(tokens)
}

function durationOf(text: string, what: string): Millis {
  const ms = parseDuration(text)
  if (ms === undefined || !Number.isFinite(ms)) {
    throw new Complaint(`"${text}" is no duration for ${what}; write 250ms, 8s, 5min or 1h`)
  }
  return ms
}

function idOf(tokens: Tokens, what: string): string {
  const id = tokens.next(what)
  if (!/^[a-z0-9-]{1,32}$/.test(id)) throw new Complaint(`"${id}" cannot be the id of ${what}`)
  return id
}

/** A number directly followed by one of the units. */
function measure(text: string, units: readonly string[], what: string): number {
  const match = /^([+-]?\d+(?:\.\d+)?)([^\d.].*|)$/u.exec(text)
  const value = Number(match?.[1])
  if (match === null || !units.includes(match[2] ?? '') || !Number.isFinite(value)) {
    throw new Complaint(`"${text}" is not ${what}`)
  }
  return value
}

/** `for DURATION` to the end of the line. */
function lasting(tokens: Tokens): Millis {
  tokens.take('for')
  const forMs = durationOf(tokens.next('how long, e.g. "for 60s",'), 'how long it lasts')
  tokens.end()
  return forMs
}

function parseDoor(tokens: Tokens): PlantEvent {
  const zone = idOf(tokens, 'a zone or an incubator')
  const to = tokens.take('to') ? idOf(tokens, 'the zone behind the door') : undefined
  if (!tokens.take('open')) throw new Complaint('a door opens: "door ZONE [to ZONE] open 8s"')
  return { kind: 'door', zone, ...(to === undefined ? {} : { to }), forMs: lasting(tokens) }
}

function parseDisturb(tokens: Tokens): PlantEvent {
  const zone = idOf(tokens, 'a zone')
  const size = tokens.next('a particle size')
  const sizeUm = measure(size, ['um', 'µm', 'μm'], 'a particle size such as 0.5um')
  const level = tokens.next('a concentration')
  const perM3 = measure(level, ['/m3', '/m³'], 'a concentration such as 4000/m3')
  if (!(sizeUm >= 0.1 && sizeUm <= 100))
    throw new Complaint(`"${size}" is not between 0.1 and 100 µm`)
  if (perM3 < 0) throw new Complaint(`"${level}" is below 0`)
  return { kind: 'disturb', zone, sizeUm, perM3, forMs: lasting(tokens) }
}

const PEOPLE_MAX = 50

function parsePeople(tokens: Tokens): PlantEvent {
  const zone = idOf(tokens, 'a zone')
  const text = tokens.next('how many people')
  const count = Number(text)
  if (!/^\d+$/.test(text) || count > PEOPLE_MAX) {
    throw new Complaint(`"${text}" is no number of people between 0 and ${PEOPLE_MAX}`)
  }
  const still = tokens.take('still')
  if (!still) tokens.take('working')
  tokens.end()
  return { kind: 'people', zone, count, working: !still }
}

function parsePressure(tokens: Tokens): PlantEvent {
  const zone = idOf(tokens, 'a zone')
  const offsetPa = measure(
    tokens.next('a change of pressure'),
    ['Pa'],
    'a change of pressure such as -8Pa',
  )
  return { kind: 'pressure', zone, offsetPa, forMs: lasting(tokens) }
}

function parseFan(tokens: Tokens): PlantEvent {
  const zone = idOf(tokens, 'a zone')
  if (!tokens.take('off')) throw new Complaint('a fan stops: "fan ZONE off 60s"')
  return { kind: 'fan', zone, forMs: lasting(tokens) }
}

function parseLevel(
  tokens: Tokens,
  kind: 'temperature' | 'humidity',
  units: readonly string[],
  what: string,
): PlantEvent {
  const zone = idOf(tokens, 'a zone')
  const level = measure(tokens.next('a level'), units, what)
  return { kind, zone, level, forMs: lasting(tokens) }
}

function parseCo2(tokens: Tokens): PlantEvent {
  const zone = idOf(tokens, 'an incubator')
  const text = tokens.next('a level')
  const factor = text.endsWith('%') ? 10_000 : 1
  const level = factor * measure(text, ['%', 'ppm'], 'a CO₂ level such as 3.5% or 35000ppm')
  if (level < 0 || level > 1_000_000) throw new Complaint(`"${text}" is not between 0 and 100 %`)
  return { kind: 'co2', zone, level, forMs: lasting(tokens) }
}

function faultOf(name: string): FaultKind {
  if (isFaultKind(name)) return name
  throw new Complaint(`"${name}" is no fault; there are ${Object.keys(FAULT_KINDS).join(', ')}`)
}

function parseFault(tokens: Tokens): FieldEvent {
  const target = idOf(tokens, 'an instrument or a bus')
  const fault = faultOf(tokens.next('a kind of fault'))
  const options: { value?: number; durationMs?: number; rate?: number; times?: number } = {}
  const takes = faultKind(fault).value
  if (takes !== 'none' && isValue(tokens.peek())) {
    const text = tokens.next('a value')
    options.value =
      takes === 'duration' ? durationOf(text, `the value of ${fault}`) : numberOf(text)
  }
  if (fault === 'exception' && !isExceptionCode(options.value ?? 4)) {
    throw new Complaint(`${options.value} is no exception code between 1 and 255`)
  }
  for (let word = tokens.peek(); word !== undefined; word = tokens.peek()) {
    if (tokens.take('rate')) options.rate = rateOf(tokens.next('a rate such as 20%'))
    else if (tokens.take('times')) options.times = timesOf(tokens.next('how many times'))
    else {
      tokens.take('for')
      if (options.durationMs !== undefined) throw new Complaint(`"${word}" is one word too many`)
      options.durationMs = durationOf(tokens.next('how long'), 'how long the fault lasts')
    }
  }
  return { kind: 'fault', target, fault, options }
}

const isExceptionCode = (value: number): boolean =>
  Number.isInteger(value) && value >= 1 && value <= 255

const isValue = (word: string | undefined): boolean =>
  word !== undefined && word !== 'for' && word !== 'rate' && word !== 'times'

function numberOf(text: string): number {
  if (!/^[+-]?\d+(?:\.\d+)?$/.test(text)) {
    throw new Complaint(`"${text}" is no number; a duration needs "for" before it here`)
  }
  return Number(text)
}

function rateOf(text: string): number {
  const percent = measure(text, ['%'], 'a rate such as 20%')
  if (percent < 0 || percent > 100) throw new Complaint(`"${text}" is not between 0% and 100%`)
  return percent / 100
}

function timesOf(text: string): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) < 1)
    throw new Complaint(`"${text}" is no number of times`)
  return Number(text)
}

function parseClear(tokens: Tokens): FieldEvent {
  const target = idOf(tokens, 'an instrument or a bus')
  const name = tokens.peek()
  if (name === undefined) return { kind: 'clear', target }
  const fault = faultOf(tokens.next('a kind of fault'))
  tokens.end()
  return { kind: 'clear', target, fault }
}

function parseSay(tokens: Tokens): FieldEvent {
  const words = tokens.rest()
  if (words === '') throw new Complaint('"say" needs something to say')
  return { kind: 'say', words }
}
