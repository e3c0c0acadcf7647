// An agent as the local socket sees it: the real server and the real people over handlers that remember what was asked.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Act, ActReply } from '#core/input.ts'
import type { Clock } from '#ports/clock.ts'
import { silentLog } from '#ports/log.ts'
import { People } from '../../agent/access/people.ts'
import type { ControlHandlers } from '../../agent/control/context.ts'
import { type ControlServer, startControlServer } from '../../agent/control/server.ts'
import type { AlarmsView, AlarmView, StatusView } from '../../agent/control/view.ts'
import { systemClock } from '../../agent/runtime/system-clock.ts'
import { IDLE_HANDLERS } from './idle-control.ts'
import { type NoteJournal, noteJournal } from './journal-of-notes.ts'

export const AT = 1_763_806_500_000

export const STATUS: StatusView = {
  agent: '0.1.0',
  pid: 4711,
  org: 'lombardia',
  site: 'milano-cf',
  siteName: 'Cell Factory Milano',
  gateway: 'gw-01',
  timezone: 'Europe/Rome',
  origin: 'instrument',
  dataDir: '/var/lib/cleanroom-agent',
  startedAt: AT - 90_000_000,
  at: AT,
  config: { hash: 'sha256:abc', file: '/etc/cleanroom-agent/config.yaml' },
  limitSet: 'annex1-2022 (2022)',
  epoch: '01JD3Z8Q5K',
  tb: 0,
  head: { seq: 123_503, hash: '0123456789abcdef0123' },
  lastCommitAt: AT - 400,
  points: { total: 12, good: 12, uncertain: 0, bad: 0, silent: 0 },
  alarms: { unacknowledged: 0, others: 0 },
  buses: [{ id: 'net-1', protocol: 'modbus-tcp', address: '10.0.0.11:502', link: { kind: 'up' } }],
  backlog: { readings: 0, event: 0 },
  broker: { connected: true, address: 'mqtts://broker.example:8883' },
  clock: { synchronised: true, offsetMs: 3 },
}

export const ALARM: AlarmView = {
  alarm: 'b101-dp.action_low',
  occ: '01JD4AZ6N3QK8W5T9XV2B7CDEF',
  rev: 2,
  state: 'unacknowledged',
  active: true,
  acked: false,
  class: 'action',
  priority: 1,
  point: 'b101-dp',
  zone: 'b101',
  grade: 'B',
  limit: { kind: 'action_low', value: 10, unit: 'Pa', set: 'site' },
  value: 8.7,
  q: 'good',
  onset: AT - 100_000,
  activated: AT - 70_000,
  ts: AT - 70_000,
  ack: null,
}

export interface ControlAgent {
  readonly dataDir: string
  readonly server: ControlServer
  readonly people: People
  readonly journal: NoteJournal
  readonly acts: Act[]
  /** What the next acts are answered with; a function may wait or throw. */
  reply: (act: Act) => ActReply | Promise<ActReply>
  status: () => StatusView | Promise<StatusView>
  alarms: readonly AlarmView[]
  /** One page of the journal. */
  audit: ControlHandlers['audit']
  /** Reasons and phrases to choose from. */
  words: NonNullable<AlarmsView['words']>
  stop(): Promise<void>
}

export interface ControlAgentOptions {
  readonly dataDir?: string
  readonly clock?: Clock
  readonly environment?: Readonly<Record<string, string>>
}

/** Starts one in a directory of its own. */
export async function startControlAgent(options: ControlAgentOptions = {}): Promise<ControlAgent> {
  const dataDir = options.dataDir ?? mkdtempSync(path.join(tmpdir(), 'control-'))
  const clock = options.clock ?? systemClock()
  const journal = noteJournal()
  const { record } = journal
  const people = new People({ rows: journal.rows, now: clock.now(), record })
  const agent = {
    dataDir,
    people,
    journal,
    acts: [] as Act[],
    reply: (act: Act): ActReply | Promise<ActReply> => ({
      ok: true,
      code: act.kind === 'ack' ? 'acknowledged' : act.kind === 'reset' ? 'reset' : 'done',
      ...('occ' in act && act.occ !== undefined
        ? { alarm: ALARM.alarm, occ: act.occ, rev: 3 }
        : {}),
    }),
    status: (): StatusView | Promise<StatusView> => STATUS,
    alarms: [ALARM] as readonly AlarmView[],
    audit: IDLE_HANDLERS.audit,
    words: { reasons: [], phrases: [] } as NonNullable<AlarmsView['words']>,
  }
  const server = await startControlServer({
    dataDir,
    clock,
    people,
    log: silentLog,
    ...(options.environment === undefined ? {} : { environment: options.environment }),
    handlers: {
      ...IDLE_HANDLERS,
      audit: (query) => agent.audit(query),
      status: () => agent.status(),
      alarms: ({ all }): AlarmsView => ({
        at: AT,
        timezone: 'Europe/Rome',
        origin: 'instrument',
        lastReadingAt: AT - 1000,
        words: agent.words,
        alarms: agent.alarms.filter(({ state }) => all || state !== 'normal'),
      }),
      act: async (act) => {
        agent.acts.push(act)
        return agent.reply(act)
      },
      record,
    },
  })
  const stop = async (): Promise<void> => {
    await server.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
  return Object.assign(agent, { server, stop })
}
