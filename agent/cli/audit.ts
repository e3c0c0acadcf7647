// `audit`: who changed what, when and why, from the journal of a running agent, page by page. Shows the records as they stand;
// leaves none out that is asked for, and holds no more than a page.

import type { AuditRecord, ChangeView } from '../control/view.ts'
import { valueWords } from './changes-text.ts'
import { ask, type ClientOptions, findTarget } from './client-options.ts'
import { EXIT } from './exit-code.ts'
import { periodOf } from './moment.ts'
import { type Output, printable } from './output.ts'
import { localTime } from './wording.ts'

export interface AuditOptions extends ClientOptions {
  readonly from?: string
  readonly to?: string
  readonly user?: string
  readonly type?: readonly string[]
}

/** Prints the audit trail; the exit code. */
export async function audit(options: AuditOptions, output: Output): Promise<number> {
  const target = findTarget(options)
  const period = periodOf(options)
  let after: number | undefined = 0
  let shown = 0
  while (after !== undefined) {
    const page: Awaited<ReturnType<typeof ask<'audit'>>> = await ask<'audit'>(target, {
      op: 'audit',
      after,
      ...period,
      ...(options.user === undefined ? {} : { user: options.user }),
      ...(options.type === undefined ? {} : { types: [...options.type] }),
    })
    for (const record of page.records) {
      if (options.json === true) {
        output.data(JSON.stringify({ ...record, when: localTime(record.ts, page.timezone) }))
      } else output.data(recordText(record, page.timezone))
    }
    shown += page.records.length
    after = page.next
  }
  if (shown === 0 && options.json !== true) output.talk('nothing on record that is asked for')
  return EXIT.ok
}

/** One record: when, who, what, from old to new, why; a line for each value of a changed configuration. */
export function recordText(record: AuditRecord, timezone: string): string {
  const fields = record as Readonly<Record<string, unknown>>
  const change = changeOf(record, fields, timezone)
  const why = ['cause', 'reason', 'comment', 'why', 'detail', 'found', 'words']
    .map((key) => fields[key])
    .filter((part) => typeof part === 'string' && part !== '')
    .join('; ')
  const head = `${localTime(record.ts, timezone)}  ${record.type}  ${whoOf(fields)}${subjectOf(fields)}${change}`
  const lines = [printable(why === '' ? head : `${head}  (${why})`)]
  const changes = fields['changes']
  if (Array.isArray(changes)) {
    for (const { key, from: old, to: now } of changes as ChangeView[])
      lines.push(`    ${printable(key)}  ${valueWords(key, old)} → ${valueWords(key, now)}`)
  }
  return lines.join('\n')
}

/** Records whose `from` and `to` are moments, not values. */
const STRETCHES: ReadonlySet<string> = new Set(['store.gap', 'system.stalled'])

/** From old to new; of a file its records, of a stretch of time its moments. */
function changeOf(
  { type }: AuditRecord,
  { from, to, through, lostRecords }: Readonly<Record<string, unknown>>,
  timezone: string,
): string {
  if (typeof through === 'number') {
    const lost = typeof lostRecords === 'number' ? `, ${lostRecords} of them lost` : ''
    return `  records ${valueWords('', from)} to ${through}${lost}`
  }
  if (STRETCHES.has(type)) {
    const moments = [from, to].filter((moment) => typeof moment === 'number')
    return `  ${moments.map((moment) => localTime(moment, timezone)).join(' to ')}`
  }
  return from === undefined && to === undefined
    ? ''
    : `  ${endWords(type, from)} → ${endWords(type, to)}`
}

/** An end of a change; none is no value of its own, and of an occupancy it means that nobody knows. */
const endWords = (type: string, value: unknown): string =>
  value === undefined || value === null
    ? type === 'occupancy.changed'
      ? 'unknown'
      : '-'
    : valueWords('', value)

interface Named {
  readonly user?: string
  readonly name?: string
  readonly role?: string
  readonly via?: string
}

const personWords = ({ user, name, role, via }: Named): string =>
  `${name ?? ''} (${[user, role, via].filter((part) => part !== undefined).join(', ')})`

function whoOf(fields: Readonly<Record<string, unknown>>): string {
  const { actor, box, signed, claimed } = fields
  if (typeof actor === 'object' && actor !== null) return personWords(actor as Named)
  if (Array.isArray(signed)) return (signed as Named[]).map(personWords).join(' and ')
  if (typeof box === 'object' && box !== null) {
    const { osUser, code } = box as { osUser?: string; code?: string }
    return `the box (${osUser ?? code ?? ''})`
  }
  return typeof claimed === 'string' ? `claimed ${claimed}` : 'the agent'
}

/** What it was about, in the words of the record. */
const SUBJECTS = [
  ...[
    'act',
    'change',
    'user',
    'role',
    'zone',
    'target',
    'alarm',
    'occ',
    'instrument',
    'config',
    'file',
  ],
  ...['person', 'stepMs', 'state', 'serial', 'code', 'workOrder'],
]

function subjectOf(fields: Readonly<Record<string, unknown>>): string {
  const words = SUBJECTS.flatMap((key) => {
    const value = fields[key]
    return value === undefined || value === null ? [] : [`${key} ${valueWords('', value)}`]
  })
  return words.length === 0 ? '' : `  ${words.join(', ')}`
}
