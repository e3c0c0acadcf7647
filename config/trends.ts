// The trend rules of a zone, as the core takes them. Pure; decides the default of `relate`.

import { MINUTE, type Millis } from '#core/time.ts'
import type { TrendRule, TrendRules } from '#core/trend.ts'
import type { TrendsInput } from './schema/trends.ts'

const RELATE_DEFAULT: Millis = 15 * MINUTE

export function compileTrends(input: TrendsInput): TrendRules {
  const { rising, consecutiveAlerts, isolatedActions } = input
  const rules: TrendRule[] = []
  if (rising) rules.push({ kind: 'rising', overMs: rising.over, atLeast: rising.atLeast })
  if (consecutiveAlerts)
    rules.push({
      kind: 'consecutive',
      count: consecutiveAlerts.count,
      withinMs: consecutiveAlerts.within,
    })
  if (isolatedActions)
    rules.push({
      kind: 'isolated',
      count: isolatedActions.count,
      overMs: isolatedActions.over,
      apartMs: isolatedActions.apart,
    })
  return {
    rules,
    relateMs: input.relate ?? RELATE_DEFAULT,
    justification: input.justification,
  }
}
