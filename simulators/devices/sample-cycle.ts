// The sampling cycle of a particle counter: delay, sample, hold, and again. Counts protocol time in whole milliseconds, so
// that a sample of six seconds takes six seconds for ever. Decides phases; never what was counted.

export type Phase = 'stopped' | 'delay' | 'sampling' | 'hold'

/** Times of a cycle, s; read anew at the start of each phase, as the instrument does. */
export interface CycleTimes {
  readonly delaySeconds: number
  readonly sampleSeconds: number
  readonly holdSeconds: number
}

/** What happened in one step: air drawn for so long, and whether a sample was finished at its end. */
export interface CycleMoment {
  readonly drawnMs: number
  readonly finished: boolean
}

/** Samples that may end within one step of protocol time (100 ms against one second: never more than one). */
const MOMENTS_MAX = 64

export class SampleCycle {
  readonly #times: () => CycleTimes
  #phase: Phase = 'stopped'
  #leftMs = 0
  #sampleMs = 0
  /** False after a manual start: a sample then ends with the stop command. */
  #automatic = true

  constructor(times: () => CycleTimes) {
    this.#times = times
  }

  get phase(): Phase {
    return this.#phase
  }

  get running(): boolean {
    return this.#phase !== 'stopped'
  }

  /** Sample time of the sample that goes on or has just ended, s. */
  get sampleSeconds(): number {
    return this.#sampleMs / 1000
  }

  /** Instrument start: delay, then sample after sample. */
  start(): void {
    this.#automatic = true
    this.#phase = 'delay'
    this.#leftMs = this.#times().delaySeconds * 1000
    if (this.#leftMs <= 0) this.#beginSample()
  }

  /** Manual start: counts until it is stopped. */
  startManually(): void {
    this.#automatic = false
    this.#phase = 'sampling'
    this.#sampleMs = 0
    this.#leftMs = Number.POSITIVE_INFINITY
  }

  /** Stops and gives up the sample that goes on; true when that was a manual one, which is then to be recorded. */
  stop(): boolean {
    const manual = this.#phase === 'sampling' && !this.#automatic
    this.#phase = 'stopped'
    return manual
  }

  #beginSample(): void {
    this.#phase = 'sampling'
    this.#sampleMs = Math.max(1, this.#times().sampleSeconds) * 1000
    this.#leftMs = this.#sampleMs
  }

  /** Moves on by so many milliseconds; what was drawn and finished on the way, in order. */
  advance(ms: number): CycleMoment[] {
    const moments: CycleMoment[] = []
    let left = ms
    while (left > 0 && this.#phase !== 'stopped' && moments.length < MOMENTS_MAX) {
      const part = Math.min(left, this.#leftMs)
      left -= part
      this.#leftMs -= part
      const finished = this.#leftMs <= 0
      if (this.#phase === 'sampling') {
        moments.push({ drawnMs: part, finished })
        if (!this.#automatic) this.#sampleMs += part
      }
      if (finished) this.#nextPhase()
    }
    return moments
  }

  #nextPhase(): void {
    const hold = this.#times().holdSeconds * 1000
    if (this.#phase === 'sampling' && hold > 0) {
      this.#phase = 'hold'
      this.#leftMs = hold
    } else {
      this.#beginSample()
    }
  }
}
