import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Plant } from '#core/point.ts'
import type { SlotRun } from '#core/schedule.ts'
import { SlotLedger } from '../../../agent/runtime/slot-ledger.ts'
import { PLANT, point } from '../../support/core-plant.ts'

const BASE = { tb: 0, offsetMs: 0 }
const at = (mono: number) => ({ wall: mono, mono })

/** A plant of points of one instrument, each with its interval. */
const plantOf = (intervals: Readonly<Record<string, number>>): Plant => ({
  ...PLANT,
  points: Object.entries(intervals).map(([id, intervalMs]) => point({ id, intervalMs })),
})
const ONE = plantOf({ a: 1000 })
const BOTH = plantOf({ a: 1000, b: 1000 })

/** What the store holds: state rows as text. */
const kept = (rows: ReadonlyMap<string, unknown>) =>
  new Map([...rows].map(([key, value]) => [key, JSON.stringify(value)]))

/** The first start of a plant at `mono`, and its ledger. */
const started = (plant: Plant, mono: number) => {
  const ledger = new SlotLedger(new Map())
  return { ledger, ...ledger.start(plant, new Map(), BASE, at(mono)) }
}

const first = (next: number, intervalMs = 1000) => new Map([[`dp-b101/${intervalMs}`, next]])

describe('URS-01 slots of a point that was taken out and put in again', () => {
  /** Both points until 10 s, `b` out until 500 s, in again; then the power goes, before or after its first record. */
  const backAgain = (coverage: Readonly<Record<string, SlotRun>>, tb = 0) => {
    const { ledger } = started(BOTH, 1000)
    ledger.change(ONE, BASE, at(10_000), first(10_000))
    const rows = kept(ledger.change(BOTH, BASE, at(500_000), first(500_000)))
    return new SlotLedger(rows).start(
      BOTH,
      new Map(Object.entries(coverage)),
      { ...BASE, tb },
      at(600_000),
    ).missed
  }
  const missed = (id: string, t: number, slots: number) => ({
    ...{ point: id, t, slots },
    result: { kind: 'fault', reason: 'agent_down' },
  })
  const a = { t: 499_000, slots: 1 }

  it('owes nothing for the time it was out, though no record of its return was kept', () => {
    expect(backAgain({ a, b: { t: 9000, slots: 1 } })).toEqual([
      missed('a', 500_000, 100),
      missed('b', 500_000, 100),
    ])
  })

  it('goes on from its newest record since', () => {
    expect(backAgain({ a, b: { t: 500_000, slots: 3 } })).toEqual([
      missed('a', 500_000, 100),
      missed('b', 503_000, 97),
    ])
  })

  it('that never had a record owes the time it was in force', () => {
    expect(backAgain({ a })).toContainEqual(missed('b', 500_000, 100))
  })

  it('owes all since its account began where nothing is on record of any', () => {
    expect(backAgain({})).toEqual([missed('a', 1000, 599), missed('b', 500_000, 100)])
  })

  it('owes nothing where the coverage is of another time base', () => {
    expect(backAgain({}, 1)).toEqual([])
    expect(backAgain({ a, b: { t: 480_000, slots: 1 } }, 1)).toContainEqual(
      missed('b', 481_000, 119),
    )
  })

  it('put in while the agent was down, and the power gone before a record of it', () => {
    const { ledger } = started(BOTH, 1000)
    const out = kept(ledger.change(ONE, BASE, at(10_000), first(10_000)))
    const a = { t: 499_000, slots: 1 }
    const b = { t: 9000, slots: 1 }
    const back = new SlotLedger(out).start(
      BOTH,
      new Map([
        ['a', a],
        ['b', b],
      ]),
      BASE,
      at(500_000),
    )
    expect(back.missed).toEqual([])
    const again = new SlotLedger(kept(back.rows))
    expect(
      again.start(
        BOTH,
        new Map([
          ['a', a],
          ['b', b],
        ]),
        BASE,
        at(502_000),
      ).missed,
    ).toEqual([missed('a', 500_000, 2), missed('b', 500_000, 2)])
  })

  it('goes on with the rows of an agent that wrote no beginnings', () => {
    const ledger = new SlotLedger(new Map([['ledger', '{"a":1000}']]))
    const plan = ledger.start(ONE, new Map([['a', { t: 1000, slots: 1 }]]), BASE, at(5000))
    expect(plan.missed).toEqual([missed('a', 2000, 3)])
    expect(plan.rows.get('slots_begin')).toEqual({})
  })
})

describe('URS-01 slots of a time base of which nothing is on record', () => {
  const stepped = { tb: 1, offsetMs: 7_000_000 }

  it('begun while the agent ran: each point owes them from the slot after the one under way', () => {
    const { ledger } = started(plantOf({ a: 1000, b: 5000 }), 1000)
    const rows = kept(ledger.rebase(stepped, at(100_400)))
    const again = new SlotLedger(rows)
    const { missed } = again.start(plantOf({ a: 1000, b: 5000 }), new Map(), stepped, at(160_000))
    expect(missed).toMatchObject([
      { point: 'a', t: 7_101_000, slots: 59 },
      { point: 'b', t: 7_105_000, slots: 11 },
    ])
  })

  it('begun by a start that came to nothing: the next one owes them from there', () => {
    const { ledger } = started(ONE, 1000)
    const begun = ledger.start(ONE, new Map(), stepped, at(100_000))
    expect(begun.missed).toEqual([])
    const { missed } = new SlotLedger(kept(begun.rows)).start(ONE, new Map(), stepped, at(160_000))
    expect(missed).toMatchObject([{ point: 'a', t: 7_100_000, slots: 60 }])
  })
})

describe('URS-01 slots of a point whose interval changed just before the power went', () => {
  it.each([
    ['nothing of the new grid on record', { t: 11_000, slots: 1 }, 15_000],
    ['a run of the old grid that begins on the new one', { t: 10_000, slots: 2 }, 15_000],
    ['a slot of the new grid on record', { t: 15_000, slots: 1 }, 20_000],
  ])('%s', (_what, covered, from) => {
    const { ledger } = started(ONE, 1000)
    const slow = plantOf({ a: 5000 })
    const rows = kept(ledger.change(slow, BASE, at(12_000), first(12_000)))
    const { missed } = new SlotLedger(rows).start(slow, new Map([['a', covered]]), BASE, at(60_000))
    expect(missed).toMatchObject([{ point: 'a', t: from, slots: (60_000 - from) / 5000 }])
  })
})

describe('property: URS-01 whatever is taken out, put in and cut off', () => {
  it('covers each slot in force once, and none of the time a point was out', () => {
    const step = fc.record({
      what: fc.constantFrom('in', 'out', 'power', 'run'),
      ms: fc.integer({ min: 1, max: 20_000 }),
      lost: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let now = 100_300
        let ledger = new SlotLedger(new Map())
        let begun = ledger.start(BOTH, new Map(), BASE, at(now))
        let plant = BOTH
        let rows = kept(begun.rows)
        let next = begun.first.get('dp-b101/1000') ?? 0
        let since = next
        const coverage = new Map<string, SlotRun>()
        const record = (id: string, t: number, slots: number) => {
          if (id === 'b') {
            const before = coverage.get('b')
            expect(t).toBeGreaterThanOrEqual(since)
            const end = before === undefined ? since : before.t + before.slots * 1000
            expect(t).toBe(Math.max(end, since))
          }
          coverage.set(id, { t, slots })
        }
        const poll = () => {
          const slots = Math.floor((now - next) / 1000) + 1
          if (slots <= 0) return
          for (const { id } of plant.points) record(id, next, slots)
          next += slots * 1000
        }
        for (const { what, ms, lost } of steps) {
          now += ms
          // What the power takes with it was never on record.
          if (!(what === 'power' && lost)) poll()
          const other = what === 'in' ? BOTH : ONE
          if (what === 'power') {
            now += ms
            ledger = new SlotLedger(rows)
            begun = ledger.start(plant, coverage, BASE, at(now))
            for (const { point: id, t, slots = 1 } of begun.missed) record(id, t, slots)
            next = begun.first.get('dp-b101/1000') ?? next
            rows = kept(begun.rows)
          } else if (what !== 'run' && other !== plant) {
            rows = kept(ledger.change(other, BASE, at(now), first(next)))
            plant = other
            since = next
          }
        }
      }),
    )
  })
})
