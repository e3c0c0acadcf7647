// The watermarks of the consumers: which are believed, which wait, and when what nobody confirmed is sent again.

import { describe, expect, it } from 'vitest'
import { Confirms, LAG_MS_MAX } from '../../../agent/uplink/confirms.ts'

const NONE = { readings: {}, event: {} }
const confirms = (known = NONE) => new Confirms(['historian', 'archive'], known)
const mark = (through: number, given: { retained?: boolean; published?: number } = {}) => ({
  through,
  retained: false,
  published: 50,
  head: 100,
  ...given,
})

describe('URS-48 NE7 a watermark', () => {
  it.each<[what: string, given: ReturnType<typeof mark>, verdict: string]>([
    ['of nothing', mark(0), 'unchanged'],
    ['below the known one', mark(9), 'unchanged'],
    ['that is the known one', mark(10), 'unchanged'],
    ['one further', mark(11), 'accepted'],
    ['as far as was published', mark(50), 'accepted'],
    ['beyond what was published', mark(51), 'refused'],
    ['beyond it, kept by the broker', mark(51, { retained: true }), 'deferred'],
    ['as far as the journal, kept by the broker', mark(100, { retained: true }), 'deferred'],
    ['beyond the journal, kept by the broker', mark(101, { retained: true }), 'refused'],
  ])('%s', (_, given, verdict) => {
    const of = confirms({ readings: { historian: 10 }, event: {} })
    expect(of.take('readings', 'historian', given).kind).toBe(verdict)
  })

  it('counts only of a consumer that is named, each stream by itself, the lowest of all', () => {
    const of = confirms()
    expect([of.counts('historian'), of.counts('stranger')]).toEqual([true, false])
    of.take('readings', 'historian', mark(30))
    expect(of.lowest('readings'), 'the other has confirmed nothing').toBe(0)
    of.take('readings', 'archive', mark(20))
    expect([of.lowest('readings'), of.lowest('event')]).toEqual([20, 0])
    expect(new Confirms([], NONE).lowest('readings')).toBeUndefined()
  })

  it('that waited is believed once this life has published as far, once, and never lowers another', () => {
    const of = confirms()
    of.take('readings', 'historian', mark(60, { retained: true }))
    of.take('readings', 'archive', mark(80, { retained: true }))
    expect(of.published('readings', 59)).toEqual([])
    expect(of.published('readings', 60)).toEqual([{ consumer: 'historian', through: 60 }])
    expect(of.published('readings', 60)).toEqual([])
    of.take('readings', 'archive', mark(90, { published: 90 }))
    expect(of.published('readings', 90), 'confirmed further meanwhile').toEqual([])
    expect(of.lowest('readings')).toBe(60)
  })
})

describe('NE7 what was sent and never confirmed', () => {
  it('is due again after 300 s at the same mark, then after twice the time, up to an hour', () => {
    const of = confirms()
    of.take('readings', 'historian', mark(40))
    of.take('readings', 'archive', mark(40))
    const sent = { readings: 50, event: 0 }
    const again = [{ stream: 'readings', from: 41, to: 50 }]
    let since = 1000
    expect(of.overdue(sent, since)).toEqual([])
    for (const factor of [1, 2, 4, 8, 12, 12]) {
      expect(of.overdue(sent, since + factor * LAG_MS_MAX - 1), `before ${factor}`).toEqual([])
      since += factor * LAG_MS_MAX
      expect(of.overdue(sent, since), `after ${factor}`).toEqual(again)
    }
  })

  it('begins anew with every step of the mark, and is never due where all is confirmed', () => {
    const of = confirms()
    const both = (through: number) => {
      of.take('readings', 'historian', mark(through))
      of.take('readings', 'archive', mark(through))
    }
    const sent = { readings: 50, event: 0 }
    both(10)
    expect(of.overdue(sent, 0)).toEqual([])
    both(11)
    expect(of.overdue(sent, LAG_MS_MAX)).toEqual([])
    expect(of.overdue(sent, 2 * LAG_MS_MAX - 1)).toEqual([])
    both(50)
    expect(of.overdue(sent, 3 * LAG_MS_MAX)).toEqual([])
    expect(of.overdue(sent, 9 * LAG_MS_MAX)).toEqual([])
    expect(of.overdue({ readings: 51, event: 0 }, 10 * LAG_MS_MAX - 1)).toEqual([])
    expect(new Confirms([], NONE).overdue(sent, 9 * LAG_MS_MAX)).toEqual([])
  })
})
