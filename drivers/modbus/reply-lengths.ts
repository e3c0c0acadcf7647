// Where replies carry no id, a late one is told from the right one by its length alone. Pure: reads in, reads out, each
// padded into neighbouring registers that the profile declares until no two reads of a unit and function have replies of
// the same length. Reads nothing that the profile does not declare or allow to be read over.

import { type PlannedRead, positionKey } from './read-plan.ts'
import { isBitFunction, REGISTERS_MAX, type ReadFunction } from './request.ts'

/** A stretch of registers that may be read, whole. */
export interface Declared {
  readonly functionCode: ReadFunction
  readonly address: number
  readonly width: number
}

export interface PaddingLimits {
  readonly maxRegistersPerRead: number
  readonly maxGap: number
  readonly declared: readonly Declared[]
  /** Keys (`positionKey`) of addresses that must not be read. */
  readonly forbidden: ReadonlySet<number>
}

export interface UniqueLengths {
  readonly reads: readonly PlannedRead[]
  /** Reads that could not be given a length of their own. */
  readonly clashes: readonly PlannedRead[]
}

const replyLength = ({ functionCode, quantity }: PlannedRead): number =>
  isBitFunction(functionCode) ? Math.ceil(quantity / 8) : quantity * 2

const lengthKey = (read: PlannedRead): number => positionKey(read.functionCode, replyLength(read))

/**
 * Gives each read a reply length of its own where it can. `taken` maps lengths of the unit's other reads to their
 * addresses, and is added to; the same read twice (same address, same quantity) is no clash.
 */
export function uniqueLengths(
  reads: readonly PlannedRead[],
  taken: Map<number, number>,
  limits: PaddingLimits,
): UniqueLengths {
  const result: PlannedRead[] = []
  const clashes: PlannedRead[] = []
  const isFree = (read: PlannedRead) => {
    const holder = taken.get(lengthKey(read))
    return holder === undefined || holder === read.address
  }
  for (const read of reads) {
    const padded = paddings(read, limits).find(isFree)
    if (padded === undefined) clashes.push(read)
    const chosen = padded ?? read
    if (!taken.has(lengthKey(chosen))) taken.set(lengthKey(chosen), chosen.address)
    result.push(chosen)
  }
  return { reads: result, clashes }
}

/** The read itself and everything it may be padded to, shortest first. */
function paddings(read: PlannedRead, limits: PaddingLimits): PlannedRead[] {
  if (isBitFunction(read.functionCode)) return [read]
  const most = Math.max(read.quantity, Math.min(limits.maxRegistersPerRead, REGISTERS_MAX))
  const ends = reachable(read.address + read.quantity, read, limits, 1)
  const starts = reachable(read.address, read, limits, -1)
  return starts
    .flatMap((start) => ends.map((end) => ({ ...read, address: start, quantity: end - start })))
    .filter(({ quantity }) => quantity <= most)
    .toSorted((a, b) => a.quantity - b.quantity)
}

/** Borders that padding may move one edge to, the edge itself first. */
function reachable(
  edge: number,
  { functionCode }: PlannedRead,
  { declared, maxGap, forbidden }: PaddingLimits,
  direction: 1 | -1,
): number[] {
  const borders = [edge]
  const stretches = declared
    .filter((stretch) => stretch.functionCode === functionCode)
    .toSorted((a, b) => (a.address - b.address) * direction)
  let at = edge
  for (const { address, width } of stretches) {
    const near = direction === 1 ? address : address + width
    const far = direction === 1 ? address + width : address
    if ((far - at) * direction <= 0) continue
    if ((near - at) * direction > maxGap) break
    for (let register = Math.min(at, far); register < Math.max(at, far); register++) {
      if (forbidden.has(positionKey(functionCode, register))) return borders
    }
    at = far
    borders.push(at)
  }
  return borders
}
