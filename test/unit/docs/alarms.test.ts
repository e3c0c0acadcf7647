// docs/alarms.md says what the code does: its table and its maxima are those that run. UPDATE_DOCS=1 writes the table anew.

import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { SHELF_MS_MAX } from '#core/shelve.ts'
import { formatDuration } from '#core/time.ts'
import { alarmTable } from '../../support/alarm-table.ts'

const DOCUMENT = path.resolve(import.meta.dirname, '../../../docs/alarms.md')
const BEGIN = '<!-- table: written by test/unit/docs/alarms.test.ts -->\n\n'
const END = '\n\n<!-- end of table -->'

/** Without the padding of the formatter. */
const plain = (text = ''): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---')

describe('docs/alarms.md', () => {
  it('URS-27 shows the truth table of the code that runs', () => {
    const text = readFileSync(DOCUMENT, 'utf8')
    const [before = '', rest = ''] = text.split(BEGIN)
    const [table, after = ''] = rest.split(END)
    if (process.env['UPDATE_DOCS'] === '1')
      writeFileSync(DOCUMENT, `${before}${BEGIN}${alarmTable()}${END}${after}`)
    else expect(plain(table)).toBe(alarmTable())
  })

  it('URS-34 names the longest shelf of each class', () => {
    const text = plain(readFileSync(DOCUMENT, 'utf8'))
    for (const [alarmClass, ms] of Object.entries(SHELF_MS_MAX))
      expect(text).toContain(`| ${alarmClass} | ${formatDuration(ms)} |`)
  })
})
