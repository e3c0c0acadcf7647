// Drives the outputs of one module on a bus of its own: writes the enabled coils, reads them back, one request in flight, each with
// a deadline. The only file that puts a writing function code on a wire (decision 0009); never throws for what a module or a wire
// does wrong: that comes back in words.

import type { OutputName, OutputStates } from '#core/annunciation.ts'
import { assert } from '#core/assert.ts'
import type { BackoffLimits } from '#core/backoff.ts'
import type { Random } from '#core/random.ts'
import type { Millis } from '#core/time.ts'
import type { OutputDriver, OutputReply } from '#ports/annunciator.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { OpenLink } from '../link/link.ts'
import { Connection } from '../modbus/connection.ts'
import type { BusSettings, OutputSettings } from '../profile.ts'
import { type CoilRequest, coilRequests, judgeAnswer } from './coil-pdu.ts'
import { type Envelope, mbapEnvelope, rtuEnvelope } from './envelope.ts'

/** A horn that is gone is looked for more often than an instrument. */
const BACKOFF: BackoffLimits = { firstMsMax: 500, msMax: 3000 }
const RECEIVED_MAX = 1024

export interface ModbusOutputOptions {
  readonly settings: OutputSettings
  readonly open: OpenLink
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

type Outcome =
  | { readonly ok: true; readonly values?: readonly boolean[] }
  | { readonly ok: false; readonly cause: string }

interface Pending {
  readonly request: CoilRequest
  readonly settle: (outcome: Outcome) => void
}

export class ModbusOutput implements OutputDriver {
  readonly outputs: readonly OutputName[]
  readonly #settings: OutputSettings
  readonly #clock: Clock
  readonly #connection: Connection
  readonly #envelope: Envelope
  readonly #requests: ReturnType<typeof coilRequests>
  #pending: Pending | undefined
  #waiting: (() => void) | undefined
  #received: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  /** After a timeout without transaction ids, nothing is asked before a late answer has had its time. */
  #quietUntil: Millis = 0
  #driving = false
  #closed = false

  constructor({ settings, open, clock, random, log }: ModbusOutputOptions) {
    this.#settings = settings
    this.#clock = clock
    this.outputs = settings.coils.map(({ name }) => name)
    this.#requests = coilRequests(settings)
    this.#envelope = envelopeOf(settings.bus, settings.unitId, Math.floor(random() * 0x10000))
    this.#connection = new Connection({
      bus: settings.bus.id,
      open,
      backoff: BACKOFF,
      clock,
      random,
      log,
      onReopen: () => {},
      listener: {
        opened: () => {
          this.#received = new Uint8Array(0)
          this.#waiting?.()
        },
        received: (bytes) => this.#onReceived(bytes),
        lost: () => {
          this.#received = new Uint8Array(0)
          this.#waiting?.()
          this.#settle({ ok: false, cause: this.#linkCause() })
        },
      },
    })
    this.#connection.start()
  }

  async drive(states: OutputStates): Promise<OutputReply> {
    assert(!this.#driving, 'the outputs are driven one at a time')
    this.#driving = true
    try {
      return await this.#driveAll(states)
    } finally {
      this.#driving = false
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#waiting?.()
    await this.#connection.close()
  }

  async #driveAll(states: OutputStates): Promise<OutputReply> {
    const { coils, readBack } = this.#settings
    const nameOf = new Map(coils.map(({ name, address }) => [address, name]))
    const value = (address: number): boolean => states[nameOf.get(address) ?? 'red']
    const runs = this.#requests.runs(value)
    for (const run of runs) {
      const written = await this.#ask(this.#requests.write(run))
      if (!written.ok) return written
    }
    for (const run of readBack ? runs : []) {
      const read = await this.#ask(this.#requests.read(run))
      if (!read.ok) return read
      const wrong = run.values.findIndex((wanted, index) => read.values?.[index] !== wanted)
      if (wrong < 0) continue
      const word = (on: boolean | undefined): string => (on === true ? 'on' : 'off')
      const name = nameOf.get(run.address + wrong)
      return {
        ok: false,
        cause:
          `${name} (coil ${run.address + wrong}) was switched ${word(run.values[wrong])} and reads ${word(read.values?.[wrong])}; ` +
          'check that nothing else writes to the module, and that it is not in its safe state',
      }
    }
    return { ok: true, arrivedMono: this.#clock.now().mono }
  }

  async #ask(request: CoilRequest): Promise<Outcome> {
    const left = this.#quietUntil - this.#clock.now().mono
    if (left > 0) await this.#wait(left)
    if (!this.#connection.isOpen && this.#connection.isComing)
      await this.#wait(this.#settings.bus.timeoutMs)
    if (this.#closed || !this.#connection.isOpen) return { ok: false, cause: this.#linkCause() }
    return new Promise((resolve) => {
      const { timeoutMs, lateReplyMs } = this.#settings.bus
      const cancel = this.#clock.at(this.#clock.now().mono + timeoutMs, () => {
        this.#quietUntil = this.#clock.now().mono + lateReplyMs
        this.#settle({
          ok: false,
          cause: `the module does not answer within ${timeoutMs} ms; check unit id, wiring and power`,
        })
        this.#connection.reopen(
          'the output module did not answer; the link was opened afresh',
          false,
        )
      })
      this.#pending = {
        request,
        settle: (outcome) => {
          cancel()
          resolve(outcome)
        },
      }
      this.#received = new Uint8Array(0)
      this.#connection.write(this.#envelope.wrap(request.pdu))
    })
  }

  /** Until the time is over, or the link is there, or everything is closed. */
  #wait(ms: Millis): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel()
        this.#waiting = undefined
        resolve()
      }
      const cancel = this.#clock.at(this.#clock.now().mono + ms, done)
      this.#waiting = done
    })
  }

  #onReceived(bytes: Uint8Array): void {
    const pending = this.#pending
    if (pending === undefined) return
    if (this.#received.length + bytes.length > RECEIVED_MAX) this.#received = new Uint8Array(0)
    this.#received = Uint8Array.from([...this.#received, ...bytes])
    for (;;) {
      const { pdu, rest } = this.#envelope.unwrap(this.#received, pending.request.answerBytes)
      this.#received = rest
      if (pdu === undefined) return
      const answer = judgeAnswer(pending.request, pdu)
      if (answer.kind === 'foreign') continue
      this.#connection.proved()
      if (answer.kind === 'exception') {
        const cause = `the module refuses with exception ${answer.code}; check the profile's addresses and the module's mode`
        return this.#settle({ ok: false, cause })
      }
      return this.#settle({ ok: true, ...(answer.kind === 'coils' && { values: answer.values }) })
    }
  }

  #settle(outcome: Outcome): void {
    const pending = this.#pending
    this.#pending = undefined
    pending?.settle(outcome)
  }

  #linkCause(): string {
    const { state } = this.#connection
    return state.kind === 'down' ? state.cause : 'the link to the module is not open yet'
  }
}

const envelopeOf = (bus: BusSettings, unitId: number, firstId: number): Envelope =>
  bus.protocol === 'modbus-tcp' ? mbapEnvelope(unitId, firstId) : rtuEnvelope(unitId)
