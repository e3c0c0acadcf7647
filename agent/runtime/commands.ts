// Commands of people over MQTT (contract §3): from what came in to an act of the core and its reply, each id once, every refusal
// answered and recorded. Decides neither who signed (agent/access) nor what a person may do (the core). Nothing is answered as
// done before it is durable.

import { InvariantError } from '#core/assert.ts'
import type { ActCode, ActReply } from '#core/input.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { CommandCheck, CommandRefusal, GenuineCommand } from '#ports/commands.ts'
import type { Log } from '#ports/log.ts'
import type { IncomingCommand, ReplayRefusal } from '#ports/uplink.ts'
import type { Loop } from './loop.ts'
import { RefusalLog, WINDOW_MS } from './refusal-log.ts'
import { type RowChanges, UsedCommands } from './used-commands.ts'

/** Commands that may wait for the disk at once; beyond it they are answered `store_failed`. */
export const COMMANDS_WAITING_MAX = 256

export interface CommandsOptions {
  readonly clock: Clock
  readonly log: Log
  readonly loop: Pick<Loop, 'actWith' | 'changeState' | 'input' | 'note'>
  /** `mqtt.commands` of the configuration in force. */
  readonly enabled: () => boolean
  readonly check: CommandCheck
  /** State rows as the store was opened with. */
  readonly rows: ReadonlyMap<string, string>
  readonly reply: (user: string, payload: string) => void
  /** Something the process cannot go on after. */
  readonly failed: (error: Error) => void
}

export class Commands {
  readonly #options: CommandsOptions
  readonly #used: UsedCommands
  /** Commands on their way to the disk: the same one again waits for the first. */
  readonly #storing = new Map<string, Promise<unknown>>()
  #waiting = 0
  #refusals: RefusalLog | undefined
  #cancelWindow: (() => void) | undefined

  /** Throws in words when a row of a used command cannot be read. */
  constructor(options: CommandsOptions) {
    this.#options = options
    this.#used = new UsedCommands(options.rows)
  }

  /** Takes one command; everything that comes of it is a reply and a record. */
  take(incoming: IncomingCommand): void {
    void this.handle(incoming).catch((error: unknown) =>
      this.#options.failed(error instanceof Error ? error : new Error(String(error))),
    )
  }

  /** As take; resolves when it was answered. Rejects only with broken invariants. */
  async handle(incoming: IncomingCommand): Promise<void> {
    const busy = this.#waiting >= COMMANDS_WAITING_MAX
    this.#waiting++
    try {
      await (busy ? this.#refuse(incoming, unread(incoming, ...BUSY)) : this.#judge(incoming))
    } catch (fault) {
      if (fault instanceof InvariantError) throw fault
      this.#storeFailed(incoming, fault)
    } finally {
      this.#waiting--
    }
  }

  /** A replay that the uplink refused and answered: written down like every refusal (contract §3). */
  refusedReplay({ user, id, code, detail }: ReplayRefusal): void {
    const { loop, log, clock } = this.#options
    log.warn('replay_refused', { user, code, detail })
    if (!this.#window().admit(user, code)) return
    const who = { claimed: user, via: 'mqtt', ...(id === null ? {} : { cmd: id }) }
    const body = { act: 'replay', code, detail, ...who }
    loop.input({ kind: 'note', at: clock.now(), type: 'act.refused', body })
  }

  /** Writes down what was only counted so far; before the process stops. */
  stop(): void {
    this.#closeWindow()
  }

  async #judge(incoming: IncomingCommand): Promise<void> {
    const off = this.#offFault(incoming)
    if (off !== undefined) return this.#refuse(incoming, off)
    const at = this.#options.clock.now()
    const verdict = this.#options.check(incoming, at)
    if (!verdict.ok) return this.#refuse(incoming, this.#withOutcome(verdict.refusal))
    const { command } = verdict
    const used = this.#used.find(command.id)
    if (used?.digest === command.digest) return this.#repeat(incoming, command)
    const fault = used === undefined ? this.#roomFault(command, at.wall) : REPLAYED
    if (fault !== undefined) {
      const [code, detail] = fault
      const { id, about, act } = command
      return this.#refuse(incoming, { code, detail, id, about, actor: act.actor })
    }
    await this.#carryOut(incoming.user, command)
  }

  #offFault(incoming: IncomingCommand): CommandRefusal | undefined {
    if (incoming.retained) return unread(incoming, 'invalid', 'a command must not be retained')
    if (this.#options.enabled()) return undefined
    const detail = 'commands over MQTT are off on this gateway (mqtt.commands)'
    return unread(incoming, 'not_authorised', detail)
  }

  /** Why single use could not be kept for this command. */
  #roomFault({ exp }: GenuineCommand, wall: Millis): Fault | undefined {
    const changes = this.#used.prune(wall)
    if (changes.size > 0) this.#options.loop.changeState(changes)
    if (!this.#used.canTell(exp)) return CLOCK_WENT_BACK
    return this.#used.isFull() ? TOO_MANY : undefined
  }

  /** Act, command row and the rows they lead to: one commit, then the reply. */
  async #carryOut(user: string, command: GenuineCommand): Promise<void> {
    const { id, exp, digest, act } = command
    const { clock, loop, reply, log } = this.#options
    let printed = ''
    const rows = (result: ActReply): RowChanges => {
      printed = printReply(id, result, clock.now().wall)
      return this.#used.use(id, { user, exp, digest, reply: printed })
    }
    const stored = loop.actWith(act, rows)
    this.#storing.set(id, stored)
    try {
      const result = await stored
      // Refused before anything was kept: there is no row, and the answer is owed all the same.
      if (printed === '') printed = printReply(id, result, clock.now().wall)
      log.info('command_done', { act: act.kind, user, cmd: id, code: result.code })
    } catch (fault) {
      this.#used.drop(id)
      throw fault
    } finally {
      this.#storing.delete(id)
    }
    reply(user, printed)
  }

  /** The same command once more, as QoS 1 may deliver it: the same answer, nothing done (PE4). */
  async #repeat({ user }: IncomingCommand, { id, act }: GenuineCommand): Promise<void> {
    await this.#storing.get(id)
    const { log, reply, clock, loop } = this.#options
    log.info('command_repeated', { user, cmd: id })
    if (this.#window().admit(user, 'repeated')) {
      const body = { act: act.kind, actor: act.actor, cmd: id }
      loop.input({ kind: 'note', at: clock.now(), type: 'act.repeated', body })
    }
    const used = this.#used.find(id)
    if (used !== undefined) reply(user, used.reply)
  }

  /** An expired command that was carried out in its time is told so: the signer may have missed the answer. */
  #withOutcome(refusal: CommandRefusal): CommandRefusal {
    if (refusal.actor === undefined || refusal.code !== 'expired' || refusal.id === null)
      return refusal
    const used = this.#used.find(refusal.id)
    if (used === undefined || used.user !== refusal.actor.user) return refusal
    const { code } = JSON.parse(used.reply) as { readonly code: string }
    return {
      ...refusal,
      detail: `${refusal.detail}; this id was used in time and answered ${code}`,
    }
  }

  async #refuse({ user }: IncomingCommand, refusal: CommandRefusal): Promise<void> {
    const { id, code, detail, about, actor } = refusal
    const { loop, log, reply, clock } = this.#options
    log.warn('command_refused', { user, code, detail })
    if (this.#window().admit(user, code)) {
      const who = actor === undefined ? { claimed: user, via: 'mqtt' } : { actor }
      const recorded = loop.note('act.refused', {
        ...about,
        code,
        detail,
        ...who,
        ...(id === null ? {} : { cmd: id }),
      })
      // Where the disk is what fails, its word is not waited for.
      if (code !== 'store_failed') await recorded
    }
    reply(user, printReply(id, { ok: false, code, detail }, clock.now().wall))
  }

  /** Nothing more can be written down; the person at the other end must know that it did not happen. */
  #storeFailed({ user, payload }: IncomingCommand, fault: unknown): void {
    const { log, reply, clock } = this.#options
    const detail = fault instanceof Error ? fault.message : String(fault)
    log.error('command_failed', { user, detail })
    const refused: ActReply = { ok: false, code: 'store_failed', detail }
    reply(user, printReply(idOf(payload), refused, clock.now().wall))
  }

  /** The log of the minute that runs; the first refusal begins one. */
  #window(): RefusalLog {
    if (this.#refusals !== undefined) return this.#refusals
    const { clock } = this.#options
    this.#refusals = new RefusalLog()
    this.#cancelWindow = clock.at(clock.now().mono + WINDOW_MS, () => this.#closeWindow())
    return this.#refusals
  }

  #closeWindow(): void {
    const summary = this.#refusals?.summary()
    this.#cancelWindow?.()
    this.#cancelWindow = undefined
    this.#refusals = undefined
    if (summary === undefined) return
    const body = { via: 'mqtt', withinMs: WINDOW_MS, ...summary }
    const { clock, loop } = this.#options
    loop.input({ kind: 'note', at: clock.now(), type: 'act.refused', body })
  }
}

type Fault = readonly [code: ActCode, detail: string]

const BUSY: Fault = ['store_failed', 'too many commands wait for the disk; try again']
const REPLAYED: Fault = ['replayed', 'this id was used already; sign a new command']
const CLOCK_WENT_BACK: Fault = [
  'clock_unsynchronised',
  'the clock of this gateway went back behind commands already used; acknowledge at the box',
]
const TOO_MANY: Fault = [
  'store_failed',
  'too many commands within three minutes; try again later or acknowledge at the box',
]

/** The refusal of a command that was not looked into. */
const unread = (incoming: IncomingCommand, code: ActCode, detail: string): CommandRefusal => ({
  code,
  detail,
  id: idOf(incoming.payload),
  about: { act: incoming.command },
})

/** The reply of contract §3. */
function printReply(id: string | null, reply: ActReply, ts: Millis): string {
  const { ok, code, alarm, occ, rev, detail } = reply
  return JSON.stringify({ v: 1, id, ok, code, alarm, occ, rev, detail, ts })
}

const ID_LENGTH_MAX = 64

/** The id of a payload nobody has looked into, to answer by; null where it cannot serve. */
function idOf(payload: unknown): string | null {
  if (typeof payload !== 'object' || payload === null || !Object.hasOwn(payload, 'id')) return null
  const { id } = payload as { readonly id: unknown }
  return typeof id === 'string' && id.length <= ID_LENGTH_MAX && /^[^\s\p{C}]+$/u.test(id)
    ? id
    : null
}
