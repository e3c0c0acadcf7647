// `ack OCCURRENCE`: one person acknowledges one occurrence, with a reason. There is no acknowledge-all (URS-32).

import type { AlarmView } from '../control/view.ts'
import { type ActOptions, doAct, type Io, wordsOf } from './act.ts'
import { ask, findTarget } from './client-options.ts'
import { CommandError, EXIT } from './exit-code.ts'
import { type Output, printable } from './output.ts'
import { counted } from './wording.ts'

export interface AckOptions extends ActOptions {
  /** Revision that was seen; an older one is refused only when it got worse since. */
  readonly rev?: number
}

/** What the occurrence is and what is to be done, before the PIN is asked for (URS-39); says nothing where it is not open. */
async function showGuidance(occ: string, options: AckOptions, output: Output): Promise<void> {
  // a script has read what it acknowledges; where the PIN is asked for, a person is about to
  if (options.json === true || options.pinFile !== undefined) return
  const alarm = await openAlarm(occ, options)
  if (alarm === undefined) return
  const { guidance, superseded = [] } = alarm
  output.talk(printable(`${alarm.alarm}, priority ${alarm.priority}`))
  if (guidance !== undefined) {
    output.talk(printable(`  cause        ${guidance.cause}`))
    output.talk(printable(`  consequence  ${guidance.consequence}`))
    output.talk(printable(`  what to do   ${guidance.action}`))
  }
  if (superseded.length > 0)
    output.talk(
      `  with ${counted(superseded.length, 'earlier occurrence')} that nobody acknowledged`,
    )
}

/** The alarm of an open occurrence. That it cannot be shown keeps nobody from acknowledging: the act itself says what is wrong. */
async function openAlarm(occ: string, options: AckOptions): Promise<AlarmView | undefined> {
  try {
    const { alarms } = await ask<'alarms'>(findTarget(options), { op: 'alarms', all: false })
    return alarms.find((one) => one.occ === occ)
  } catch (fault) {
    if (fault instanceof CommandError) return undefined
    throw fault
  }
}

/** Acknowledges; the exit code. */
export async function ack(occurrence: string, options: AckOptions, io: Io): Promise<number> {
  const { reason, rev } = options
  if (reason === undefined)
    throw new CommandError(
      EXIT.usage,
      'why? give --reason CODE: door_opened, intervention, sampling, cleaning, maintenance, ' +
        'known_fault, under_investigation, other, or what your site configured: alarms --reasons',
    )
  const words = { ...wordsOf(options), reason }
  const seen = rev === undefined ? {} : { rev }
  await showGuidance(occurrence, options, io.output)
  return doAct({ op: 'ack', occ: occurrence, ...seen, ...words }, options, io)
}
