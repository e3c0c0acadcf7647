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
}

/** The process's own streams. NO_COLOR, FORCE_COLOR and pipes are honoured by styleText. */
export function processOutput(): Output {
  return {
    data: (text) => void process.stdout.write(`${text}\n`),
    talk: (text) => void process.stderr.write(`${text}\n`),
    style: (style, text) => styleText(style, text, { stream: process.stdout }),
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
