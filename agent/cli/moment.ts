// A moment as people write it on the command line. Parses and nothing else.

import type { Millis } from '#core/time.ts'
import { CommandError, EXIT } from './exit-code.ts'

/** `2026-11-25`, `2026-11-25T08:00`, with `Z` or an offset; without one it is UTC. Wall ms; undefined where none is given. */
export function momentOf(text: string | undefined, option: string): Millis | undefined {
  if (text === undefined) return undefined
  const zoned = /(Z|[+-]\d\d:\d\d)$/.test(text) || !text.includes('T') ? text : `${text}Z`
  const moment = Date.parse(zoned)
  if (Number.isFinite(moment) && moment >= 0) return moment
  const forms = '2026-11-25, 2026-11-25T08:00Z or 2026-11-25T09:00+01:00'
  throw new CommandError(EXIT.usage, `${option} "${text}" is no moment; give ${forms}`)
}

export interface Period {
  readonly from?: Millis
  readonly to?: Millis
}

/** `--from` and `--to` as given; a period that ends before it begins is a slip of the hand and not one in which nothing happened. */
export function periodOf(options: { readonly from?: string; readonly to?: string }): Period {
  const from = momentOf(options.from, '--from')
  const to = momentOf(options.to, '--to')
  if (from !== undefined && to !== undefined && from >= to)
    throw new CommandError(EXIT.usage, '--from is not before --to')
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
}
