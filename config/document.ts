// A YAML or JSON file with the place of everything in it. Decides what a file says and where it says it;
// never what it means. Reads through the function it is given and never throws.

import path from 'node:path'
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml'

/** Largest file that is read as configuration. */
const BYTES_MAX = 4 * 1024 * 1024
/** Most errors of syntax named of one file; what follows the first few is mostly their echo. */
const SYNTAX_ERRORS_MAX = 20

export type Key = string | number
export type KeyPath = readonly Key[]

export interface Position {
  readonly line: number
  readonly column: number
}

/** What is wrong with the writing of a file, apart from its meaning. */
export interface SyntaxFault extends Position {
  readonly key: string
  readonly problem: string
  readonly remedy: string
}

/** A file as read. `value` is undefined when nothing can be made of it. */
export interface SourceDocument {
  /** As a person would name it: the way it was given, or relative to the file that names it. */
  readonly name: string
  /** Absolute. */
  readonly path: string
  readonly text: string
  readonly value: unknown
  readonly faults: readonly SyntaxFault[]
  /** Place of a key, of its value, or of the nearest thing around it that exists. */
  position(at: KeyPath, of: 'key' | 'value'): Position
}

/** A place in a file: what a finding points to. */
export interface Place {
  readonly document: SourceDocument
  readonly path: KeyPath
}

/** The place of something below a place. */
export const under = (place: Place, ...keys: Key[]): Place => ({
  document: place.document,
  path: [...place.path, ...keys],
})

const PLAIN_KEY = /^[A-Za-z_][\w-]*$/
const KEY_LENGTH_MAX = 60

/** `buses[0].baudRate`; a key that is no plain word is quoted and made visible; `(file)` for the file as a whole. */
export function formatKey(at: KeyPath): string {
  let text = ''
  for (const key of at) {
    if (typeof key === 'number') text += `[${key}]`
    else if (!PLAIN_KEY.test(key)) text += `[${visible(key)}]`
    else text += text === '' ? key : `.${key}`
  }
  return text === '' ? '(file)' : text
}

/** A text in quotes, of limited length, with everything that cannot be seen escaped. */
export const visible = (text: string): string =>
  JSON.stringify(
    text.length > KEY_LENGTH_MAX ? `${text.slice(0, KEY_LENGTH_MAX)}…` : text,
  ).replaceAll(
    /[^\P{C}\n]|\p{Zl}|\p{Zp}/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )

/** Reads and parses a file; an unreadable one is a document with one fault. */
export function readDocument(
  file: { readonly name: string; readonly path: string },
  readFile: (path: string) => string,
): SourceDocument {
  let text: string
  try {
    text = readFile(file.path)
  } catch (error) {
    return broken(file, '', unreadable(error))
  }
  if (Buffer.byteLength(text) > BYTES_MAX) {
    return broken(file, '', {
      problem: `is larger than ${BYTES_MAX / 1024 / 1024} MiB`,
      remedy: 'name a configuration file, or split it with include',
    })
  }
  try {
    return parse(file, text)
  } catch (error) {
    return broken(file, text, {
      problem: `cannot be understood (${error instanceof Error ? error.message : String(error)})`,
      remedy: 'write it with fewer levels and fewer aliases',
    })
  }
}

function unreadable(error: unknown): { problem: string; remedy: string } {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') {
    return { problem: 'does not exist', remedy: 'check the name, or create the file' }
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return { problem: 'may not be read by this user', remedy: 'give the user read permission' }
  }
  if (code === 'EISDIR') return { problem: 'is a directory', remedy: 'name a file in it' }
  const words = error instanceof Error ? error.message : String(error)
  return { problem: `cannot be read (${words})`, remedy: 'make it readable' }
}

const broken = (
  file: { readonly name: string; readonly path: string },
  text: string,
  fault: { problem: string; remedy: string },
): SourceDocument => ({
  ...file,
  text,
  value: undefined,
  faults: [{ line: 1, column: 1, key: '(file)', ...fault }],
  position: () => ({ line: 1, column: 1 }),
})

function parse(file: { name: string; path: string }, text: string): SourceDocument {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
    stringKeys: true,
  })
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const fatal = document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')
  const faults = document.errors
    .slice(0, SYNTAX_ERRORS_MAX)
    .map((error) => ({ ...at(error.pos[0]), ...faultOf(error, document) }))
  return {
    ...file,
    text,
    value: fatal ? undefined : document.toJS({ maxAliasCount: 100 }),
    faults,
    position: (keys, of) => at(offsetOf(document, keys, of)),
  }
}

function faultOf(
  error: { readonly code: string; readonly message: string; readonly pos: [number, number] },
  document: Document.Parsed,
): Omit<SyntaxFault, 'line' | 'column'> {
  const key = formatKey(pathAt(document.contents, error.pos[0]) ?? [])
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return { key, problem: 'is given twice', remedy: 'keep one of the two' }
    case 'MULTIPLE_DOCS':
      return {
        key: '(file)',
        problem: 'holds more than one YAML document',
        remedy: 'remove the line "---", or move what follows to a file of its own and include it',
      }
    case 'NON_STRING_KEY':
      return { key, problem: 'has a key that is no word', remedy: 'check the brackets and braces' }
    case 'TAB_AS_INDENT':
      return { key, problem: 'is indented with a tab', remedy: 'indent with spaces' }
    default:
      return {
        key,
        problem: `is not YAML: ${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`,
        remedy: 'mend the indentation, brackets and quotes around here',
      }
  }
}

/** Offset of what a key path leads to, or of the nearest thing around it. */
function offsetOf(document: Document.Parsed, keys: KeyPath, of: 'key' | 'value'): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const [depth, key] of keys.entries()) {
    const last = depth === keys.length - 1
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.findLast((item) => scalarOf(item.key) === String(key))
      if (pair === undefined) return offset
      offset =
        startOf(last && of === 'value' ? pair.value : pair.key) ?? startOf(pair.key) ?? offset
      node = pair.value
    } else if (isSeq(node) && typeof key === 'number') {
      const item = node.items[key]
      if (item === undefined) return offset
      offset = startOf(item) ?? offset
      node = item
    } else return offset
  }
  return offset
}

const scalarOf = (key: unknown): string | undefined =>
  isScalar(key) ? String(key.value) : undefined

const startOf = (node: unknown): number | undefined => (node as Node | null)?.range?.[0]

/** Key path of the innermost thing whose key or value covers an offset. */
function pathAt(node: unknown, offset: number): KeyPath | undefined {
  if (isMap(node)) {
    for (const { key, value } of node.items) {
      const name = scalarOf(key)
      if (name === undefined) continue
      if (covers(key, offset)) return [name]
      if (covers(value, offset)) return [name, ...(pathAt(value, offset) ?? [])]
    }
  }
  if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) {
      if (covers(item, offset)) return [index, ...(pathAt(item, offset) ?? [])]
    }
  }
  return undefined
}

function covers(node: unknown, offset: number): boolean {
  const range = (node as Node | null)?.range
  return (
    range !== undefined &&
    range !== null &&
    range[0] <= offset &&
    offset < Math.max(range[1], range[0] + 1)
  )
}

/** Absolute path and readable name of a file that another one names. */
export function resolveFrom(
  from: { readonly name: string; readonly path: string },
  reference: string,
): { readonly name: string; readonly path: string } {
  if (path.isAbsolute(reference)) return { name: reference, path: path.normalize(reference) }
  return {
    name: path.join(path.dirname(from.name), reference),
    path: path.resolve(path.dirname(from.path), reference),
  }
}
