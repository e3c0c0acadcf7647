// When silence is a matter of the unit, of the link, or of the whole bus: SilenceWatch and LineHealth as functions.

import { describe, expect, it } from 'vitest'
import { LineHealth } from '#drivers/modbus/line-health.ts'
import type { ReadOutcome } from '#drivers/modbus/request.ts'
import { SilenceWatch, TIMEOUTS_BEFORE_REOPEN } from '#drivers/modbus/silence.ts'

describe('FB18 a link on which nothing comes back', () => {
  /** The numbers of the timeouts, of units in turn, after which the link was opened afresh. */
  function reopenings(watch: SilenceWatch, units: number, timeouts: number): number[] {
    return Array.from({ length: timeouts }, (_, index) => index + 1).filter((count) =>
      watch.timedOut(count % units),
    )
  }

  it('is opened afresh after 3 timeouts, then after 6, 12, 24, 48 and every 48 more', () => {
    expect(reopenings(new SilenceWatch(2), 2, 200)).toEqual([3, 9, 21, 45, 93, 141, 189])
  })

  it('is not suspected for one silent unit of several, and is for the only one', () => {
    expect(reopenings(new SilenceWatch(2), 1, 100)).toEqual([])
    expect(reopenings(new SilenceWatch(1), 1, 9)).toEqual([3, 9])
  })

  it('begins to count anew with any byte that comes in, however few timeouts there were', () => {
    const watch = new SilenceWatch(2)
    for (let silent = 1; silent < TIMEOUTS_BEFORE_REOPEN; silent++) {
      expect(reopenings(watch, 2, silent), `${silent} in a row`).toEqual([])
      watch.heard()
    }
    expect(reopenings(watch, 2, 9)).toEqual([3, 9])
    watch.heard()
    expect(reopenings(watch, 2, 3)).toEqual([3])
  })

  it('mutes the bus once every unit was asked in vain, three times in all', () => {
    const watch = new SilenceWatch(2)
    const seen = [1, 1, 1, 2].map((unit) => {
      watch.timedOut(unit)
      return watch.muted
    })
    expect(seen).toEqual([false, false, false, true])
    watch.heard()
    expect(watch.muted).toBe(false)
    const few = new SilenceWatch(2)
    for (const unit of [1, 2]) few.timedOut(unit)
    expect(few.muted).toBe(false)
  })
})

describe('FB10 FB18 a line on which nothing sound comes back', () => {
  const at = { arrivedMono: 0 }
  const silence: ReadOutcome = { kind: 'timeout', ...at }
  const torn: ReadOutcome = { kind: 'torn', ...at }
  const noPath: ReadOutcome = { kind: 'exception', code: 10, ...at }
  const sound: ReadOutcome = { kind: 'exception', code: 2, ...at }

  const after = (outcomes: readonly ReadOutcome[], { units = 2, heard = false } = {}) => {
    const health = new LineHealth(2)
    for (const [index, outcome] of outcomes.entries()) health.ended(index % units, outcome, heard)
    return health.cause
  }
  const times = (count: number, outcome: ReadOutcome) =>
    Array.from({ length: count }, () => outcome)

  it.each<[string, string | undefined, RegExp | undefined]>([
    [
      'ten failures with three signs',
      after([...times(7, silence), ...times(3, torn)]),
      /baud rate/,
    ],
    ['nine failures', after([...times(6, silence), ...times(3, torn)]), undefined],
    ['two signs', after([...times(8, silence), ...times(2, torn)]), undefined],
    ['one unit of two', after(times(10, torn), { units: 1 }), undefined],
    ['more of one sign than of the other', after([...times(4, torn), ...times(6, noPath)]), /path/],
    ['bytes of strangers', after(times(10, silence), { heard: true }), /none of the units/],
    ['a sound answer among them', after([...times(9, torn), sound, ...times(9, torn)]), undefined],
    [
      'a lost link counts for nothing',
      after(times(20, { kind: 'disconnected', sent: true, ...at })),
      undefined,
    ],
  ])('%s', (_, cause, expected) => {
    if (expected === undefined) expect(cause).toBeUndefined()
    else expect(cause).toMatch(expected)
  })
})
