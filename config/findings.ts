// Findings: what is wrong in a configuration, where, and what to do. Decides how they are collected, ordered and
// printed; never what is wrong.

import type { Finding } from './configuration.ts'
import { formatKey, type KeyPath, type Place, type SourceDocument, visible } from './document.ts'

/** Most findings of one configuration; beyond it the file is not the right one. */
const FINDINGS_MAX = 1000

export interface Remark {
  /** What is wrong, continuing the sentence that the key begins. */
  readonly problem: string
  /** What to do. */
  readonly remedy: string
  /** Clause or requirement. */
  readonly source?: string
  /** Whether to point at the key or at its value; the value where not given. */
  readonly at?: 'key' | 'value'
}

/** Takes findings in any order. Anything at or below a discarded place is not reported again. */
export interface Findings {
  error(place: Place, remark: Remark): void
  warning(place: Place, remark: Remark): void
  /** A file that takes part: the files are told in this order, each with the faults of its writing. */
  file(document: SourceDocument): void
  /** From here on silent at this place: what stood there was refused already. */
  discard(place: Place): void
  /** Whether what stood at this place was refused: nothing is to be concluded from its absence. */
  refused(place: Place): boolean
  /** True when nothing but warnings was found. */
  clean(): boolean
  /** Everything found, by file, line and column. */
  all(): readonly Finding[]
}

/** Begins a collection. */
export function collectFindings(): Findings {
  const found: Finding[] = []
  const files: string[] = []
  const discarded: Place[] = []
  let overflow = false

  const know = (file: string): void => {
    if (!files.includes(file)) files.push(file)
  }
  const add = (finding: Finding): void => {
    know(finding.file)
    if (found.length < FINDINGS_MAX) found.push(finding)
    else overflow = true
  }
  const silent = (place: Place): boolean =>
    discarded.some(
      ({ document, path }) => document === place.document && startsWith(place.path, path),
    )
  const remark = (severity: Finding['severity'], place: Place, { at, ...words }: Remark): void => {
    if (silent(place)) return
    const position = place.document.position(place.path, at ?? 'value')
    add({ severity, file: place.document.name, ...position, key: formatKey(place.path), ...words })
  }

  return {
    error: (place, words) => remark('error', place, words),
    warning: (place, words) => remark('warning', place, words),
    file: (document) => {
      know(document.name)
      for (const fault of document.faults) {
        add({ severity: 'error', file: document.name, ...fault })
      }
    },
    discard: (place) => void discarded.push(place),
    refused: silent,
    clean: () => !found.some(({ severity }) => severity === 'error'),
    all: () => {
      const order = (finding: Finding): number => files.indexOf(finding.file)
      const sorted = found.toSorted(
        (a, b) => order(a) - order(b) || a.line - b.line || a.column - b.column,
      )
      const first = sorted[0]
      if (!overflow || first === undefined) return sorted
      const problem = `has more than ${FINDINGS_MAX} faults`
      return [
        ...sorted,
        { ...first, line: 1, column: 1, key: '(file)', problem, remedy: 'mend these first' },
      ]
    },
  }
}

const startsWith = (path: KeyPath, prefix: KeyPath): boolean =>
  prefix.length <= path.length && prefix.every((key, index) => key === path[index])

/** `FILE:LINE:COLUMN  key.path  what is wrong; what to do`, with the clause at the end and warnings marked. */
export function formatFinding(finding: Finding): string {
  const { file, line, column, key, problem, remedy, severity, source } = finding
  const words = `${severity === 'warning' ? 'warning: ' : ''}${problem}; ${remedy}`
  return `${file}:${line}:${column}  ${key}  ${words}${source === undefined ? '' : ` (${source})`}`
}

/** The nearest of the known words, where one is near enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  const meant = plain(word.slice(0, 100))
  let best: { readonly word: string; readonly distance: number } | undefined
  for (const candidate of known) {
    const distance = editDistance(meant, plain(candidate))
    if (best === undefined || distance < best.distance) best = { word: candidate, distance }
  }
  if (best === undefined) return undefined
  const length = Math.min(meant.length, plain(best.word).length)
  const near = best.distance < length && best.distance <= Math.max(1, Math.floor(length / 3))
  return near ? best.word : undefined
}

/** Typing errors between two words: a letter too many, missing, another, or two that changed places (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const exchanged = swapped ? (before[j - 2] ?? 0) + 1 : Infinity
      next.push(Math.min(substituted, exchanged, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}

const LISTED_MAX = 40

/** `did you mean "x"? known: a, b, c` */
export function suggest(word: string, known: readonly string[], intro: string): string {
  const meant = nearest(word, known)
  const some = known.slice(0, LISTED_MAX).join(', ')
  const listed = known.length === 0 ? 'none' : known.length > LISTED_MAX ? `${some} …` : some
  return `${meant === undefined ? '' : `did you mean "${meant}"? `}${intro}: ${listed}`
}

/** A value as it can stand in a sentence. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'empty'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) {
    const short = value.length <= 4 && value.every((item) => typeof item !== 'object')
    return short ? `[${value.map(show).join(', ')}]` : 'a list'
  }
  if (typeof value === 'object') return 'a group of keys'
  return visible(String(value))
}
