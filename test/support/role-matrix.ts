// What each role may do, tried on the code that runs: every deed through the dispatcher of the local socket, on a plant prepared so
// that somebody may do it.

import type { Actor, Role } from '#core/input.ts'
import { ROLES } from '#core/input.ts'
import { silentLog } from '#ports/log.ts'
import type { PeoplePort } from '#ports/people.ts'
import type { Person } from '../../agent/access/person.ts'
import { changeFault } from '../../agent/access/person-change.ts'
import { refusalOf } from '../../agent/annunciator/entitled.ts'
import type { DispatchContext } from '../../agent/control/context.ts'
import { answer } from '../../agent/control/dispatch.ts'
import type { Command } from '../../agent/control/protocol.ts'
import { type CandidateRow, decline, sign } from '../../agent/runtime/approval.ts'
import { STATUS } from './control-agent.ts'
import { plantOf } from './core-plant.ts'
import { actor, CoreRig } from './core-rig.ts'
import { IDLE_HANDLERS, IDLE_PEOPLE } from './idle-control.ts'
import type { NoteJournal } from './journal-of-notes.ts'

const HASH = `sha256:${'3fa9c1d2'.repeat(8)}`
const OTHER: Actor = actor('other', 'qa')

interface Stage {
  readonly core: CoreRig
  candidate: CandidateRow
}

export interface Deed {
  readonly words: string
  /** Brings the plant to where the deed can be done. */
  readonly prepare?: (stage: Stage) => void
  readonly command: (stage: Stage, user: string, pin: string) => Command
}

const WORDS = { reason: 'intervention', comment: 'seen' }

const raised = ({ core }: Stage): void => core.condition('net-1.bus_fault', true)

/** A pressure inversion that is over, acknowledged and to be reset. */
function latched({ core }: Stage): void {
  core.values('b101-dp', -1, -1)
  core.ack('b101-dp.inversion')
  core.values('b101-dp', 15, 15)
}

const out = (target: string, { core }: Stage): void => {
  core.act({ kind: 'out_of_service', target, workOrder: 'WO-1' }, OTHER)
}

const byAdministrator =
  (change: Extract<Command, { op: 'users.change' }>['change']): Deed['command'] =>
  (_stage, user, pin) => ({ op: 'users.change', user: 'somebody', change, by: { user, pin } })

const reason = 'SOP-7'

/** Everything somebody may do, in the order of the handbook. */
export const DEEDS: readonly Deed[] = [
  {
    words: 'acknowledge an alarm',
    prepare: raised,
    command: ({ core }, user, pin) => {
      const occ = core.occ('net-1.bus_fault')
      return { op: 'ack', user, pin, occ, ...WORDS }
    },
  },
  {
    words: 'reset a latched alarm',
    prepare: latched,
    command: ({ core }, user, pin) => ({
      ...{ op: 'reset', user, pin, ...WORDS },
      occ: core.occ('b101-dp.inversion'),
    }),
  },
  {
    words: 'state the occupancy of a zone',
    command: (_stage, user, pin) => ({
      ...{ op: 'occupancy', user, pin, ...WORDS },
      ...{ zone: 'b101', state: 'at_rest' },
    }),
  },
  {
    words: 'shelve an alarm that is not critical',
    command: (_stage, user, pin) => ({
      ...{ op: 'shelve', user, pin, ...WORDS },
      ...{ alarm: 'b101-t.alert_high', forMs: 60_000 },
    }),
  },
  {
    words: 'take an alarm from the shelf',
    prepare: ({ core }) => {
      const until = core.wall + 60_000
      core.act({ kind: 'shelve', alarm: 'b101-t.alert_high', until, ...WORDS }, OTHER)
    },
    command: (_stage, user, pin) => ({
      ...{ op: 'unshelve', user, pin, ...WORDS },
      alarm: 'b101-t.alert_high',
    }),
  },
  {
    words: 'shelve a critical alarm',
    command: (_stage, user, pin) => ({
      ...{ op: 'shelve', user, pin, ...WORDS },
      ...{ alarm: 'b101-dp.action_low', forMs: 60_000 },
    }),
  },
  {
    words: 'take a point out of service',
    command: (_stage, user, pin) => ({
      ...{ op: 'out_of_service', user, pin, ...WORDS },
      ...{ target: 'b101-t', workOrder: 'WO-1' },
    }),
  },
  {
    words: 'take a critical point out of service, while its zone rests',
    prepare: ({ core }) => {
      core.occupancy('b101', 'at_rest')
    },
    command: (_stage, user, pin) => ({
      ...{ op: 'out_of_service', user, pin, ...WORDS },
      ...{ target: 'b101-dp', workOrder: 'WO-1' },
    }),
  },
  {
    words: 'approve the return of what somebody else took out',
    prepare: (stage) => out('b101-t', stage),
    command: (_stage, user, pin) => ({
      ...{ op: 'return_to_service', user, pin, ...WORDS },
      target: 'b101-t',
    }),
  },
  {
    words: 'silence the horn for a while',
    command: (_stage, user, pin) => ({ op: 'silence', user, pin, ...WORDS }),
  },
  {
    words: 'test horn and stack light',
    command: (_stage, user, pin) => ({ op: 'annunciator_test', user, pin, ...WORDS }),
  },
  {
    words: 'sign a changed configuration first',
    command: (_stage, user, pin) => ({ op: 'config.approve', user, pin, hash: HASH, ...WORDS }),
  },
  {
    words: 'sign it second, which puts it in force',
    prepare: (stage) => {
      stage.candidate = { ...stage.candidate, signatures: [{ actor: OTHER, at: 0 }] }
    },
    command: (_stage, user, pin) => ({ op: 'config.approve', user, pin, hash: HASH, ...WORDS }),
  },
  {
    words: 'turn a changed configuration down',
    command: (_stage, user, pin) => ({ op: 'config.reject', user, pin, hash: HASH, ...WORDS }),
  },
  {
    words: 'add a person',
    command: (_stage, user, pin) => ({
      op: 'users.add',
      person: { user: 'newcomer', fullName: 'N. Newcomer', role: 'technician', pin: '471100' },
      by: { user, pin },
    }),
  },
  { words: 'disable a person', command: byAdministrator({ kind: 'disable', reason }) },
  {
    words: 'give a person another role',
    command: byAdministrator({ kind: 'set_role', role: 'qa', reason }),
  },
  {
    words: 'give a person another PIN',
    command: byAdministrator({ kind: 'reset_pin', pin: '112358', reason }),
  },
]

/** What came of one deed, and what was written down of it. */
export interface Outcome {
  readonly ok: boolean
  readonly code: string
  /** Refusals of acts on record. */
  readonly refusals: number
}

/** One deed by somebody, before these people. */
export async function attempt(
  deed: Deed,
  who: { readonly user: string; readonly pin: string },
  { people, journal, mono }: { people: PeoplePort; journal: NoteJournal; mono: number },
): Promise<Outcome> {
  const core = new CoreRig(plantOf(['b101-dp', 'b101-t']))
  const stage: Stage = { core, candidate: { hash: HASH, since: 0, signatures: [] } }
  deed.prepare?.(stage)
  const refusalsBefore = journal.typed('act.refused').length
  const signed = (verdict: ReturnType<typeof sign>) =>
    verdict.ok
      ? ({ ok: true, code: 'done' } as const)
      : { ok: false, code: verdict.code, detail: verdict.detail }
  const refused = core.eventsOf('act.refused').length
  const context: DispatchContext = {
    log: silentLog,
    now: () => ({ wall: core.wall, mono }),
    key: 'k',
    people,
    handlers: {
      ...IDLE_HANDLERS,
      status: () => STATUS,
      alarms: () => ({ at: 0, timezone: 'UTC', origin: STATUS.origin, alarms: [] }),
      act: async ({ actor: by, ...act }) => core.act(act, by),
      record: journal.record,
      horn: async (_command, by) => {
        const fault = refusalOf(by)
        return fault === undefined ? { ok: true, code: 'done' } : { ok: false, ...fault }
      },
      configuration: {
        ...IDLE_HANDLERS.configuration,
        sign: async (hash, by) => signed(sign(stage.candidate, hash, by)),
        decline: async (hash, by) => signed(decline(stage.candidate, hash, by)),
      },
    },
  }
  const result = await answer(deed.command(stage, who.user, who.pin), context)
  const refusals =
    journal.typed('act.refused').length -
    refusalsBefore +
    core.eventsOf('act.refused').length -
    refused
  if (!result.ok) return { ok: false, code: result.refusal.code, refusals }
  const { ok, code = '' } = result.result as { ok: boolean; code?: string }
  return { ok, code, refusals }
}

/** People of whom everybody who logs in has this role; only what the role may is judged. */
function anybody(role: Role): PeoplePort {
  const somebody = { name: 'somebody', fullName: 'S. Omebody', role: 'technician' } as Person
  const known = new Map([[somebody.name, somebody]])
  return {
    ...IDLE_PEOPLE,
    authenticate: async ({ user }) => ({ ok: true, actor: actor(user, role) }),
    add: async (_person, by) =>
      by.kind === 'person' && by.actor.role !== 'administrator'
        ? { ok: false, code: 'not_authorised', detail: '' }
        : { ok: true },
    change: async (user, change, by) => changeFault(known, user, change, by) ?? { ok: true },
  }
}

/** Whether a role may do a deed, on the code that runs. */
export async function may(deed: Deed, role: Role, journal: NoteJournal): Promise<boolean> {
  const who = { user: 'jdoe', pin: '471100' }
  return (await attempt(deed, who, { people: anybody(role), journal, mono: 5000 })).ok
}

/** As Markdown: a row for each deed, a column for each role. */
export async function roleTable(journal: NoteJournal): Promise<string> {
  const rows = [
    ['may', ...ROLES],
    ['---', ...ROLES.map(() => '---')],
  ]
  for (const deed of DEEDS) {
    const row = [deed.words]
    for (const role of ROLES) row.push((await may(deed, role, journal)) ? 'yes' : '–')
    rows.push(row)
  }
  return rows.map((row) => `| ${row.join(' | ')} |`).join('\n')
}
