// What the local socket writes down of commissioning: that somebody used a bus of the agent by force, and why. Judges no
// one's right to it, since the bus is open to whoever reaches it; bounds how much can be written.

import { MINUTE, type Millis } from '#core/time.ts'
import type { Answer, DispatchContext } from './context.ts'
import type { Command } from './protocol.ts'

/** Forced uses written down in a minute; more are put off, so that nobody fills the journal with them. */
const NOTES_MAX = 12

/** What looks like the name of a user; anything else is not written down. */
const NAME = /^[\w.-]{1,64}$/

const written = new WeakMap<DispatchContext, Millis[]>()

/** Records a forced use of a bus; `busy` when there were too many of late, `failed` when no such bus is running. */
export async function noteForcedUse(
  { tool, bus, reason, osUser }: Extract<Command, { op: 'commissioning.note' }>,
  context: DispatchContext,
): Promise<Answer> {
  const { buses } = await context.handlers.status()
  if (!buses.some(({ id }) => id === bus)) {
    return { ok: false, refusal: { code: 'failed', detail: 'there is no such bus' } }
  }
  const { mono } = context.now()
  const recent = (written.get(context) ?? []).filter((at) => at > mono - MINUTE)
  if (recent.length >= NOTES_MAX) {
    const detail = `${NOTES_MAX} forced uses were recorded within a minute; try again in a minute`
    return { ok: false, refusal: { code: 'busy', detail } }
  }
  written.set(context, [...recent, mono])
  const body = { tool, bus, reason, claimed: NAME.test(osUser) ? osUser : null, via: 'local' }
  await context.handlers.record({ type: 'commissioning.forced', body, urgent: true }, new Map())
  return { ok: true, result: { recorded: true } }
}
