// Escalation and re-alarm (URS-37, alarms.md row 12): at their times, once each, over any restart, and not of what is held.

import { describe, expect, it } from 'vitest'
import { plantOf } from '../../support/core-plant.ts'
import { CoreRig } from '../../support/core-rig.ts'

const MINUTE = 60_000
const HIGH = 'c102-rh.action_high'

/** Action alarms escalate after 10 and 30 minutes and re-alarm after an hour; alerts do neither. */
function room(): CoreRig {
  const plant = plantOf(['c102-rh', 'b101-t'], (it) => ({ ...it, commFailMs: 1e9 }))
  const action = { escalateMs: [10 * MINUTE, 30 * MINUTE], reAlarmMs: 60 * MINUTE }
  const core = new CoreRig({ ...plant, reminders: { action } })
  core.slot('c102-rh', 56)
  return core
}

const steps = (core: CoreRig): unknown[] =>
  core.eventsOf('alarm.escalated', HIGH).map(({ body }) => body['step'])

describe('URS-37 escalation', () => {
  // ms after the activation, steps taken by then: each at −1, 0
  it.each([
    [10 * MINUTE - 1, []],
    [10 * MINUTE, [1]],
    [30 * MINUTE - 1, [1]],
    [30 * MINUTE, [1, 2]],
    [300 * MINUTE, [1, 2]],
  ])('after %d ms: steps %j', (ms, taken) => {
    const core = room()
    core.advance(ms)
    expect(steps(core)).toEqual(taken)
    expect(core.payload(HIGH)['escalation']).toBe(taken.at(-1))
    expect(core.payload(HIGH)).toMatchObject({ state: 'unacknowledged', rev: 1 })
  })

  it('goes on after the condition has gone, for nobody has seen it; ends with the acknowledgement', () => {
    const core = room()
    core.slot('c102-rh', 40)
    core.advance(10 * MINUTE)
    expect(steps(core)).toEqual([1])
    core.ack(HIGH)
    core.advance(60 * MINUTE)
    expect(steps(core)).toEqual([1])
  })

  it('goes on for what supersedes an occurrence nobody saw: an alarm that comes and goes is no less urgent', () => {
    const core = room()
    for (let minute = 0; minute < 29; minute++) {
      core.advance(30_000)
      core.slot('c102-rh', 40)
      core.advance(30_000)
      core.slot('c102-rh', 57)
    }
    expect(steps(core)).toEqual([1])
    expect(core.payload(HIGH)).toMatchObject({ state: 'unacknowledged', escalation: 1 })
    core.restart(1000, { reboot: true })
    core.advance(MINUTE - 1001)
    expect(steps(core)).toEqual([1])
    core.advance(1)
    expect(steps(core)).toEqual([1, 2])
    const [, second] = core.eventsOf('alarm.escalated', HIGH)
    expect(second?.body['occ']).toBe(core.occ(HIGH))
  })

  it('begins anew with an occurrence after somebody has seen the last one', () => {
    const core = room()
    core.advance(9 * MINUTE)
    core.ack(HIGH)
    core.slot('c102-rh', 40)
    core.slot('c102-rh', 57)
    core.advance(9 * MINUTE)
    expect(steps(core)).toEqual([])
    core.advance(MINUTE)
    expect(steps(core)).toEqual([1])
  })

  it('is of the classes the site names', () => {
    const core = room()
    core.slot('b101-t', 22.5)
    core.advance(60 * MINUTE)
    expect(core.eventsOf('alarm.escalated', 'b101-t.alert_high')).toEqual([])
  })

  it('is not of what is shelved; after that it begins', () => {
    const core = room()
    const shelve = { kind: 'shelve' as const, alarm: HIGH, until: core.wall + 40 * MINUTE }
    core.act({ ...shelve, reason: 'known_fault', comment: 'c' })
    core.advance(40 * MINUTE)
    expect(steps(core)).toEqual([])
    core.advance(10 * MINUTE)
    expect(steps(core)).toEqual([1])
  })

  it.each(
    [1, 9, 11, 29].flatMap(
      (at) =>
        [
          [at, false],
          [at, true],
        ] as [number, boolean][],
    ),
  )(
    'URS-28 a restart after %d min, reboot %s: no step twice, none left out, none late',
    (minutes, reboot) => {
      const core = room()
      core.advance(minutes * MINUTE)
      core.input({ kind: 'note', at: core.at, type: 'test.note', body: {} })
      core.restart(30_000, { reboot })
      core.advance((30 - minutes) * MINUTE - 30_001)
      expect(steps(core)).toEqual([1])
      core.advance(1)
      expect(steps(core)).toEqual([1, 2])
    },
  )

  it('URS-28 takes every step the agent was away for at the start', () => {
    const core = room()
    core.restart(45 * MINUTE, { reboot: true })
    expect(steps(core)).toEqual([1, 2])
  })
})

describe('URS-37 contacts', () => {
  const called = (core: CoreRig) => core.payload(HIGH)['calls']
  const withContacts = (...contacts: (string | null)[]): CoreRig => {
    const core = room()
    const action = { escalateMs: [10 * MINUTE, 30 * MINUTE], contacts }
    core.changePlant({ ...core.plant, hash: 'sha256:2', reminders: { action } })
    return core
  }

  it('are called with their step, on record and in the published state, until somebody acknowledges', () => {
    const core = withContacts('shift', 'qa')
    core.advance(10 * MINUTE)
    expect(called(core)).toEqual(['shift'])
    core.restart(20 * MINUTE, { reboot: true })
    expect(called(core)).toEqual(['shift', 'qa'])
    expect(core.eventsOf('alarm.escalated', HIGH).map(({ body }) => body['contact'])).toEqual([
      'shift',
      'qa',
    ])
    core.ack(HIGH)
    expect(called(core)).toBeUndefined()
  })

  it('may be missing for a step, and are named once', () => {
    const core = withContacts(null, 'shift')
    core.advance(10 * MINUTE)
    expect(called(core)).toBeUndefined()
    expect(core.payload(HIGH)['escalation']).toBe(1)
    core.advance(20 * MINUTE)
    expect(called(core)).toEqual(['shift'])
  })

  it('of another configuration are called for the steps that were taken', () => {
    const core = withContacts('shift', 'shift')
    core.advance(10 * MINUTE)
    const action = { escalateMs: [10 * MINUTE, 30 * MINUTE], contacts: ['night', null] }
    const { alarms } = core.changePlant({ ...core.plant, hash: 'h3', reminders: { action } })
    expect(alarms).toContain(HIGH)
    expect(called(core)).toEqual(['night'])
  })
})

describe('URS-37 another configuration', () => {
  it('ends what it no longer asks for, begins what it newly asks for', () => {
    const core = room()
    core.slot('b101-t', 22.5)
    const alert = { escalateMs: [5 * MINUTE] }
    core.changePlant({ ...core.plant, hash: 'sha256:2', reminders: { alert } })
    core.advance(60 * MINUTE)
    expect(steps(core)).toEqual([])
    expect(core.eventsOf('alarm.escalated').map(({ body }) => body['alarm'])).toEqual([
      'b101-t.alert_high',
    ])
    const { reminders: _, ...bare } = core.plant
    core.changePlant(bare)
    expect([...core.persisted.keys()].filter((key) => key.startsWith('reminder/'))).toEqual([
      'reminder/b101-t.alert_high',
    ])
  })
})

describe('URS-37 re-alarm', () => {
  it('row 12: what was acknowledged and goes on is unacknowledged again, at its time', () => {
    const core = room()
    core.ack(HIGH)
    const occ = core.occ(HIGH)
    core.advance(60 * MINUTE - 1)
    expect(core.is(HIGH)).toBe('acknowledged')
    core.advance(1)
    expect(core.payload(HIGH)).toMatchObject({ state: 'unacknowledged', occ, rev: 3, ack: null })
    expect(core.eventsOf('alarm.realarmed', HIGH)[0]?.body).toMatchObject({
      occ,
      from: 'acknowledged',
      to: 'unacknowledged',
    })
    core.advance(10 * MINUTE)
    expect(steps(core)).toEqual([1])
    expect(core.ack(HIGH)).toMatchObject({ code: 'acknowledged' })
  })

  it('not of what has returned', () => {
    const core = room()
    core.ack(HIGH)
    core.slot('c102-rh', 40)
    core.advance(120 * MINUTE)
    expect(core.eventsOf('alarm.realarmed')).toEqual([])
  })

  it.each([false, true])('URS-28 at its time over a restart (reboot %s)', (reboot) => {
    const core = room()
    core.ack(HIGH)
    core.advance(20 * MINUTE)
    core.restart(10 * MINUTE, { reboot })
    core.advance(30 * MINUTE - 1)
    expect(core.is(HIGH)).toBe('acknowledged')
    core.advance(1)
    expect(core.is(HIGH)).toBe('unacknowledged')
  })
})
