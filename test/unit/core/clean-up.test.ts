// The clean-up after operation (URS-19, Annex 1 4.29 iii): its time, what is reached in it, what happens when it is not, and every
// way of never ending it.

import { describe, expect, it } from 'vitest'
import type { Occupancy } from '#core/point.ts'
import { plantOf } from '../../support/core-plant.ts'
import { CoreRig, START } from '../../support/core-rig.ts'

const MINUTE = 60_000
const CLEAN_UP = 'b101.clean_up'
/** Counts in 28.3 L: 99 are 3498 /m³, 100 are 3534; at rest grade B permits 3520. */
const REACHED = { particles_0_5um: 99 }
const EXCEEDED = { particles_0_5um: 100 }

const cleaned = (cleanUpMs: number | undefined = 15 * MINUTE): CoreRig => {
  const plant = plantOf(['b101-p05'], (it) => ({ ...it, commFailMs: 1e9 }))
  const zones = plant.zones.map((zone) =>
    zone.id === 'b101' && cleanUpMs !== undefined ? { ...zone, cleanUpMs } : zone,
  )
  return new CoreRig({ ...plant, zones })
}

const occupancyOf = (core: CoreRig): Occupancy | undefined =>
  core.state.zones.get('b101')?.occupancy

/** One minute, and the sample of it. */
const minutes = (core: CoreRig, ...samples: Record<string, number>[]): void => {
  for (const counts of samples) {
    core.advance(MINUTE)
    core.sample('pc-b101', counts)
  }
}

const changes = (core: CoreRig): string[] =>
  core
    .eventsOf('occupancy.changed')
    .map(({ ts, body }) => `${(ts - START) / 1000} ${body['from']} → ${body['to']}`)

describe('ending operation', () => {
  it('URS-19 begins the clean-up, and at rest follows by itself after its time', () => {
    const core = cleaned()
    expect(core.occupancy('b101', 'at_rest')).toMatchObject({
      ok: true,
      detail: 'it is in clean_up first, at_rest follows by itself',
    })
    expect(occupancyOf(core)).toBe('clean_up')
    minutes(core, EXCEEDED, REACHED)
    core.advance(13 * MINUTE - 1)
    expect(occupancyOf(core)).toBe('clean_up')
    core.advance(1)
    expect(occupancyOf(core)).toBe('at_rest')
    expect(core.is(CLEAN_UP)).toBe('normal')
    expect(changes(core)).toEqual(['0 in_operation → clean_up', '900 clean_up → at_rest'])
    // attributed to the person who ended operation (URS-67)
    expect(core.eventsOf('occupancy.changed')[1]?.body).toMatchObject({
      cause: 'clean_up_ended',
      reached: true,
      actor: { user: 'jdoe' },
    })
  })

  it('URS-19 URS-67 lasts its own time, though the longest stay of a clean-up were over', () => {
    const { plant } = cleaned(30 * MINUTE)
    const zones = plant.zones.map((zone) => ({ ...zone, longestMs: { clean_up: 10 * MINUTE } }))
    const core = new CoreRig({ ...plant, zones })
    core.occupancy('b101', 'at_rest')
    core.advance(20 * MINUTE)
    core.sample('pc-b101', REACHED)
    core.advance(10 * MINUTE - 1)
    expect(occupancyOf(core)).toBe('clean_up')
    core.advance(1)
    expect(occupancyOf(core)).toBe('at_rest')
  })

  it('URS-19 judges by the in-operation limits meanwhile, at rest only silently', () => {
    const core = cleaned()
    core.occupancy('b101', 'at_rest')
    minutes(core, { particles_0_5um: 283 }, { particles_0_5um: 9962 })
    expect(core.is('b101-p05.action_high')).toBe('unacknowledged')
    expect(core.payload('b101-p05.action_high')).toMatchObject({
      occupancy: 'clean_up',
      limit: { value: 352_000 },
    })
  })

  // the newest sample that began after operation ended, against 3520 /m³: 99 counts below, 100 above
  it.each([
    ['3498 /m³, just below', [EXCEEDED, REACHED], 'normal', true],
    ['3534 /m³, just above', [REACHED, EXCEEDED], 'unacknowledged', false],
    ['no sample', [], 'unacknowledged', false],
  ] as const)('URS-19 its end with %s: %s', (_, samples, state, reached) => {
    const core = cleaned(3 * MINUTE)
    core.occupancy('b101', 'at_rest')
    minutes(core, ...samples)
    core.advance((3 - samples.length) * MINUTE)
    expect(core.is(CLEAN_UP)).toBe(state)
    expect(occupancyOf(core)).toBe('at_rest')
    expect(core.eventsOf('occupancy.changed').at(-1)?.body).toMatchObject({ reached })
    if (state === 'unacknowledged') {
      expect(core.payload(CLEAN_UP)).toMatchObject({
        class: 'action',
        priority: 1,
        zone: 'b101',
        grade: 'B',
        detail: expect.stringContaining('b101-p05: '),
      })
    }
  })

  it.each([
    [0, 'normal'],
    [-1000, 'unacknowledged'],
  ])('URS-19 a sample that began %d ms after operation ended: %s', (offset, state) => {
    const core = cleaned(2 * MINUTE)
    core.occupancy('b101', 'at_rest')
    core.advance(MINUTE + offset)
    core.sample('pc-b101', REACHED)
    core.advance(MINUTE - offset)
    expect(core.is(CLEAN_UP)).toBe(state)
  })

  it('URS-19 bad samples prove nothing and spoil nothing', () => {
    const core = cleaned(3 * MINUTE)
    core.occupancy('b101', 'at_rest')
    minutes(core, REACHED)
    core.advance(MINUTE)
    core.sample('pc-b101', EXCEEDED, { faults: ['flow_fault'] })
    core.advance(MINUTE)
    expect(core.is(CLEAN_UP)).toBe('normal')
  })

  it('URS-19 the alarm returns with the first samples that reach the limits, and is still to be seen', () => {
    const core = cleaned(MINUTE)
    core.occupancy('b101', 'at_rest')
    minutes(core, EXCEEDED)
    expect(core.is(CLEAN_UP)).toBe('unacknowledged')
    minutes(core, EXCEEDED)
    expect(core.is(CLEAN_UP)).toBe('unacknowledged')
    minutes(core, REACHED)
    expect(core.is(CLEAN_UP)).toBe('rtn_unacknowledged')
  })

  it('URS-19 a zone without a time for it goes to rest at once and has no such alarm', () => {
    const core = cleaned(undefined)
    const zones = core.plant.zones.map(({ cleanUpMs: _, ...zone }) => zone)
    const bare = new CoreRig({ ...core.plant, zones })
    bare.occupancy('b101', 'at_rest')
    expect(occupancyOf(bare)).toBe('at_rest')
    expect(bare.is(CLEAN_UP)).toBeUndefined()
  })

  it('URS-67 not in use only after the clean-up', () => {
    const core = cleaned(MINUTE)
    const zones = core.plant.zones.map((zone) =>
      zone.id === 'bsc-1' ? { ...zone, occupancy: 'at_rest' as const } : zone,
    )
    const room = new CoreRig({ ...core.plant, zones })
    room.occupancy('b101', 'not_in_use')
    expect(occupancyOf(room)).toBe('clean_up')
    minutes(room, REACHED)
    expect(occupancyOf(room)).toBe('not_in_use')
  })
})

describe('URS-67 a clean-up cannot be used to silence', () => {
  it('ending it early is judged as its end', () => {
    const core = cleaned()
    core.occupancy('b101', 'at_rest')
    minutes(core, EXCEEDED)
    core.occupancy('b101', 'at_rest')
    expect([occupancyOf(core), core.is(CLEAN_UP)]).toEqual(['at_rest', 'unacknowledged'])
    const early = cleaned()
    early.occupancy('b101', 'at_rest')
    minutes(early, REACHED)
    early.occupancy('b101', 'at_rest')
    expect([occupancyOf(early), early.is(CLEAN_UP)]).toEqual(['at_rest', 'normal'])
  })

  // clean-ups begun so many seconds after the first; the third restart within an hour is one too many
  it.each([
    ['two restarts', [600, 1200], 'normal'],
    ['three restarts', [600, 1200, 1800], 'unacknowledged'],
    ['the third just within the hour', [600, 1200, 3599], 'unacknowledged'],
    ['the third at the hour', [600, 1200, 3600], 'normal'],
  ] as const)('%s: %s', (_, starts, state) => {
    const core = cleaned(60 * MINUTE)
    core.occupancy('b101', 'clean_up')
    let now = 0
    for (const start of starts) {
      core.advance((start - now) * 1000)
      now = start
      core.occupancy('b101', 'in_operation')
      core.occupancy('b101', 'at_rest')
    }
    expect(core.is(CLEAN_UP)).toBe(state)
  })

  it('setting it again begins it again, and counts', () => {
    const core = cleaned(10 * MINUTE)
    core.occupancy('b101', 'at_rest')
    for (let index = 0; index < 3; index++) {
      core.advance(9 * MINUTE)
      core.occupancy('b101', 'clean_up')
    }
    expect(core.is(CLEAN_UP)).toBe('unacknowledged')
    expect(core.payload(CLEAN_UP)).toMatchObject({ detail: 'begun 4 times within an hour' })
    core.advance(10 * MINUTE)
    expect(occupancyOf(core)).toBe('at_rest')
  })

  it('operation that begins again keeps the alarm of a clean-up that failed', () => {
    const core = cleaned(MINUTE)
    core.occupancy('b101', 'at_rest')
    minutes(core, EXCEEDED)
    core.occupancy('b101', 'in_operation')
    minutes(core, EXCEEDED)
    expect(core.is(CLEAN_UP)).toBe('unacknowledged')
  })
})

describe('URS-28 a restart in a clean-up', () => {
  // killed at every minute of it, for 90 s: the end comes when it would have come, what was seen is remembered
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((at) => [true, false].map((boot) => [at, boot])))(
    'after %d minutes, reboot %s: ends on time, with what was seen',
    (at, reboot) => {
      for (const [counts, state] of [
        [REACHED, 'normal'],
        [EXCEEDED, 'unacknowledged'],
      ] as const) {
        const core = cleaned(12 * MINUTE)
        core.occupancy('b101', 'at_rest')
        minutes(core, counts)
        core.advance(Number(at) * MINUTE)
        core.input({ kind: 'note', at: core.at, type: 'test.note', body: {} })
        core.restart(90_000, { reboot: reboot === true })
        core.input({ kind: 'note', at: core.at, type: 'test.note', body: {} })
        core.restart(0)
        core.advance(12 * MINUTE - (Number(at) * MINUTE + MINUTE + 90_000) - 1)
        expect(occupancyOf(core)).toBe('clean_up')
        core.advance(1)
        expect(occupancyOf(core)).toBe('at_rest')
        expect(core.is(CLEAN_UP)).toBe(state)
      }
    },
  )

  it('over whose end the agent was away, ends it at the start', () => {
    const core = cleaned(10 * MINUTE)
    core.occupancy('b101', 'at_rest')
    minutes(core, EXCEEDED)
    core.restart(20 * MINUTE, { reboot: true })
    expect([occupancyOf(core), core.is(CLEAN_UP)]).toEqual(['at_rest', 'unacknowledged'])
  })

  it('a clock set back or forth moves its end by nothing', () => {
    for (const step of [-3_600_000, 3_600_000]) {
      const core = cleaned(10 * MINUTE)
      core.occupancy('b101', 'at_rest')
      minutes(core, REACHED)
      core.stepWall(step)
      core.advance(9 * MINUTE - 1)
      expect(occupancyOf(core)).toBe('clean_up')
      core.advance(1)
      expect([occupancyOf(core), core.is(CLEAN_UP)]).toEqual(['at_rest', 'normal'])
    }
  })

  it('another configuration keeps it', () => {
    const core = cleaned(10 * MINUTE)
    core.occupancy('b101', 'at_rest')
    minutes(core, REACHED)
    core.changePlant({ ...core.plant, hash: 'sha256:2' })
    core.advance(9 * MINUTE)
    expect([occupancyOf(core), core.is(CLEAN_UP)]).toEqual(['at_rest', 'normal'])
  })
})
