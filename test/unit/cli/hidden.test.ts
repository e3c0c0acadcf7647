// `alarms --hidden`: what was out of sight, read off the records that the core really writes (URS-35), page by page.

import { describe, expect, it } from 'vitest'
import { alarmPayload } from '#core/step.ts'
import { endedText, hidden } from '../../../agent/cli/hidden.ts'
import type { AlarmView, AuditRecord } from '../../../agent/control/view.ts'
import { ALARM, startControlAgent } from '../../support/control-agent.ts'
import { plantOf } from '../../support/core-plant.ts'
import { actor, CoreRig } from '../../support/core-rig.ts'

const HOUR = 3_600_000
const HIGH = 'c102-rh.action_high'

const room = (): CoreRig =>
  new CoreRig(plantOf(['b101-t', 'c102-rh'], (it) => ({ ...it, commFailMs: 1e9 })))

/** The newest event of a type as the journal gives it. */
const recordOf = (core: CoreRig, type: string): AuditRecord => {
  const event = core.events.findLast((one) => one.type === type)
  return { seq: event?.seq ?? 0, type, ts: event?.ts ?? 0, ...event?.body }
}

/** Shelved for half an hour, in which it went wrong for ten minutes. */
function shelved(): CoreRig {
  const core = room()
  const until = core.wall + HOUR / 2
  core.act({ kind: 'shelve', alarm: HIGH, until, reason: 'known_fault', comment: 'c' })
  core.advance(HOUR / 6)
  core.slot('c102-rh', 58)
  core.advance(HOUR / 6)
  core.slot('c102-rh', 40)
  core.advance(HOUR / 6)
  return core
}

describe('URS-35 what was hidden', () => {
  it('by a shelf', () => {
    const core = shelved()
    const text = endedText(recordOf(core, 'alarm.unshelved'), 'UTC')
    expect(text.replaceAll(/01[0-9A-Z]{24}/g, 'OCC')).toBe(
      '2025-11-22 10:15:00 +00:00 to 2025-11-22 10:45:00 +00:00  shelved  c102-rh.action_high  (expired)  hid 1 occurrence\n' +
        '    c102-rh.action_high  2025-11-22 10:25:00 +00:00  gone after 10 min, worst 58  OCC',
    )
  })

  it('while a zone was not in use', () => {
    const core = room()
    core.occupancy('c102', 'not_in_use')
    core.slot('c102-rh', 61)
    core.occupancy('c102', 'at_rest')
    expect(endedText(recordOf(core, 'suppression.ended'), 'UTC')).toMatch(
      /^until .* {2}suppressed {2}c102 {2}hid 1 occurrence\n {4}c102-rh\.action_high .* went on, worst 61 /,
    )
  })

  it('while a point was out of service', () => {
    const core = room()
    core.act({ kind: 'out_of_service', target: 'c102-rh', workOrder: 'WO-1' })
    core.slot('c102-rh', 61)
    core.act({ kind: 'return_to_service', target: 'c102-rh' }, actor('qa1', 'qa'))
    expect(endedText(recordOf(core, 'out_of_service.ended'), 'UTC')).toMatch(
      /out of service {2}c102-rh {2}\(WO-1\) {2}hid 1 occurrence\n {4}c102-rh\.action_high .* went on/,
    )
  })

  it('is read page after page, and what stands comes last', async () => {
    const core = shelved()
    const record = recordOf(core, 'alarm.unshelved')
    const until = core.wall + HOUR / 2
    core.act({ kind: 'shelve', alarm: HIGH, until, reason: 'known_fault', comment: 'c' })
    const held = JSON.parse(alarmPayload(core.state, HIGH)) as AlarmView
    const agent = await startControlAgent()
    try {
      agent.alarms = [ALARM, held]
      agent.audit = async ({ after }) => ({
        timezone: 'UTC',
        records: after < 3 ? [{ ...record, seq: after + 1 }] : [],
        ...(after < 3 && { next: after + 1 }),
      })
      const lines: string[] = []
      const output = { data: (text: string) => lines.push(text), talk: () => {}, style: () => '' }
      const options = { data: agent.dataDir, progress: false }
      expect(await hidden(options, output)).toBe(0)
      expect(lines).toHaveLength(4)
      expect(lines.at(-1)).toMatch(
        /^since .* until .* {2}shelved {2}c102-rh\.action_high {2}\(J\. Doe\) {2}hides 1 occ/,
      )
      lines.length = 0
      await hidden({ ...options, json: true, to: '2025-01-01' }, output)
      expect(lines.map((line) => (JSON.parse(line) as AuditRecord).type)).toEqual(
        Array(3).fill('alarm.unshelved'),
      )
    } finally {
      await agent.stop()
    }
  })
})
