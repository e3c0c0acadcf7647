// Whom escalation calls, and for what: `escalation/{contact}` says at any time which unacknowledged alarms have reached a contact's step
// (URS-37). A state and not a message: whoever comes late, or lost the connection, finds it as it is, and nobody is called twice. Each
// step is on record in the event stream beside it. Takes everything from the published states of alarms.

import type { AlarmStateMessage } from '#ports/uplink.ts'

/** What of a published alarm a contact is told. */
interface Call {
  readonly alarm: string
  readonly occ: string | null
  readonly rev: number
  readonly escalation: number
  readonly state: string
  readonly class: string
  readonly priority: number
  readonly point?: string
  readonly zone?: string
  readonly grade?: string
  readonly limit?: unknown
  readonly value?: number
  readonly activated?: number
  readonly seq: number
}

interface Published extends Call {
  readonly calls?: readonly string[]
}

/** A topic below the base with what it is to say. */
export interface CallState {
  readonly leaf: string
  readonly payload: string
}

const CALLED = '"calls":['

export class Calls {
  readonly #epoch: string
  /** Contact → alarm → what it is told of it. */
  readonly #contacts = new Map<string, Map<string, Call>>()

  /** `contacts` are those of the configuration: each is told, also that nothing calls for it. */
  constructor(epoch: string, contacts: readonly string[]) {
    this.#epoch = epoch
    for (const contact of contacts) this.#contacts.set(contact, new Map())
  }

  /** What every contact is to be told before any alarm is known. */
  all(): CallState[] {
    return [...this.#contacts.keys()].map((contact) => this.#stateOf(contact))
  }

  /** Takes new states in; what is to be said anew. */
  take(states: readonly AlarmStateMessage[]): CallState[] {
    const changed = new Set<string>()
    for (const { alarm, payload } of states) {
      const published = payload.includes(CALLED) ? (JSON.parse(payload) as Published) : undefined
      const called = published?.calls ?? []
      for (const [contact, alarms] of this.#contacts)
        if (!called.includes(contact) && alarms.delete(alarm)) changed.add(contact)
      if (published === undefined) continue
      for (const contact of called) {
        const alarms = this.#contacts.get(contact) ?? new Map<string, Call>()
        this.#contacts.set(contact, alarms)
        alarms.set(alarm, callOf(published))
        changed.add(contact)
      }
    }
    return [...changed].map((contact) => this.#stateOf(contact))
  }

  #stateOf(contact: string): CallState {
    const alarms = [...(this.#contacts.get(contact)?.values() ?? [])]
    return {
      leaf: `escalation/${contact}`,
      payload: JSON.stringify({ v: 1, contact, epoch: this.#epoch, alarms }),
    }
  }
}

function callOf(published: Published): Call {
  const { alarm, occ, rev, state, escalation, priority, point, zone, grade } = published
  const { limit, value, activated, seq } = published
  return {
    ...{ alarm, occ, rev, escalation, state, class: published.class, priority },
    ...(point !== undefined && { point }),
    ...(zone !== undefined && { zone }),
    ...(grade !== undefined && { grade }),
    ...(limit !== undefined && { limit }),
    ...(value !== undefined && { value }),
    ...(activated !== undefined && { activated }),
    seq,
  }
}
