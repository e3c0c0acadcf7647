// The title of every test, read from the text of the test files, for the pages that say which test proves what. Read, not collected:
// what a machine skips for want of a program stands in the pages all the same.

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const ROOT = path.resolve(import.meta.dirname, '../..')
const CALL = /^( *)(describe|it|test)\b/gm

export interface TestTitle {
  /** Relative to the checkout, with forward slashes. */
  readonly file: string
  /** The titles of the groups around it and its own, joined by ` > `. */
  readonly title: string
}

/** Where a string literal or a pair of brackets that begins at `from` ends. */
function endOf(text: string, from: number): number {
  const opening = text[from]
  if (opening === "'" || opening === '"' || opening === '`') {
    let at = from + 1
    while (at < text.length && text[at] !== opening) at += text[at] === '\\' ? 2 : 1
    return at + 1
  }
  let at = from + 1
  while (at < text.length && text[at] !== ')') {
    if (text[at] === '\\') at += 2
    else if (/['"`(]/.test(text[at] as string)) at = endOf(text, at)
    else if (text.startsWith('//', at)) at = text.indexOf('\n', at)
    else at++
  }
  return at + 1
}

/** The title of the call whose name ends at `from`: `it('…'`, `describe.skipIf(…)('…'`, `` it.each([…])(`…` ``. */
function titleAt(text: string, from: number): string | undefined {
  let at = from
  for (;;) {
    const [dotted = ''] = /^\s*\.\w+/.exec(text.slice(at, at + 60)) ?? []
    at += dotted.length
    if (dotted !== '') continue
    if (text[at] !== '(') return undefined
    const inside = at + 1 + (/^\s*/.exec(text.slice(at + 1, at + 80))?.[0].length ?? 0)
    const end = endOf(text, at)
    if (/['"`]/.test(text[inside] as string) && text[end] !== '(')
      return text.slice(inside + 1, endOf(text, inside) - 1).replaceAll(/\\(.)/g, '$1')
    at = end
  }
}

/** The titles of one file; the formatter's indentation says which group a test stands in. */
export function titlesOf(text: string): string[] {
  const groups: { readonly indent: number; readonly title: string }[] = []
  const titles: string[] = []
  for (const match of text.matchAll(CALL)) {
    const [whole, { length: indent } = '', kind] = match
    const title = titleAt(text, match.index + whole.length)
    if (title === undefined) continue
    while ((groups.at(-1)?.indent ?? -1) >= indent) groups.pop()
    if (kind === 'describe') groups.push({ indent, title })
    else titles.push([...groups.map((group) => group.title), title].join(' > '))
  }
  return [...titles, ...rowsOf(text, titles)]
}

/** What stands first in the rows of tables of cases, where it names what it proves: `['URS-22 a delay without …', …]`. */
const rowsOf = (text: string, titles: readonly string[]): string[] =>
  [...text.matchAll(/\[\s*'((?:URS-|FB|HO|NE|PE)\d+ (?:[^'\\\n]|\\.)*)'/g)]
    .map(([, row = '']) => row)
    .filter((row) => !titles.some((title) => title.endsWith(row)))

/** Every test of the checkout, by file. */
export function testTitles(): TestTitle[] {
  return readdirSync(path.join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.endsWith('docs/proofs.test.ts'))
    .toSorted()
    .flatMap((name) => {
      const file = path.posix.join('test', name)
      return titlesOf(readFileSync(path.join(ROOT, file), 'utf8')).map((title) => ({ file, title }))
    })
}

/** `FB4–FB9` names all six; a lone id names itself. */
export function idsIn(title: string): Set<string> {
  const ids = new Set<string>()
  for (const [, letters = '', from, to] of title.matchAll(
    /\b([A-Z]{1,3}-?)(\d{1,2})(?:–\1(\d{1,2}))?\b/g,
  ))
    for (let number = Number(from); number <= Number(to ?? from); number++)
      ids.add(`${letters}${letters.endsWith('-') ? String(number).padStart(2, '0') : number}`)
  return ids
}
