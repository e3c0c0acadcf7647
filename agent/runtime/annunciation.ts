// Horn and stack light in the agent's life: the one that the configuration in force asks for, told of every alarm that is committed.
// Decides when one follows another; what is shown is agent/annunciator's.

import type { AnnunciatorSettings, Configuration } from '#config/configuration.ts'
import type { Instant } from '#core/time.ts'
import type { Annunciator } from '#ports/annunciator.ts'
import type { Clock } from '#ports/clock.ts'
import type { Store } from '#ports/store.ts'
import type { AlarmStateMessage } from '#ports/uplink.ts'
import type { Loop } from './loop.ts'

/** What an annunciator needs of the agent it belongs to. */
export interface AnnunciatorContext {
  readonly settings: AnnunciatorSettings
  readonly timezone: string
  /** Its row as last written, JSON text. */
  readonly row: string | undefined
  readonly lastCommit: { readonly at: Instant; readonly sameBoot: boolean } | undefined
  readonly condition: (alarm: string, active: boolean, detail?: string) => void
  readonly note: (
    type: string,
    body: Readonly<Record<string, unknown>>,
    changes: ReadonlyMap<string, unknown>,
  ) => Promise<void> | undefined
}

export type BuildAnnunciator = (context: AnnunciatorContext) => Annunciator

const ROW = 'annunciator'
const FAULT = 'system.annunciator_fault'

export interface AnnunciationOptions {
  readonly build: BuildAnnunciator | undefined
  readonly clock: Clock
  readonly store: Store
  readonly loop: Loop
}

export class Annunciation {
  readonly #options: AnnunciationOptions
  #current: Annunciator | undefined
  #fingerprint: string | undefined
  #row: string | undefined
  #lastCommit: AnnunciatorContext['lastCommit']

  constructor(options: AnnunciationOptions) {
    this.#options = options
    const { recovered } = options.store
    this.#row = recovered.state.get(ROW)
    const last = recovered.lastCommit
    this.#lastCommit = last && { at: last.at, sameBoot: last.bootId === options.clock.bootId }
  }

  get current(): Annunciator | undefined {
    return this.#current
  }

  states(states: readonly AlarmStateMessage[]): void {
    this.#current?.alarmStates(states)
  }

  /** Puts the annunciator of a configuration in force; the one before goes on where nothing of it changed. */
  async apply(
    { annunciator, plant }: Configuration,
    states: readonly AlarmStateMessage[],
  ): Promise<void> {
    const { build, loop, store, clock } = this.#options
    const fingerprint = JSON.stringify([annunciator, plant.timezone])
    if (fingerprint === this.#fingerprint) return
    this.#fingerprint = fingerprint
    const before = this.#current
    this.#current = undefined
    await before?.stop(annunciator === undefined ? 'drop' : 'leave')
    const condition = (alarm: string, active: boolean, detail?: string): void => {
      const words = detail === undefined ? {} : { detail }
      loop.input({ kind: 'condition', at: clock.now(), alarm, active, ...words })
    }
    if (annunciator === undefined || build === undefined) return condition(FAULT, false)
    this.#current = build({
      settings: annunciator,
      timezone: plant.timezone,
      row: this.#row,
      lastCommit: this.#lastCommit,
      condition,
      note: (type, body, changes) => {
        if (store.volatile === true) return undefined
        const row = changes.get(ROW)
        if (row !== undefined) {
          this.#row = JSON.stringify(row)
          this.#lastCommit = { at: clock.now(), sameBoot: true }
        }
        return loop.note(type, body, changes)
      },
    })
    this.#current.alarmStates(states)
    this.#current.start()
  }

  /** `leave`: another agent follows at once in this process. */
  async stop(how: 'drop' | 'leave'): Promise<void> {
    const current = this.#current
    this.#current = undefined
    await current?.stop(how)
  }
}
