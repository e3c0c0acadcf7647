// What the demo says: where to look, and a line for each thing that happens to an alarm. Pure text from events and views;
// knows no part of the agent, reads no clock.

import type { Plant } from '#core/point.ts'
import type { Reading } from '#core/reading.ts'
import type { JournalEvent } from '#core/record.ts'
import type { AnnunciatorView } from '#ports/annunciator.ts'
import { indicationWords } from './horn.ts'
import { fold, type Output, printJson, type Style } from './output.ts'
import { withUnit } from './wording.ts'

type Paint = (style: Style, text: string) => string

export interface DemoPlaces {
  readonly brokerUrl: string
  readonly dataDir: string
  readonly buses: readonly {
    readonly id: string
    readonly address: string
    readonly instruments: readonly string[]
  }[]
  readonly people: readonly {
    readonly user: string
    readonly name: string
    readonly role: string
    readonly pin: string
  }[]
  readonly lasts?: string
}

const RULE = '─'.repeat(80)
/** How far in a line goes on that the terminal is too narrow for: below what follows the time. */
const INDENT = 10

/** The first screen: what runs, where to look, who may acknowledge, what to type. */
function openingText(plant: Plant, places: DemoPlaces, paint: Paint): string {
  const zones = plant.zones.map(
    ({ id, grade, name }) => `${id.padEnd(12)} grade ${grade.padEnd(4)} ${name}`,
  )
  const port = new URL(places.brokerUrl).port
  const user = places.people[0]?.user ?? 'NAME'
  return [
    RULE,
    `${paint('bold', plant.siteName)}: a simulated Cell Factory, monitored for real.`,
    `Every value below is ${paint('bold', 'simulated')}.`,
    RULE,
    '',
    `${paint('bold', 'Zones')}`,
    ...zones.map((zone) => `  ${zone}`),
    '',
    `${paint('bold', 'Instruments')} (${wires(places)})`,
    ...places.buses.map(
      ({ id, address, instruments }) =>
        `  ${id.padEnd(12)} ${address.padEnd(22)} ${instruments.join(', ')}`,
    ),
    '',
    `${paint('bold', 'People')}`,
    ...places.people.map(
      ({ user, name, role, pin }) =>
        `  ${user.padEnd(12)} PIN ${pin.padEnd(8)} ${role.padEnd(14)} ${name}`,
    ),
    '',
    `${paint('bold', 'Look')}`,
    `  broker       ${places.brokerUrl}   mosquitto_sub -p ${port} -t 'cr/v1/#' -v`,
    `  data         ${places.dataDir}`,
    '',
    `${paint('bold', 'Type, in another terminal')}`,
    '  npm run -s agent -- alarms',
    `  npm run -s agent -- ack OCCURRENCE -u ${user} -r door_opened -m "airlock door"`,
    `  npm run -s agent -- reset OCCURRENCE -u ${user}`,
    `  npm run -s agent -- silence -u ${user}`,
    '  npm run -s agent -- status',
    '',
    `An excursion comes within the first minute. ${lasts(places.lasts)}Ctrl-C ends everything.`,
    RULE,
  ].join('\n')
}

const wires = ({ buses }: DemoPlaces): string =>
  buses.some(({ address }) => address.startsWith('/'))
    ? 'real Modbus TCP on this machine, and RTU on a pseudo-terminal'
    : 'real Modbus TCP on this machine'

const lasts = (time: string | undefined): string =>
  time === undefined ? '' : `The demo ends by itself after ${time}. `

const WORDS: Readonly<Record<string, string>> = {
  'alarm.activated': 'ALARM',
  'alarm.returned': 'returned to normal',
  'alarm.acknowledged': 'acknowledged',
  'alarm.reset': 'reset',
  'alarm.superseded': 'superseded by a new occurrence',
}

const STYLES: Readonly<Record<string, Style>> = {
  action: ['bold', 'red'],
  alert: ['bold', 'yellow'],
  fault: ['bold', 'magenta'],
  system: ['bold', 'magenta'],
}

/** Clock time of the site, for one line of the screen. */
export const timeOfDay = (wall: number, timezone: string): string =>
  new Intl.DateTimeFormat('en-GB', { timeZone: timezone, timeStyle: 'medium' }).format(wall)

/** The value of a reading for people: at most four significant places, the sign kept, never rounded across a limit. */
export function valueText(value: number, unit: string, limit?: number): string {
  const short = Number(value.toPrecision(4))
  const crosses = limit !== undefined && Math.sign(value - limit) !== Math.sign(short - limit)
  return withUnit(crosses ? value : short, unit)
}

/** One line for an alarm event, or undefined for anything else. `plant` gives the names. */
function eventLine(event: JournalEvent, plant: Plant, paint: Paint): string | undefined {
  const word = WORDS[event.type]
  if (word === undefined) return undefined
  const body = event.body as unknown as AlarmBody
  const zone = plant.zones.find(({ id }) => id === body.zone)
  const where = zone === undefined ? '' : `  ${zone.name}, grade ${zone.grade}`
  const unit = body.limit?.unit ?? plant.points.find(({ id }) => id === body.point)?.unit ?? ''
  const value =
    body.value === undefined ? '' : `  ${valueText(body.value, unit, body.limit?.value)}`
  const limit =
    body.limit === undefined ? '' : `, limit ${withUnit(body.limit.value, body.limit.unit)}`
  const who = body.actor === undefined ? '' : `  by ${body.actor.name} (${body.actor.role})`
  const why =
    body.reason === undefined
      ? ''
      : `: ${body.reason}${body.comment === undefined ? '' : `, “${body.comment}”`}`
  const isNew = event.type === 'alarm.activated'
  const head = isNew
    ? paint(STYLES[body.class ?? ''] ?? 'bold', `${word} ${body.class ?? ''}`)
    : word
  const priority = body.priority === undefined ? '' : ` priority ${body.priority}`
  const what = `${head}${isNew ? priority : ''}  ${paint('bold', body.alarm)}${where}`
  const lines = `${timeOfDay(event.ts, plant.timezone)}  ${what}${value}${limit}${who}${why}`
  return isNew ? `${lines}\n          occurrence ${body.occ}` : lines
}

/** One line when horn or light show something else. */
function hornLine(wall: number, { timezone }: Plant, view: AnnunciatorView, paint: Paint): string {
  const { shown, driven, cause, testing } = view
  const words = driven ? indicationWords(shown) : `cannot be driven: ${cause ?? 'not yet'}`
  const style = shown.horn !== 'off' || !driven ? (['bold', 'red'] as const) : ('bold' as const)
  return `${timeOfDay(wall, timezone)}  ${paint([...[style].flat()], testing ? 'self-test of horn and light' : 'horn and light')}  ${words}`
}

interface AlarmBody {
  readonly alarm: string
  readonly occ?: string
  readonly class?: string
  readonly priority?: number
  readonly zone?: string
  readonly point?: string
  readonly value?: number
  readonly limit?: { readonly value: number; readonly unit: string }
  readonly actor?: { readonly name: string; readonly role: string }
  readonly reason?: string
  readonly comment?: string
}

/** A line that shows that monitoring lives: how many points are good, and the newest value of a few that matter. */
function pulseLine(
  wall: number,
  plant: Plant,
  newest: (point: string) => Reading | undefined,
  alarms: number,
): string {
  let good = 0
  const bad: string[] = []
  for (const { id } of plant.points) {
    const reading = newest(id)
    if (reading?.q === 'good') good++
    else if (reading !== undefined) bad.push(`${id} ${reading.qc}`)
  }
  const shown = plant.points
    .filter(
      ({ critical, quantity, grade }) =>
        critical || (quantity === 'particle_concentration' && grade === 'A'),
    )
    .slice(0, 4)
    .map(({ id, unit }) => {
      const value = newest(id)?.v
      return `${id} ${value === undefined ? '–' : valueText(value, unit)}`
    })
  const troubled =
    bad.length === 0 ? '' : `  not good: ${bad.slice(0, 3).join(', ')}${bad.length > 3 ? ' …' : ''}`
  const open = alarms === 0 ? 'no alarm needs anybody' : `${alarms} alarm(s) need somebody`
  return `${timeOfDay(wall, plant.timezone)}  ${good} of ${plant.points.length} points good  ${shown.join('  ')}  ${open}${troubled}`
}

/** What the demo shows while it runs: a screen for people, or with --json one document a line. */
export interface DemoScreen {
  opening(plant: Plant, places: DemoPlaces): void
  event(event: JournalEvent, plant: Plant): void
  horn(wall: number, plant: Plant, view: AnnunciatorView): void
  pulse(
    wall: number,
    plant: Plant,
    newest: (point: string) => Reading | undefined,
    alarms: number,
  ): void
  ending(): void
}

export function demoScreen(json: boolean, output: Output): DemoScreen {
  if (json) return jsonScreen((document) => printJson(output, document))
  const paint: Paint = (style, text) => output.style(style, text)
  const data = (text: string): void =>
    output.data(output.columns === undefined ? text : fold(text, output.columns, INDENT))
  return {
    opening: (plant, places) => data(openingText(plant, places, paint)),
    event: (event, plant) => {
      const line = eventLine(event, plant, paint)
      if (line !== undefined) data(line)
    },
    horn: (wall, plant, view) => data(hornLine(wall, plant, view, paint)),
    pulse: (wall, plant, newest, alarms) => data(pulseLine(wall, plant, newest, alarms)),
    ending: () => data('The demo ends; everything it started is stopped.'),
  }
}

/** `origin` stands in every document, so that nobody takes a demonstration for a record. */
function jsonScreen(say: (document: object) => void): DemoScreen {
  const origin = 'simulated'
  return {
    opening: ({ siteName, zones }, places) =>
      say({ event: 'running', origin, siteName, zones, ...places }),
    event: (event) => {
      if (WORDS[event.type] !== undefined) say({ event: 'alarm', origin, ...event })
    },
    horn: (ts, _plant, { shown, driven, cause }) =>
      say({ event: 'horn', origin, ts, shown, driven, ...(cause !== undefined && { cause }) }),
    pulse: (ts, { points }, newest, alarms) =>
      say({
        event: 'pulse',
        origin,
        ts,
        alarms,
        points: points.map(({ id }) => brief(id, newest)),
      }),
    ending: () => say({ event: 'ended', origin }),
  }
}

function brief(p: string, newest: (point: string) => Reading | undefined): object {
  const reading = newest(p)
  if (reading === undefined) return { p }
  const { t, v, q, qc } = reading
  return { p, t, ...(v !== undefined && { v }), q, ...(qc !== undefined && { qc }) }
}
