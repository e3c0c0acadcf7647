// One cause, one annunciation (S7): which loss of data is a consequence of another alarm, and when it becomes one for itself.

import { describe, expect, it } from 'vitest'
import { isLoud } from '#core/annunciation.ts'
import type { BadReason } from '#core/quality.ts'
import { PLANT, plantOf } from '../../support/core-plant.ts'
import { CoreRig } from '../../support/core-rig.ts'

const BUS = 'rs485-1.bus_fault'
const DP = 'dp-b101.comm_fail'
const TH = 'th-b101.comm_fail'
const TEMPERATURE_FAULT = 'b101-t.sensor_fault'

/** Alarms that sound the horn, as the annunciator is told of them. */
const heard = (core: CoreRig): string[] =>
  [...core.state.alarms.keys()].filter((alarm) =>
    isLoud(core.payload(alarm) as unknown as Parameters<typeof isLoud>[0], 2),
  )

/** Activations, in the order in which they were recorded. */
const rose = (core: CoreRig): string[] =>
  core.eventsOf('alarm.activated').map(({ body }) => String(body['alarm']))

/** A critical pressure (5 s, lost after 10 s) that reads well. */
function pressure(): CoreRig {
  const core = new CoreRig(plantOf(['b101-dp']))
  core.link('rs485-1', 'open')
  core.slot('b101-dp', 15)
  core.link('rs485-1', 'sound')
  return core
}

/** The bus goes down and takes the pressure with it. */
function cut(): CoreRig {
  const core = pressure()
  core.link('rs485-1', 'down')
  core.advance(10_000)
  return core
}

const backOnBus = (core: CoreRig): void => core.link('rs485-1', 'sound')

describe('S7 FB16 a bus and what hangs on it', () => {
  it('the bus is said after three seconds, as urgently as the most urgent loss; the loss itself names it and sounds nothing', () => {
    const core = pressure()
    core.link('rs485-1', 'down')
    core.advance(2999)
    expect(rose(core)).toEqual([])
    core.advance(1)
    expect(core.payload(BUS)).toMatchObject({ priority: 1, detail: 'rs485-1 down' })
    core.advance(7000)
    expect(core.payload(DP)).toMatchObject({ state: 'unacknowledged', parent: BUS, priority: 1 })
    expect(core.eventsOf('alarm.activated', DP)[0]?.body).toMatchObject({ parent: BUS })
    expect(heard(core)).toEqual([BUS])
  })

  it('an instrument that is lost sooner brings the fault of the bus before its own', () => {
    const core = pressure()
    core.advance(8000)
    core.link('rs485-1', 'down')
    core.advance(2000)
    expect(rose(core)).toEqual([BUS, DP])
    expect(heard(core)).toEqual([BUS])
  })

  it('a bus without anything critical is of priority 2', () => {
    const core = new CoreRig(plantOf(['b101-t']))
    core.link('rs485-1', 'down')
    core.advance(3000)
    expect(core.payload(BUS)).toMatchObject({ priority: 2 })
  })

  it('noise is of priority 2; when the link goes down it takes the priority of what is lost, acknowledged or not', () => {
    const core = pressure()
    core.link('rs485-1', 'noisy')
    expect(core.payload(BUS)).toMatchObject({ priority: 2, detail: 'rs485-1 noisy' })
    core.ack(BUS)
    core.link('rs485-1', 'down')
    core.advance(3000)
    expect(core.payload(BUS)).toMatchObject({ priority: 1, state: 'unacknowledged' })
    expect(rose(core)).toEqual([BUS])
  })

  it('a loss that is more urgent than what is said of its bus is said for itself', () => {
    const core = pressure()
    core.link('rs485-1', 'noisy')
    core.values('b101-dp', 'crc', 'crc')
    expect(core.payload(DP)).not.toHaveProperty('parent')
    expect(heard(core)).toEqual([DP, BUS])
  })

  it('both end together, and the loss sounds nothing while it waits to be acknowledged', () => {
    const core = cut()
    core.ack(BUS)
    backOnBus(core)
    expect(heard(core)).toEqual([])
    core.values('b101-dp', ...Array.from({ length: 120 }, () => 15))
    expect(core.is(BUS)).toBe('normal')
    expect(core.payload(DP)).toMatchObject({ state: 'rtn_unacknowledged', parent: BUS })
    expect(heard(core)).toEqual([])
  })

  it.each([true, false])(
    'what is still lost its comm-fail time after the bus is back is said for itself (acknowledged %s)',
    (acked) => {
      const core = cut()
      if (acked) core.ack(DP)
      core.ack(BUS)
      const { rev } = core.payload(DP)
      backOnBus(core)
      core.advance(9999)
      expect(heard(core)).toEqual([])
      core.advance(1)
      expect(core.payload(DP)).toMatchObject({ state: 'unacknowledged', ack: null })
      expect(core.payload(DP)).not.toHaveProperty('parent')
      expect(heard(core)).toEqual([DP])
      expect(core.eventsOf('alarm.realarmed', DP).map(({ body }) => body)).toMatchObject([
        {
          from: acked ? 'acknowledged' : 'unacknowledged',
          to: 'unacknowledged',
          cause: 'own_cause',
          parent: BUS,
        },
      ])
      // who saw it as a consequence has not seen this
      expect(core.ack(DP, { rev: Number(rev) })).toMatchObject({ code: 'stale_revision' })
    },
  )

  it('a bus that comes back in pieces is one cause as long as each piece is shorter than the comm-fail time', () => {
    const core = cut()
    core.ack(BUS)
    for (let cuts = 0; cuts < 5; cuts++) {
      backOnBus(core)
      core.advance(6000)
      core.link('rs485-1', 'down')
      core.advance(3000)
      core.ack(BUS)
    }
    expect(core.eventsOf('alarm.realarmed')).toEqual([])
    expect(heard(core)).toEqual([])
  })

  it('slots that were lost with the bus keep the loss for ten minutes, and say nothing anew; those after it do', () => {
    const steady = cut()
    steady.link('rs485-1', 'down')
    steady.values('b101-dp', ...Array.from({ length: 30 }, (): BadReason => 'disconnected'))
    steady.ack(BUS)
    backOnBus(steady)
    steady.values('b101-dp', ...Array.from({ length: 90 }, () => 15))
    expect(steady.is(DP)).toBe('unacknowledged')
    expect(heard(steady)).toEqual([])
    steady.values('b101-dp', ...Array.from({ length: 60 }, () => 15))
    expect(steady.is(DP)).toBe('rtn_unacknowledged')
    expect(steady.eventsOf('alarm.realarmed')).toEqual([])

    const poor = cut()
    poor.values('b101-dp', ...Array.from({ length: 30 }, (): BadReason => 'disconnected'))
    poor.ack(BUS)
    backOnBus(poor)
    for (let round = 0; round < 30; round++) poor.values('b101-dp', 15, 15, 15, 'timeout')
    expect(heard(poor)).toEqual([DP])
    const [said] = poor.eventsOf('alarm.realarmed', DP)
    expect(said?.body).toMatchObject({ cause: 'own_cause' })
  })

  it('a shelf of the bus, somebody’s word about this cause, wakes no consequence', () => {
    const core = new CoreRig(plantOf(['b101-t']))
    core.link('rs485-1', 'down')
    core.advance(70_000)
    expect(core.payload(TH)).toMatchObject({ parent: BUS })
    core.ack(BUS)
    const shelved = core.act({
      ...{ kind: 'shelve', alarm: BUS, until: core.wall + 3_600_000, reason: 'known_fault' },
      comment: 'cable ordered',
    })
    expect(shelved).toMatchObject({ ok: true })
    core.advance(600_000)
    expect(heard(core)).toEqual([])
  })

  it.each([true, false])('URS-28 goes on over a restart (reboot %s)', (reboot) => {
    const core = cut()
    core.ack(BUS)
    core.restart(20_000, { reboot })
    expect(core.payload(DP)).toMatchObject({ parent: BUS })
    core.link('rs485-1', 'down')
    core.advance(60_000)
    expect(heard(core)).toEqual([])
    core.link('rs485-1', 'open')
    core.advance(60_000)
    // nothing has come over the open link yet: the fault of the bus is this process's, and over
    expect(heard(core)).toEqual([DP])
  })

  it('an instrument that is lost again and again is said again and again', () => {
    const core = pressure()
    for (let times = 1; times < 5; times++) {
      core.advance(10_000)
      expect(heard(core)).toEqual([DP])
      expect(core.payload(DP)).not.toHaveProperty('parent')
      core.ack(DP)
      core.values('b101-dp', 15, 15)
    }
    expect(rose(core)).toEqual([DP, DP, DP, DP])
  })

  it('an instrument that was lost before the bus went down stays what it was', () => {
    const core = pressure()
    core.advance(10_000)
    expect(heard(core)).toEqual([DP])
    core.ack(DP)
    core.link('rs485-1', 'down')
    core.advance(3000)
    core.ack(BUS)
    backOnBus(core)
    core.advance(600_000)
    expect(core.is(DP)).toBe('acknowledged')
    expect(core.payload(DP)).not.toHaveProperty('parent')
    expect(core.eventsOf('alarm.realarmed')).toEqual([])
  })
})

describe('S7 an instrument and its own faults', () => {
  it('its identity says why nothing of it counts', () => {
    const core = pressure()
    core.condition('dp-b101.identity', true)
    core.values('b101-dp', 'identity', 'identity', 'identity')
    expect(core.payload(DP)).toMatchObject({ parent: 'dp-b101.identity' })
    expect(heard(core)).toEqual(['dp-b101.identity'])
  })

  it('a sensor says why its value is lost, and speaks for itself alone', () => {
    const core = new CoreRig(plantOf(['b101-t', 'c102-rh']))
    core.slot('b101-t', 20)
    core.slot('c102-rh', 40)
    for (let slot = 0; slot < 7; slot++) {
      core.advance(10_000)
      core.slot('b101-t', 'nan')
      core.slot('c102-rh', slot < 4 ? 40 : 'timeout')
    }
    expect(core.payload(TH)).toMatchObject({ parent: TEMPERATURE_FAULT })
    expect(heard(core)).toEqual([TEMPERATURE_FAULT])
    core.ack(TEMPERATURE_FAULT)
    core.ack(TH)
    // the other value of the same instrument is lost for a cause that nothing has said
    core.advance(30_000)
    expect(core.payload(TH)).toMatchObject({ state: 'unacknowledged' })
    expect(heard(core)).toEqual([TH])
  })

  it('a sensor that matters less than what is lost says nothing for it', () => {
    const core = new CoreRig(plantOf(['b101-t', 'c102-rh']))
    for (let slot = 0; slot < 7; slot++) {
      core.slot('b101-t', 20)
      core.slot('c102-rh', 'nan')
      core.advance(10_000)
    }
    expect(core.payload(TH)).not.toHaveProperty('parent')
    expect(heard(core)).toContain(TH)
  })

  it('what is suppressed says nothing for anything', () => {
    const core = new CoreRig(plantOf(['b101-t']))
    core.slot('b101-t', 20)
    core.advance(10_000)
    core.slot('b101-t', 'nan')
    core.ack(TEMPERATURE_FAULT)
    core.occupancy('bsc-1', 'not_in_use')
    expect(core.occupancy('b101', 'not_in_use')).toMatchObject({ ok: true })
    expect(core.is(TEMPERATURE_FAULT)).toBe('suppressed_by_design')
    core.values('b101-t', ...Array.from({ length: 7 }, (): BadReason => 'nan'))
    expect(core.payload(TH)).not.toHaveProperty('parent')
  })

  it('a grade A counter that stops is lost, and its gaps in coverage are consequences of that', () => {
    const core = new CoreRig(plantOf(['bsc1-p05', 'bsc1-p5']))
    core.sample('pc-bsc1', { particles_0_5um: 0, particles_5um: 0 })
    core.advance(300_000)
    expect(rose(core)).toEqual(['pc-bsc1.comm_fail', 'bsc1-p05.gap', 'bsc1-p5.gap'])
    expect(heard(core)).toEqual(['pc-bsc1.comm_fail'])
    expect(core.payload('bsc1-p5.gap')).toMatchObject({ parent: 'pc-bsc1.comm_fail' })
  })

  it('where it counts as lost later than as a gap, the gap is what is said', () => {
    const patient = plantOf(['bsc1-p05', 'bsc1-p5'], (it) => ({ ...it, commFailMs: 200_000 }))
    const core = new CoreRig(patient)
    core.sample('pc-bsc1', { particles_0_5um: 0, particles_5um: 0 })
    core.advance(300_000)
    expect(rose(core)).toEqual(['bsc1-p05.gap', 'bsc1-p5.gap', 'pc-bsc1.comm_fail'])
    expect(core.payload('pc-bsc1.comm_fail')).toMatchObject({ parent: 'bsc1-p05.gap' })
    expect(heard(core)).toEqual(['bsc1-p05.gap', 'bsc1-p5.gap'])
  })

  it('a gap that a bus brings is a consequence of the bus', () => {
    const core = new CoreRig(plantOf(['bsc1-p05', 'bsc1-p5']))
    core.sample('pc-bsc1', { particles_0_5um: 0, particles_5um: 0 })
    core.link('net-1', 'down')
    core.advance(300_000)
    for (const alarm of ['bsc1-p05.gap', 'bsc1-p5.gap', 'pc-bsc1.comm_fail'])
      expect(core.payload(alarm)).toMatchObject({ parent: 'net-1.bus_fault' })
    expect(heard(core)).toEqual(['net-1.bus_fault'])
    // none of them may hide behind another when the cause has gone
    core.ack('net-1.bus_fault')
    core.link('net-1', 'sound')
    core.advance(80_000)
    expect(heard(core)).toEqual(['pc-bsc1.comm_fail'])
  })
})

it('S7 what hangs on another bus, or ceased to, is none of it', () => {
  const core = pressure()
  core.link('net-1', 'down')
  core.advance(10_000)
  expect(core.payload(DP)).not.toHaveProperty('parent')

  const moved = cut()
  const plant = plantOf(['b101-dp'])
  moved.changePlant({
    ...plant,
    hash: 'sha256:2',
    instruments: plant.instruments.map((it) => ({ ...it, bus: 'net-1' })),
    buses: PLANT.buses,
  })
  moved.advance(10_000)
  expect(moved.payload(DP)).not.toHaveProperty('parent')
})
