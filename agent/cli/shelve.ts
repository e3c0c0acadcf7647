// `shelve OCCURRENCE|ALARM` and `unshelve`: a nuisance goes out of sight for a while. What may be shelved is the agent's to say.

import { type ActOptions, doAct, type Io, wordsOf } from './act.ts'
import { CommandError, EXIT } from './exit-code.ts'

export interface ShelveOptions extends ActOptions {
  /** How long, ms. */
  readonly until: number
}

/** Shelves; the exit code. */
export async function shelve(target: string, options: ShelveOptions, io: Io): Promise<number> {
  const { reason, until: forMs } = options
  if (reason === undefined)
    throw new CommandError(
      EXIT.usage,
      'why? give --reason CODE, as for: cleanroom-agent ack --help',
    )
  const act = { op: 'shelve' as const, ...targetOf(target), forMs, ...wordsOf(options), reason }
  return doAct(act, options, io)
}

/** Takes an alarm from the shelf; the exit code. */
export async function unshelve(target: string, options: ActOptions, io: Io): Promise<number> {
  return doAct({ op: 'unshelve', ...targetOf(target), ...wordsOf(options) }, options, io)
}

/** An alarm id has a dot in it, an occurrence never (contract §3). */
const targetOf = (target: string): { alarm: string } | { occ: string } =>
  target.includes('.') ? { alarm: target } : { occ: target }
