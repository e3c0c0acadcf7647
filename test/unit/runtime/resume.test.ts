// HO6 a row of the state that was altered, and is JSON still, does not end every start: it is left out, alone, and said.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Recovered } from '#ports/store.ts'
import { resumeCore, soundRows } from '../../../agent/runtime/resume.ts'
import { PLANT } from '../../support/core-plant.ts'

const AT = { wall: 1_763_806_500_000, mono: 1000 }
const WHEN = { at: AT, bootId: 'boot', trust: 'unknown' } as const
const ALARM = PLANT.points[0]?.id ?? ''

/** A start from these rows. */
const resumed = (state: Readonly<Record<string, string>>) =>
  resumeCore(
    {
      ...{ epoch: 'E', created: false, head: { seq: 1, hash: '' }, tb: 0, coverage: new Map() },
      state: new Map(Object.entries(state)),
    } satisfies Recovered,
    PLANT,
    WHEN,
  )

describe('HO6 a state with a row that was altered', () => {
  const key = `alarm/${ALARM}.gap`
  const active = {
    ...{ active: true, acked: false, latched: false, pending: null, returning: null },
    ...{ seq: 1, ts: AT.wall, occurrence: { occ: 'O', rev: 1, onset: 1, superseded: [] } },
  }

  it('is gone on from without it: one key of an alarm has become another', () => {
    const row = JSON.stringify({ state: active, judged: '' })
    const altered = row.replace('"occurrence"', '"occurrenca"')
    const ledger = JSON.stringify({ [ALARM]: 5000 })
    const { leftOut, rows } = resumed({ [key]: altered, ledger })
    expect(leftOut).toEqual([key])
    expect([...rows.keys()]).toEqual(['ledger'])
  })

  it('is gone on from whole where nothing was altered', () => {
    const ledger = JSON.stringify({ [ALARM]: 5000 })
    const { leftOut, rows } = resumed({ ledger, run: '{"clean":true}' })
    expect(leftOut).toEqual([])
    expect([...rows.keys()].sort()).toEqual(['ledger', 'run'])
  })

  it('loses the rows that cannot be taken and no other, wherever they stand', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), (sound) => {
        const rows = new Map(sound.map((good, at) => [`k${at}`, String(good)]))
        const { rows: kept, leftOut } = soundRows(rows, (some) => {
          if ([...some.values()].includes('false')) throw new TypeError('not a row')
        })
        expect([...kept.values()]).toEqual(sound.filter((good) => good).map(String))
        expect(leftOut).toHaveLength(sound.filter((good) => !good).length)
      }),
    )
  })

  it('is thrown where it is not the rows', () => {
    const take = (): void => {
      throw new TypeError('a bug')
    }
    expect(() => soundRows(new Map([['k', 'v']]), take)).toThrow('a bug')
  })
})
