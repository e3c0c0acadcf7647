// Changes of a configuration in words: group by group, limits first, old beside new. Pure; rounds and leaves out nothing.

import { formatDuration } from '#core/time.ts'
import type { ChangeView } from '../control/view.ts'
import { printable, table } from './output.ts'

/** The changes as a table a group; marked with 2 where a second person has to agree. */
export function changesText(changes: readonly ChangeView[]): string {
  if (changes.length === 0) return 'nothing that is judged, read or sent by changes'
  const groups = [...new Set(changes.map(({ group }) => group))]
  return groups
    .map((group) => {
      const its = changes.filter((change) => change.group === group)
      const rows = its.map(({ key, from, to, second }) => [
        second ? '2' : '',
        printable(key),
        valueWords(key, from),
        '→',
        valueWords(key, to),
      ])
      return `${group}: ${its.length}\n${table(rows)}`
    })
    .join('\n\n')
}

/** One value as people write it; – where there is none. */
export function valueWords(key: string, value: unknown): string {
  if (value === undefined) return '–'
  if (typeof value === 'number' && key.endsWith('Ms')) return formatDuration(value)
  return printable(typeof value === 'string' ? value : JSON.stringify(value))
}
