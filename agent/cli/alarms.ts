// `alarms`: the list a technician works from. What needs somebody stands first; what is shown decides nothing.

import type { AlarmsView, AlarmView } from '../control/view.ts'
import { type AlarmGroup, groupByCause } from './alarm-groups.ts'
import { ask, type ClientOptions, findTarget } from './client-options.ts'
import { EXIT } from './exit-code.ts'
import { type Output, printable, printJson, type Style, table } from './output.ts'
import {
  counted,
  floodWords,
  localTime,
  shortTime,
  span,
  valueAgainst,
  withUnit,
} from './wording.ts'

export interface AlarmsOptions extends ClientOptions {
  readonly all?: boolean
  /** The reasons and phrases to choose from, in place of the alarms. */
  readonly reasons?: boolean
}

/** Prints the alarms; the exit code. */
export async function alarms(options: AlarmsOptions, output: Output): Promise<number> {
  const all = options.all === true
  const view = await ask<'alarms'>(findTarget(options), { op: 'alarms', all })
  if (options.reasons === true) {
    if (options.json === true) printJson(output, view.words ?? {})
    else output.data(choicesText(view))
  } else if (options.json === true) printJson(output, view)
  else output.data(alarmsText(view, output, all ? 'each' : 'by cause'))
  return EXIT.ok
}

const TO_ACKNOWLEDGE = 'To acknowledge'

/** Reason codes and phrases as text. */
export function choicesText({ words }: Pick<AlarmsView, 'words'>): string {
  const { reasons = [], phrases = [] } = words ?? {}
  const block = (title: string, rows: readonly string[][]): string[] =>
    rows.length === 0 ? [] : [`${title}\n${table(rows.map((row) => row.map(printable)))}`]
  return [
    ...block(
      'Reasons',
      reasons.map(({ code, label = '' }) => [code, label]),
    ),
    ...block(
      'Phrases',
      phrases.map(({ id, text }) => [id, text]),
    ),
  ].join('\n\n')
}

/** Groups of the list in the order of urgency, by state. */
const GROUPS: readonly { title: string; states: readonly string[]; style: Style }[] = [
  {
    title: TO_ACKNOWLEDGE,
    states: ['unacknowledged', 'rtn_unacknowledged', 'latched_unacknowledged'],
    style: ['bold', 'red'],
  },
  { title: 'Acknowledged, still going on', states: ['acknowledged'], style: 'bold' },
  { title: 'To reset', states: ['latched_acknowledged'], style: ['bold', 'yellow'] },
  {
    title: 'Shelved, suppressed or out of service',
    states: ['shelved', 'suppressed_by_design', 'out_of_service'],
    style: 'bold',
  },
  { title: 'Normal', states: ['normal'], style: 'dim' },
]

/** States as people read them (alarms.md, "Shown as"). */
const STATE_WORDS: Readonly<Record<string, string>> = {
  unacknowledged: 'NEW',
  acknowledged: 'acknowledged',
  rtn_unacknowledged: 'RETURNED',
  latched_unacknowledged: 'LATCHED',
  latched_acknowledged: 'latched',
  shelved: 'shelved',
  suppressed_by_design: 'suppressed',
  out_of_service: 'out of service',
  normal: 'normal',
}

/** The alarm list as text. An empty one says so, and that it is fresh. */
export function alarmsText(
  view: AlarmsView,
  output: Pick<Output, 'style'>,
  inFlood: 'each' | 'by cause' = 'by cause',
): string {
  const update = updateWords(view)
  const folded = view.flood !== undefined && inFlood === 'by cause'
  const known = new Set(GROUPS.flatMap(({ states }) => states))
  const groups = GROUPS.map(({ states, title, style }, index) => ({
    title,
    style,
    // A state this version does not know is shown first rather than left out.
    alarms: view.alarms.filter(
      ({ state }) => states.includes(state) || (index === 0 && !known.has(state)),
    ),
  })).filter((group) => group.alarms.length > 0)
  const origin = [
    ...(view.origin === 'simulated' ? ['SIMULATED instruments'] : []),
    ...(view.flood === undefined
      ? []
      : [output.style(['bold', 'red'], bannerOf(view, view.flood, folded))]),
  ]
  if (groups.length === 0) return [...origin, `No alarms. ${update}`].join('\n')
  const blocks = groups.map(({ title, style, alarms: members }) => {
    const sorted = [...members].sort(byUrgency)
    const shown = folded ? groupByCause(sorted) : sorted.map((alarm) => ({ alarm, others: [] }))
    const rows = shown.map((group) => rowOf(group, view))
    const listed = table(withoutEmptyEnd([HEADS, ...rows]))
    const head = output.style(style, `${title} (${members.length})`)
    const below = [...detailLines(shown), ...guidanceLines(shown, title)]
    return [`${head}\n${listed}`, ...below].join('\n')
  })
  return [...origin, ...blocks, update].join('\n\n')
}

const bannerOf = (
  { at, timezone }: AlarmsView,
  flood: NonNullable<AlarmsView['flood']>,
  folded: boolean,
): string =>
  `${floodWords(flood, at, timezone)}${folded ? '. Listed by cause; each one: cleanroom-agent alarms --all' : ''}`

function updateWords({ at, lastReadingAt, timezone }: AlarmsView): string {
  if (lastReadingAt === undefined) return `No reading yet (${localTime(at, timezone)}).`
  const age = at - lastReadingAt
  return `Last reading ${localTime(lastReadingAt, timezone)} (${span(age)} ago).`
}

/** Longest detail in the column of values: one long sentence would push every occurrence id beyond the screen. */
const DETAIL_WIDTH_MAX = 40

const isLong = ({ value, detail = '' }: AlarmView): boolean =>
  value === undefined && detail.length > DETAIL_WIDTH_MAX

/** What did not fit into the list, in full. */
const detailLines = (groups: readonly AlarmGroup[]): string[] => {
  const lines = groups
    .filter(({ alarm }) => isLong(alarm))
    .map(({ alarm }) => printable(`  ${alarm.alarm}: ${alarm.detail ?? ''}`))
  return lines.length === 0 ? [] : ['', 'In full', ...lines]
}

/** What is to be done about what nobody has acknowledged, once for those of which the same holds. */
function guidanceLines(groups: readonly AlarmGroup[], title: string): string[] {
  if (title !== TO_ACKNOWLEDGE) return []
  const alarmsOf = new Map<string, string[]>()
  for (const { alarm } of groups) {
    const action = alarm.guidance?.action
    if (action === undefined) continue
    alarmsOf.set(action, [...(alarmsOf.get(action) ?? []), alarm.alarm])
  }
  const lines = [...alarmsOf]
    .slice(0, GUIDANCE_SHOWN_MAX)
    .map(([action, its]) => printable(`  ${namedWords(its)}: ${action}`))
  return lines.length === 0 ? [] : ['', 'What to do', ...lines]
}

/** Kinds of guidance shown below the list; each alarm carries its own (`ack`, `--json`). */
const GUIDANCE_SHOWN_MAX = 5
const NAMED_MAX = 3

const namedWords = (alarms: readonly string[]): string => {
  const more = alarms.length - NAMED_MAX
  return `${alarms.slice(0, NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

const HEADS = ['STATE', 'PRIO', 'ALARM', 'VALUE', 'LIMIT', 'SINCE', 'OCCURRENCE', 'ACKNOWLEDGED BY']
const NONE = '-'

/** The rows without their last column where nobody has acknowledged anything. */
const withoutEmptyEnd = (rows: readonly (readonly string[])[]): readonly (readonly string[])[] =>
  rows.slice(1).every((row) => row.at(-1) === NONE) ? rows.map((row) => row.slice(0, -1)) : rows

/** Urgent first, of those causes before what follows from them, then the newest. */
function byUrgency(a: AlarmView, b: AlarmView): number {
  const follows = ({ parent }: AlarmView) => (parent === undefined ? 0 : 1)
  return (
    a.priority - b.priority ||
    follows(a) - follows(b) ||
    sinceOf(b) - sinceOf(a) ||
    (a.alarm < b.alarm ? -1 : 1)
  )
}

const sinceOf = ({ activated, onset, ts }: AlarmView): number => activated ?? onset ?? ts ?? 0

function rowOf({ alarm, others }: AlarmGroup, view: AlarmsView): string[] {
  const since = sinceOf(alarm)
  const superseded = alarm.superseded?.length ?? 0
  const notes = [
    ...(alarm.test === true ? ['TEST of the alarm path'] : []),
    ...(alarm.parent === undefined ? [] : [`follows ${alarm.parent}`]),
    ...(alarm.chattering === true ? ['chattering'] : []),
    ...(alarm.unconfirmed === true ? ['unconfirmed'] : []),
    ...(alarm.detectedLate === true ? ['detected late'] : []),
    ...(superseded > 0 ? [`and ${counted(superseded, 'earlier one')}`] : []),
    ...(others.length > 0 ? [`with ${counted(others.length, 'other')} of the same cause`] : []),
  ]
  return [
    STATE_WORDS[alarm.state] ?? printable(alarm.state),
    String(alarm.priority),
    printable([alarm.alarm, ...(notes.length > 0 ? [`(${notes.join(', ')})`] : [])].join(' ')),
    valueWords(alarm),
    limitWords(alarm),
    alarm.occ === null || since === 0
      ? NONE
      : `${shortTime(since, view.at, view.timezone)} (${span(view.at - since)})`,
    alarm.occ ?? NONE,
    ackWords(alarm, view),
  ]
}

/** The value now and, where it was worse before, how far it went. */
function valueWords(alarm: AlarmView): string {
  const { value, limit, peak } = alarm
  const worst =
    peak === undefined || peak === value ? '' : ` (worst ${valueAgainst(peak, limit?.value)})`
  if (value === undefined) {
    const { detail = NONE } = alarm
    const shown = isLong(alarm)
      ? `${[...detail]
          .slice(0, DETAIL_WIDTH_MAX - 1)
          .join('')
          .trimEnd()}…`
      : detail
    return printable(`${shown}${worst}`)
  }
  const unit = limit?.unit ?? alarm.unit
  const shown = valueAgainst(value, limit?.value)
  return printable(`${withUnit(shown, unit)}${worst}`)
}

function limitWords({ limit }: AlarmView): string {
  if (limit === undefined) return NONE
  return printable(`${allowedSign(limit.kind)} ${withUnit(limit.value, limit.unit)}`)
}

/** A low limit and inversion are violated below it, a number of samples once it is reached, every other one above (alarms.md). */
function allowedSign(kind: string): string {
  if (kind.endsWith('_low') || kind === 'inversion') return '≥'
  return kind === 'consecutive' || kind === 'x_of_y' ? '<' : '≤'
}

function ackWords({ ack }: AlarmView, { at, timezone }: AlarmsView): string {
  if (ack === undefined || ack === null) return NONE
  const who = ack.name ?? ack.user
  const words = [who, shortTime(ack.ts, at, timezone), ack.reason, ack.comment]
  return printable(words.filter((word) => word !== undefined).join(', '))
}
