// Guidance where people read alarms and acknowledge them (URS-39).

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ack } from '../../../agent/cli/ack.ts'
import { alarmsText } from '../../../agent/cli/alarms.ts'
import type { AlarmView } from '../../../agent/control/view.ts'
import { ALARM, AT, type ControlAgent, startControlAgent } from '../../support/control-agent.ts'

const guidance = { cause: 'A door.', consequence: 'Air enters.', action: 'Shut the door.' }
const GUIDED: AlarmView = { ...ALARM, guidance, superseded: ['01', '02'] }
const plain = { style: (_: unknown, text: string) => text }
const view = (alarms: readonly AlarmView[]) =>
  alarmsText({ at: AT, timezone: 'UTC', origin: 'instrument', alarms }, plain)

describe('URS-39 the list of alarms', () => {
  it('says what to do about what nobody has acknowledged, once for all of which it holds', () => {
    const four = ['a', 'b', 'c', 'd'].map((id) => ({ ...GUIDED, alarm: `${id}.action_low` }))
    const text = view(four)
    expect(text).toContain(
      'What to do\n  a.action_low, b.action_low, c.action_low and 1 more: Shut',
    )
    expect(text.match(/Shut the door/g)).toHaveLength(1)
  })

  it('says nothing of what is acknowledged, and nothing where there is none', () => {
    expect(view([{ ...GUIDED, state: 'acknowledged' }])).not.toContain('What to do')
    expect(view([ALARM])).not.toContain('What to do')
  })
})

describe('URS-39 acknowledging', () => {
  let agent: ControlAgent
  beforeEach(async () => {
    agent = await startControlAgent()
    agent.alarms = [GUIDED]
  })
  afterEach(() => agent.stop())

  const tryAck = async (occ: string, more: object = {}): Promise<string[]> => {
    const said: string[] = []
    const output = { data: () => {}, talk: (text: string) => said.push(text), style: () => '' }
    const keyboard = { interactive: false } as never
    const options = { data: agent.dataDir, user: 'jdoe', ...more }
    await expect(
      ack(occ, { ...options, reason: 'door_opened' }, { output, keyboard }),
    ).rejects.toThrow(/pin/i)
    return said
  }

  it('shows cause, consequence, action and what else is acknowledged before it asks for the PIN', async () => {
    expect(await tryAck(GUIDED.occ ?? '')).toEqual([
      'b101-dp.action_low, priority 1',
      '  cause        A door.',
      '  consequence  Air enters.',
      '  what to do   Shut the door.',
      '  with 2 earlier occurrences that nobody acknowledged',
    ])
  })

  it('says nothing of an occurrence that is not open, nor to scripts', async () => {
    expect(await tryAck('another')).toEqual([])
    expect(await tryAck(GUIDED.occ ?? '', { json: true })).toEqual([])
    expect(await tryAck(GUIDED.occ ?? '', { pinFile: '/nowhere/pin' })).toEqual([])
  })
})
