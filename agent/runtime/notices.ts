// What the way out reports back, turned into records and system alarms: link lost, messages refused, nobody listening,
// somebody else with our name, cursors and watermarks, commands. Decides no alarm; conditions go to the core.

import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { IncomingCommand, ReplayRefusal, UplinkNotice } from '#ports/uplink.ts'
import type { Loop } from './loop.ts'

/** A broker out of reach for this long is an alarm on the box (faults.md NE1). */
const UPLINK_DOWN_AFTER_MS: Millis = 60_000
/** An alarm about refused messages or a takeover rests once this long has passed without another. */
const QUIET_MS: Millis = 60_000
/** System alarms whose condition ends with the process that found it. */
const LEFT_BEHIND = [
  'storage_slow',
  'no_subscriber',
  'uplink_rejected',
  'client_takeover',
  'overload',
]

/** Takes commands of people, and refusals that are to be written down; replies and records are its own. */
interface CommandTaker {
  take(command: IncomingCommand): void
  refusedReplay(refusal: ReplayRefusal): void
}

export interface NoticesOptions {
  readonly clock: Clock
  readonly log: Log
  readonly loop: Loop
  readonly commands: CommandTaker
}

export class Notices {
  readonly #clock: Clock
  readonly #log: Log
  readonly #loop: Loop
  readonly #commands: CommandTaker
  /** Streams that stand still before a refused message: their alarm does not rest. */
  readonly #held = new Set<string>()
  readonly #quiet = new Map<string, () => void>()
  #cancelDown: (() => void) | undefined
  /** Rows of the uplink as they were last written by this process: cursors and watermarks. */
  readonly #marks = new Map<string, string>()

  constructor(options: NoticesOptions) {
    this.#clock = options.clock
    this.#log = options.log
    this.#loop = options.loop
    this.#commands = options.commands
  }

  /** Conditions of a process that is gone: what is still true is found again. A lost broker stays until it is back. */
  forgetPast(): void {
    for (const name of LEFT_BEHIND) this.#condition(`system.${name}`, false)
  }

  /** Starts the time after which a missing broker is an alarm. */
  watchDown(cause = 'not connected yet'): void {
    this.#cancelDown ??= this.#clock.at(this.#clock.now().mono + UPLINK_DOWN_AFTER_MS, () => {
      this.#condition('system.uplink_down', true, cause)
    })
  }

  /** The way out is taken down on purpose: what it reported and nothing else goes on. */
  forgetUplink(): void {
    this.#cancelDown?.()
    this.#cancelDown = undefined
    this.#held.clear()
    for (const name of ['uplink_down', 'no_subscriber']) this.#condition(`system.${name}`, false)
  }

  /** The way out is closed for good: nothing is watched any more, so that no timer keeps the process. */
  stop(): void {
    this.#cancelDown?.()
    for (const cancel of this.#quiet.values()) cancel()
  }

  /** Cursors and watermarks since the start, as the store holds them: an uplink that follows goes on there. */
  get marks(): ReadonlyMap<string, string> {
    return this.#marks
  }

  take(notice: UplinkNotice): void {
    switch (notice.kind) {
      case 'connected':
        return this.#connected(notice.protocolVersion)
      case 'disconnected':
        this.#log.warn('uplink_disconnected', { cause: notice.cause })
        this.#note('uplink.disconnected', { cause: notice.cause })
        return this.watchDown(notice.cause)
      case 'rejected': {
        const { kind: _, stream: of, ...rest } = notice
        const body = { of, ...rest }
        this.#log.error('uplink_rejected', body)
        this.#note('uplink.rejected', body)
        if (notice.held === true) this.#held.add(notice.stream)
        return this.#pulse(
          'system.uplink_rejected',
          `${notice.stream} ${notice.first}–${notice.last}: ${notice.detail}`,
        )
      }
      case 'no_subscriber':
        return this.#condition('system.no_subscriber', notice.active)
      case 'takeover':
        this.#log.error('uplink_takeover')
        this.#note('uplink.takeover', {})
        return this.#pulse('system.client_takeover', 'another client uses this gateway’s client id')
      case 'confirm':
        return this.#mark(`confirm/${notice.stream}/${notice.consumer}`, notice.through)
      case 'confirm_refused': {
        const { kind: _, stream: of, ...body } = notice
        return this.#note('uplink.confirm_refused', { of, ...body })
      }
      case 'cursor':
        this.#held.delete(notice.stream)
        return this.#mark(`cursor/${notice.stream}`, notice.sent)
      case 'echo':
        return
      case 'command':
        return this.#commands.take(notice.command)
      case 'replay_refused':
        return this.#commands.refusedReplay(notice)
    }
  }

  #mark(row: string, seq: number): void {
    this.#marks.set(row, String(seq))
    this.#loop.changeState(new Map([[row, seq]]))
  }

  #connected(protocolVersion: 4 | 5): void {
    this.#log.info('uplink_connected', { protocolVersion })
    this.#note('uplink.connected', { protocolVersion })
    this.#cancelDown?.()
    this.#cancelDown = undefined
    this.#condition('system.uplink_down', false)
  }

  #note(type: string, body: Readonly<Record<string, unknown>>): void {
    this.#loop.input({ kind: 'note', at: this.#clock.now(), type, body })
  }

  #condition(alarm: string, active: boolean, detail?: string): void {
    const at = this.#clock.now()
    this.#loop.input({
      kind: 'condition',
      at,
      alarm,
      active,
      ...(detail !== undefined && { detail }),
    })
  }

  /** Raises an alarm about something that happened; it returns to normal when it has not happened for a while. */
  #pulse(alarm: string, detail: string): void {
    this.#quiet.get(alarm)?.()
    this.#condition(alarm, true, detail)
    this.#quiet.set(
      alarm,
      this.#clock.at(this.#clock.now().mono + QUIET_MS, () => {
        this.#quiet.delete(alarm)
        if (alarm === 'system.uplink_rejected' && this.#held.size > 0) this.#pulse(alarm, detail)
        else this.#condition(alarm, false)
      }),
    )
  }
}
