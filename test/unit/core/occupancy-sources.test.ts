// URS-67: what states an occupancy beside a person, and how long a state may last.

import { describe, expect, it } from 'vitest'
import type { Occupancy, Zone } from '#core/point.ts'
import { type CoreState, createState, step } from '#core/step.ts'
import { HOUR, type Instant, MINUTE } from '#core/time.ts'
import { PLANT, ZONES } from '../../support/core-plant.ts'

const WALL = Date.parse('2025-11-21T08:00:00Z')

class Rig {
  mono = 1000
  wall = WALL
  state: CoreState
  readonly rows = new Map<string, string>()
  readonly events: (Readonly<Record<string, unknown>> & { type: string })[] = []
  readonly #plant

  constructor(change: Partial<Zone> = {}, seen?: Rig) {
    const zones = ZONES.map((zone) => (zone.id === 'b101' ? { ...zone, ...change } : zone))
    this.#plant = { ...PLANT, zones }
    if (seen !== undefined) {
      this.mono = seen.mono
      this.wall = seen.wall
      for (const [key, text] of seen.rows) this.rows.set(key, text)
    }
    this.state = this.#start(seen?.at)
  }

  get at(): Instant {
    return { mono: this.mono, wall: this.wall }
  }

  #start(last?: Instant): CoreState {
    const { state, result } = createState({
      plant: this.#plant,
      epoch: '01JD3Z8Q5K',
      seq: 0,
      tb: 0,
      at: this.at,
      persisted: this.rows,
      ...(last !== undefined && { lastCommit: { at: last, sameBoot: true } }),
    })
    this.#keep(result)
    return state
  }

  #keep({ changes, records }: ReturnType<typeof step>): void {
    for (const [key, value] of changes) {
      if (value === undefined) this.rows.delete(key)
      else this.rows.set(key, JSON.stringify(value))
    }
    for (const record of records)
      if (record.kind === 'event')
        this.events.push({ type: record.event.type, ...record.event.body })
  }

  pass(ms: number): this {
    this.mono += ms
    this.wall += ms
    this.#keep(step(this.state, { kind: 'tick', at: this.at }))
    return this
  }

  says(state: Occupancy | null, zone = 'b101'): this {
    const source = { via: 'signal', point: 'b101-used' } as const
    this.#keep(step(this.state, { kind: 'source', at: this.at, zone, source, state }))
    return this
  }

  person(state: Occupancy, zone = 'b101'): this {
    const actor = { user: 'jdoe', name: 'J. Doe', role: 'technician', via: 'local' } as const
    this.#keep(
      step(this.state, {
        kind: 'act',
        at: this.at,
        act: { kind: 'occupancy', actor, zone, state },
      }),
    )
    return this
  }

  get occupancy(): Occupancy | undefined {
    return this.state.zones.get('b101')?.occupancy
  }

  alarm(id: string): boolean | undefined {
    return this.state.alarms.get(id)?.state.active
  }

  changes(): string[] {
    return this.events
      .filter(({ type, zone }) => type === 'occupancy.changed' && zone === 'b101')
      .map(
        ({ from, to, cause, actor }) => `${from}→${to} ${cause ?? (actor as { via: string }).via}`,
      )
  }
}

describe('URS-67 a schedule or signal states an occupancy', () => {
  it('attributed to itself, from now on, once', () => {
    const rig = new Rig().says('at_rest').says('at_rest')
    expect(rig.changes()).toEqual(['in_operation→at_rest signal'])
    expect(rig.events.at(-1)).toMatchObject({ actor: { via: 'signal', point: 'b101-used' } })
  })

  it('does not set back what a person said since', () => {
    const rig = new Rig().says('at_rest').person('in_operation').says('at_rest')
    expect(rig.occupancy).toBe('in_operation')
    expect(rig.says('in_operation').says('at_rest').occupancy).toBe('at_rest')
  })

  it('when lost, leaves the strictest column, and says so', () => {
    const rig = new Rig().says('in_operation').says(null)
    expect(rig.occupancy).toBeUndefined()
    expect(rig.changes().at(-1)).toBe('in_operation→null signal_lost')
    expect(rig.says('in_operation').occupancy).toBe('in_operation')
  })

  it('ends operation by a clean-up where the zone has one, attributed to itself to its end', () => {
    const rig = new Rig({ cleanUpMs: 15 * MINUTE }).says('at_rest')
    expect(rig.occupancy).toBe('clean_up')
    rig.pass(15 * MINUTE)
    expect(rig.occupancy).toBe('at_rest')
    expect(rig.events.find(({ cause }) => cause === 'clean_up_ended')).toMatchObject({
      actor: { via: 'signal' },
    })
  })

  it('lost during a clean-up, leaves the strictest column after it too: its end states nothing', () => {
    const rig = new Rig({ cleanUpMs: 15 * MINUTE }).person('at_rest', 'bsc-1').says('not_in_use')
    expect(rig.occupancy).toBe('clean_up')
    rig
      .pass(5 * MINUTE)
      .says(null)
      .pass(15 * MINUTE)
    expect(rig.occupancy).toBeUndefined()
    expect(rig.changes().at(-1)).toBe('clean_up→null signal_lost')
    expect(rig.says('not_in_use').occupancy).toBe('not_in_use')
  })

  it('back during the clean-up, is what counts when that ends', () => {
    const rig = new Rig({ cleanUpMs: 15 * MINUTE }).person('at_rest', 'bsc-1').says('not_in_use')
    rig
      .pass(5 * MINUTE)
      .says(null)
      .says('at_rest')
      .pass(15 * MINUTE)
    expect(rig.occupancy).toBe('at_rest')
  })

  it('is refused not_in_use as a person is, on record once, and taken when it may be', () => {
    const rig = new Rig().says('not_in_use').says('not_in_use')
    expect(rig.occupancy).toBe('in_operation')
    expect(rig.events.filter(({ type }) => type === 'act.refused')).toMatchObject([
      { act: 'occupancy', zone: 'b101', state: 'not_in_use', actor: { via: 'signal' } },
    ])
    expect(rig.person('at_rest', 'bsc-1').says('not_in_use').occupancy).toBe('not_in_use')
  })

  it('is remembered over a restart', () => {
    const rig = new Rig({ signal: SIGNAL }).says('at_rest').person('in_operation')
    const again = new Rig({ signal: SIGNAL }, rig)
    expect(again.says('at_rest').occupancy).toBe('in_operation')
  })
})

const SIGNAL = { point: 'b101-used', closed: 'in_operation', open: 'at_rest' } as const

describe('URS-67 every state has a longest stay', () => {
  it.each([
    ['in_operation', 24 * HOUR],
    ['at_rest', 30 * 24 * HOUR],
    ['clean_up', HOUR],
  ] as const)('%s for %d ms, then the strictest limits and an alarm', (state, longest) => {
    const rig = new Rig().person(state)
    rig.pass(longest - 1)
    expect([rig.occupancy, rig.alarm('b101.occupancy')]).toEqual([state, false])
    rig.pass(1)
    expect([rig.occupancy, rig.alarm('b101.occupancy')]).toEqual([undefined, true])
    expect(rig.changes().at(-1)).toBe(`${state}→null longest_stay`)
    rig.person('in_operation')
    expect([rig.occupancy, rig.alarm('b101.occupancy')]).toEqual(['in_operation', false])
  })

  it('also the state of the configuration, and as long as the site says', () => {
    const rig = new Rig({ longestMs: { in_operation: 2 * HOUR } }).pass(2 * HOUR)
    expect([rig.occupancy, rig.alarm('b101.occupancy')]).toEqual([undefined, true])
    expect(rig.alarm('bsc-1.occupancy')).toBe(false)
  })

  it('counts on over restarts: no restart prolongs it, and what runs out meanwhile is over at the start', () => {
    let rig = new Rig()
    for (let restart = 0; restart < 5; restart++) {
      rig.pass(4 * HOUR)
      rig = new Rig({}, rig)
    }
    expect(rig.occupancy).toBe('in_operation')
    rig.pass(4 * HOUR - 1)
    expect(rig.occupancy).toBe('in_operation')
    rig.pass(1)
    expect(rig.occupancy).toBeUndefined()
    const away = new Rig().person('in_operation')
    const later = Object.assign(Object.create(Object.getPrototypeOf(away)) as Rig, away)
    const again = new Rig({}, away)
    again.mono = later.mono + 25 * HOUR
    again.wall = later.wall + 25 * HOUR
    again.pass(0)
    expect(again.occupancy).toBeUndefined()
  })

  it('stays unknown over a restart, and is begun anew by whoever says what goes on', () => {
    const rig = new Rig().pass(24 * HOUR)
    const again = new Rig({}, rig)
    expect(again.occupancy).toBeUndefined()
    again.person('in_operation').pass(24 * HOUR - 1)
    expect(again.occupancy).toBe('in_operation')
  })

  it('is not prolonged by a signal that is stuck', () => {
    const rig = new Rig().says('at_rest').says('in_operation')
    for (let hour = 0; hour < 24; hour++) rig.pass(HOUR).says('in_operation')
    expect([rig.occupancy, rig.alarm('b101.occupancy')]).toEqual([undefined, true])
  })

  it('ends on the monotonic clock, whatever the wall shows', () => {
    const rig = new Rig()
    rig.wall -= 48 * HOUR
    rig.pass(24 * HOUR)
    expect(rig.occupancy).toBeUndefined()
  })
})
