// What lies in which file: the sequence numbers and counts of each, from the register of files and the hot one.

import type { Stream } from '#core/record.ts'
import type { ClosedSegment } from './segment.ts'

/** What the reader must know of a file: its records, and the last of each stream before it and in it. */
export interface SegmentRange {
  readonly name: string
  /** Last sequence number before the file, and of the file. */
  readonly base: number
  readonly last: number
  /** Greatest sequence number of each stream before the file (0 if none), and through it. */
  readonly lastBefore: Readonly<Record<Stream, number>>
  readonly lastThrough: Readonly<Record<Stream, number>>
  /** Records of each stream in the epoch before the file, and through it. */
  readonly countBefore: Readonly<Record<Stream, number>>
  readonly countThrough: Readonly<Record<Stream, number>>
}

type Ended = Pick<
  ClosedSegment,
  'name' | 'first' | 'last' | 'readings' | 'events' | 'lastReading' | 'lastEvent'
>

/** Each file with what came before it, from the register of files and the hot one. */
export function rangesOf(closed: readonly Ended[], hot: Ended): SegmentRange[] {
  let lastBefore: SegmentRange['lastBefore'] = { readings: 0, event: 0 }
  let countBefore: SegmentRange['countBefore'] = { readings: 0, event: 0 }
  return [...closed, hot].map(({ name, first, last, ...ended }) => {
    const lastThrough = { readings: ended.lastReading, event: ended.lastEvent }
    const countThrough = { readings: ended.readings, event: ended.events }
    const range = {
      name,
      base: first - 1,
      last,
      lastBefore,
      lastThrough,
      countBefore,
      countThrough,
    }
    lastBefore = lastThrough
    countBefore = countThrough
    return range
  })
}
