// docs/guidance.md shows the texts that the agent carries. UPDATE_DOCS=1 writes its table anew.

import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { GUIDANCE } from '#config/guidance.ts'

const DOCUMENT = path.resolve(import.meta.dirname, '../../../docs/guidance.md')
const BEGIN = '<!-- table: written by test/unit/docs/guidance.test.ts -->\n\n'
const END = '\n\n<!-- end of table -->'

/** Without the padding of the formatter. */
const plain = (text = ''): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---')

it('URS-39 docs/guidance.md shows the texts of every alarm', () => {
  const rows = Object.entries(GUIDANCE.en).map(
    ([key, { cause, consequence, action }]) =>
      `| \`${key}\` | ${cause} | ${consequence} | ${action} |`,
  )
  const table = [
    '| alarm | cause | consequence | what to do |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
  const text = readFileSync(DOCUMENT, 'utf8')
  const [before = '', rest = ''] = text.split(BEGIN)
  const [written, after = ''] = rest.split(END)
  if (process.env['UPDATE_DOCS'] === '1')
    writeFileSync(DOCUMENT, `${before}${BEGIN}${table}${END}${after}`)
  else expect(plain(written)).toBe(table)
})
