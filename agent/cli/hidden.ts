// `alarms --hidden`: what shelves, suppressions and out of service hid (URS-35): of those that have ended from the journal, of those that
// stand how many so far. Shows what is on record; judges nothing.

import type { Millis } from '#core/time.ts'
import type { AlarmsView, AlarmView, AuditRecord } from '../control/view.ts'
import { ask, type ClientOptions, findTarget } from './client-options.ts'
import { EXIT } from './exit-code.ts'
import { journalPages } from './journal-pages.ts'
import { periodOf } from './moment.ts'
import { type Output, printable } from './output.ts'
import { counted, localTime, span } from './wording.ts'

export interface HiddenOptions extends ClientOptions {
  /** Holds that ended from this moment on, and up to this one. */
  readonly from?: string
  readonly to?: string
  readonly progress?: boolean
}

const TYPES = ['alarm.unshelved', 'suppression.ended', 'out_of_service.ended']
const WORDS: Readonly<Record<string, string>> = {
  'alarm.unshelved': 'shelved',
  'suppression.ended': 'suppressed',
  'out_of_service.ended': 'out of service',
  shelved: 'shelved',
  suppressed_by_design: 'suppressed',
  out_of_service: 'out of service',
}

/** Prints what was hidden; the exit code. */
export async function hidden(options: HiddenOptions, output: Output): Promise<number> {
  const target = findTarget(options)
  const period = periodOf(options)
  const json = options.json === true
  const query = { types: TYPES, progress: options.progress }
  let shown = 0
  for await (const page of journalPages(target, { ...query, ...period })) {
    for (const record of page.records) {
      shown++
      output.data(json ? JSON.stringify(record) : endedText(record, page.timezone))
    }
  }
  const view = await ask<'alarms'>(target, { op: 'alarms', all: true })
  for (const alarm of view.alarms) {
    if (alarm.held === undefined || (period.to !== undefined && period.to < view.at)) continue
    shown++
    output.data(json ? JSON.stringify(alarm) : standingText(alarm, view))
  }
  if (shown === 0 && !json) output.talk('nothing was out of sight')
  return EXIT.ok
}

interface HiddenOccurrence {
  readonly occ: string
  readonly activated: Millis
  readonly returned?: Millis
  readonly peak?: number
}

/** A hold that has ended: what it was, how many it hid, and the newest of them. */
export function endedText(record: AuditRecord, timezone: string): string {
  const fields = record as Readonly<Record<string, unknown>>
  const { alarm, zone, target, since, workOrder, cause } = fields
  const subject = String(alarm ?? zone ?? target ?? '')
  const began = typeof since === 'number' ? `${localTime(since, timezone)} to ` : 'until '
  const why = [workOrder, cause].filter((part) => typeof part === 'string').join(', ')
  const head = [
    `${began}${localTime(record.ts, timezone)}  ${WORDS[record.type] ?? record.type}  ${subject}`,
    ...(why === '' ? [] : [`(${why})`]),
    `hid ${counted(Number(fields['hidden'] ?? 0), 'occurrence')}`,
  ].join('  ')
  const lines = occurrencesOf(fields).map(([of, one]) => {
    const { occ, activated, returned, peak } = one
    const end = returned === undefined ? 'went on' : `gone after ${span(returned - activated)}`
    const worst = peak === undefined ? '' : `, worst ${peak}`
    return printable(`    ${of}  ${localTime(activated, timezone)}  ${end}${worst}  ${occ}`)
  })
  return [printable(head), ...lines].join('\n')
}

/** The occurrences an event lists, each with its alarm. */
function occurrencesOf({
  alarm,
  hid,
}: Readonly<Record<string, unknown>>): [string, HiddenOccurrence][] {
  if (!Array.isArray(hid)) return []
  if (typeof alarm === 'string')
    return (hid as HiddenOccurrence[]).map((one): [string, HiddenOccurrence] => [alarm, one])
  const each = hid as { alarm: string; occurrences?: HiddenOccurrence[] }[]
  return each.flatMap(({ alarm: of, occurrences = [] }) =>
    occurrences.map((one): [string, HiddenOccurrence] => [of, one]),
  )
}

/** A hold that stands. */
function standingText({ alarm, state, held }: AlarmView, { timezone }: AlarmsView): string {
  const { since, until, workOrder, hidden: count, by } = held ?? { since: 0, hidden: 0 }
  const end = until === undefined ? '' : ` until ${localTime(until, timezone)}`
  const why = [workOrder, by?.name].filter((part) => part !== undefined).join(', ')
  const head = `since ${localTime(since, timezone)}${end}  ${WORDS[state] ?? state}  ${alarm}`
  return printable(
    [head, ...(why === '' ? [] : [`(${why})`]), `hides ${counted(count, 'occurrence')}`].join('  '),
  )
}
