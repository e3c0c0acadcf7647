// `occupancy ZONE STATE`: a person states what goes on in a zone from now on; nothing is back-dated (alarms.md).

import type { Occupancy } from '#core/point.ts'
import { type ActOptions, doAct, type Io, wordsOf } from './act.ts'

/** Sets the occupancy of a zone; the exit code. */
export async function occupancy(
  target: { readonly zone: string; readonly state: Occupancy },
  options: ActOptions,
  io: Io,
): Promise<number> {
  return doAct({ op: 'occupancy', ...target, ...wordsOf(options) }, options, io)
}
