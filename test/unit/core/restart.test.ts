// A restart, or another configuration, loses no alarm: what was persisted is what there was (URS-28, faults.md A3, PE2).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Plant } from '#core/point.ts'
import { alarmPayload, createState } from '#core/step.ts'
import { limits, PLANT, plantOf, point, site, withPoint } from '../../support/core-plant.ts'
import { CoreRig, START } from '../../support/core-rig.ts'

const LOW = 'b101-dp.action_low'
const INVERSION = 'b101-dp.inversion'

/** Everything published of alarms, without what a restart is allowed to change. */
const published = (core: CoreRig): string[] =>
  [...core.state.alarms.keys()].map((id) => alarmPayload(core.state, id))

describe('a restart', () => {
  it('URS-28 publishes every alarm as it was, byte by byte', () => {
    const core = new CoreRig(PLANT)
    core.advance(60_000)
    core.sample('pc-bsc1', { particles_0_5um: 300, particles_5um: 40 })
    core.values('b101-dp', -1, -1)
    core.ack(INVERSION)
    core.values('b101-t', 25, 20)
    core.condition('system.uplink_down', true)
    const before = published(core)
    core.restart(0)
    expect(published(core)).toEqual(before)
    core.restart(400, { reboot: true })
    expect(published(core)).toEqual(before)
  })

  it('URS-28 after any history gives the same alarms as no restart', () => {
    const valueArb = fc.constantFrom<number | 'timeout' | 'nan'>(
      15,
      9,
      9,
      12.2,
      -1,
      -1,
      'timeout',
      'nan',
      10.2,
    )
    const wordArb = fc.oneof(valueArb, fc.constantFrom('ack', 'reset', 'rest'))
    fc.assert(
      fc.property(fc.array(wordArb, { maxLength: 40 }), fc.nat(39), (script, when) => {
        const run = (restarts: boolean): string[] => {
          const core = new CoreRig(plantOf(['b101-dp'], (it) => ({ ...it, commFailMs: 1e9 })))
          for (const [index, word] of script.entries()) {
            if (word === 'ack') core.ack(INVERSION)
            else if (word === 'reset') core.reset(INVERSION)
            else if (word === 'rest') core.occupancy('b101', 'at_rest')
            else core.values('b101-dp', word)
            // no time passes between the last commit and the start: nothing may differ
            if (restarts && index === when) {
              core.input({ kind: 'note', at: core.at, type: 'test.note', body: {} })
              core.restart(0)
            }
          }
          const kinds = [LOW, INVERSION, 'b101-dp.alert_low', 'b101-dp.sensor_fault']
          return core.events
            .filter(({ body }) => kinds.includes(String(body['alarm'])))
            .map(
              ({ type, ts, body }) =>
                `${ts - START} ${type} ${String(body['alarm'])} ${String(body['to'])}`,
            )
        }
        expect(run(true)).toEqual(run(false))
      }),
      { numRuns: 300 },
    )
  })

  it('an empty store begins with every alarm to be published', () => {
    const at = { wall: START, mono: 1 }
    const { result } = createState({
      plant: PLANT,
      epoch: 'E',
      seq: 0,
      tb: 0,
      at,
      persisted: new Map(),
    })
    expect(result.alarms).toContain('bsc1-p5.rolling')
    expect(result.alarms).toContain('system.storage_fault')
    expect(result.records).toEqual([])
  })
})

describe('another configuration', () => {
  const low = (value: number) =>
    limits({ actionLow: site(value), inversion: 0, onDelayMs: 30_000, deadband: 0.5 })
  const active = () => {
    const core = new CoreRig(
      withPoint(plantOf(['b101-dp', 'b101-t']), 'b101-dp', { limits: low(10), commFailMs: 1e9 }),
    )
    core.slot('b101-dp', 9)
    core.advance(30_000)
    expect(core.is(LOW)).toBe('unacknowledged')
    return core
  }

  it.each([['while running'], ['across a restart']])(
    'PE2 closes an occurrence whose limit moved, with that reason, %s',
    (how) => {
      const core = active()
      const occ = core.occ(LOW)
      const plant = withPoint(core.plant, 'b101-dp', { limits: low(8) })
      if (how === 'while running') core.changePlant(plant)
      else core.restart(1000, { plant })
      expect(core.is(LOW)).toBe('normal')
      expect(core.eventsOf('alarm.closed', LOW)[0]?.body).toMatchObject({
        occ,
        from: 'unacknowledged',
        to: 'normal',
        reason: 'config_changed',
      })
    },
  )

  describe('PE2 drops an on-delay under way of a limit that moved, and raises nothing for it', () => {
    const pending = () => {
      const plant = plantOf(['b101-dp', 'b101-t'])
      const core = new CoreRig(withPoint(plant, 'b101-dp', { limits: low(10), commFailMs: 1e9 }))
      core.slot('b101-dp', 9)
      core.advance(5_000)
      return core
    }
    const moved = (core: CoreRig, onDelayMs = 30_000): Plant =>
      withPoint(core.plant, 'b101-dp', { limits: { ...low(8), onDelayMs } })
    const judgesAnew = (core: CoreRig) => {
      expect(core.events.filter(({ body }) => body['alarm'] === LOW)).toEqual([])
      core.slot('b101-dp', 7)
      core.advance(29_999)
      expect(core.is(LOW)).toBe('normal')
      core.advance(1)
      expect(core.is(LOW)).toBe('unacknowledged')
      expect(core.eventsOf('alarm.activated', LOW)[0]?.body).not.toHaveProperty('unconfirmed')
    }

    it.each([
      ['a restart', false],
      ['a reboot', true],
    ])('that would have run out during %s', (_, reboot) => {
      const core = pending()
      core.restart(3_600_000, { plant: moved(core), reboot })
      judgesAnew(core)
    })

    it('that a shorter one would have ended while it stood still', () => {
      const core = pending()
      core.slot('b101-dp', 'timeout')
      core.advance(20_000)
      core.changePlant(moved(core, 10_000))
      expect(core.events.filter(({ body }) => body['alarm'] === LOW)).toEqual([])
      core.changePlant(moved(core))
      judgesAnew(core)
    })

    it('but not that of a limit that stayed', () => {
      const core = pending()
      core.restart(3_600_000, { plant: core.plant })
      expect(core.eventsOf('alarm.activated', LOW)[0]?.body).toMatchObject({ unconfirmed: true })
    })
  })

  it('lets no alarm hang in a state that its new definition does not have', () => {
    const core = active()
    core.values('b101-dp', -1, -1, 15)
    core.ack(INVERSION)
    expect(core.is(INVERSION)).toBe('latched_acknowledged')
    const grade = (it: 'A' | 'C') => ({
      ...core.plant,
      points: core.plant.points.map((one) => ({ ...one, grade: it })),
    })
    core.changePlant(grade('A'))
    core.slot('b101-dp', 9)
    core.advance(30_000)
    core.values('b101-dp', 15)
    core.ack(LOW)
    expect(core.is(LOW)).toBe('latched_acknowledged')
    core.changePlant(grade('C'))
    expect([core.is(LOW), core.is(INVERSION)]).toEqual(['normal', 'latched_acknowledged'])
  })

  it('leaves alone what it does not touch, delays included', () => {
    const core = active()
    core.values('b101-t', 22.5)
    core.changePlant(withPoint(core.plant, 'b101-t', { limits: limits({ alertHigh: site(25) }) }))
    expect(core.is(LOW)).toBe('unacknowledged')
    expect(core.eventsOf('alarm.closed').map(({ body }) => body['alarm'])).toEqual([
      'b101-t.alert_high',
    ])
  })

  it('closes and removes alarms that cease to exist', () => {
    const core = active()
    const occ = core.occ(LOW)
    const result = core.changePlant({
      ...core.plant,
      points: core.plant.points.filter(({ id }) => id === 'b101-t'),
    })
    expect(result.alarms).toContain(LOW)
    expect(result.alarms).toContain('b101-dp.sensor_fault')
    expect(alarmPayload(core.state, LOW)).toBe('')
    expect(core.eventsOf('alarm.closed', LOW)[0]?.body).toMatchObject({
      occ,
      to: 'normal',
      reason: 'config_changed',
    })
    expect([...core.persisted.keys()].filter((key) => key.includes('b101-dp'))).toEqual([])
  })

  it('forgets across a restart, too, what the plant no longer has', () => {
    const core = new CoreRig(plantOf(['b101-p05', 'b101-dp']))
    core.occupancy('b101', 'at_rest')
    core.advance(60_000)
    core.sample('pc-b101', { particles_0_5um: 283 })
    const keys = () =>
      [...core.persisted.keys()].filter((key) => /^(zone|counter|window)\//.test(key))
    expect(keys()).toEqual(['zone/b101', 'counter/pc-b101', 'window/b101-p05'])
    const plant = plantOf(['b101-dp'])
    core.restart(1000, { plant: { ...plant, zones: plant.zones.slice(0, 2) } })
    expect(keys()).toEqual(['zone/b101'])
    expect(core.is('b101-p05.action_high')).toBeUndefined()
    expect(core.eventsOf('alarm.closed', 'b101-p05.action_high').length).toBe(1)
  })

  it('URS-57 tells of what is gone again at every start, until it is back', () => {
    const core = active()
    const full = core.plant
    const without = { ...full, points: full.points.filter(({ id }) => id === 'b101-t') }
    const told = (plant: Plant) =>
      createState({
        ...{ plant, epoch: core.state.epoch, seq: core.state.seq, tb: 1, at: core.at },
        persisted: core.persisted,
      }).result.alarms
    core.changePlant(without)
    expect(told(without)).toContain(LOW)
    core.restart(1000)
    expect(told(without)).toContain(LOW)
    core.changePlant(full)
    expect(core.state.gone).toEqual([])
    expect(core.persisted.get('alarms_gone')).toBe('[]')
  })

  it('lists new alarms to be published', () => {
    const core = active()
    const added = point({
      id: 'new-t',
      instrument: 'th-b101',
      limits: limits({ actionHigh: site(1) }),
    })
    const result = core.changePlant({ ...core.plant, points: [...core.plant.points, added] })
    expect(result.alarms).toContain('new-t.action_high')
  })

  it('moves the configured occupancy only where nobody has set one', () => {
    const core = active()
    const zones = core.plant.zones.map((zone) => ({ ...zone, occupancy: 'at_rest' as const }))
    core.changePlant({ ...core.plant, zones })
    expect(core.payload('b101-t.alert_high')).toMatchObject({ occupancy: 'at_rest' })
    core.occupancy('b101', 'clean_up')
    core.changePlant({
      ...core.plant,
      zones: core.plant.zones.map((zone) => ({ ...zone, occupancy: 'not_in_use' as const })),
    })
    expect(core.payload('b101-t.alert_high')).toMatchObject({ occupancy: 'clean_up' })
  })
})

describe('the published state', () => {
  it('has the contract’s keys in the contract’s order', () => {
    const core = new CoreRig(plantOf(['b101-dp']))
    core.values('b101-dp', 9, 6.1, 8.7, 8.9, 9.1)
    core.slot('b101-dp', 8.7)
    core.advance(5000)
    const text = alarmPayload(core.state, LOW)
    const seq = core.eventsOf('alarm.activated', LOW)[0]?.seq
    const occ = core.occ(LOW)
    expect(text).toBe(
      `{"v":1,"alarm":"b101-dp.action_low","occ":"${occ}","rev":1,"state":"unacknowledged","active":true,"acked":false,` +
        `"class":"action","priority":1,"point":"b101-dp","zone":"b101","grade":"B","occupancy":"in_operation",` +
        `"limit":{"kind":"action_low","value":10,"unit":"Pa","set":"site"},"value":8.7,"peak":6.1,"q":"good",` +
        `"onset":${START},"activated":${START + 30_000},"ts":${START + 30_000},"ack":null,"seq":${seq},"epoch":"01JD3Z8Q5K"}`,
    )
  })

  it('of a normal alarm has no occurrence', () => {
    const core = new CoreRig(plantOf(['b101-dp']))
    expect(core.payload('rs485-1.bus_fault')).toEqual({
      v: 1,
      alarm: 'rs485-1.bus_fault',
      occ: null,
      rev: 0,
      state: 'normal',
      active: false,
      acked: false,
      class: 'fault',
      priority: 2,
      bus: 'rs485-1',
      ts: 0,
      ack: null,
      seq: 0,
      epoch: '01JD3Z8Q5K',
    })
  })

  it('of something that is no alarm is empty', () => {
    expect(alarmPayload(new CoreRig(PLANT).state, 'no.alarm')).toBe('')
  })
})
