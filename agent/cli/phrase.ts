// `--phrase ID`: a text that the site configured stands for a comment (contract §3); a comment typed beside it is added. What is sent and
// recorded is the text: a record has to be read without the configuration of its day.

import { ask, type Target } from './client-options.ts'
import { CommandError, EXIT } from './exit-code.ts'

/** The comment that an act is sent with; nothing where neither is given. */
export async function commentOf(
  target: Target,
  { phrase, comment }: { readonly phrase?: string; readonly comment?: string },
): Promise<{ comment?: string }> {
  if (phrase === undefined) return comment === undefined ? {} : { comment }
  const { words } = await ask<'alarms'>(target, { op: 'alarms', all: false })
  const phrases = words?.phrases ?? []
  const found = phrases.find(({ id }) => id === phrase)
  if (found === undefined) {
    const known = phrases.length === 0 ? 'none' : phrases.map(({ id }) => id).join(', ')
    throw new CommandError(EXIT.usage, `no phrase "${phrase}"; configured: ${known}`)
  }
  return { comment: comment === undefined ? found.text : `${found.text}; ${comment}` }
}
