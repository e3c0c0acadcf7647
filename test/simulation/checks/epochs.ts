// What an epoch leaves behind, and what the next has to take over of it (contract §3 "Sequence", faults.md HO6). Written from the
// contract and decision 0008; uses no code of the agent.

/** Hashes of records as they were printed, by sequence number from 1. */
export class Prints {
  #hashes: number[] = []
  #from = 1

  /** Number of the newest. */
  get last(): number {
    return this.#from + this.#hashes.length - 1
  }

  push(printed: string): void {
    this.#hashes.push(hashOf(printed))
  }

  /** Whether a record was printed so, or nobody remembers. */
  has(seq: number, printed: string): boolean {
    const known = this.#hashes[seq - this.#from]
    return known === undefined || known === hashOf(printed)
  }

  /** Forgets what is not asked about any more. */
  forget(through: number): void {
    const count = through - this.#from
    if (count < 20_000) return
    this.#hashes = this.#hashes.slice(count)
    this.#from += count
  }
}

/** Rows of what goes on with an epoch: cursors, watermarks, and what the store says of its own files. */
const isBookkeeping = (key: string): boolean => /^(cursor|confirm|store)\//.test(key)

export const withoutBookkeeping = (state: ReadonlyMap<string, string>): Map<string, string> =>
  new Map([...state].filter(([key]) => !isBookkeeping(key)))

/** A row as a new epoch has it: the last step of an alarm is told by the record that carried it over. */
function renumbered(key: string, value: string): string {
  if (!key.startsWith('alarm/')) return value
  const row = JSON.parse(value) as { state?: { seq?: number } }
  if (row.state === undefined || !row.state.seq) return value
  return JSON.stringify({ ...row, state: { ...row.state, seq: 1 } })
}

/** Whether a new epoch begins with all that was accepted; else what is missing, in words. */
export function carriesOver(
  accepted: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
): string | undefined {
  const carried = withoutBookkeeping(found)
  for (const key of new Set([...accepted.keys(), ...carried.keys()])) {
    const [before, after] = [accepted.get(key), carried.get(key)]
    const expected = before === undefined ? undefined : renumbered(key, before)
    // where it is not known which slots are covered, accounts begin anew
    if (key === 'slots_begin' && isPartOf(after, before)) continue
    if (after !== expected) return `state row ${key} is ${after}, accepted was ${before}`
  }
  return undefined
}

/** Whether an object has nothing that the other has not. */
function isPartOf(part = '{}', whole = '{}'): boolean {
  const all = JSON.parse(whole) as Record<string, unknown>
  return Object.entries(JSON.parse(part) as Record<string, unknown>).every(
    ([key, value]) => JSON.stringify(value) === JSON.stringify(all[key]),
  )
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619)
  return hash
}
