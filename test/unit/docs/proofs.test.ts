// docs/faults.md and docs/requirements.md name the tests that prove each row, from the titles of the tests themselves.
// UPDATE_DOCS=1 writes the tables anew.

import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  FIELD_FAULTS,
  HOST_FAULTS,
  INVARIANTS,
  NETWORK_FAULTS,
  PEOPLE_FAULTS,
} from '../../support/fault-rows.ts'
import {
  checkedInvariants,
  faultTable,
  invariantTable,
  proofsOf,
  requirementTable,
} from '../../support/proof-pages.ts'
import { REQUIREMENTS } from '../../support/requirement-rows.ts'
import { idsIn, testTitles } from '../../support/test-titles.ts'

const DOCS = path.resolve(import.meta.dirname, '../../../docs')
const FAULTS = [...FIELD_FAULTS, ...HOST_FAULTS, ...NETWORK_FAULTS, ...PEOPLE_FAULTS]

const titles = testTitles()
const proofs = proofsOf(titles)

/** Without the padding of the formatter. */
const plain = (text = ''): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---')

describe.each([
  ['faults.md', 'field', faultTable(FIELD_FAULTS, proofs)],
  ['faults.md', 'host', faultTable(HOST_FAULTS, proofs)],
  ['faults.md', 'network', faultTable(NETWORK_FAULTS, proofs)],
  ['faults.md', 'people', faultTable(PEOPLE_FAULTS, proofs)],
  ['faults.md', 'invariants', invariantTable(proofs)],
  ['requirements.md', 'requirements', requirementTable(proofs)],
])('docs/%s', (file, name, now) => {
  it(`shows the tests there are: ${name}`, () => {
    const page = path.join(DOCS, file)
    const text = readFileSync(page, 'utf8')
    const begin = `<!-- ${name}: written by test/unit/docs/proofs.test.ts -->\n\n`
    const end = `\n\n<!-- end of ${name} -->`
    const [before = '', rest = ''] = text.split(begin)
    const [, after = ''] = rest.split(end)
    if (process.env['UPDATE_DOCS'] === '1')
      writeFileSync(page, `${before}${begin}${now}${end}${after}`)
    else expect(plain(rest.split(end)[0]), 'UPDATE_DOCS=1 writes it anew').toBe(plain(now))
  })
})

describe('every row', () => {
  it('of the faults is proved by a test, or says what is open', () => {
    const unproved = FAULTS.filter(({ id, open }) => !proofs.has(id) && open === undefined)
    expect(unproved.map(({ id }) => id)).toEqual([])
    const both = FAULTS.filter(({ id, open }) => proofs.has(id) && open !== undefined)
    expect(both.map(({ id }) => id)).toEqual([])
  })

  it('of the invariants is checked in the simulation or by a test', () => {
    const checked = checkedInvariants()
    const unproved = INVARIANTS.filter(([id]) => !checked.has(id) && !proofs.has(id))
    expect(unproved.map(([id]) => id)).toEqual([])
  })

  it('that a title names is one that there is', () => {
    const known = new Set([
      ...FAULTS.map(({ id }) => id),
      ...INVARIANTS.map(([id]) => id),
      ...Object.keys(REQUIREMENTS),
    ])
    const named = [...proofs.keys()].filter((id) => /^(FB|HO|NE|PE|URS-|[DAUBS](?=\d$))/.test(id))
    expect(named.filter((id) => !known.has(id))).toEqual([])
  })
})

it.each([
  ['URS-10 FB2 a late reply', ['URS-10', 'FB2']],
  ['FB4–FB6 exceptions', ['FB4', 'FB5', 'FB6']],
  ['URS-1 is URS-01, S6 too', ['URS-01', 'S6']],
  ['nothing: HOT 7, CO2e, UTF8', ['UTF8']],
])('ids in a title: %s', (title, ids) => {
  expect([...idsIn(title)].filter((id) => id !== 'CO2')).toEqual(ids)
})
