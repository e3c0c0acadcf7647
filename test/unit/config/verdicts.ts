// One table row: a sound configuration, one change, one verdict. And the run of such a table.

import { describe, expect, it } from 'vitest'
import type { Finding } from '#config/configuration.ts'
import { formatFinding } from '#config/load.ts'
import { loadChanged, type Plain, pointAt, setLimits } from './support.ts'

export type Verdict = 'refused' | 'warned' | 'accepted'
export type Case = [
  what: string,
  change: (plain: Plain) => void,
  verdict: Verdict,
  key?: string,
  source?: RegExp,
]

export const P05 = 'instruments[0].points[0]'
export const P5 = 'instruments[0].points[1]'
export const DP = 'instruments[1].points[0]'
export const T = 'instruments[2].points[0]'

export const p05 = (plain: Plain) => pointAt(plain, 0, 0)
export const p5 = (plain: Plain) => pointAt(plain, 0, 1)
export const dp = (plain: Plain) => pointAt(plain, 1, 0)
export const t = (plain: Plain) => pointAt(plain, 2, 0)
export const grade = (plain: Plain, g: string) => Object.assign(plain.zones[0] ?? {}, { grade: g })
export const rules = (given: unknown) => (plain: Plain) =>
  Object.assign(p5(plain), { rules: given })
export const limits =
  (point: (plain: Plain) => Record<string, unknown>, given: Record<string, unknown>) =>
  (plain: Plain) =>
    setLimits(point(plain), given)

/** Runs tables of cases, each under its name. */
export function judge(tables: readonly (readonly [name: string, cases: Case[]])[]): void {
  describe.each(tables)('%s', (_, cases) => {
    it.each(cases)('%s', (_what, change, verdict, key, source) => {
      const loaded = loadChanged(change)
      const printed = loaded.findings.map(formatFinding).join('\n')
      if (verdict === 'accepted') {
        expect(printed).toBe('')
        return
      }
      expect(loaded.ok, printed).toBe(verdict === 'warned')
      const severity: Finding['severity'] = verdict === 'warned' ? 'warning' : 'error'
      const finding = loaded.findings.find((found) => found.key === key)
      expect(finding?.severity, printed).toBe(severity)
      if (source) expect(finding?.source).toMatch(source)
    })
  })
}
