// The tables of docs/faults.md and docs/requirements.md, made from the titles of the tests: a row names what proves it, or says that
// nothing does yet.

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { PLANTED_BUGS } from '../simulation/mutants.ts'
import { type FaultRow, INVARIANTS } from './fault-rows.ts'
import { REQUIREMENTS } from './requirement-rows.ts'
import { idsIn, type TestTitle } from './test-titles.ts'

/** So many titles of one row are printed; the rest are counted. */
const TITLES_MAX = 4
const SIMULATION = path.resolve(import.meta.dirname, '../simulation')

export type Proofs = ReadonlyMap<string, readonly TestTitle[]>

export function proofsOf(titles: readonly TestTitle[]): Proofs {
  const proofs = new Map<string, TestTitle[]>()
  for (const test of titles)
    for (const id of idsIn(test.title)) {
      const known = proofs.get(id)
      if (known === undefined) proofs.set(id, [test])
      else known.push(test)
    }
  return proofs
}

/** The invariants for which some checker of the simulation can stop a run. */
export function checkedInvariants(): Set<string> {
  const found = new Set<string>()
  for (const file of readdirSync(SIMULATION, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.includes('mutant')) continue
    const text = readFileSync(path.join(SIMULATION, file), 'utf8')
    for (const [, id = ''] of text.matchAll(/'([ADUBS]\d)'/g)) found.add(id)
  }
  return found
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('%%', '%')

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

/** The title itself, without the ids before it. */
const words = (title: string): string =>
  cell((title.split(' > ').at(-1) ?? '').replace(/^(?:(?:URS-|[A-Z]{1,2})\d+\S*\s+)+/, ''))

/** `file` of each test with its own title, the longest lists cut. */
function proof(tests: readonly TestTitle[] = []): string {
  const lines = tests.slice(0, TITLES_MAX).map(({ file, title }) => {
    const name = path.posix.basename(file, '.test.ts')
    return `[${name}](../${file}): ${words(title)}`
  })
  if (tests.length > TITLES_MAX) lines.push(`and ${tests.length - TITLES_MAX} more`)
  return lines.join('<br>')
}

export const faultTable = (rows: readonly FaultRow[], proofs: Proofs): string =>
  table(
    ['Id', 'Fault', 'What the agent does', 'Proved by'],
    rows.map(({ id, fault, answer, open }) => [
      id,
      fault,
      answer,
      proof(proofs.get(id)) || `open: ${open ?? '?'}`,
    ]),
  )

export function invariantTable(proofs: Proofs): string {
  const checked = checkedInvariants()
  const rows = INVARIANTS.map(([id, words]) => {
    const bugs = PLANTED_BUGS.filter(({ caughtBy }) => caughtBy.includes(id))
    return [
      id,
      words,
      checked.has(id) ? 'yes' : '–',
      bugs.map(({ name }) => cell(name)).join('<br>') || '–',
      proof(proofs.get(id)) || '–',
    ]
  })
  return table(['Id', 'Always', 'In the simulation', 'Planted bugs it catches', 'Tests'], rows)
}

export function requirementTable(proofs: Proofs): string {
  const rows = Object.entries(REQUIREMENTS).map(([id, words]) => {
    const tests = proofs.get(id) ?? []
    const files = [...new Set(tests.map(({ file }) => file))]
    const links = files.map((file) => `[${path.posix.basename(file, '.test.ts')}](../${file})`)
    return [id, words, String(tests.length), links.join(', ') || 'none yet']
  })
  return table(['Id', 'Requirement', 'Tests', 'In'], rows)
}
