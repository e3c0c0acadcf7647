// The golden cases: what a site configured and what happened there, and the record that QA has reviewed. UPDATE_GOLDEN=1 writes the
// record anew, to be read before it is committed.

import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { alarmDefinitions } from '#core/alarm-set.ts'
import { caseText, goldenCases, timelineFile } from '../../support/golden.ts'

const cases = goldenCases()

describe('golden cases', () => {
  it.each(cases.map((it) => [it.name, it] as const))('%s', (name, golden) => {
    const text = caseText(golden)
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(timelineFile(name), text)
    else expect(text).toBe(golden.expected)
  })

  it('show every kind of alarm that a reading can raise', () => {
    const kinds = new Set(
      cases.flatMap(({ plant }) => [...alarmDefinitions(plant).values()].map(({ kind }) => kind)),
    )
    const shown = cases.map(({ expected }) => expected).join('\n')
    const beyond = ['system', 'bus_fault', 'identity', 'calibration_due']
    for (const kind of kinds) {
      if (beyond.includes(kind)) continue
      expect(shown, kind).toMatch(new RegExp(`\\.${kind} \\w+ → unacknowledged`))
    }
  })
})
