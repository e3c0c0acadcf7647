// `alarms --performance`: how the alarms of a period have performed, against ISA-18.2 (URS-38), from the journal of a running agent.
// Reads it page by page and shows how far it has come; holds the figures, never the records.

import { FLOOD_ABOVE } from '#core/flood.ts'
import {
  type AcknowledgeTimes,
  type AlarmPerformance,
  type AlarmRecord,
  type Counted,
  ISA_18_2,
  PerformanceCount,
} from '#core/performance.ts'
import { DAY, type Millis } from '#core/time.ts'
import { ask, type ClientOptions, findTarget } from './client-options.ts'
import { CommandError, EXIT } from './exit-code.ts'
import { journalPages } from './journal-pages.ts'
import { periodOf } from './moment.ts'
import { type Output, printable, printJson, table } from './output.ts'
import { counted, localTime, span } from './wording.ts'

export interface PerformanceOptions extends ClientOptions {
  readonly from?: string
  readonly to?: string
  /** Shows how far it has come; by default where stderr is a terminal. */
  readonly progress?: boolean
}

const PERIOD_MS: Millis = 30 * DAY
/** Alarms, and what tells when the journal begins. */
const TYPES = ['alarm', 'system.started']

/** Prints the figures; the exit code. */
export async function performance(options: PerformanceOptions, output: Output): Promise<number> {
  const target = findTarget(options)
  const asked = periodOf(options)
  const now = await ask<'alarms'>(target, { op: 'alarms', all: false })
  const to = Math.min(asked.to ?? now.at, now.at)
  const from = asked.from ?? to - PERIOD_MS
  if (from >= to)
    throw new CommandError(EXIT.usage, '--from is not before --to, or lies in the future')
  const count = new PerformanceCount({ from, to })
  // from the beginning on: what began before the period may stand in it
  let known = false
  for await (const page of journalPages(target, { types: TYPES, to, progress: options.progress })) {
    for (const record of page.records) count.add(record as AlarmRecord)
    known ||= page.records.length > 0
  }
  // no figure is made of a time that nobody watched
  if (!known) {
    const until = localTime(to, now.timezone)
    throw new CommandError(EXIT.usage, `nothing is on record up to ${until}; give a later --to`)
  }
  const figures = count.result(now.alarms)
  if (options.json === true) printJson(output, { timezone: now.timezone, ...figures })
  else output.data(performanceText(figures, now.timezone, output))
  return EXIT.ok
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`
const rounded = (value: number): string => String(Number(value.toPrecision(3)))

/** The figures as text. */
export function performanceText(
  figures: AlarmPerformance,
  timezone: string,
  output: Pick<Output, 'style'>,
): string {
  const time = (at: Millis): string => localTime(at, timezone)
  const { from, to, alarms, hidden, realarmed, floods } = figures
  const also = [
    ...(hidden > 0 ? [`${hidden} more behind a shelf, a suppression or out of service`] : []),
    ...(realarmed > 0 ? [`${realarmed} said again`] : []),
  ]
  const head = [
    `Alarm performance from ${time(from)} to ${time(to)} (${span(to - from)})`,
    `${counted(alarms, 'alarm')} called somebody${also.length === 0 ? '' : ` (${also.join('; ')})`}`,
  ]
  const blocks = [
    head.join('\n'),
    table(comparison(figures, output)),
    `Time until acknowledged: ${waitWords(figures.acknowledged)}`,
    ...block('Most frequent', countRows(figures.top.alarms, alarms)),
    ...block('Chattering', countRows(figures.chattering)),
    ...block('Fleeting', countRows(figures.fleeting)),
    ...block(
      'Stale',
      figures.stale.longest.map(({ alarm, since, forMs, standing }) => [
        printable(alarm),
        `${span(forMs)}${standing ? ', still standing' : ''}`,
        `since ${time(since)}`,
      ]),
    ),
    ...block(
      'Floods',
      floods.worst.map((flood) => [
        time(flood.from),
        span(flood.to - flood.from),
        counted(flood.alarms, 'alarm'),
      ]),
    ),
    ...block('Priorities', priorityRows(figures)),
  ]
  return blocks.join('\n\n')
}

const block = (title: string, rows: readonly (readonly string[])[]): string[] =>
  rows.length === 0 ? [] : [`${title}\n${table(rows)}`]

/** Rows of a list that may be long: the ten with the most. */
const LISTED_MAX = 10

const countRows = (list: readonly Counted[], all?: number): string[][] =>
  list
    .slice(0, LISTED_MAX)
    .map(({ alarm, count }) => [
      printable(alarm),
      String(count),
      ...(all === undefined ? [] : [percent(count / all)]),
    ])

/** Every figure beside what ISA-18.2 asks. */
function comparison(figures: AlarmPerformance, { style }: Pick<Output, 'style'>): string[][] {
  const { met, peak, periods, floods, stale } = figures
  const verdict = (holds: boolean): string => (holds ? 'met' : style('red', 'not met'))
  const rate = met.perHour === 'exceeded' ? style('red', met.perHour) : met.perHour
  const { perHourAcceptable, perHourMost, busyPeriods, floodTime } = ISA_18_2
  return [
    ['FIGURE', 'FOUND', 'ISA-18.2', ''],
    [
      'alarms an hour, average',
      rounded(figures.perHour),
      `about ${perHourAcceptable}, ${perHourMost} the most`,
      rate,
    ],
    ['most in ten minutes', String(peak.alarms), `${FLOOD_ABOVE} the most`, verdict(met.peak)],
    [
      `ten-minute periods with more than ${FLOOD_ABOVE}`,
      `${periods.busy} of ${periods.total} (${percent(periods.share)})`,
      `under ${percent(busyPeriods)}`,
      verdict(met.periods),
    ],
    [
      'time in flood',
      `${percent(floods.share)} (${counted(floods.count, 'flood')}, ${span(floods.totalMs)})`,
      `under ${percent(floodTime)}`,
      verdict(met.floods),
    ],
    ['chattering alarms', String(figures.chattering.length), 'none', verdict(met.chattering)],
    ['fleeting alarms', String(figures.fleeting.length), 'none', verdict(met.fleeting)],
    ['stale for more than a day', String(stale.count), 'none', verdict(met.stale)],
  ]
}

function waitWords({ count, medianMs, p95Ms, worstMs }: AcknowledgeTimes): string {
  if (medianMs === undefined || p95Ms === undefined || worstMs === undefined) return 'none was'
  return `median ${span(medianMs)}, 95 % ${span(p95Ms)}, worst ${span(worstMs)} (${count})`
}

function priorityRows({ priorities, acknowledged }: AlarmPerformance): string[][] {
  const wanted: Readonly<Record<string, number>> = ISA_18_2.priorities
  return Object.entries(priorities).map(([priority, { count, share }]) => [
    `priority ${priority}`,
    `${count} (${percent(share)})`,
    wanted[priority] === undefined ? '' : `about ${percent(wanted[priority])}`,
    waitWords(acknowledged.byPriority[priority] ?? { count: 0 }),
  ])
}
