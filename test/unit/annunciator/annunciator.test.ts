// URS-30, URS-73: the annunciator in virtual time on a module that answers, refuses or hangs.

import { describe, expect, it } from 'vitest'
import { OUTPUTS, type OutputStates } from '#core/annunciation.ts'
import type { Actor } from '#core/input.ts'
import type { OutputReply } from '#ports/annunciator.ts'
import { silentLog } from '#ports/log.ts'
import { createAnnunciator } from '../../../agent/annunciator/annunciator.ts'
import type { AnnunciatorRow } from '../../../agent/annunciator/options.ts'
import { type VirtualClock, virtualClock } from '../../support/virtual-clock.ts'

const ANNA: Actor = { user: 'anna', name: 'Anna Bianchi', role: 'technician', via: 'local' }
const ADMIN: Actor = { ...ANNA, user: 'root', role: 'administrator' }

interface RigOptions {
  readonly clock?: VirtualClock
  readonly row?: AnnunciatorRow | undefined
  readonly volatile?: boolean
  readonly selfTest?: string
  readonly sameBoot?: boolean
}

function rig({ clock = virtualClock(), row, volatile, selfTest }: RigOptions = {}) {
  const driven: { states: OutputStates; at: number }[] = []
  const notes: { type: string; body: Readonly<Record<string, unknown>> }[] = []
  const conditions: string[] = []
  const module: { reply: () => OutputReply } = {
    reply: () => ({ ok: true, arrivedMono: clock.now().mono }),
  }
  let kept = row
  const annunciator = createAnnunciator({
    setup: {
      heartbeatMs: 2000,
      hornPriority: 2,
      silenceMs: 300_000,
      timezone: 'Europe/Rome',
      ...(selfTest !== undefined && {
        selfTest: {
          days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
          minute: Number(selfTest),
        },
      }),
    },
    clock,
    log: silentLog,
    driver: {
      outputs: OUTPUTS,
      drive: (states) => {
        driven.push({ states, at: clock.now().mono })
        return Promise.resolve(module.reply())
      },
      close: () => Promise.resolve(),
    },
    resumed: row,
    lastCommit: { at: clock.now(), sameBoot: true },
    condition: (alarm, active) => conditions.push(`${alarm} ${active}`),
    note: (type, body, changes) => {
      if (volatile === true) return undefined
      notes.push({ type, body })
      kept = (changes.get('annunciator') as AnnunciatorRow | undefined) ?? kept
      return Promise.resolve()
    },
  })
  const alarm = (id: string, state: string, priority = 1, more: object = {}) =>
    annunciator.alarmStates([
      { alarm: id, payload: JSON.stringify({ state, priority, occ: `occ-${id}`, ...more }) },
    ])
  return {
    annunciator,
    clock,
    driven,
    notes,
    conditions,
    module,
    alarm,
    row: () => kept,
    horn: () => annunciator.view().shown.horn,
    types: () => notes.map(({ type }) => type),
    sounded: () =>
      driven.filter(({ states }, index) => states.horn && driven[index - 1]?.states.horn !== true)
        .length,
  }
}

const started = async (options?: RigOptions) => {
  const made = rig(options)
  made.annunciator.start()
  await made.clock.advance(10)
  return made
}

describe('URS-30 driving the outputs', () => {
  it('shows green and healthy at once, writes again at each heartbeat, and pulse changes with each write', async () => {
    const { clock, driven } = await started()
    await clock.advance(6000)
    expect(driven.map(({ at }) => at)).toEqual([5000, 7000, 9000, 11_000])
    expect(driven[0]?.states).toMatchObject({ green: true, healthy: true, horn: false, red: false })
    expect(driven.map(({ states }) => states.pulse)).toEqual([true, false, true, false])
  })

  it('sounds in the turn in which an alarm is committed', async () => {
    const { clock, driven, alarm } = await started()
    await clock.advance(700)
    const before = driven.length
    const { mono } = clock.now()
    alarm('a', 'unacknowledged')
    expect(driven.length).toBe(before + 1)
    expect(driven.at(-1)).toMatchObject({
      at: mono,
      states: { horn: true, red: expect.anything() },
    })
  })

  it('PE11 sounds once for a thousand alarms, and is quiet when each is acknowledged', async () => {
    const { clock, alarm, sounded, horn } = await started()
    for (let index = 0; index < 1000; index++) alarm(`a${index}`, 'unacknowledged', 1)
    await clock.advance(5000)
    expect(sounded()).toBe(1)
    for (let index = 0; index < 999; index++) alarm(`a${index}`, 'acknowledged', 1)
    expect(horn()).toBe('continuous')
    alarm('a999', 'acknowledged', 1)
    expect(horn()).toBe('off')
  })

  it('raises an alarm when the module cannot be driven for 4 s, tries on, and returns it when it can', async () => {
    const { clock, conditions, module, driven } = await started()
    expect(conditions).toEqual(['system.annunciator_fault false'])
    module.reply = () => ({ ok: false, cause: 'gone' })
    await clock.advance(2000)
    const before = driven.length
    await clock.advance(3900)
    expect(conditions).toHaveLength(1)
    expect(driven.length - before).toBeGreaterThan(5)
    await clock.advance(600)
    expect(conditions.slice(1)).toEqual(['system.annunciator_fault true'])
    module.reply = () => ({ ok: true, arrivedMono: clock.now().mono })
    await clock.advance(600)
    expect(conditions).toHaveLength(2)
    await clock.advance(1000)
    expect(conditions.slice(2)).toEqual(['system.annunciator_fault false'])
  })

  it.each([
    ['the red lamp, of which every other flash is right', 'red'],
    ['the pulse', 'pulse'],
  ] as const)('a stuck output is an alarm: %s', async (_, stuck) => {
    const { clock, conditions, module, driven, alarm } = await started()
    module.reply = () =>
      driven.at(-1)?.states[stuck] === true
        ? { ok: false, cause: `${stuck} reads off` }
        : { ok: true, arrivedMono: clock.now().mono }
    if (stuck === 'red') alarm('a', 'unacknowledged')
    await clock.advance(10_000)
    expect(conditions).toContain('system.annunciator_fault true')
    expect(conditions.at(-1)).toBe('system.annunciator_fault true')
  })

  it('URS-73 drops everything, healthy too, when the agent stops, and nothing where another follows', async () => {
    for (const how of ['drop', 'leave'] as const) {
      const { annunciator, clock, driven } = await started()
      await clock.advance(100)
      const before = driven.length
      await annunciator.stop(how)
      expect(driven.slice(before).map(({ states }) => states.healthy)).toEqual(
        how === 'drop' ? [false] : [],
      )
      await clock.advance(10_000)
      expect(driven.length).toBe(before + (how === 'drop' ? 1 : 0))
    }
  })
})

describe('silencing', () => {
  it('is recorded, acknowledges nothing, and ends at its time with the horn sounding again', async () => {
    const { annunciator, clock, alarm, notes, horn } = await started()
    alarm('a', 'unacknowledged')
    expect(
      await annunciator.silence({ actor: ANNA, forMs: 60_000, reason: 'known_fault' }),
    ).toMatchObject({ ok: true })
    expect(notes[0]).toMatchObject({
      type: 'horn.silenced',
      body: { forMs: 60_000, occurrences: 1, actor: ANNA },
    })
    expect([horn(), annunciator.view().shown.red]).toEqual(['off', 'flashing'])
    await clock.advance(59_900)
    expect(horn()).toBe('off')
    await clock.advance(200)
    expect(horn()).toBe('continuous')
    expect(notes.at(-1)).toMatchObject({ type: 'horn.silence_ended', body: { cause: 'expired' } })
  })

  it.each([
    ['a new alarm', (rigged: ReturnType<typeof rig>) => rigged.alarm('b', 'unacknowledged')],
    [
      'a step of escalation',
      (rigged: ReturnType<typeof rig>) => rigged.alarm('a', 'unacknowledged', 1, { escalation: 1 }),
    ],
    [
      'an acknowledged alarm that is said again',
      (rigged: ReturnType<typeof rig>) => {
        rigged.alarm('a', 'acknowledged')
        rigged.alarm('a', 'unacknowledged')
      },
    ],
  ])('%s sounds anew', async (_, happen) => {
    const rigged = await started()
    rigged.alarm('a', 'unacknowledged')
    await rigged.annunciator.silence({ actor: ANNA })
    expect(rigged.horn()).toBe('off')
    happen(rigged)
    expect(rigged.horn()).toBe('continuous')
  })

  it.each([
    ['an administrator', { actor: ADMIN }, true, 'not_authorised'],
    ['longer than the site allows', { actor: ANNA, forMs: 300_001 }, true, 'invalid'],
    ['when nothing sounds', { actor: ANNA }, false, 'invalid'],
  ] as const)('is refused and recorded: %s', async (_, request, sounding, code) => {
    const { annunciator, alarm, notes, horn } = await started()
    if (sounding) alarm('a', 'unacknowledged')
    expect(await annunciator.silence(request)).toMatchObject({ ok: false, code })
    expect(notes).toMatchObject([{ type: 'act.refused', body: { act: 'silence', code } }])
    expect(horn()).toBe(sounding ? 'continuous' : 'off')
  })

  it('is not carried out while nothing can be recorded', async () => {
    const { annunciator, alarm, horn } = await started({ volatile: true })
    alarm('a', 'unacknowledged')
    expect(await annunciator.silence({ actor: ANNA })).toMatchObject({
      ok: false,
      code: 'store_failed',
    })
    expect(horn()).toBe('continuous')
  })

  it('goes on over a restart for what is left of it, and covers no alarm that rose meanwhile', async () => {
    const first = await started()
    first.alarm('a', 'unacknowledged')
    await first.annunciator.silence({ actor: ANNA, forMs: 60_000 })
    await first.clock.advance(20_000)
    await first.annunciator.stop('leave')
    await first.clock.advance(10_000)
    const second = rig({ clock: first.clock, row: first.row() })
    second.alarm('a', 'unacknowledged')
    second.annunciator.start()
    expect(second.horn()).toBe('off')
    await second.clock.advance(29_000)
    expect(second.horn()).toBe('off')
    await second.clock.advance(1500)
    expect(second.horn()).toBe('continuous')
    const third = rig({ clock: first.clock, row: first.row() })
    third.alarm('b', 'unacknowledged')
    expect(third.horn()).toBe('continuous')
  })
})

describe('self-test', () => {
  it('tries each lamp and the horn for a second, and says whether the module took them', async () => {
    const { annunciator, clock, driven, notes } = await started()
    const before = driven.length
    expect(await annunciator.test(ANNA)).toMatchObject({ ok: true })
    await clock.advance(5100)
    const seen = driven
      .slice(before)
      .map(({ states }) =>
        ['red', 'amber', 'green', 'horn'].filter((name) => states[name as 'red']).join(' '),
      )
    const steps = seen.filter((step, index) => step !== seen[index - 1])
    expect(steps).toEqual(['red', 'amber', 'green', 'horn', 'red amber green', 'green'])
    expect(driven.every(({ states }) => states.healthy)).toBe(true)
    expect(notes.at(-1)).toMatchObject({
      type: 'annunciator.tested',
      body: { passed: true, actor: ANNA },
    })
    expect(annunciator.view().lastTest).toMatchObject({ passed: true })
  })

  it('fails when the module does not take them, and is broken off by an alarm', async () => {
    const failing = await started()
    await failing.annunciator.test(ANNA)
    failing.module.reply = () => ({ ok: false, cause: 'horn (coil 3) reads off' })
    await failing.clock.advance(6000)
    expect(failing.notes.at(-1)).toMatchObject({
      body: { passed: false, cause: 'horn (coil 3) reads off' },
    })
    const broken = await started()
    await broken.annunciator.test(ANNA)
    await broken.clock.advance(1500)
    broken.alarm('a', 'unacknowledged')
    expect(broken.horn()).toBe('continuous')
    expect(broken.notes.at(-1)).toMatchObject({
      body: { passed: false, cause: 'an alarm came in between' },
    })
  })

  it('is not begun over a sounding horn, twice, or by an administrator', async () => {
    const { annunciator, alarm } = await started()
    expect(await annunciator.test(ADMIN)).toMatchObject({ code: 'not_authorised' })
    await annunciator.test(ANNA)
    expect(await annunciator.test(ANNA)).toMatchObject({ code: 'invalid' })
    alarm('a', 'unacknowledged')
    expect(await annunciator.test(ANNA)).toMatchObject({ code: 'invalid' })
  })

  it('comes on its schedule, waits for the horn, and is made up for after a restart', async () => {
    const clock = virtualClock(Date.parse('2025-11-21T06:20:00Z'))
    const { alarm, types, row, notes } = await started({ clock, selfTest: String(7 * 60 + 30) })
    await clock.advance(9 * 60_000)
    expect(types()).toEqual([])
    alarm('a', 'unacknowledged')
    await clock.advance(5 * 60_000)
    expect(types()).toEqual([])
    alarm('a', 'acknowledged')
    await clock.advance(70_000)
    expect(types()).toEqual(['annunciator.test_started', 'annunciator.tested'])
    expect(notes.at(-1)).toMatchObject({ body: { actor: { via: 'schedule' } } })
    await clock.advance(3_600_000)
    expect(types()).toHaveLength(2)
    const later = virtualClock(Date.parse('2025-11-22T09:00:00Z'))
    const again = await started({ clock: later, row: row(), selfTest: String(7 * 60 + 30) })
    expect(again.types()).toEqual(['annunciator.test_started'])
  })
})
