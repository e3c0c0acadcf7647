// Golden cases (test/golden): a plant as a site would configure it and scripts of what happened in, the record out, a line each.
// Reads cases and plays their scripts on the real core; what is right, the reviewed files say.

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { formatFinding, loadConfiguration } from '#config/load.ts'
import type { Plant } from '#core/point.ts'
import type { Reading } from '#core/reading.ts'
import type { Millis } from '#core/time.ts'
import { CoreRig, type RigEvent } from './core-rig.ts'
import { carryOut, type Word, wordsOf } from './script.ts'
import { time } from './timeline.ts'

export const GOLDEN = path.resolve(import.meta.dirname, '../golden')

const caseSchema = z.strictObject({
  case: z.string(),
  proves: z.array(z.string().regex(/^URS-\d\d$/)).min(1),
  clauses: z.array(z.string()).min(1),
  about: z.string(),
  zones: z.array(z.record(z.string(), z.unknown())).optional(),
  instruments: z.array(z.record(z.string(), z.unknown())),
  reminders: z.record(z.string(), z.unknown()).optional(),
  runs: z.array(z.strictObject({ run: z.string(), script: z.string() })).min(1),
})

export interface GoldenCase {
  readonly name: string
  readonly title: string
  readonly plant: Plant
  readonly runs: readonly { readonly run: string; readonly script: string }[]
  /** The reviewed record. */
  readonly expected: string
}

/** The zones of every case that names none of its own. */
const ZONES = [
  { id: 'bsc-1', name: 'Cabinet', grade: 'A', within: 'b101', occupancy: 'in_operation' },
  { id: 'b101', name: 'Filling room', grade: 'B', occupancy: 'in_operation' },
  { id: 'c102', name: 'Preparation', grade: 'C', occupancy: 'in_operation' },
]
/** A contact, which no shipped profile has. */
const DOOR = {
  id: 'door',
  protocol: 'modbus',
  source: { document: 'none: a contact of these cases' },
  signals: [
    {
      name: 'open',
      quantity: 'contact',
      unit: '0/1',
      table: 'discrete_input',
      address: 0,
      type: 'bit',
    },
  ],
}

/** Every case, by name. */
export function goldenCases(): readonly GoldenCase[] {
  return readdirSync(GOLDEN, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => readCase(name))
    .sort((one, other) => one.name.localeCompare(other.name))
}

export const timelineFile = (name: string): string => path.join(GOLDEN, name, 'timeline.txt')

function readCase(name: string): GoldenCase {
  const text = readFileSync(path.join(GOLDEN, name, 'case.yaml'), 'utf8')
  const given = caseSchema.parse(parse(text))
  const { zones = ZONES, instruments, reminders } = given
  return {
    name,
    title: given.case,
    plant: plantOf(name, { zones, instruments, ...(reminders && { reminders }) }),
    runs: given.runs,
    expected: readExpected(name),
  }
}

function readExpected(name: string): string {
  try {
    return readFileSync(timelineFile(name), 'utf8')
  } catch {
    return ''
  }
}

/** The plant of a case, through the same door as a site's file. */
function plantOf(name: string, given: object): Plant {
  const file = `/golden/${name}.yaml`
  const configuration = {
    site: { org: 'org', id: 'site', name: 'Cell Factory', timezone: 'Europe/Rome' },
    gateway: { id: 'gw-01', dataDir: './data', origin: 'simulated' },
    limitSet: 'annex1-2022',
    buses: [{ id: 'net-1', protocol: 'modbus-tcp', host: '10.0.0.11' }],
    ...given,
  }
  const memory: Readonly<Record<string, string>> = {
    [file]: stringify(configuration),
    '/golden/door.json': JSON.stringify(DOOR),
  }
  const loaded = loadConfiguration(file, (it) => memory[it] ?? readFileSync(it, 'utf8'))
  if (!loaded.ok) throw new Error(loaded.findings.map(formatFinding).join('\n'))
  return loaded.configuration.plant
}

/** A restart after a word, so long into the time until the next one. */
export interface Restart {
  readonly after: number
  readonly atShare: number
  readonly downMs: Millis
  readonly reboot: boolean
}

export interface Played {
  readonly core: CoreRig
  readonly words: readonly Word[]
  readonly text: string
}

/** Plays a script. A restart takes away none of the script's time: it passes meanwhile. */
export function play(plant: Plant, script: string, restart?: Restart): Played {
  const core = new CoreRig(plant)
  const start = core.wall
  const words = wordsOf(plant, script)
  let moved = 0
  const until = (at: Millis): Millis => Math.max(0, at - (core.wall - start - moved))
  const away = (ms: Millis): void => {
    moved += ms
  }
  for (const [index, word] of words.entries()) {
    core.advance(until(word.at))
    carryOut(core, word, away)
    const gap = until(words[index + 1]?.at ?? word.at)
    if (restart?.after !== index || gap <= restart.downMs) continue
    core.advance((gap - restart.downMs) * restart.atShare)
    core.restart(restart.downMs, { reboot: restart.reboot })
  }
  return { core, words, text: recordText(core) }
}

interface RecordLine {
  readonly from: Millis
  to: Millis
  readonly text: string
  count: number
  readonly event: boolean
  readonly point: string | undefined
}

/** The readings after the last event; of these, equal ones stand on one line. */
const sinceEvent = (lines: readonly RecordLine[]): readonly RecordLine[] =>
  lines.slice(lines.findLastIndex(({ event }) => event) + 1)

/** The whole record, readings and events in the order of their sequence numbers; equal readings without an event between on one line. */
function recordText({ readings, events, plant }: CoreRig): string {
  const units = new Map(plant.points.map(({ id, unit }) => [id, unit]))
  const lines: RecordLine[] = []
  const all = [
    ...readings.map(({ seq, reading }) => ({ seq, t: reading.t, reading })),
    ...events.map((event) => ({ seq: event.seq, t: event.ts, event })),
  ].sort((one, other) => one.seq - other.seq)
  for (const each of all) {
    const event = 'event' in each
    const text = event ? eventText(each.event) : readingText(each.reading, units)
    const point = event ? undefined : each.reading.point
    const last = event ? undefined : sinceEvent(lines).findLast((line) => line.point === point)
    if (last?.text === text) {
      last.to = each.t
      last.count++
    } else lines.push({ from: each.t, to: each.t, text, count: 1, event, point })
  }
  return lines
    .map(({ from, to, text, count, event }) => {
      const when = count === 1 ? time(from) : `${time(from)}–${time(to)}`
      return `${event ? '    ' : ''}${when} ${text}${count === 1 ? '' : ` (${count} times)`}`
    })
    .join('\n')
}

function readingText(reading: Reading, units: ReadonlyMap<string, string>): string {
  const { point, v, q, qc, slots, late, x, supersedes } = reading
  const words = [
    point,
    v === undefined ? undefined : `${v} ${units.get(point)}`,
    q === 'good' ? undefined : [q, qc].filter(Boolean).join(' '),
    slots === undefined ? undefined : `for ${slots} slots`,
    x === undefined ? undefined : `(${x.counts} in ${x.litres} L)`,
    late === true ? 'late' : undefined,
    supersedes === undefined ? undefined : 'in place of the missing one',
  ]
  return words.filter((word) => word !== undefined).join(' ')
}

/** Fields of an event that a reader wants, in this order, with their names where they do not speak for themselves. */
const TOLD = [
  'zone',
  'target',
  'workOrder',
  'code',
  'step',
  'cause',
  'reached',
  'reason',
  'comment',
  'detail',
  'hidden',
  'stepMs',
] as const

function eventText({ type, ts, body }: RigEvent): string {
  const field = (key: string): string | undefined =>
    [undefined, null, ''].includes(body[key] as string) ? undefined : String(body[key])
  const named = (key: string): string | undefined =>
    field(key) === undefined ? undefined : `${key} ${field(key)}`
  const words: (string | undefined)[] = []
  const alarm = type.startsWith('alarm.')
  if (alarm) words.push(field('alarm'))
  if (!alarm || body['from'] === undefined || type === 'alarm.worsened') words.push(type)
  if (body['from'] === 'superseded') words.push('superseded, acknowledged')
  else if (body['from'] !== undefined)
    words.push(`${field('from') ?? 'unknown'} → ${field('to') ?? 'unknown'}`)
  if (type === 'alarm.activated' || type === 'alarm.worsened') {
    words.push(`(${field('class')}, priority ${field('priority')})`, named('value'))
    const first = body['firstOut'] as { alarm: string } | undefined
    if (first !== undefined) words.push(`after ${first.alarm}`)
    if (body['onset'] !== ts) words.push(`onset ${time(Number(body['onset']))}`)
    if (body['peak'] !== body['value']) words.push(named('peak'))
    for (const flag of ['unconfirmed', 'detectedLate']) if (body[flag] === true) words.push(flag)
  }
  if (type.startsWith('flood.')) words.push(`${field('alarms')} alarms`)
  if (body['held'] !== undefined) words.push(named('held'))
  for (const key of TOLD) if (key !== 'zone' || !alarm) words.push(named(key))
  const actor = body['actor'] as { name?: string; role?: string; via?: string } | undefined
  if (actor !== undefined)
    words.push(`by ${actor.name === undefined ? actor.via : `${actor.name}, ${actor.role}`}`)
  return words.filter((word) => word !== undefined).join(' ')
}

/** The record of every run, as it is kept beside the case. */
export const caseText = ({ title, plant, runs }: GoldenCase): string =>
  `${[`# ${title}`, ...runs.map(({ run, script }) => `## ${run}\n\n${play(plant, script).text}`)].join('\n\n')}\n`
