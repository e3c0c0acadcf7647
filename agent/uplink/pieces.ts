// Cuts a batch of the store into messages that a server accepts: by size, or into single records. Pure.
// A cut moves no record and changes none; `prev` of each piece is the last of the one before it.

import { assert } from '#core/assert.ts'
import type { StreamBatch } from '#ports/store.ts'
import { ENVELOPE_BYTES_MAX } from './payload.ts'

export interface SizedBatch {
  readonly batch: StreamBatch
  /** Bytes of the payload, at most. */
  readonly bytes: number
}

const SEQUENCE = /^\{"(?:s|seq)":(\d+)/

/** Sequence number of a printed record. */
export function sequenceOf(record: string): number {
  const match = SEQUENCE.exec(record)
  assert(match?.[1] !== undefined, 'a printed record starts with its sequence number')
  return Number(match[1])
}

const sizeOf = (record: string): number => Buffer.byteLength(record) + 1

/** Pieces of at most `recordsMax` records and `bytesMax` bytes; a single record may be larger than that. */
export function cutBatch(
  batch: StreamBatch,
  { recordsMax, bytesMax }: { recordsMax: number; bytesMax: number },
): SizedBatch[] {
  const sizes = batch.records.map(sizeOf)
  const whole = sizes.reduce((sum, size) => sum + size, ENVELOPE_BYTES_MAX)
  if (whole <= bytesMax && batch.records.length <= recordsMax) return [{ batch, bytes: whole }]
  const pieces: SizedBatch[] = []
  let prev = batch.prev
  for (let start = 0; start < batch.records.length; ) {
    let end = start
    let bytes = ENVELOPE_BYTES_MAX
    while (end < batch.records.length && end - start < recordsMax) {
      const size = sizes[end] ?? 0
      if (end > start && bytes + size > bytesMax) break
      bytes += size
      end++
    }
    const records = batch.records.slice(start, end)
    const first = sequenceOf(records[0] ?? '')
    const last = sequenceOf(records.at(-1) ?? '')
    pieces.push({ batch: { ...batch, prev, first, last, records }, bytes })
    prev = last
    start = end
  }
  return pieces
}
