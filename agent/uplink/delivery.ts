// What is to be recorded about delivery: cursors (at most every 250 ms), nobody listening, messages refused. Turns verdicts
// of the lanes into notices for the runtime, and bounds how many; decides nothing about what is sent.

import type { OutboxVerdict, Piece } from '#core/outbox.ts'
import type { Stream } from '#core/record.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { UplinkNotice } from '#ports/uplink.ts'
import { reasonText } from './reasons.ts'
import type { StateRefusal } from './state-lane.ts'

const CURSOR_NOTICE_MS: Millis = 250
/** A broker that denies every alarm topic is one fault, not a thousand records. */
const STATE_REFUSAL_NOTICE_MS: Millis = 600_000

export interface DeliveryOptions {
  readonly clock: Clock
  readonly log: Log
  readonly notice: (notice: UplinkNotice) => void
  /** Delivered moved: watermarks that waited for it may count now. */
  readonly moved: (stream: Stream) => void
}

export class Delivery {
  readonly #options: DeliveryOptions
  readonly #unsaved = new Map<Stream, number>()
  readonly #unheard = new Set<Stream>()
  #cancelSave: (() => void) | undefined
  #quietUntil: Millis = 0

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  /** A lane has decided something about its stream. */
  judge(stream: Stream, verdict: OutboxVerdict): void {
    switch (verdict.kind) {
      case 'cursor':
        this.#unsaved.set(stream, verdict.sent)
        this.#saveSoon()
        return this.#options.moved(stream)
      case 'unheard':
        return this.#listen(stream, verdict.active)
      case 'set_aside':
        return this.#reject(stream, verdict.piece, verdict.code, false)
      case 'held':
        return this.#reject(stream, verdict.piece, verdict.code, true)
    }
  }

  /** The broker will not take a retained state. */
  refused({ leaf, code }: StateRefusal): void {
    const detail = `${leaf}: ${whyRefused(code)}; check the broker's access rules`
    this.#options.log.error('uplink_state_refused', { topic: leaf, reasonCode: code })
    const { mono } = this.#options.clock.now()
    if (mono < this.#quietUntil) return
    this.#quietUntil = mono + STATE_REFUSAL_NOTICE_MS
    const none = { stream: 'event', first: 0, last: 0 } as const
    this.#options.notice({ kind: 'rejected', ...none, reasonCode: code, detail, topic: leaf })
  }

  /** Reports the cursors that wait to be reported. */
  save(): void {
    this.#cancelSave?.()
    this.#cancelSave = undefined
    for (const [stream, sent] of this.#unsaved) {
      this.#options.notice({ kind: 'cursor', stream, sent })
    }
    this.#unsaved.clear()
  }

  #saveSoon(): void {
    const { clock } = this.#options
    this.#cancelSave ??= clock.at(clock.now().mono + CURSOR_NOTICE_MS, () => this.save())
  }

  #listen(stream: Stream, unheard: boolean): void {
    const before = this.#unheard.size > 0
    if (unheard) this.#unheard.add(stream)
    else this.#unheard.delete(stream)
    const active = this.#unheard.size > 0
    if (active !== before) this.#options.notice({ kind: 'no_subscriber', active })
  }

  #reject(stream: Stream, { first, last }: Piece, reasonCode: number, held: boolean): void {
    const why = whyRefused(reasonCode)
    const detail = held
      ? `${why}, and so are the messages after it: the stream waits here and is tried again; check the broker's access rules and limits`
      : `${why} although others pass: set aside, it stays in the journal and can be asked for by replay`
    const notice = { kind: 'rejected', stream, first, last, reasonCode, detail } as const
    this.#options.notice(held ? { ...notice, held } : notice)
  }
}

const whyRefused = (code: number): string =>
  code === 0 ? 'the broker hangs up on it' : `refused: ${reasonText(code)}`
