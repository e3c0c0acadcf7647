// `config show|approve|reject`: what is in force, what waits beside it, and the signatures of two people (URS-68). Shows and asks;
// who may sign is decided by the agent.

import type { ActReply } from '#core/input.ts'
import type { ConfigurationView } from '../control/view.ts'
import type { ActOptions, Io } from './act.ts'
import { changesText } from './changes-text.ts'
import { ask, type ClientOptions, findTarget } from './client-options.ts'
import { EXIT, EXIT_OF_ACT } from './exit-code.ts'
import { type Output, printable, printJson } from './output.ts'
import { commentOf } from './phrase.ts'
import { readPin } from './secret.ts'
import { localTime } from './wording.ts'

/** Prints what is in force and what waits; the exit code. */
export async function showConfig(options: ClientOptions, output: Output): Promise<number> {
  const target = findTarget(options)
  const view = await ask<'config.show'>(target, { op: 'config.show' })
  if (options.json === true) printJson(output, view)
  else {
    const { timezone } = await ask<'status'>(target, { op: 'status' })
    output.data(configText(view, timezone))
  }
  return EXIT.ok
}

/** What is in force and what waits, as text. */
export function configText(view: ConfigurationView, timezone: string): string {
  const { hash, file, acceptedAt, candidate, rejected } = view
  const head = [
    `in force  ${hash}`,
    `          accepted ${localTime(acceptedAt, timezone)}  ${printable(file)}`,
  ]
  if (candidate === undefined) {
    const words =
      rejected === undefined ? 'the file is what runs' : `the file is refused: ${rejected}`
    return [...head, printable(words)].join('\n')
  }
  const { signatures, declined } = candidate
  const signed = signatures.map(
    ({ actor, at }) => `${actor.name} (${actor.user}, ${actor.role}) ${localTime(at, timezone)}`,
  )
  const state =
    declined === undefined
      ? `${signed.length} of 2 signatures`
      : `declined by ${declined.actor.name} (${declined.actor.user}): ${declined.comment ?? declined.reason ?? ''}`
  return [
    ...head,
    '',
    `candidate ${candidate.hash}`,
    `          since ${localTime(candidate.since, timezone)}, ${printable(state)}`,
    ...signed.map((words) => `          ${printable(words)}`),
    '',
    changesText(candidate.changes),
    '',
    '2 = needs a second person. Sign with: cleanroom-agent config approve HASH --user NAME',
  ].join('\n')
}

/** Signs or declines the candidate of a hash; the exit code. */
export async function signConfig(
  op: 'config.approve' | 'config.reject',
  hash: string,
  options: ActOptions,
  { keyboard, output }: Io,
): Promise<number> {
  const { user, pinFile, reason, json } = options
  const target = findTarget(options)
  const comment = await commentOf(target, options)
  const source = { file: pinFile, option: '--pin-file', prompt: `PIN of ${user}` }
  const pin = await readPin(source, keyboard, output)
  const words = {
    ...(reason === undefined ? {} : { reason }),
    ...comment,
  }
  const reply: ActReply = await ask<typeof op>(target, {
    op,
    hash,
    user,
    pin,
    ...words,
  })
  if (json === true) printJson(output, reply)
  else if (reply.ok) output.data(printable(reply.detail ?? 'done'))
  else output.talk(printable(`refused (${reply.code}): ${reply.detail ?? ''}`))
  return reply.ok ? EXIT.ok : EXIT_OF_ACT[reply.code]
}
