// The seeds that once failed (regressions.txt), read for whoever runs them again.

import { readFileSync } from 'node:fs'
import path from 'node:path'

const FILE = path.join(import.meta.dirname, 'regressions.txt')

export interface Regression {
  readonly seed: number
  readonly hours: number
  readonly words: string
}

/** Every line that is no comment: seed, hours, and what it found. */
export function regressions(): readonly Regression[] {
  return readFileSync(FILE, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, seed, hours, words = ''] = /^(\d+) ([\d.]+) +(.+)$/.exec(line) ?? []
      if (seed === undefined || hours === undefined)
        throw new Error(`${FILE}: "${line}" does not begin with a seed and hours`)
      return { seed: Number(seed), hours: Number(hours), words }
    })
}
