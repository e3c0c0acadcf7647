// What instruments and people do, as text, carried out on the core in virtual time. A line is a time (MM:SS or H:MM:SS after the
// start), who or what, and words; test/golden/README.md tells a reader what they mean.

import { expect } from 'vitest'
import type { Role } from '#core/input.ts'
import type { Sample, SampleFault } from '#core/particle.ts'
import { OCCUPANCIES, type Plant } from '#core/point.ts'
import { BAD_REASONS } from '#core/quality.ts'
import { type Millis, parseDuration } from '#core/time.ts'
import { actor, type CoreRig } from './core-rig.ts'

/** One word of a script with its moment. */
export interface Word {
  readonly at: Millis
  readonly verb: string
  readonly words: readonly string[]
  /** Channels of a row of samples. */
  readonly channels?: readonly string[]
}

/** The words of a script in order of time. A row of values, or of samples, becomes one word for each. */
export function wordsOf(plant: Plant, script: string): readonly Word[] {
  return script
    .split('\n')
    .map((line) => line.replace(/#.*$/, '').trim())
    .flatMap((line) => (line === '' ? [] : expand(plant, line)))
    .sort((one, other) => one.at - other.at)
}

const CHANNELS = /^[\d.]+um(,[\d.]+um)*$/

function expand(plant: Plant, line: string): Word[] {
  const [time = '', verb = '', ...words] = line.split(/\s+/)
  const at = parseTime(time)
  const point = plant.points.find(({ id }) => id === verb)
  const instrument = plant.instruments.find(({ id }) => id === verb)
  const row = instrument !== undefined && CHANNELS.test(words[0] ?? '')
  if (point === undefined && !row) return [{ at, verb, words }]
  const apart = point?.intervalMs ?? instrument?.samplePeriodMs ?? 60_000
  const channels = row ? (words[0] ?? '').split(',').map(signalOf) : undefined
  return (row ? words.slice(1) : words)
    .flatMap(repeated)
    .flatMap((word, index) =>
      word === '-'
        ? []
        : [{ at: at + index * apart, verb, words: [word], ...(channels && { channels }) }],
    )
}

/** `15*8` is eight times 15. */
function repeated(word: string): string[] {
  const [, what = word, times = '1'] = /^(.+)\*(\d+)$/.exec(word) ?? []
  return Array.from({ length: Number(times) }, () => what)
}

const signalOf = (size: string): string => `particles_${size.replace('.', '_')}`

function parseTime(text: string): Millis {
  const parts = text.split(':').map(Number)
  if (parts.some((part) => !Number.isFinite(part))) throw new Error(`no time: ${text}`)
  return parts.reduce((total, part) => total * 60 + part, 0) * 1000
}

/** A duration, also a negative one. */
export function duration(text: string | undefined): Millis {
  const negative = text?.startsWith('-') === true
  const ms = parseDuration((text ?? '').replace('-', ''))
  if (ms === undefined) throw new Error(`no duration: ${text}`)
  return negative ? -ms : ms
}

/** Carries out one word. `away` is told before the process is away or the wall clock moves by so much. */
export function carryOut(core: CoreRig, word: Word, away: (ms: Millis) => void): void {
  const { verb, words } = word
  const [first = '', second = '', ...rest] = words
  switch (verb) {
    case 'end':
      return
    case 'condition':
      core.condition(first, second === 'on')
      return
    case 'down':
    case 'reboot':
      away(duration(first))
      core.restart(duration(first), { reboot: verb === 'reboot' })
      return
    case 'wall':
      away(duration(first))
      core.stepWall(duration(first))
      return
    default:
      if (!act(core, verb, first, [second, ...rest])) measure(core, word)
  }
}

/** What a person does; false where the verb is none. */
function act(core: CoreRig, verb: string, first: string, rest: readonly string[]): boolean {
  const [second = '', ...words] = rest
  const comment = words.join(' ')
  const by = PEOPLE[verb]
  switch (verb) {
    case 'ack':
      core.ack(first, { reason: second, comment })
      return true
    case 'reset':
      core.reset(first)
      return true
    case 'occupancy': {
      const state = OCCUPANCIES.find((one) => one === second)
      if (state === undefined) throw new Error(`no occupancy: ${second}`)
      core.occupancy(first, state)
      return true
    }
    case 'shelve': {
      const until = Math.round(core.wall + duration(second))
      core.act({ kind: 'shelve', alarm: first, until, reason: 'known_fault', comment })
      return true
    }
    case 'unshelve':
      core.act({ kind: 'unshelve', alarm: first, reason: 'known_fault' })
      return true
    case 'take-out':
      core.act({ kind: 'out_of_service', target: first, workOrder: second, comment }, by)
      return true
    case 'put-back':
      core.act({ kind: 'return_to_service', target: first, comment: second }, by)
      return true
    default:
      return false
  }
}

const person = (user: string, role: Role) => actor(user, role)
/** Who does what takes more than a technician; everything else is done by J. Doe. */
const PEOPLE: Readonly<Record<string, ReturnType<typeof actor>>> = {
  'take-out': person('m.rossi', 'supervisor'),
  'put-back': person('q.bianchi', 'qa'),
}

function measure(core: CoreRig, { verb, words, channels }: Word): void {
  const [word = ''] = words
  if (channels !== undefined) {
    sampleRow(core, verb, channels, word)
    return
  }
  if (core.plant.instruments.some(({ id }) => id === verb)) {
    const counts = words.filter((each) => each.includes('=')).map((each) => each.split('='))
    core.sample(
      verb,
      Object.fromEntries(counts.map(([signal, count]) => [signal, Number(count)])),
      { faults: words.filter((each) => !each.includes('=')) as SampleFault[] },
    )
    return
  }
  const [name = '', code] = word.split(':')
  const reason = BAD_REASONS.find((one) => one === name)
  if (reason !== undefined)
    core.slot(verb, reason, code === undefined ? {} : { exceptionCode: Number(code) })
  else if (word.startsWith('?')) core.slot(verb, Number(word.slice(1)), { warning: 'warmup' })
  else if (Number.isFinite(Number(word))) core.slot(verb, Number(word))
  else throw new Error(`neither value nor reason: ${verb} ${word}`)
}

/** `20,1` are counts in the order of the channels; after them, each behind a colon, faults or `flow= litres= time= hold= ago=`. */
function sampleRow(
  core: CoreRig,
  instrument: string,
  channels: readonly string[],
  word: string,
): void {
  const [tuple = '', ...more] = word.split(':')
  const numbers = tuple.split(',').map(Number)
  expect(numbers.length, `counts of ${word}`).toBe(channels.length)
  const counts = Object.fromEntries(channels.map((signal, index) => [signal, numbers[index] ?? 0]))
  const given = more.map((each) => modifierOf(core, each))
  const faults = given.flatMap(({ faults: its = [] }) => its)
  core.sample(instrument, counts, { ...Object.assign({}, ...given), faults })
}

function modifierOf(core: CoreRig, text: string): Partial<Sample> {
  const [key = '', value = ''] = text.split('=')
  switch (key) {
    case 'flow':
      return { flowLpm: Number(value) }
    case 'litres':
      return { litres: Number(value) }
    case 'time':
      return { durationMs: duration(value) }
    case 'hold':
      return { holdMs: duration(value) }
    case 'ago':
      return { endedAtInstrument: Math.floor((core.wall - duration(value)) / 1000) * 1000 }
    default:
      return { faults: [key as SampleFault] }
  }
}
