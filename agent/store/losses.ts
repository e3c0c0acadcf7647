// What earlier files cannot give any more, by stream and sequence number: lost with a damaged or missing file, or removed by
// retention. It is state: committed together with the event that tells it, and only then read around.

import { STREAMS, type Stream } from '#core/record.ts'
import type { SeqRange } from '#ports/store.ts'

/** State row of what damaged and missing files have lost: by file name, ranges of each stream. */
export const LOST_ROW = 'store/lost'

/** Ranges are named up to here; beyond, the rest of the file counts as lost. */
const RANGES_MAX = 10_000

export type LostOfFile = Readonly<Record<Stream, readonly SeqRange[]>>
export type Losses = ReadonlyMap<string, LostOfFile>

/** Ranges in ascending order; those that touch or overlap are told as one. */
export class Ranges {
  readonly ranges: [number, number][] = []

  /** Adds a range; none may begin before the one added last. */
  add(from: number, through: number): void {
    const last = this.ranges.at(-1)
    if (last !== undefined && last[1] + 1 >= from) last[1] = Math.max(last[1], through)
    else this.ranges.push([from, through])
  }

  get full(): boolean {
    return this.ranges.length >= RANGES_MAX
  }
}

/** The union of ranges, in order. */
export function united(...all: readonly (readonly SeqRange[])[]): SeqRange[] {
  const union = new Ranges()
  for (const [from, through] of all.flat().sort(([a], [b]) => a - b)) union.add(from, through)
  return union.ranges
}

/** Numbers in ranges that do not overlap. */
export const countIn = (ranges: readonly SeqRange[]): number =>
  ranges.reduce((sum, [from, through]) => sum + through - from + 1, 0)

export const isIn = (ranges: readonly SeqRange[], seq: number): boolean =>
  ranges.some(([from, through]) => from <= seq && seq <= through)

/** What of a closed range lies outside of `without`, in order. */
export function outside(whole: SeqRange, without: readonly SeqRange[]): SeqRange[] {
  const left: SeqRange[] = []
  let [at] = whole
  const [, end] = whole
  for (const [from, through] of without) {
    if (through < at || from > end) continue
    if (from > at) left.push([at, from - 1])
    at = through + 1
  }
  if (at <= end) left.push([at, end])
  return left
}

/** Losses as their state row holds them; a row that is none gives none. */
export function parseLosses(row: string | null | undefined): Losses {
  return new Map(Object.entries(JSON.parse(row ?? '{}') as Record<string, LostOfFile>))
}

/** The losses with those of one file added to what was known of it. */
export function withLoss(losses: Losses, file: string, lost: LostOfFile): Losses {
  const before = losses.get(file)
  const both = (stream: Stream): SeqRange[] => united(before?.[stream] ?? [], lost[stream])
  return new Map([...losses, [file, { readings: both('readings'), event: both('event') }]])
}

/** True when the one names everything that the other does. */
export const covers = (known: LostOfFile | undefined, lost: LostOfFile): boolean =>
  known !== undefined &&
  STREAMS.every((stream) => countIn(united(known[stream], lost[stream])) === countIn(known[stream]))
