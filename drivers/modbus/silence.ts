// Tells a unit that does not answer from a line that has gone dead: only when nothing at all comes back, from several
// units, is the link suspected. Pure; destroys and reopens nothing itself.

/** Consecutive timeouts with nothing received after which the link is opened afresh. */
export const TIMEOUTS_BEFORE_REOPEN = 3
/** Reopening in vain doubles that number up to this, so that a bus of dead units does not churn the link. */
const TIMEOUTS_MAX = 48
/** Units that must have been silent before the link is suspected, where the bus has that many. */
const SUSPECT_UNITS = 2

export class SilenceWatch {
  readonly #unitCount: number
  readonly #units = new Set<number>()
  #timeouts = 0
  #sinceHeard = 0
  #threshold = TIMEOUTS_BEFORE_REOPEN

  /** `unitCount`: units configured on the bus. */
  constructor(unitCount: number) {
    this.#unitCount = unitCount
  }

  /** Every unit of the bus has been asked in vain and nothing was received: the bus is down, not the units. */
  get muted(): boolean {
    return this.#sinceHeard >= TIMEOUTS_BEFORE_REOPEN && this.#units.size >= this.#unitCount
  }

  /** Something was received, whatever it was. */
  heard(): void {
    if (this.#sinceHeard === 0) return
    this.#units.clear()
    this.#timeouts = 0
    this.#sinceHeard = 0
    this.#threshold = TIMEOUTS_BEFORE_REOPEN
  }

  /** A request timed out with nothing received; true when the link is to be opened afresh. */
  timedOut(unitId: number): boolean {
    this.#units.add(unitId)
    this.#timeouts++
    this.#sinceHeard++
    const suspect = this.#units.size >= Math.min(SUSPECT_UNITS, this.#unitCount)
    if (!suspect || this.#timeouts < this.#threshold) return false
    this.#timeouts = 0
    this.#threshold = Math.min(TIMEOUTS_MAX, this.#threshold * 2)
    return true
  }
}
