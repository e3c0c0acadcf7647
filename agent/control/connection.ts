// One connection of the local socket: bytes to requests, answers to lines, deadlines and bounds of both.
// Requests of a connection run side by side and are answered by id; too many make the peer wait, not the agent.

import type { Socket } from 'node:net'
import { MINUTE, type Millis, SECOND } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { DispatchContext } from './context.ts'
import { answer } from './dispatch.ts'
import { LineCutter } from './lines.ts'
import {
  parseRequest,
  printReply,
  REQUEST_BYTES_MAX,
  type Reply,
  type Request,
} from './protocol.ts'

/** Requests of one connection at once; the next ones stay in the socket. */
const REQUESTS_AT_ONCE_MAX = 8
/** Requests read and not yet begun; one burst of a socket may hold many short lines. */
const REQUESTS_WAITING_MAX = 256
/** Lines not understood before the connection is closed. */
const MISUNDERSTOOD_MAX = 8
/** A connection without a request in work is closed after this. */
const IDLE_MS: Millis = MINUTE
/** A request line must be complete this long after its first byte. */
const LINE_MS: Millis = 10 * SECOND
/** A request is answered within this, if only by saying that it takes longer. */
const ANSWER_MS: Millis = 30 * SECOND
/** Unread replies beyond this close the connection. */
const UNREAD_BYTES_MAX = 33_554_432

export interface AnswerContext extends DispatchContext {
  readonly clock: Clock
}

/** Serves one accepted socket until either side ends it. */
export class Connection {
  readonly #socket: Socket
  readonly #context: AnswerContext
  readonly #cutter = new LineCutter(REQUEST_BYTES_MAX)
  readonly #waiting: Request[] = []
  #running = 0
  #misunderstood = 0
  #finishing = false
  #ended = false
  #cancelIdle: (() => void) | undefined
  #cancelLine: (() => void) | undefined

  constructor(socket: Socket, context: AnswerContext, closed: () => void) {
    this.#socket = socket
    this.#context = context
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('end', () => this.#finish())
    // What a peer breaks is its own; `close` follows.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#ended = true
      this.#waiting.length = 0
      this.#cancelIdle?.()
      this.#cancelLine?.()
      closed()
    })
    this.#armIdle()
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Uint8Array): void {
    if (this.#finishing) return
    const { ok, lines } = this.#cutter.push(chunk)
    for (const line of lines) this.#take(line)
    if (!ok) {
      const detail = `a request is longer than ${REQUEST_BYTES_MAX} bytes; the connection is closed`
      this.#write({ id: null, ok: false, refusal: { code: 'invalid', detail } })
      this.#finish()
      return
    }
    this.#watchLine(lines.length > 0)
    this.#work()
  }

  #take(line: Uint8Array): void {
    if (this.#ended || this.#finishing) return
    const parsed = parseRequest(line)
    if (!parsed.ok) {
      this.#write({ id: parsed.id, ok: false, refusal: parsed.refusal })
      this.#misunderstood++
      if (this.#misunderstood >= MISUNDERSTOOD_MAX) this.#finish()
    } else if (this.#waiting.length >= REQUESTS_WAITING_MAX) {
      const detail = `${REQUESTS_WAITING_MAX} requests of this connection wait already`
      this.#write({ id: parsed.request.id, ok: false, refusal: { code: 'busy', detail } })
    } else this.#waiting.push(parsed.request)
  }

  /** Begins what may be begun, and reads on only when there is room for more. */
  #work(): void {
    while (this.#running < REQUESTS_AT_ONCE_MAX) {
      const request = this.#waiting.shift()
      if (request === undefined) break
      this.#running++
      void this.#serve(request)
    }
    if (this.#waiting.length > 0) this.#socket.pause()
    else if (!this.#ended) this.#socket.resume()
    this.#armIdle()
  }

  async #serve({ id, command }: Request): Promise<void> {
    const { clock } = this.#context
    let answered = false
    const reply = (line: Reply): void => {
      if (answered) return
      answered = true
      this.#write(line)
    }
    const cancel = clock.at(clock.now().mono + ANSWER_MS, () => {
      const detail = `no answer within ${ANSWER_MS / SECOND} s; it may still be done, look again before repeating it`
      reply({ id, ok: false, refusal: { code: 'failed', detail } })
    })
    const result = await answer(command, this.#context)
    cancel()
    reply({ id, ...result })
    this.#running--
    if (this.#finishing && this.#idle) this.#socket.end()
    else this.#work()
  }

  get #idle(): boolean {
    return this.#running === 0 && this.#waiting.length === 0
  }

  /** Takes no more, answers what was taken, then ends. */
  #finish(): void {
    this.#finishing = true
    this.#cancelLine?.()
    this.#work()
    if (this.#idle) this.#socket.end()
  }

  #write(reply: Reply): void {
    if (this.#ended || !this.#socket.writable) return
    this.#socket.write(printReply(reply))
    if (this.#socket.writableLength > UNREAD_BYTES_MAX) this.#socket.destroy()
  }

  #watchLine(progress: boolean): void {
    if (this.#cutter.heldBytes === 0 || progress) {
      this.#cancelLine?.()
      this.#cancelLine = undefined
    }
    if (this.#cutter.heldBytes > 0) this.#cancelLine ??= this.#closeAfter(LINE_MS)
  }

  #armIdle(): void {
    this.#cancelIdle?.()
    this.#cancelIdle = this.#idle && !this.#ended ? this.#closeAfter(IDLE_MS) : undefined
  }

  #closeAfter(ms: Millis): () => void {
    const { clock } = this.#context
    return clock.at(clock.now().mono + ms, () => this.#socket.destroy())
  }
}
