// Where a command writes: data on stdout, talk on stderr, colour only where it is wanted and can be shown.
// Everything that came from outside is made printable here, so that a comment cannot steer somebody's terminal.

import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]

/** What a command needs of the world around it; tests hand in their own. */
export interface Output {
  /** Data, one line or several; the end of line is added. */
  data(text: string): void
  /** Talk. */
  talk(text: string): void
  /** Styled where the stream shows colours. */
  style(style: Style, text: string): string
  /** Width of the terminal that shows the data; undefined where it goes elsewhere. */
  readonly columns?: number | undefined
}

/** The process's own streams. NO_COLOR, FORCE_COLOR and pipes are honoured by styleText. */
export function processOutput(): Output {
  return {
    data: (text) => void process.stdout.write(`${text}\n`),
    talk: (text) => void process.stderr.write(`${text}\n`),
    style: (style, text) => styleText(style, text, { stream: process.stdout }),
    get columns() {
      return process.stdout.columns
    },
  }
}

/** One JSON document on stdout. */
export function printJson(output: Output, value: unknown): void {
  output.data(JSON.stringify(value))
}

/** The text with control, bidirectional and other invisible characters shown as `\u{…}`. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}

const segmenter = new Intl.Segmenter()

/** Characters as people count them, without styling. */
export function width(text: string): number {
  let characters = 0
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins every styling sequence
  for (const _ of segmenter.segment(text.replace(/\u001b\[[0-9;]*m/g, ''))) characters++
  return characters
}

/** Lines wider than `columns` go on in the next one, `indent` further in; a word is never cut. */
export const fold = (text: string, columns: number, indent: number): string =>
  text
    .split('\n')
    .map((line) => foldLine(line, columns, indent))
    .join('\n')

function foldLine(line: string, columns: number, indent: number): string {
  if (width(line) <= columns) return line
  const rows: string[] = []
  let row = ''
  for (const word of line.split(/(?<=\S)(?= )/)) {
    const full = row !== '' && width(row + word) > columns
    if (full) rows.push(row)
    row = full ? ' '.repeat(indent) + word.trimStart() : row + word
  }
  return [...rows, row].join('\n')
}

const COLUMN_GAP = '  '

/** Rows as aligned columns, the first row being the heads; no trailing spaces. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell))
    })
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
        .join(COLUMN_GAP)
        .trimEnd(),
    )
    .join('\n')
}
