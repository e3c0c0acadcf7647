// What the acts from the command line share: who acts and how they prove it, and what the answer means.
// Decides nothing about the act itself; the agent does, and its answer is printed in words.

import { SELF_TEST, SELF_TEST_STEP_MS } from '#core/annunciation.ts'
import type { ActReply } from '#core/input.ts'
import { formatDuration, SECOND } from '#core/time.ts'
import type { ActCommand } from '../control/protocol.ts'
import { ask, type ClientOptions, findTarget } from './client-options.ts'
import { EXIT, EXIT_OF_ACT } from './exit-code.ts'
import { type Output, printable, printJson } from './output.ts'
import { commentOf } from './phrase.ts'
import { type Keyboard, readPin } from './secret.ts'

const SELF_TEST_SECONDS = (SELF_TEST.length * SELF_TEST_STEP_MS) / SECOND

/** The options of every act. */
export interface ActOptions extends ClientOptions {
  readonly user: string
  readonly pinFile?: string
  readonly reason?: string
  readonly comment?: string
  /** A configured text in place of the comment, or before it. */
  readonly phrase?: string
}

/** Where a command reads and writes. */
export interface Io {
  readonly output: Output
  readonly keyboard: Keyboard
}

/** An act before it is known who does it. */
export type NamelessAct = Distribute<ActCommand>
type Distribute<T> = T extends ActCommand ? Omit<T, 'user' | 'pin'> : never

/** Asks for the PIN, sends the act, prints what happened; the exit code. */
export async function doAct(act: NamelessAct, options: ActOptions, io: Io): Promise<number> {
  const target = findTarget(options)
  const { user } = options
  const words = await commentOf(target, options)
  const pin = await readPin(
    { file: options.pinFile, option: '--pin-file', prompt: `PIN of ${user}` },
    io.keyboard,
    io.output,
  )
  const reply = await ask<ActCommand['op']>(target, { ...act, ...words, user, pin })
  if (options.json === true) printJson(io.output, reply)
  else if (reply.ok) io.output.data(doneWords(act, reply))
  else io.output.talk(refusedWords(act, reply))
  return reply.ok ? EXIT.ok : EXIT_OF_ACT[reply.code]
}

/** The reason and comment of an act as the socket wants them. */
export function wordsOf({ reason, comment }: ActOptions): { reason?: string; comment?: string } {
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(comment === undefined ? {} : { comment }),
  }
}

function doneWords(act: NamelessAct, { alarm, occ, detail }: ActReply): string {
  const what = alarm === undefined ? '' : ` ${alarm}`
  const more = detail === undefined ? '' : ` (${detail})`
  switch (act.op) {
    case 'ack':
      return printable(`acknowledged${what}, occurrence ${occ ?? act.occ}${more}`)
    case 'reset':
      return printable(`reset${what}, occurrence ${occ ?? act.occ}${more}`)
    case 'occupancy':
      return printable(
        detail === undefined
          ? `${act.zone} is ${act.state} from now on`
          : `${act.zone} is not ${act.state} yet: ${detail}`,
      )
    case 'shelve':
      return printable(`shelved${what} for ${formatDuration(act.forMs)}${more}`)
    case 'unshelve':
      return printable(`taken from the shelf:${what}${more}`)
    case 'out_of_service':
      return printable(`${act.target} is out of service under ${act.workOrder}${more}`)
    case 'return_to_service':
      return printable(`${act.target} is in service again${more}`)
    case 'silence':
      return printable(
        `the horn is silenced${act.forMs === undefined ? '' : ` for ${formatDuration(act.forMs)}`}; the alarms stay as they are${more}`,
      )
    case 'annunciator_test':
      return printable(
        `lamps and horn are being tried: look and listen for ${SELF_TEST_SECONDS} s, and report what does not come${more}`,
      )
  }
}

/** Refusals in words, with what to do, where the agent gives no detail of its own. */
const REFUSED_WORDS: Readonly<Record<string, string>> = {
  already_acknowledged: 'it is acknowledged already; see who did it with: cleanroom-agent alarms',
  stale_revision: 'it got worse since; look again with: cleanroom-agent alarms',
  unknown_occurrence:
    'there is no such open occurrence; copy one from the list of: cleanroom-agent alarms',
  not_authorised: 'not permitted',
  store_failed: 'it could not be stored, so it did not happen; see: cleanroom-agent status',
  clock_unsynchronised: 'the clock is not synchronised; try again when it is',
  invalid: 'it cannot be done like this',
}

function subjectOf(act: NamelessAct): string {
  switch (act.op) {
    case 'occupancy':
      return act.zone
    case 'out_of_service':
    case 'return_to_service':
      return act.target
    case 'shelve':
    case 'unshelve':
      return act.alarm ?? act.occ ?? ''
    case 'silence':
    case 'annunciator_test':
      return 'of the horn'
    default:
      return act.occ
  }
}

function refusedWords(act: NamelessAct, { code, detail }: ActReply): string {
  const subject = subjectOf(act)
  return printable(
    `${act.op} ${subject} refused (${code}): ${detail ?? REFUSED_WORDS[code] ?? code}`,
  )
}
