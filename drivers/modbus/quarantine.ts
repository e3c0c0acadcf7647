// Which units of a line without transaction ids are asked nothing, since a reply of theirs may still be on its way. One owner for a
// process: it outlives the drivers, knows what the process before has left, and says what is left at a stop. URS-10.

import type { Millis } from '#core/time.ts'
import type { PreviousEnd, QuarantinedUnit } from '#ports/driver.ts'

/** No request to a unit id before this; shared by all who use the id. */
export interface Quarantine {
  untilMono: Millis
}

/** The units of one line. */
export interface LineQuarantine {
  unit(unitId: number): Quarantine
}

interface Line {
  /** Every unit of the line may answer the process before until then. */
  untilMono: Millis
  readonly units: Map<number, Quarantine>
}

const NEVER: Millis = Number.NEGATIVE_INFINITY

export class Quarantines {
  readonly #lines = new Map<string, Line>()
  #sentUntilMono: Millis | undefined

  /** What the process before has left; told once, since an agent that follows in the same process has it all in here. */
  inherit({ sentUntilMono, quarantined }: PreviousEnd, nowMono: Millis): void {
    if (this.#sentUntilMono !== undefined) return
    this.#sentUntilMono = sentUntilMono
    for (const { line, unitId, leftMs } of quarantined) {
      const known = this.#lines.get(line) ?? { untilMono: NEVER, units: new Map() }
      this.#lines.set(line, known)
      known.units.set(unitId, { untilMono: nowMono + leftMs })
    }
  }

  /** The units of a line, by the name of its wire; `lateMs`: a reply comes at the latest so long after its request. */
  line(name: string, lateMs: Millis): LineQuarantine {
    const known = this.#lines.get(name) ?? { untilMono: NEVER, units: this.#anyLine() }
    this.#lines.set(name, known)
    known.untilMono = Math.max(known.untilMono, (this.#sentUntilMono ?? NEVER) + lateMs)
    return {
      unit: (unitId) => {
        const quarantine = known.units.get(unitId) ?? { untilMono: NEVER }
        known.units.set(unitId, quarantine)
        quarantine.untilMono = Math.max(quarantine.untilMono, known.untilMono)
        return quarantine
      },
    }
  }

  /** Units that may still send a late reply, to be written down at a stop. */
  outstanding(nowMono: Millis): QuarantinedUnit[] {
    return [...this.#lines].flatMap(([line, { units }]) =>
      [...units]
        .filter(([, { untilMono }]) => untilMono > nowMono)
        .map(([unitId, { untilMono }]) => ({ line, unitId, leftMs: untilMono - nowMono })),
    )
  }

  /** A wire with a new name may be one of those before: a port that is now named by its adapter, a converter by its host name. */
  #anyLine(): Map<number, Quarantine> {
    const units = new Map<number, Quarantine>()
    for (const line of this.#lines.values()) {
      for (const [unitId, { untilMono }] of line.units) {
        // What the start alone has imposed is no more than each line imposes for itself.
        if (untilMono <= line.untilMono) continue
        const least = units.get(unitId)?.untilMono ?? NEVER
        units.set(unitId, { untilMono: Math.max(least, untilMono) })
      }
    }
    return units
  }
}
