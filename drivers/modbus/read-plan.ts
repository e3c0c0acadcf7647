// Which registers are asked for together. Pure: data in, requests out, each datum covered exactly once and whole. Decides
// nothing about time or retries; what cannot be read lately is left out by the caller beforehand.

import type { Table } from '../profile.ts'
import {
  BITS_MAX,
  FUNCTION_OF,
  isBitFunction,
  REGISTERS_MAX,
  type ReadFunction,
} from './request.ts'

/** A datum to be read: an index that means something to the caller, and where it stands. */
export interface PlanItem {
  readonly index: number
  readonly table: Table
  readonly address: number
  /** Registers or bits. */
  readonly width: number
}

export interface PlanLimits {
  /** Most registers of one read; a datum wider than that is read alone. */
  readonly maxRegistersPerRead: number
  /** Undeclared registers that may be read over, between two data. */
  readonly maxGap: number
}

/** A position in a table, for sets: between `position − 1` and `position` no read may pass. */
export const positionKey = (functionCode: ReadFunction, address: number): number =>
  functionCode * 0x10000 + address

export interface PlanConstraints {
  /** Keys of addresses at which a new read must begin, found by experience. */
  readonly cuts: ReadonlySet<number>
  /** Keys of addresses that must not be read, not even over a gap. */
  readonly forbidden: ReadonlySet<number>
}

/** One read. `items` are in order of address. */
export interface PlannedRead {
  readonly functionCode: ReadFunction
  readonly address: number
  readonly quantity: number
  readonly items: readonly PlanItem[]
}

const byPosition = (a: PlanItem, b: PlanItem): number =>
  FUNCTION_OF[a.table] - FUNCTION_OF[b.table] || a.address - b.address || a.width - b.width

/** Packs the items into as few reads as limits and constraints allow, in order of table and address. */
export function planReads(
  items: readonly PlanItem[],
  limits: PlanLimits,
  { cuts, forbidden }: PlanConstraints,
): PlannedRead[] {
  const reads: PlannedRead[] = []
  let open:
    | { functionCode: ReadFunction; address: number; end: number; items: PlanItem[] }
    | undefined
  const close = () => {
    if (open === undefined) return
    const { functionCode, address, end, items } = open
    reads.push({ functionCode, address, quantity: end - address, items })
    open = undefined
  }
  for (const item of items.toSorted(byPosition)) {
    const functionCode = FUNCTION_OF[item.table]
    const end = item.address + item.width
    const most = isBitFunction(functionCode)
      ? BITS_MAX
      : Math.min(limits.maxRegistersPerRead, REGISTERS_MAX)
    const joins =
      open !== undefined &&
      open.functionCode === functionCode &&
      item.address - open.end <= limits.maxGap &&
      Math.max(end, open.end) - open.address <= most &&
      !barred(functionCode, open.end, item.address, forbidden) &&
      !barred(functionCode, Math.min(open.end, item.address), item.address + 1, cuts)
    if (joins && open !== undefined) {
      open.items.push(item)
      open.end = Math.max(open.end, end)
    } else {
      close()
      open = { functionCode, address: item.address, end, items: [item] }
    }
  }
  close()
  return reads
}

function barred(
  functionCode: ReadFunction,
  from: number,
  to: number,
  keys: ReadonlySet<number>,
): boolean {
  if (keys.size === 0) return false
  for (let address = from; address < to; address++) {
    if (keys.has(positionKey(functionCode, address))) return true
  }
  return false
}

/**
 * Splits a read that was refused into two at the datum nearest the middle; undefined when it holds one datum, or data
 * that overlap so that nothing can be split off.
 */
export function splitRead(read: PlannedRead): readonly [PlannedRead, PlannedRead] | undefined {
  const middle = read.address + read.quantity / 2
  let best: number | undefined
  let reached = 0
  for (let index = 1; index < read.items.length; index++) {
    const before = read.items[index - 1]
    const item = read.items[index]
    if (before === undefined || item === undefined) continue
    reached = Math.max(reached, before.address + before.width)
    if (item.address < reached) continue
    const previous = best === undefined ? undefined : read.items[best]
    if (
      previous === undefined ||
      Math.abs(item.address - middle) < Math.abs(previous.address - middle)
    ) {
      best = index
    }
  }
  if (best === undefined) return undefined
  return [part(read, read.items.slice(0, best)), part(read, read.items.slice(best))]
}

function part({ functionCode }: PlannedRead, items: readonly PlanItem[]): PlannedRead {
  const address = Math.min(...items.map((item) => item.address))
  const end = Math.max(...items.map((item) => item.address + item.width))
  return { functionCode, address, quantity: end - address, items }
}
