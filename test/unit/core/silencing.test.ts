// Attempts to silence an excursion that goes on (URS-34, 35, 36, 66, 67): whatever is tried, alone or together, an alarm is shown at the
// end, or what hides it is on record with who did it. Pressure and temperature stay bad throughout, whoever does what.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Occupancy } from '#core/point.ts'
import { limits, plantOf, site, withPoint } from '../../support/core-plant.ts'
import { actor, CoreRig } from '../../support/core-rig.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** A critical pressure and a room temperature that alarms without delay. */
const room = () => new CoreRig(plantOf(['b101-dp', 'b101-t']))

/** The excursion goes on for so long: pressure below its limit, temperature above. Silent points are not heard. */
function goOn(core: CoreRig, ms: number, heard: (slot: number) => boolean = () => true): void {
  for (let slot = 0; slot * 5000 < ms; slot++) {
    core.slot('b101-dp', heard(slot) ? 6 : 'timeout')
    if (slot % 2 === 0) core.slot('b101-t', heard(slot) ? 26 : 'timeout')
    core.advance(5000)
  }
}

const HIDDEN = new Set(['shelved', 'suppressed_by_design', 'out_of_service'])

/** Alarms of the point, or of the instrument that fell silent, that a person sees. */
const shown = (core: CoreRig, ...alarms: string[]): string[] =>
  alarms.filter((alarm) => {
    const state = core.is(alarm)
    return state !== undefined && state !== 'normal' && !HIDDEN.has(state)
  })

const PRESSURE = ['b101-dp.action_low', 'dp-b101.comm_fail', 'b101-dp.sensor_fault']
const TEMPERATURE = ['b101-t.action_high', 'th-b101.comm_fail', 'b101-t.sensor_fault']

/** Acts on record that hid an alarm or closed it, each with who did it. */
const attributed = (core: CoreRig): string[] =>
  core.events
    .filter(({ type }) =>
      /^(occupancy\.changed|out_of_service\.started|alarm\.(shelved|closed))$/.test(type),
    )
    .filter(({ body }) => body['actor'] !== undefined || body['by'] !== undefined)
    .map(({ type }) => type)

const low = (value: number) =>
  limits({ actionLow: site(value), inversion: 0, onDelayMs: 30_000, deadband: 0.5 })

type Attempt = (core: CoreRig) => void
const occupancy =
  (state: Occupancy): Attempt =>
  (core) => {
    core.occupancy('b101', state)
  }
const shelve =
  (alarm: string): Attempt =>
  (core) => {
    const until = core.wall + HOUR
    core.act({ kind: 'shelve', alarm, until, reason: 'known_fault', comment: 'c' })
  }
const outOfService =
  (target: string): Attempt =>
  (core) => {
    core.act({ kind: 'out_of_service', target, workOrder: 'WO-1', reason: 'known_fault' })
  }

/** What somebody might try; the excursion goes on for five minutes after each. */
const ATTEMPTS: readonly (readonly [string, Attempt])[] = [
  ['the room is said to be not in use', occupancy('not_in_use')],
  ['the room is said to be at rest', occupancy('at_rest')],
  ['a clean-up is begun', occupancy('clean_up')],
  ['the pressure is shelved', shelve('b101-dp.action_low')],
  ['the loss of the pressure is shelved', shelve('dp-b101.comm_fail')],
  ['the temperature is shelved', shelve('b101-t.action_high')],
  ['every other sample is lost', (core) => goOn(core, 5 * MINUTE, (slot) => slot % 2 === 0)],
  ['three of four samples are lost', (core) => goOn(core, 5 * MINUTE, (slot) => slot % 4 === 0)],
  ['the instruments are unplugged', (core) => goOn(core, 5 * MINUTE, () => false)],
  ['the clock is set back an hour', (core) => core.stepWall(-HOUR)],
  ['the clock is set forth a day', (core) => core.stepWall(24 * HOUR)],
  ['the agent is started again', (core) => core.restart(2000)],
  ['the box is switched off for ten minutes', (core) => core.restart(600_000, { reboot: true })],
  [
    'everything is acknowledged',
    (core) => {
      for (const alarm of [...PRESSURE, ...TEMPERATURE])
        if (core.is(alarm) !== 'normal') core.ack(alarm)
    },
  ],
  [
    'an administrator acknowledges',
    (core) => {
      const occ = core.occ('b101-dp.action_low')
      core.act({ kind: 'ack', occ, reason: 'other', comment: 'c' }, actor('root', 'administrator'))
    },
  ],
  [
    'it is reset while it goes on',
    (core) => {
      core.reset('b101-dp.action_low')
    },
  ],
]

/** Those that a site may choose to do: they hide, and are somebody's. */
const ACTS: readonly (readonly [string, Attempt])[] = [
  ['the pressure sensor is out of service', outOfService('b101-dp')],
  ['the thermometer is out of service', outOfService('th-b101')],
  [
    'the limit is moved under the alarm',
    (core) => {
      if (core.is('b101-dp.action_low') !== 'normal')
        core.changePlant(withPoint(core.plant, 'b101-dp', { limits: low(5) }))
    },
  ],
]

describe('URS-34 URS-66 URS-67 an excursion of a critical pressure is shown though', () => {
  it.each(ATTEMPTS)('%s', (_words, attempt) => {
    const core = room()
    goOn(core, MINUTE)
    expect(shown(core, ...PRESSURE)).toContain('b101-dp.action_low')
    attempt(core)
    goOn(core, 5 * MINUTE)
    expect(shown(core, ...PRESSURE)).toContain('b101-dp.action_low')
  })

  it.each(ATTEMPTS)('%s before its delay is over', (_words, attempt) => {
    const core = room()
    goOn(core, 10_000)
    expect(core.is('b101-dp.action_low')).toBe('normal')
    attempt(core)
    goOn(core, 2 * MINUTE)
    expect(shown(core, ...PRESSURE)).toContain('b101-dp.action_low')
  })
})

it('URS-35 URS-36 whatever is tried, in whatever order: an alarm is shown, or somebody is on record', () => {
  const all = [...ATTEMPTS, ...ACTS]
  const choices = fc.array(fc.tuple(fc.nat(all.length - 1), fc.integer({ min: 0, max: 40 })), {
    minLength: 1,
    maxLength: 12,
  })
  fc.assert(
    fc.property(choices, (tried) => {
      const core = room()
      for (const [index, slots] of tried) {
        goOn(core, slots * 5000)
        all[index]?.[1](core)
      }
      goOn(core, 2 * MINUTE)
      for (const alarms of [PRESSURE, TEMPERATURE])
        if (shown(core, ...alarms).length === 0) expect(attributed(core), alarms[0]).not.toEqual([])
      // nothing that was tried without right or reason passes unrecorded
      const refused = core.eventsOf('act.refused')
      for (const { body } of refused) expect(body['actor']).toBeDefined()
    }),
    { numRuns: 100 },
  )
})
