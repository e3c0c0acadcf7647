// What comes in over MQTT: commands go to the runtime, watermarks to the bookkeeping, replays to their queue. Checks who
// may be answered and what may be believed; acknowledges no alarm and touches no cursor.

import type { Stream } from '#core/record.ts'
import type { Log } from '#ports/log.ts'
import type { ReplayRefusal, UplinkNotice } from '#ports/uplink.ts'
import type { Confirms } from './confirms.ts'
import { type Parsed, parseConfirm, parsePayload, parseReplay } from './inbound.ts'
import type { ReplayReply } from './payload.ts'
import type { Replays } from './replays.ts'
import { isStream, parseInbound } from './topic.ts'

export interface IntakeOptions {
  readonly base: string
  readonly gateway: string
  readonly epoch: string
  readonly log: Log
  readonly confirms: Confirms
  readonly replays: Replays
  /** Whether records can be read; they cannot while the disk is out of order. */
  readonly readable: boolean
  /** Highest sequence number of the stream sent in this life of the process. */
  readonly published: (stream: Stream) => number
  readonly head: () => number
  readonly notice: (notice: UplinkNotice) => void
  readonly reply: (user: string, reply: Omit<ReplayReply, 'ts'>) => void
  /** A consumer has shown signs of life. */
  readonly alive: () => void
}

const OUT_OF_ORDER =
  'the disk is out of order and nothing can be read from it; ask again when system.storage_fault has returned'

export class Intake {
  readonly #options: IntakeOptions
  /** What was reported last per watermark topic, so that a retained one is not reported at each reconnection. */
  readonly #reported = new Map<string, string>()

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** One message as it came in. */
  take(topic: string, payload: Uint8Array, retained: boolean): void {
    const { base, log } = this.#options
    const meaning = parseInbound(base, topic)
    if (meaning === undefined) return log.warn('uplink_message_ignored', { topic })
    // An empty payload only removes a retained message from the broker.
    if (payload.length === 0) return
    const parsed = parsePayload(payload)
    if (meaning.kind === 'confirm') {
      return this.#confirm(meaning.stream, meaning.consumer, parsed, retained)
    }
    this.#command(meaning.command, meaning.user, parsed, retained)
  }

  /** More of a stream was published: watermarks that waited for it count now. */
  published(stream: Stream): void {
    const { confirms, published } = this.#options
    for (const { consumer, through } of confirms.published(stream, published(stream))) {
      this.#accepted(stream, consumer, through)
    }
  }

  #command(command: string, user: string, parsed: Parsed, retained: boolean): void {
    if (command === 'replay') return this.#replay(user, parsed, retained)
    const incoming = parsed.ok
      ? { command, user, payload: parsed.value, retained }
      : { command, user, payload: undefined, retained, fault: parsed.fault }
    this.#options.notice({ kind: 'command', command: incoming })
  }

  #replay(user: string, parsed: Parsed, retained: boolean): void {
    const { gateway, epoch, readable, replays, head, reply, notice, alive } = this.#options
    const request = parseReplay(parsed.ok ? parsed.value : undefined, { user, gateway, epoch })
    const refuse = (id: string | null, detail: string, code: ReplayRefusal['code'] = 'invalid') => {
      notice({ kind: 'replay_refused', user, id, code, detail })
      reply(user, { id, ok: false, code, detail })
    }
    if (!parsed.ok) return refuse(null, `the payload is ${parsed.fault}`)
    if (!request.ok) return refuse(request.id, request.detail, request.code)
    const { id, stream, from, to } = request.order
    if (retained) return refuse(id, 'a command must not be retained')
    alive()
    if (!readable) return refuse(id, OUT_OF_ORDER, 'store_failed')
    const asked = { user, id }
    const fault = replays.add({ stream, from, to: Math.min(to, head()), asked })
    if (fault !== undefined) refuse(id, fault)
  }

  #confirm(name: string, consumer: string, parsed: Parsed, retained: boolean): void {
    const { confirms, epoch, published, head, log, alive } = this.#options
    const refuse = (detail: string) => this.#refuseConfirm(name, consumer, detail)
    if (!isStream(name)) return refuse('there is no such stream; confirm readings or event')
    if (!confirms.counts(consumer)) {
      return log.debug('uplink_confirm_ignored', { stream: name, consumer })
    }
    if (!parsed.ok) return refuse(`the payload is ${parsed.fault}`)
    const mark = parseConfirm(parsed.value)
    if (!mark.ok) return refuse(mark.fault)
    if (mark.epoch !== epoch) return refuse(`of epoch ${mark.epoch.slice(0, 32)}; ours is ${epoch}`)
    const { through } = mark
    const verdict = confirms.take(name, consumer, {
      through,
      retained,
      published: published(name),
      head: head(),
    })
    if (verdict.kind === 'refused') return refuse(verdict.detail)
    if (!retained) alive()
    if (verdict.kind === 'accepted') this.#accepted(name, consumer, through)
  }

  #accepted(stream: Stream, consumer: string, through: number): void {
    const { notice, confirms, replays } = this.#options
    this.#reported.delete(`${stream}/${consumer}`)
    notice({ kind: 'confirm', stream, consumer, through })
    replays.confirmed(stream, confirms.lowest(stream) ?? 0)
  }

  #refuseConfirm(stream: string, consumer: string, detail: string): void {
    const key = `${stream}/${consumer}`
    if (this.#reported.get(key) === detail) return
    if (this.#reported.size >= REPORTED_MAX) this.#reported.clear()
    this.#reported.set(key, detail)
    this.#options.notice({ kind: 'confirm_refused', stream, consumer, detail })
  }
}

const REPORTED_MAX = 256
