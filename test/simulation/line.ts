// The wire of one bus behind the drivers' link seam: carries requests to the units and their replies back, with everything a
// wire does wrong. Keeps account of every request, so that the checks know what was asked when. Never shares code with drivers.

import type { Link, LinkListener, OpenLink } from '#drivers/link/link.ts'
import { outstanding, type Silence, tooEarly } from './checks/turns.ts'
import type { Dice } from './dice.ts'
import type { Process } from './machine.ts'
import type { BusDraw, FaultRates } from './scenario.ts'
import type { Timeline } from './timeline.ts'
import type { Unit } from './unit.ts'
import {
  collided,
  damaged,
  frameOf,
  otherReply,
  readRequest,
  type WireRequest,
} from './wire-frames.ts'

/** Requests remembered of one unit. */
const REQUESTS_MAX = 512
/** Nothing on the wire comes later than this after its request: what `lateReply` of a converter is set to, less a margin. */
const LATE_MS_MAX = 9500

/** A second reply is this late at the most: what a master waits between two requests at the least, less a margin. */
const BEHIND_MS = 15

/** A unit that did not answer is left alone for so long after it was asked. */
const QUARANTINE_MS = 9990

export interface Asked {
  readonly sentAt: number
  readonly process: Process
  /** On which of the connections of the line. */
  readonly connection: number
  /** Which agent of the process asked. */
  readonly agent: number
  readonly address: number
  readonly quantity: number
  /** When bytes that answer it reached the agent. */
  heardAt: number | undefined
  /** What was sent back was not a plain reply. */
  spoilt: boolean
  /** What was sent back was a plain reply with what was asked for. */
  whole: boolean
}

export interface LineOptions {
  readonly bus: BusDraw
  readonly units: readonly Unit[]
  readonly faults: FaultRates
  readonly dice: Dice
  readonly timeline: Timeline
  readonly broken: (invariant: string, words: string) => void
  readonly seen: (what: string) => void
}

interface Open {
  readonly number: number
  readonly process: Process
  readonly listener: LinkListener
  alive: boolean
}

export class Line {
  readonly bus: BusDraw
  readonly units: readonly Unit[]
  readonly asked = new Map<number, Asked[]>()
  readonly #options: LineOptions
  /** Bytes arrive in the order they were sent: nothing overtakes on a stream. */
  #lastArrival = 0
  #open: Open | undefined
  #faults: FaultRates
  /** Connections are refused until then. */
  #refusedUntil = 0
  /** Bytes vanish both ways until then, without a word. */
  #deafUntil = 0
  /** True times of attempts to open the link. */
  connects: number[] = []
  connectCount = 0
  #newest: Asked | undefined
  /** Since when nothing has come over a connection. */
  #silentSince: Silence | undefined

  constructor(options: LineOptions) {
    this.#options = options
    this.bus = options.bus
    this.units = options.units
    this.#faults = options.faults
  }

  /** Ends every fault; what is on its way still arrives. */
  calm(): void {
    this.#faults = {}
    this.#refusedUntil = 0
    this.#deafUntil = 0
    for (const unit of this.units) {
      unit.offUntil = 0
      unit.twinUntil = 0
    }
  }

  cut(refuseForMs: number): void {
    const { timeline, bus } = this.#options
    this.#refusedUntil = timeline.now + refuseForMs
    const open = this.#open
    if (open === undefined) return
    timeline.trace(`wire ${bus.id}: cut for ${Math.round(refuseForMs)} ms`)
    this.#close(open, 'reset by peer')
  }

  deafen(ms: number): void {
    this.#options.timeline.trace(`wire ${this.bus.id}: half open for ${Math.round(ms)} ms`)
    this.#deafUntil = this.#options.timeline.now + ms
  }

  /** The link as one process of the agent opens it. */
  opener(process: Process): OpenLink {
    return (listener): Link => {
      const { timeline, dice } = this.#options
      this.connects.push(timeline.now)
      if (this.connects.length > 400) this.connects.splice(0, 200)
      const open: Open = { number: this.connectCount++, process, listener, alive: true }
      process.postAfter(dice.between(0.2, 3), () => {
        if (!open.alive) return
        if (timeline.now < this.#refusedUntil) return this.#close(open, 'connection refused')
        this.#open = open
        listener.opened()
      })
      return {
        write: (bytes) => {
          if (open.alive && process.alive) this.#asked(Buffer.from(bytes), open)
        },
        flush: (done) => done(),
        destroy: () => {
          open.alive = false
          return Promise.resolve()
        },
      }
    }
  }

  #close(open: Open, cause: string): void {
    if (this.#open === open) this.#open = undefined
    open.process.post(() => {
      if (!open.alive) return
      open.alive = false
      open.listener.closed(cause)
    })
  }

  #asked(bytes: Buffer, open: Open): void {
    const { timeline, broken } = this.#options
    const request = readRequest(this.bus.protocol, bytes)
    if (request === undefined)
      return broken('B4', `not one whole request: ${bytes.toString('hex')}`)
    const { unitId, functionCode, address, quantity } = request
    timeline.trace(
      `wire ${this.bus.id}: ask ${unitId} ${functionCode} ${address}+${quantity}`,
      false,
    )
    if (functionCode < 1 || functionCode > 4)
      broken('B4', `function code ${functionCode} left the agent`)
    const asked: Asked = {
      ...{ sentAt: timeline.now, process: open.process, address, quantity },
      ...{ agent: open.process.agents, connection: open.number },
      ...{ heardAt: undefined, spoilt: false, whole: false },
    }
    const early = tooEarly(this.bus.protocol, this.#silentSince, asked)
    if (early !== undefined) broken('B1', `unit ${unitId} of ${this.bus.id} was ${early}`)
    const pending = outstanding(this.#newest, asked)
    if (pending !== undefined) broken('B1', `unit ${unitId} of ${this.bus.id} was ${pending}`)
    this.#newest = asked
    this.#checkTurn(request, open)
    const list = this.asked.get(unitId) ?? []
    list.push(asked)
    if (list.length > REQUESTS_MAX) list.splice(0, REQUESTS_MAX / 2)
    this.asked.set(unitId, list)
    if (timeline.now < this.#deafUntil) return
    this.#answer(request, asked, open)
  }

  /**
   * B3: on a line without ids a unit that did not answer is left alone until its late reply can no longer come, whichever process or
   * agent asked.
   */
  #checkTurn({ unitId }: WireRequest, { process }: Open): void {
    if (this.bus.protocol === 'modbus-tcp') return
    const last = this.asked.get(unitId)?.at(-1)
    if (last === undefined) return
    if (last.heardAt !== undefined || (last.spoilt && last.process === process)) return
    const sinceMs = this.#options.timeline.now - last.sentAt
    if (sinceMs < QUARANTINE_MS) {
      this.#options.broken(
        'B3',
        `unit ${unitId} of ${this.bus.id} was asked ${sinceMs.toFixed(0)} ms after a request it never answered`,
      )
    }
  }

  #answer(request: WireRequest, asked: Asked, open: Open): void {
    const { dice, timeline, seen } = this.#options
    const { unitId, functionCode, address, quantity } = request
    const unit = this.units.find((each) => each.unitId === unitId)
    if (unit === undefined || timeline.now < unit.offUntil) return
    const {
      wireLoss = 0,
      wireException = 0,
      wireLate = 0,
      wireNoise = 0,
      wireSplit = 0,
    } = this.#faults
    if (dice.chance(wireLoss)) return seen('reply lost')
    if (dice.chance(wireException)) {
      const code = dice.pick([1, 2, 3, 4, 5, 6, 7, 8, 10, 11])
      seen(`exception ${code}`)
      return this.#send(frameOf(request, Buffer.of(functionCode | 0x80, code)), 5, asked, open)
    }
    const pause = dice.between(2, 15)
    timeline.after(pause, () => {
      const regular = frameOf(request, unit.answer(functionCode, address, quantity, timeline.now))
      if (timeline.now < unit.twinUntil && this.bus.protocol !== 'modbus-tcp')
        return this.#sendBoth(request, regular, asked, open)
      let lag = dice.between(1, 10)
      if (dice.chance(wireLate)) {
        seen('reply late')
        lag = Math.min(LATE_MS_MAX, dice.about(dice.chance(0.5) ? 800 : 4000))
      }
      if (dice.chance(wireNoise)) {
        seen('reply damaged')
        asked.spoilt = true
        return this.#send(damaged(request, regular, dice), lag, asked, open)
      }
      if (!dice.chance(wireSplit)) {
        asked.whole = true
        return this.#send(regular, lag, asked, open)
      }
      seen('reply split')
      this.#sendSplit(regular, lag, asked, open)
    })
  }

  /**
   * Two instruments answer: mostly over each other, now and then the other one right behind, within the turnaround that the master keeps.
   * Where it answers first, alone, or so late that it meets the next request of the same length, its reply is as good as any
   * other, and only its serial number would tell: that is not in the traffic (decision 0034).
   */
  #sendBoth(request: WireRequest, frame: Buffer, asked: Asked, open: Open): void {
    const { dice, seen } = this.#options
    const lag = dice.between(1, 10)
    const other = otherReply(request, frame, dice)
    if (dice.chance(0.7)) {
      seen('replies that collided')
      asked.spoilt = true
      return this.#send(collided(frame, other, dice), lag, asked, open)
    }
    seen('two replies to one request')
    asked.whole = true
    this.#send(frame, lag, asked, open)
    this.#send(other, lag + dice.between(0, BEHIND_MS), asked, open)
  }

  #sendSplit(frame: Buffer, lag: number, asked: Asked, open: Open): void {
    const { dice } = this.#options
    asked.spoilt = true
    const cut = dice.whole(1, frame.length - 1)
    this.#send(frame.subarray(0, cut), lag, asked, open)
    this.#send(frame.subarray(cut), lag + dice.about(dice.chance(0.3) ? 400 : 5), asked, open)
  }

  /** Bytes towards the agent; on a converter they go to whoever is connected by then. */
  #send(frame: Buffer, lag: number, asked: Asked, to: Open): void {
    const { timeline, bus, seen } = this.#options
    const arrival = Math.max(this.#lastArrival, timeline.now + lag)
    this.#lastArrival = arrival
    timeline.at(arrival, () => {
      const open = bus.protocol === 'modbus-tcp' ? to : this.#open
      if (open === undefined || !open.alive || timeline.now < this.#deafUntil) return
      if (open !== to) seen('reply to a connection before')
      open.process.post(() => {
        if (!open.alive) return
        asked.heardAt ??= timeline.now
        this.#silentSince = { at: timeline.now, connection: open.number }
        timeline.trace(`wire ${bus.id}: ${frame.toString('hex')}`, false)
        open.listener.received(frame)
      })
    })
  }
}
