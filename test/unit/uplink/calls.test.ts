// `escalation/{contact}`: whom escalation calls and for what, as a state (URS-37).

import { describe, expect, it } from 'vitest'
import { Calls } from '../../../agent/uplink/calls.ts'

const EPOCH = '01JD3Z8Q5K'
const alarm = (id: string, more: object = {}) => ({
  alarm: id,
  payload: JSON.stringify({
    ...{ v: 1, alarm: id, occ: `o-${id}`, rev: 1, state: 'unacknowledged', class: 'action' },
    ...{ priority: 1, zone: 'b101', seq: 7, ack: null },
    ...more,
  }),
})
const called = (id: string, ...calls: string[]) => alarm(id, { escalation: calls.length, calls })
const told = (states: readonly { leaf: string; payload: string }[]) =>
  Object.fromEntries(
    states.map(({ leaf, payload }) => [
      leaf,
      (JSON.parse(payload) as { alarms: { alarm: string }[] }).alarms.map((one) => one.alarm),
    ]),
  )

describe('URS-37 calls', () => {
  it('tell every contact at the start that nothing calls for it', () => {
    expect(new Calls(EPOCH, ['shift', 'qa']).all()).toEqual([
      {
        leaf: 'escalation/shift',
        payload: `{"v":1,"contact":"shift","epoch":"${EPOCH}","alarms":[]}`,
      },
      { leaf: 'escalation/qa', payload: `{"v":1,"contact":"qa","epoch":"${EPOCH}","alarms":[]}` },
    ])
  })

  it('follow the alarms: step by step, and away with the acknowledgement', () => {
    const calls = new Calls(EPOCH, ['shift', 'qa'])
    expect(told(calls.take([alarm('a')]))).toEqual({})
    expect(told(calls.take([called('a', 'shift')]))).toEqual({ 'escalation/shift': ['a'] })
    expect(told(calls.take([called('b', 'shift'), called('a', 'shift', 'qa')]))).toEqual({
      'escalation/shift': ['a', 'b'],
      'escalation/qa': ['a'],
    })
    const acked = alarm('a', { state: 'acknowledged' })
    expect(told(calls.take([acked]))).toEqual({
      'escalation/shift': ['b'],
      'escalation/qa': [],
    })
    expect(told(calls.take([{ alarm: 'b', payload: '' }]))).toEqual({ 'escalation/shift': [] })
  })

  it('leave a contact out that is not called for it any more', () => {
    const calls = new Calls(EPOCH, ['shift'])
    calls.take([called('a', 'shift')])
    expect(told(calls.take([called('a', 'night')]))).toEqual({
      'escalation/shift': [],
      'escalation/night': ['a'],
    })
  })

  it('say what has to be known to act', () => {
    const [state] = new Calls(EPOCH, []).take([called('a', 'shift')])
    expect(JSON.parse(state?.payload ?? '')).toEqual({
      ...{ v: 1, contact: 'shift', epoch: EPOCH },
      alarms: [
        {
          ...{ alarm: 'a', occ: 'o-a', rev: 1, escalation: 1, state: 'unacknowledged' },
          ...{ class: 'action', priority: 1, zone: 'b101', seq: 7 },
        },
      ],
    })
  })
})
