// `audit`: each record as people read it, one line, with whom, what and why (URS-45).

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AuditOptions, audit, recordText } from '../../../agent/cli/audit.ts'
import type { AuditRecord } from '../../../agent/control/view.ts'
import { AT, type ControlAgent, startControlAgent } from '../../support/control-agent.ts'

const ACTOR = { user: 'jdoe', name: 'J. Doe', role: 'technician', via: 'local' }
const OCC = '01JD4AZ6N3QK8W5T9XV2B7CDEF'
const record = (type: string, fields: object): AuditRecord => ({ seq: 1, type, ts: AT, ...fields })

describe('URS-45 a record reads like this', () => {
  it.each([
    [
      'a refused act names the occurrence it was about, also one that nobody knows',
      record('act.refused', {
        ...{
          act: 'ack',
          occ: OCC,
          code: 'unknown_occurrence',
          detail: 'no such occurrence is open',
        },
        ...{ reason: 'other', comment: 'c', actor: ACTOR },
      }),
      `act.refused  J. Doe (jdoe, technician, local)  act ack, occ ${OCC}, code unknown_occurrence  (other; c; no such occurrence is open)`,
    ],
    [
      'a refused change of people says of whom',
      record('act.refused', {
        ...{ act: 'users.disable', person: 'admin', code: 'invalid', detail: 'the last one' },
        box: { osUser: 'root', via: 'local' },
      }),
      'act.refused  the box (root)  act users.disable, person admin, code invalid  (the last one)',
    ],
    [
      'a refused log-in says why',
      record('access.login_failed', { user: 'jdoe', why: 'wrong_pin', via: 'local', act: 'ack' }),
      'access.login_failed  the agent  act ack, user jdoe  (wrong_pin)',
    ],
    [
      'what could move the cursor, or begin another line, is written out',
      record('alarm.acknowledged', { actor: ACTOR, comment: 'a\u001b[2Jb\nc\u202ed' }),
      'alarm.acknowledged  J. Doe (jdoe, technician, local)  (a\\u{1b}[2Jb\\u{a}c\\u{202e}d)',
    ],
    [
      'a shelf that ended says why',
      record('alarm.unshelved', { alarm: 'x.y', from: 'shelved', to: 'normal', cause: 'expired' }),
      'alarm.unshelved  the agent  alarm x.y  shelved → normal  (expired)',
    ],
    [
      'an occupancy from nothing',
      record('occupancy.changed', { zone: 'b101', from: null, to: 'at_rest', actor: ACTOR }),
      'occupancy.changed  J. Doe (jdoe, technician, local)  zone b101  unknown → at_rest',
    ],
    [
      'what a damaged file has lost, by number',
      record('store.records_lost', {
        ...{ file: 'journal-000002-20251121.db', from: 2801, through: 5700, lostRecords: 123 },
        found: 'a page is not readable',
      }),
      'store.records_lost  the agent  file journal-000002-20251121.db  records 2801 to 5700, 123 of them lost  (a page is not readable)',
    ],
    [
      'a file that retention removed',
      record('store.pruned', { file: 'a.db', from: 1, through: 2800, why: 'room' }),
      'store.pruned  the agent  file a.db  records 1 to 2800  (room)',
    ],
    [
      'a stretch without a disk',
      record('store.gap', { from: AT - 60_000, to: AT, reason: 'full' }),
      'store.gap  the agent  2025-11-22 10:14:00 +00:00 to 2025-11-22 10:15:00 +00:00  (full)',
    ],
  ])('%s', (_, given, text) => {
    expect(recordText(given, 'UTC')).toBe(`2025-11-22 10:15:00 +00:00  ${text}`)
  })
})

describe('over the local socket', () => {
  let agent: ControlAgent
  beforeEach(async () => {
    agent = await startControlAgent()
  })
  afterEach(() => agent.stop())

  const ask = (options: AuditOptions) =>
    audit({ data: agent.dataDir, ...options }, { data: () => {}, talk: () => {}, style: () => '' })

  it.each([
    [{ from: '2025-01-02', to: '2025-01-01' }, /not before/],
    [{ from: '2025-01-01', to: '2025-01-01' }, /not before/],
    [{ to: 'yesterday' }, /no moment/],
  ])('refuses a period that is none: %o', async (options, why) => {
    await expect(ask(options)).rejects.toThrow(why)
  })

  it('asks for the period as given', async () => {
    const asked: unknown[] = []
    agent.audit = async (query) => {
      asked.push(query)
      return { timezone: 'UTC', records: [] }
    }
    expect(await ask({ from: '2025-01-01', to: '2025-01-02', user: 'jdoe' })).toBe(0)
    expect(asked).toEqual([
      expect.objectContaining({
        from: Date.UTC(2025, 0, 1),
        to: Date.UTC(2025, 0, 2),
        user: 'jdoe',
      }),
    ])
  })
})
