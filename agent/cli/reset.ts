// `reset OCCURRENCE`: ends a latched, acknowledged occurrence. A separate act from acknowledging (URS-32).

import type { AckOptions } from './ack.ts'
import { doAct, type Io, wordsOf } from './act.ts'

/** Resets; the exit code. */
export async function reset(occurrence: string, options: AckOptions, io: Io): Promise<number> {
  const seen = options.rev === undefined ? {} : { rev: options.rev }
  return doAct({ op: 'reset', occ: occurrence, ...seen, ...wordsOf(options) }, options, io)
}
