// A gateway as signed commands see it: the real loop, core, people and checks over a store that can pause, fail and restart.

import type { JournalEvent } from '#core/record.ts'
import { createState } from '#core/step.ts'
import { silentLog } from '#ports/log.ts'
import type { Commit, Store } from '#ports/store.ts'
import { People } from '../../agent/access/people.ts'
import { userRowKey } from '../../agent/access/person.ts'
import { createCommandCheck } from '../../agent/access/signed-command.ts'
import { Commands } from '../../agent/runtime/commands.ts'
import { Loop } from '../../agent/runtime/loop.ts'
import { publicPemOf, SIGNED_AT } from './command-signer.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

export const PLANT = {
  org: 'org',
  site: 'site',
  siteName: 'Test site',
  timezone: 'Europe/Rome',
  gateway: 'gw-01',
  origin: 'instrument',
  hash: 'sha256:0',
  limitSet: { id: 'annex1-2022', version: '2022' },
  zones: [{ id: 'b101', name: 'Filling room', grade: 'B', occupancy: 'in_operation' }],
  buses: [],
  instruments: [],
  points: [],
  reasonCodes: ['door_opened', 'known_fault', 'other'],
} as const

/** What lies on the disk; outlives the box. */
export interface Disk {
  readonly rows: Map<string, string>
  readonly commits: Commit[]
  seq: number
}

const personRow = (name: 'jdoe' | 'asmith', role: string): string =>
  JSON.stringify({
    name,
    fullName: `Full ${name}`,
    role,
    pinHash: '$argon2id$none',
    publicKey: publicPemOf(name),
    createdAt: 0,
    disabled: false,
    failures: 0,
  })

export const newDisk = (): Disk => ({
  rows: new Map([
    [userRowKey('jdoe'), personRow('jdoe', 'technician')],
    [userRowKey('asmith'), personRow('asmith', 'administrator')],
  ]),
  commits: [],
  seq: 0,
})

export interface CommandBox {
  readonly clock: VirtualClock
  readonly disk: Disk
  readonly loop: Loop
  readonly commands: Commands
  /** Topic's user and printed payload of every reply. */
  readonly replies: { readonly user: string; readonly payload: string }[]
  readonly failures: Error[]
  enabled: boolean
  /** Where replies go beside `replies`. */
  answer: (user: string, payload: string) => void
  /** While true, commits wait; nothing of them is on the disk. */
  hold(on: boolean): void
  /** A command as it comes from the broker. */
  send(
    payload: unknown,
    over?: { command?: string; user?: string; retained?: boolean },
  ): Promise<void>
  /** The last reply. */
  reply(): Record<string, unknown>
  /** Durable events of a type, in order. */
  events(type: string): readonly JournalEvent[]
  /** Opens an occurrence of `system.uplink_down` and gives its id. */
  openOccurrence(): Promise<string>
}

/** Starts a box on a disk; on the same disk it is a restart. */
export function commandBox(
  disk: Disk = newDisk(),
  clock: VirtualClock = virtualClock(SIGNED_AT),
  { volatile }: { readonly volatile?: true } = {},
): CommandBox {
  let held: (() => void)[] | undefined
  const recovered = {
    epoch: 'E1',
    created: false,
    head: { seq: disk.seq, hash: '' },
    tb: 0,
    coverage: new Map(),
  }
  const state = new Map(disk.rows)
  const store: Store = {
    recovered: { ...recovered, state },
    ...(volatile === true && { volatile }),
    commit: async (commit) => {
      const waiting = held
      if (waiting !== undefined) await new Promise<void>((resolve) => waiting.push(resolve))
      disk.commits.push(commit)
      for (const { key, value } of commit.state) {
        if (value === undefined) disk.rows.delete(key)
        else disk.rows.set(key, value)
      }
      disk.seq += commit.records.length
      return { seq: disk.seq, hash: '' }
    },
    batches: async () => [],
    count: async () => 0,
    close: async () => {},
  }
  const at = clock.now()
  const created = createState({
    plant: PLANT,
    epoch: 'E1',
    seq: disk.seq,
    tb: 0,
    at,
    persisted: state,
  })
  const replies: { user: string; payload: string }[] = []
  const failures: Error[] = []
  const failed = (error: Error) => failures.push(error)
  const loop = new Loop({
    clock,
    store,
    log: silentLog,
    state: created.state,
    base: { tb: 0, offsetMs: at.wall - at.mono },
    listener: { committed: () => {}, unstored: () => {}, clockStepped: () => {}, failed },
  })
  loop.absorb(created.result)
  const people = new People({
    rows: state,
    now: at,
    record: (note, changes) => loop.note(note.type, note.body, changes),
  })
  const commands = new Commands({
    clock,
    log: silentLog,
    loop,
    enabled: () => box.enabled,
    check: createCommandCheck({
      gateway: PLANT.gateway,
      person: (user) => people.find(user),
      clockTrust: () => 'unknown',
    }),
    rows: state,
    reply: (user, payload) => {
      replies.push({ user, payload })
      box.answer(user, payload)
    },
    failed,
  })
  const box: CommandBox = {
    clock,
    disk,
    loop,
    commands,
    replies,
    failures,
    enabled: true,
    answer: () => {},
    hold: (on) => {
      const waiting = held
      held = on ? (held ?? []) : undefined
      if (!on) for (const release of waiting ?? []) release()
    },
    send: (payload, { command = 'ack', user = 'jdoe', retained = false } = {}) =>
      commands.handle({ command, user, payload, retained }),
    reply: () => JSON.parse(replies.at(-1)?.payload ?? 'null') as Record<string, unknown>,
    events: (type) =>
      disk.commits.flatMap(({ records }) =>
        records.flatMap((record) =>
          record.kind === 'event' && record.event.type === type ? [record.event] : [],
        ),
      ),
    openOccurrence: async () => {
      loop.input({ kind: 'condition', at: clock.now(), alarm: 'system.uplink_down', active: true })
      await loop.flush()
      const occ = loop.state.alarms.get('system.uplink_down')?.state.occurrence?.occ
      if (occ === undefined) throw new Error('the condition opened no occurrence')
      return occ
    },
  }
  return box
}
