// A3, A4, A6, A7, A8, U2: every alarm follows the listed edges, each transition is on record, each excursion has an occurrence of
// its own, an acknowledgement changes one occurrence and is somebody's, and after a restart everything is as it was accepted.
// Written from alarms.md; uses no code of the agent but to read what it shows.

import type { Act, ActReply } from '#core/input.ts'
import type { JournalEvent } from '#core/record.ts'
import { alarmList } from '#core/step.ts'
import { stateName } from '../../../agent/core/alarm-state.ts'
import type { Agent } from '../../../agent/runtime/agent.ts'
import type { StreamName } from '../account.ts'
import { roleOf } from '../people.ts'
import { forgetOldest } from '../remembered.ts'
import { HoldChecks } from './holds.ts'

interface Tracked {
  state: string
  occ: string | null
  rev: number
  seq: number
}

interface AlarmEvent {
  readonly alarm: string
  readonly occ: string
  readonly rev: number
  readonly from: string
  readonly to: string
  readonly actor?: { readonly user: string; readonly role: string }
  readonly cmd?: string
  /** What the alarm is shown as while something stands around it. */
  readonly held?: string
}

/** Edges of alarms.md as `type from to`; the numbers are its rows. */
const EDGES = new Set([
  'activated normal unacknowledged', // 1
  'activated rtn_unacknowledged unacknowledged', // 6
  'activated latched_unacknowledged unacknowledged', // 11
  'activated latched_acknowledged unacknowledged', // 11
  'acknowledged unacknowledged acknowledged', // 2
  'acknowledged rtn_unacknowledged normal', // 5
  'acknowledged latched_unacknowledged latched_acknowledged', // 9
  'returned unacknowledged rtn_unacknowledged', // 3
  'returned unacknowledged latched_unacknowledged', // 7
  'returned acknowledged normal', // 4
  'returned acknowledged latched_acknowledged', // 8
  'reset latched_acknowledged normal', // 10
  'worsened unacknowledged unacknowledged',
  'worsened acknowledged unacknowledged',
  'realarmed acknowledged unacknowledged', // 12, and what is no consequence any more
  'realarmed unacknowledged unacknowledged',
])

/** Records that a broker does not take. */
interface Rejected {
  readonly of: StreamName
  readonly first: number
  readonly last: number
}

export type GapStep = AlarmEvent & { readonly type: string; readonly alarms?: readonly string[] }

const ENTITLED = ['technician', 'supervisor', 'qa']
/** Occurrences, acknowledgements and commands that a new one is held against: a month of them. */
export const REMEMBERED_MAX = 10_000
/** A gap names so many steps of alarms at the most. */
const GAP_STEPS_MAX = 200

export interface TransitionHooks {
  broken(invariant: string, words: string): void
  seen(what: string): void
  activated(alarm: string, seq: number): void
  /** The agent has said that these were refused. */
  rejected(stream: StreamName, first: number, last: number): void
  /** Whether a changed configuration is about this alarm. */
  mayClose(alarm: string): boolean
}

export class TransitionChecks {
  readonly #hooks: TransitionHooks
  readonly alarms = new Map<string, Tracked>()
  readonly #occurrences = new Set<string>()
  /** Who acknowledged an occurrence. */
  readonly #acknowledged = new Map<string, string>()
  /** Occurrences that became more urgent, or an alarm of their own, after they were acknowledged: they want it once more. */
  readonly #worsened = new Set<string>()
  readonly #commands = new Map<string, string>()
  readonly holds: HoldChecks
  /** More happened in a gap than its record names: what the agent shows next is taken over. */
  adopts = false
  /** Alarms of points that are not configured any more. */
  readonly #gone = new Set<string>()

  constructor(hooks: TransitionHooks) {
    this.#hooks = hooks
    this.holds = new HoldChecks({
      ...{ broken: hooks.broken, seen: hooks.seen, alarms: () => this.alarms.keys() },
      openOf: (alarm) => this.stateOf(alarm).occ,
    })
  }

  stateOf(alarm: string): Tracked {
    const known = this.alarms.get(alarm)
    if (known !== undefined) return known
    const normal = { state: 'normal', occ: null, rev: 0, seq: 0 }
    this.alarms.set(alarm, normal)
    return normal
  }

  isActive(alarm: string): boolean {
    const { state } = this.stateOf(alarm)
    return state === 'unacknowledged' || state === 'acknowledged'
  }

  /** One accepted event, in order. */
  accepted(seq: number, { type, ts, body }: JournalEvent): void {
    // what has lasted its longest is ended by time alone (URS-67)
    if (type === 'occupancy.changed' && body['cause'] !== 'longest_stay')
      this.#byPerson(seq, type, body as unknown as AlarmEvent)
    if (type === 'uplink.rejected') {
      const { of, first, last } = body as unknown as Rejected
      this.#hooks.rejected(of, first, last)
    }
    // on record is that they are lost; the event itself may have its way before it still
    if (type === 'store.records_lost')
      for (const [first, last] of (body['lost'] ?? []) as readonly (readonly [number, number])[])
        for (const stream of ['readings', 'event'] as const)
          this.#hooks.rejected(stream, first, last)
    this.holds.accepted(seq, { type, ts, body })
    if (!type.startsWith('alarm.') || type.endsWith('shelved')) return
    const event = body as unknown as AlarmEvent
    const { from, to, occ, alarm } = event
    if (to === 'superseded') return this.#superseded(seq, type, event)
    if (type === 'alarm.closed') return this.#closed(seq, event)
    const tracked = this.stateOf(alarm)
    if (this.adopts) Object.assign(tracked, { state: from, occ, rev: Number.NaN })
    this.holds.step(seq, alarm, occ, event.held)
    const name = `${type.slice('alarm.'.length)} ${from} ${to}`
    this.#hooks.seen(`edge ${name}`)
    if (!EDGES.has(name))
      return this.#hooks.broken('A4', `record ${seq}: ${alarm} made the step ${name}`)
    if (from !== tracked.state)
      this.#hooks.broken('A4', `record ${seq}: ${alarm} left ${from}, it was ${tracked.state}`)
    if (type === 'alarm.activated') this.#began(seq, event)
    else this.#went(seq, event, tracked)
    if (type === 'alarm.worsened' || type === 'alarm.realarmed')
      forgetOldest(this.#worsened.add(occ), REMEMBERED_MAX)
    if (type === 'alarm.acknowledged') this.#acked(seq, event)
    if (type === 'alarm.acknowledged' || type === 'alarm.reset') this.#byPerson(seq, type, event)
    this.alarms.set(alarm, { state: to, occ: to === 'normal' ? null : occ, rev: event.rev, seq })
  }

  /** What a changed configuration ends: only what it is about, and only what was open. */
  #closed(seq: number, event: AlarmEvent): void {
    const { alarm, occ, rev, to } = event
    const tracked = this.stateOf(alarm)
    this.#hooks.seen('closed by a changed configuration')
    if (this.adopts) Object.assign(tracked, { occ, rev: Number.NaN })
    else if (!this.#hooks.mayClose(alarm) || to !== 'normal')
      this.#hooks.broken('A4', `record ${seq}: ${alarm} was closed, and nothing about it changed`)
    this.#went(seq, event, tracked)
    this.holds.closed(alarm, occ)
    this.alarms.set(alarm, { state: 'normal', occ: null, rev, seq })
  }

  /** Points that are not there any more: nothing stands around their alarms. */
  removed(points: ReadonlySet<string>): void {
    for (const alarm of new Set([...this.alarms.keys(), ...this.#gone]))
      if (points.has(alarm.slice(0, alarm.lastIndexOf('.')))) {
        this.#gone.add(alarm)
        this.holds.removed(alarm)
      } else this.#gone.delete(alarm)
  }

  /** What became of alarms while nothing could be kept, as the record of the gap names it. */
  gap(seq: number, steps: readonly GapStep[]): void {
    this.adopts ||= steps.length >= GAP_STEPS_MAX
    this.holds.gap()
    for (const { type, alarm, occ, from, to, alarms } of steps) {
      if (type.startsWith('suppression.')) {
        this.holds.suppressionInGap(type, alarms ?? [])
        continue
      }
      if (type === 'alarm.unshelved') this.holds.unshelvedInGap(alarm)
      if (type.endsWith('shelved') || to === 'superseded') continue
      const tracked = this.stateOf(alarm)
      const name = `${type.slice('alarm.'.length)} ${from} ${to}`
      const unknown = this.adopts || type === 'alarm.closed'
      if (!unknown && (!EDGES.has(name) || from !== tracked.state))
        this.#hooks.broken(
          'A4',
          `record ${seq}: in the gap ${alarm} made the step ${name}, it was ${tracked.state}`,
        )
      if (type === 'alarm.realarmed') this.#worsened.add(occ)
      this.holds.closed(alarm, occ)
      const ended = to === 'normal'
      this.alarms.set(alarm, { state: to, occ: ended ? null : occ, rev: Number.NaN, seq })
    }
  }

  /** A reply that an act was done: what it did is on record by then. */
  answered(act: Act, reply: ActReply): void {
    if (act.kind !== 'ack' || !reply.ok) return
    const by = this.#acknowledged.get(act.occ)
    if (by !== act.actor.user) {
      this.#hooks.broken(
        'A6',
        `${act.actor.user} was told that ${act.occ} is acknowledged; on record is ${by ?? 'nobody'}`,
      )
    }
  }

  /** A reply to a command: what it says was done is on record by then, in that person's name. */
  replied(user: string, payload: string): void {
    const { ok, code, occ } = JSON.parse(payload) as { ok: boolean; code: string; occ?: string }
    this.#hooks.seen(`command: ${code}`)
    if (!ok || code !== 'acknowledged' || occ === undefined) return
    const by = this.#acknowledged.get(occ)
    if (by !== user)
      this.#hooks.broken(
        'A6',
        `${user} was replied that ${occ} is acknowledged; on record is ${by}`,
      )
  }

  /** The state was lost with the file that held it: what the agent shows next is taken over. */
  forget(): void {
    this.adopts = true
    // who acknowledged what stays true, and may be asked again; what was carried over may be older than that
    for (const occ of this.#acknowledged.keys()) this.#worsened.add(occ)
    this.holds.forget()
  }

  /** A3, U2: the agent shows exactly what was accepted. Ask when nothing waits for the disk. */
  compare(agent: Agent, when: string): void {
    if (this.adopts) this.#adopt(agent)
    const known = agent.loop.state.alarms
    for (const [alarm, { state }] of this.alarms) {
      if (state !== 'normal' && !known.has(alarm))
        this.#hooks.broken('A4', `${alarm} was ${state} and is not there any more, at ${when}`)
    }
    for (const { alarm, state } of alarmList(agent.loop.state)) {
      const tracked = this.stateOf(alarm)
      const occ = agent.loop.state.alarms.get(alarm)?.state.occurrence?.occ ?? null
      if (!this.holds.isShown(alarm, tracked.state, state) || occ !== tracked.occ) {
        this.#hooks.broken(
          when === 'restart' ? 'A3' : 'U2',
          `${alarm} is ${state} (${occ}) in the agent, on record ${tracked.state} (${tracked.occ}), at ${when}`,
        )
      }
    }
  }

  #adopt(agent: Agent): void {
    this.adopts = false
    for (const alarm of this.alarms.keys())
      if (!agent.loop.state.alarms.has(alarm)) this.alarms.delete(alarm)
    for (const { definition, state } of agent.loop.state.alarms.values()) {
      const { occurrence, seq } = state
      const name = stateName(state, definition.latching)
      const rev = occurrence?.rev ?? 0
      this.alarms.set(definition.id, { state: name, occ: occurrence?.occ ?? null, rev, seq })
    }
  }

  /** A8: where what the consumer was told is not what is on record, in words. */
  disagreement(retained: ReadonlyMap<string, string>, present = ''): string | undefined {
    for (const [leaf, payload] of retained) {
      if (!leaf.startsWith('alarm/')) continue
      const { alarm, state, occ, beneath, epoch } = JSON.parse(payload) as {
        alarm: string
        epoch: string
        state: string
        occ: string | null
        beneath?: string
      }
      // of an epoch that is over it says nothing (contract: "truth of retained state"), and nobody may know any more to empty it
      if (this.#gone.has(alarm) && epoch !== present) continue
      if (this.#gone.has(alarm)) return `the consumer still sees ${alarm}, whose point is gone`
      if (epoch !== present) return `the consumer sees ${alarm} of epoch ${epoch}, not ${present}`
      const tracked = this.stateOf(alarm)
      const shown = this.holds.isShown(alarm, tracked.state, state)
      const under = beneath ?? state
      if (!shown || under !== tracked.state || occ !== tracked.occ) {
        return `the consumer sees ${alarm} ${state} (${occ}), on record is ${tracked.state} (${tracked.occ})`
      }
    }
    for (const [alarm, { state }] of this.alarms) {
      if (state !== 'normal' && !retained.has(`alarm/${alarm}`))
        return `the consumer does not know ${alarm}, which is ${state}`
    }
    return undefined
  }

  /** A7: a new excursion is a new occurrence. */
  #began(seq: number, { occ, alarm, rev }: AlarmEvent): void {
    if (this.#occurrences.has(occ))
      this.#hooks.broken('A7', `record ${seq}: ${alarm} began ${occ} again`)
    if (rev !== 1) this.#hooks.broken('A4', `record ${seq}: ${occ} begins at revision ${rev}`)
    this.#occurrences.add(occ)
    forgetOldest(this.#occurrences, REMEMBERED_MAX)
    this.#hooks.activated(alarm, seq)
  }

  #went(seq: number, { occ, alarm, rev }: AlarmEvent, tracked: Tracked): void {
    if (occ !== tracked.occ)
      this.#hooks.broken(
        'A4',
        `record ${seq}: a step of ${alarm} names ${occ}, open is ${tracked.occ}`,
      )
    if (rev !== tracked.rev + 1 && !Number.isNaN(tracked.rev))
      this.#hooks.broken('A4', `record ${seq}: revision ${rev} of ${occ} after ${tracked.rev}`)
  }

  #superseded(seq: number, type: string, event: AlarmEvent): void {
    const tracked = this.stateOf(event.alarm)
    if (type === 'alarm.superseded' && event.occ !== tracked.occ && !this.adopts)
      this.#hooks.broken('A7', `record ${seq}: ${event.occ} was superseded, open is ${tracked.occ}`)
    if (type === 'alarm.acknowledged') this.#acked(seq, event)
    this.#hooks.seen(`edge ${type} superseded`)
  }

  #acked(seq: number, { occ, actor }: AlarmEvent): void {
    if (this.#acknowledged.has(occ) && !this.#worsened.has(occ))
      this.#hooks.broken('A6', `record ${seq}: ${occ} was acknowledged twice`)
    this.#worsened.delete(occ)
    this.#acknowledged.set(occ, actor?.user ?? '')
    forgetOldest(this.#acknowledged, REMEMBERED_MAX)
  }

  /** U4, A6: an act is a person's who may do it, and a command is carried out once. */
  #byPerson(seq: number, type: string, { actor, cmd, alarm, occ }: AlarmEvent): void {
    const role = actor === undefined ? undefined : roleOf(actor.user)
    if (actor === undefined || role !== actor.role || !ENTITLED.includes(role))
      this.#hooks.broken(
        'A6',
        `record ${seq}: ${type} by ${actor?.user ?? 'nobody'}, ${role} (as ${actor?.role})`,
      )
    if (cmd === undefined) return
    const done = this.#commands.get(cmd)
    if (done !== undefined && done !== `${alarm} ${occ}`)
      this.#hooks.broken('A6', `record ${seq}: command ${cmd} was carried out twice`)
    this.#commands.set(cmd, `${alarm} ${occ}`)
    forgetOldest(this.#commands, REMEMBERED_MAX)
  }
}
