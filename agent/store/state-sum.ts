// A sum over all rows of the state, kept in a row beside them: the chain proves records, and a row of the state that a bad sector
// has changed would else be believed at the next start. No proof against people: it is not secret.

/** The row that holds the sum of all others. */
export const STATE_SUM_ROW = 'store/sum'

const FNV_OFFSET = 0x811c_9dc5 | 0
const FNV_PRIME = 0x0100_0193

/** FNV-1a (32 bits) of a row. */
function sumOf(key: string, value: string): number {
  let sum = FNV_OFFSET
  for (const text of [key, '\n', value])
    for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), FNV_PRIME)
  return sum
}

/** The sum as rows come and go. */
export class StateSum {
  readonly #rows = new Map<string, number>()
  #sum = 0

  constructor(rows: Iterable<readonly [string, string]>) {
    for (const [key, value] of rows) this.set(key, value)
  }

  set(key: string, value: string | null): void {
    if (key === STATE_SUM_ROW) return
    const before = this.#rows.get(key) ?? 0
    const after = value === null ? 0 : sumOf(key, value)
    if (value === null) this.#rows.delete(key)
    else this.#rows.set(key, after)
    this.#sum = (this.#sum - before + after) | 0
  }

  /** As the row holds it. */
  get text(): string {
    return String(this.#sum >>> 0)
  }
}

/** Takes the sum out of the rows of a file; false where it is not theirs. A file written before there was one has none. */
export function takeSum(rows: Map<string, string>): boolean {
  const kept = rows.get(STATE_SUM_ROW)
  rows.delete(STATE_SUM_ROW)
  return kept === undefined || kept === new StateSum(rows).text
}
