// A9: what is shelved, suppressed or out of service goes on being judged, its events say so, and what it hid is listed when it
// ends. Keeps its own account of what stands around each alarm (alarms.md rows 13 to 17); uses no code of the agent.

import type { JournalEvent } from '#core/record.ts'
import { roleOf } from '../people.ts'
import { forgetOldest } from '../remembered.ts'

/** The heavier first: it is the one that is shown. */
const KINDS = ['out_of_service', 'suppressed_by_design', 'shelved'] as const
type Kind = (typeof KINDS)[number]

/** What stands around one alarm, each with the occurrences it has hidden. */
type Around = Partial<Record<Kind, HiddenOnes>>

interface Hidden {
  readonly alarm: string
  readonly hidden: number
  readonly occurrences: readonly { readonly occ: string }[]
}

interface Body {
  readonly alarm: string
  readonly alarms?: readonly string[]
  readonly target: string
  readonly hidden: number
  readonly hid: readonly unknown[]
  readonly until?: number
  readonly cause?: string
  readonly actor?: { readonly user: string; readonly role: string }
}

const HOUR = 3_600_000
/** A list of what was hidden names so many alarms, and so many occurrences of each, at the most. */
const LISTED_MAX = 100

export interface HoldHooks {
  broken(invariant: string, words: string): void
  seen(what: string): void
  /** The open occurrence of an alarm, as recorded. */
  openOf(alarm: string): string | null
  /** Every alarm with an occurrence. */
  alarms(): Iterable<string>
}

/** What one hold has hidden: how many, and the newest by name. Nothing but the newest of an alarm moves any more. */
class HiddenOnes {
  count = 0
  readonly newest = new Set<string>()

  constructor(open: string | null) {
    if (open !== null) this.add(open)
  }

  add(occ: string): void {
    if (this.newest.has(occ)) return
    this.count++
    this.newest.add(occ)
    forgetOldest(this.newest, LISTED_MAX)
  }
}

export class HoldChecks {
  readonly #hooks: HoldHooks
  readonly #around = new Map<string, Around>()
  /** Who took what out of service. */
  readonly #service = new Map<string, string>()
  /** Alarms of which nobody was told whether they are still suppressed. */
  #doubted = new Set<string>()
  /** The state was lost with the file that held it: nobody but the agent knows what stands around its alarms. */
  #blind = false

  constructor(hooks: HoldHooks) {
    this.#hooks = hooks
  }

  /** Whether an alarm is rightly shown so, over the state beneath. */
  isShown(alarm: string, beneath: string, shown: string): boolean {
    if (this.#blind) return shown === beneath || (KINDS as readonly string[]).includes(shown)
    if (shown === 'suppressed_by_design') this.#doubted.delete(alarm)
    if (shown === (this.#kindOf(alarm) ?? beneath)) return true
    return this.#untold(alarm) && shown === (this.#kindOf(alarm) ?? beneath)
  }

  /**
   * Whether an alarm may have ceased to be suppressed in a gap, of which nobody was told. It is then suppressed no more here either.
   */
  #untold(alarm: string): boolean {
    const around = this.#around.get(alarm)
    const ours = around?.suppressed_by_design
    if (around === undefined || ours === undefined || !this.#doubted.delete(alarm)) return false
    delete around.suppressed_by_design
    return true
  }

  /** One accepted event, before the checks of transitions take it. */
  accepted(seq: number, { type, ts, body }: JournalEvent): void {
    const it = body as unknown as Body
    switch (type) {
      case 'alarm.shelved':
        return this.#shelved(seq, ts, it)
      case 'alarm.unshelved':
        return this.#ended(seq, it.alarm, 'shelved', it.hidden, it.hid as Hidden['occurrences'])
      case 'out_of_service.started':
        return this.#takenOut(seq, it)
      case 'out_of_service.ended':
        return this.#returned(seq, it)
      case 'suppression.started':
        for (const alarm of it.alarms ?? []) this.#start(seq, alarm, 'suppressed_by_design')
        return this.#hooks.seen('suppressed by design')
      case 'suppression.ended':
        return this.#unsuppressed(seq, it)
      default:
    }
  }

  /** A step of an alarm: said to be held where it is, and remembered as hidden. */
  step(seq: number, alarm: string, occ: string, held: string | undefined): void {
    if (held === 'suppressed_by_design') this.#doubted.delete(alarm)
    else if (held !== this.#kindOf(alarm)) this.#untold(alarm)
    const kind = this.#kindOf(alarm)
    if (held !== kind)
      this.#broken(seq, `a step of ${alarm} says it is held as ${held}, it is as ${kind}`)
    const around = this.#around.get(alarm)
    if (around === undefined) return
    this.#hooks.seen('held alarm moved')
    for (const each of KINDS) around[each]?.add(occ)
  }

  /** A changed configuration closed an occurrence: what stands around the alarm has hidden it. */
  closed(alarm: string, occ: string): void {
    const around = this.#around.get(alarm)
    if (around !== undefined) for (const kind of KINDS) around[kind]?.add(occ)
  }

  /** All that is known is gone: nothing is judged until the run ends. */
  forget(): void {
    this.#around.clear()
    this.#service.clear()
    this.#doubted.clear()
    this.#blind = true
  }

  /** Nothing could be kept for a while: what ceased to be suppressed meanwhile nobody was told. */
  gap(): void {
    for (const alarm of this.#held('suppressed_by_design')) this.#doubted.add(alarm)
  }

  /** What began or ceased to be suppressed while nothing could be kept, as the record of the gap names it. */
  suppressionInGap(type: string, alarms: readonly string[]): void {
    this.#hooks.seen(`${type} in a gap`)
    for (const alarm of alarms) {
      const around = this.#around.get(alarm) ?? {}
      this.#doubted.delete(alarm)
      if (type === 'suppression.ended') delete around.suppressed_by_design
      else around.suppressed_by_design = new HiddenOnes(this.#hooks.openOf(alarm))
      this.#around.set(alarm, around)
    }
  }

  /** A shelf that ended while nothing could be kept stays ended. */
  unshelvedInGap(alarm: string): void {
    const around = this.#around.get(alarm)
    if (around !== undefined) delete around.shelved
    this.#hooks.seen('shelf ended in a gap')
  }

  /** Alarms that a changed configuration no longer has. */
  removed(alarm: string): void {
    this.#around.delete(alarm)
    this.#doubted.delete(alarm)
  }

  #kindOf(alarm: string): Kind | undefined {
    const around = this.#serve(alarm)
    return around === undefined ? undefined : KINDS.find((kind) => around[kind] !== undefined)
  }

  #start(seq: number, alarm: string, kind: Kind): void {
    if (kind === 'suppressed_by_design') this.#untold(alarm)
    const around = this.#around.get(alarm) ?? {}
    if (around[kind] !== undefined) this.#broken(seq, `${alarm} became ${kind} twice`)
    const open = this.#hooks.openOf(alarm)
    around[kind] = new HiddenOnes(open)
    this.#around.set(alarm, around)
  }

  #ended(
    seq: number,
    alarm: string,
    kind: Kind,
    hidden: number,
    listed: Hidden['occurrences'],
  ): void {
    const around = this.#around.get(alarm)
    const ours = around?.[kind]
    if (around === undefined || ours === undefined)
      return this.#broken(seq, `${alarm} ceased to be ${kind}, which it was not`)
    delete around[kind]
    if (kind === 'suppressed_by_design') this.#doubted.delete(alarm)
    if (KINDS.every((each) => around[each] === undefined)) this.#around.delete(alarm)
    const newest = [...ours.newest]
    const missing = newest.filter((occ) => !listed.some((each) => each.occ === occ))
    if (hidden !== ours.count || missing.length > 0)
      this.#broken(
        seq,
        `${alarm} was ${kind} and hid ${ours.count}, at last ${newest.join(' ')}; listed are ${hidden}: ${listed.map(({ occ }) => occ).join(' ')}`,
      )
    if (hidden > 0) this.#hooks.seen(`hidden by ${kind} and listed`)
  }

  #shelved(seq: number, ts: number, { alarm, until = Infinity, actor }: Body): void {
    this.#byPerson(seq, 'alarm.shelved', actor)
    this.#hooks.seen('shelved')
    if (until > ts + 24 * HOUR) this.#broken(seq, `${alarm} was shelved until ${until}`)
    if (alarm.endsWith('.inversion')) this.#broken(seq, `${alarm} was shelved, and is critical`)
    this.#start(seq, alarm, 'shelved')
  }

  #takenOut(seq: number, { target, actor }: Body): void {
    this.#byPerson(seq, 'out_of_service.started', actor)
    this.#hooks.seen('out of service')
    this.#service.set(target, actor?.user ?? '')
    for (const alarm of this.#hooks.alarms()) this.#serve(alarm)
  }

  /** What stands around an alarm, with out of service where it belongs to what was taken out. */
  #serve(alarm: string): Around | undefined {
    const around = this.#around.get(alarm)
    if (this.#service.size === 0 || around?.out_of_service !== undefined) return around
    if (!this.#ownersOf(alarm).service) return around
    const open = this.#hooks.openOf(alarm)
    const more: Around = { ...around, out_of_service: new HiddenOnes(open) }
    this.#around.set(alarm, more)
    return more
  }

  #returned(seq: number, { target, actor, cause, hidden, hid }: Body): void {
    const by = this.#service.get(target)
    if (by === undefined) this.#broken(seq, `${target} returned to service, and was not out of it`)
    this.#service.delete(target)
    if (cause === 'config_changed') return
    this.#byPerson(seq, 'out_of_service.ended', actor)
    if (actor !== undefined && (actor.user === by || !['supervisor', 'qa'].includes(actor.role)))
      this.#broken(
        seq,
        `${target} was returned by ${actor.user} (${actor.role}), taken out by ${by}`,
      )
    this.#listed(seq, 'out_of_service', hidden, hid as readonly Hidden[], (alarm) => {
      const { service, owners } = this.#ownersOf(alarm)
      return owners.includes(target) && !service
    })
  }

  /** Whose alarm it is: its point and its instrument; and whether one of them is still out of service. */
  #ownersOf(alarm: string): { owners: string[]; service: boolean } {
    const owner = alarm.slice(0, alarm.lastIndexOf('.'))
    const owners = [owner, owner.slice(0, Math.max(0, owner.lastIndexOf('-')))]
    return { owners, service: owners.some((each) => this.#service.has(each)) }
  }

  #unsuppressed(seq: number, { hidden, hid, alarms = [] }: Body): void {
    for (const alarm of alarms)
      if (this.#around.get(alarm)?.suppressed_by_design === undefined)
        this.#broken(seq, `${alarm} ceased to be suppressed_by_design, which it was not`)
    this.#listed(seq, 'suppressed_by_design', hidden, hid as readonly Hidden[], (alarm) =>
      alarms.includes(alarm),
    )
  }

  #listed(
    seq: number,
    kind: Kind,
    hidden: number,
    hid: readonly Hidden[],
    which: (alarm: string) => boolean,
  ): void {
    let sum = 0
    for (const alarm of this.#held(kind)) {
      if (!which(alarm)) continue
      const its = hid.find((each) => each.alarm === alarm)
      sum += its?.hidden ?? 0
      this.#ended(seq, alarm, kind, its?.hidden ?? 0, its?.occurrences ?? [])
    }
    if (sum !== hidden)
      this.#broken(seq, `${hidden} occurrences were hidden as ${kind}, listed are ${sum}`)
  }

  #held(kind: Kind): string[] {
    return [...this.#around].filter(([, around]) => around[kind] !== undefined).map(([id]) => id)
  }

  #byPerson(seq: number, type: string, actor: Body['actor']): void {
    const role = actor === undefined ? undefined : roleOf(actor.user)
    if (actor === undefined || role !== actor.role || role === 'administrator')
      this.#hooks.broken('A6', `record ${seq}: ${type} by ${actor?.user ?? 'nobody'}, ${role}`)
  }

  #broken(seq: number, words: string): void {
    if (this.#blind) return
    this.#hooks.broken('A9', `record ${seq}: ${words}`)
  }
}
