// What a hold remembers of what it hid: the newest hundred by name, and the count of all.

import { expect, it } from 'vitest'
import { type Hold, hide } from '#core/hold.ts'

const occurrence = (n: number) => ({
  ...{ occ: `occ-${n}`, rev: 1, onset: n, activated: n, superseded: [] },
})

it('URS-35 names the newest hundred of what was hidden, and counts every one once', () => {
  let hold: Hold = { since: 0, hid: [], hidden: 0 }
  for (let n = 1; n <= 101; n++) hold = hide(hold, occurrence(n))
  expect(hold.hidden).toBe(101)
  expect(hold.hid.map(({ occ }) => occ)).toEqual(
    Array.from({ length: 100 }, (_, n) => `occ-${n + 2}`),
  )
  // one that is there moves to the end, with what became of it, and is not counted again
  hold = hide(hold, { ...occurrence(50), returned: 60 })
  expect([hold.hidden, hold.hid.length]).toEqual([101, 100])
  expect(hold.hid.at(-1)).toMatchObject({ occ: 'occ-50', returned: 60 })
})
