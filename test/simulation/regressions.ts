// The seeds that once failed (regressions.txt), read for whoever runs them again.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { RunOptions } from './world.ts'

const LINE =
  /^(?<seed>\d+) (?<hours>[\d.]+)( points (?<points>\d+))?( power (?<power>\d+))? +(?<words>.+)$/
const FILE = path.join(import.meta.dirname, 'regressions.txt')

export interface Regression {
  readonly options: RunOptions
  readonly words: string
}

/** Every line that is no comment: seed, hours, the most points, the mean seconds between two losses of power, and what it found. */
export function regressions(): readonly Regression[] {
  return readFileSync(FILE, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const { seed, hours, points, power, words = '' } = LINE.exec(line)?.groups ?? {}
      if (seed === undefined || hours === undefined)
        throw new Error(`${FILE}: "${line}" does not begin with a seed and hours`)
      const options: RunOptions = {
        ...{ seed: Number(seed), hours: Number(hours) },
        ...(points !== undefined && { pointsMax: Number(points) }),
        ...(power !== undefined && {
          disk: 'journal',
          force: { powerLoss: Number(power) * 1000 },
        }),
      }
      return { options, words }
    })
}
