// `ack OCCURRENCE`: one person acknowledges one occurrence, with a reason. There is no acknowledge-all (URS-32).

import { type ActOptions, doAct, type Io, wordsOf } from './act.ts'
import { CommandError, EXIT } from './exit-code.ts'

export interface AckOptions extends ActOptions {
  /** Revision that was seen; an older one is refused only when it got worse since. */
  readonly rev?: number
}

/** Acknowledges; the exit code. */
export async function ack(occurrence: string, options: AckOptions, io: Io): Promise<number> {
  const { reason, rev } = options
  if (reason === undefined)
    throw new CommandError(
      EXIT.usage,
      'why? give --reason CODE: door_opened, intervention, sampling, cleaning, maintenance, ' +
        'known_fault, under_investigation, other, or what your site configured',
    )
  const words = { ...wordsOf(options), reason }
  const seen = rev === undefined ? {} : { rev }
  return doAct({ op: 'ack', occ: occurrence, ...seen, ...words }, options, io)
}
