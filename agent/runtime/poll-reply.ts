// What a poll brought, looked at: the reply to one signal, the same without credit, and whether who answered has to be asked who it is.

import type { PollReply, SignalReply } from '#ports/driver.ts'
import { type IdentityWatch, isSilence } from './identity.ts'

/** The reply to a signal: drivers answer in the order they were asked. */
export function replyTo(
  signal: string,
  index: number,
  { signals }: PollReply,
): SignalReply | undefined {
  const answer = signals[index]
  return answer?.signal === signal ? answer : signals.find((each) => each.signal === signal)
}

/** Whether the unit gave any sign of life in a poll. */
function hasAnswered({ signals, sample, sampleFault, silent }: PollReply): boolean {
  if (silent) return false
  if (sample !== undefined) return true
  if (sampleFault !== undefined) return !isSilence(sampleFault.reason)
  return signals.some(({ result }) => result.kind === 'value' || !isSilence(result.reason))
}

/** Whether something of it came back damaged. */
const isDamaged = ({ signals, sampleFault }: PollReply): boolean =>
  sampleFault?.reason === 'crc' ||
  signals.some(({ result }) => result.kind === 'fault' && result.reason === 'crc')

/** A reply of an instrument that is not the right one: its registers are kept, and none of them is a value (URS-14). */
export function uncredited(reply: PollReply): PollReply {
  const { sample } = reply
  return {
    ...reply,
    signals: reply.signals.map((answer) =>
      answer.result.kind === 'fault'
        ? answer
        : {
            ...answer,
            result: { kind: 'fault', reason: 'identity', raw: answer.result.raw },
          },
    ),
    ...(sample !== undefined && {
      sample: {
        ...sample,
        sample: { ...sample.sample, faults: ['identity', ...sample.sample.faults] },
      },
    }),
  }
}

/** The question to an instrument that has just answered a poll. */
export const CONFIRMED = { probe: false, present: true }

/** Whether who answered a poll is to be asked who it is; one that did not is asked before the next. */
export function isToConfirm(
  identity: IdentityWatch,
  instrument: string,
  reply: PollReply,
): boolean {
  if (isDamaged(reply)) identity.damaged(instrument)
  if (hasAnswered(reply)) return identity.isDue(instrument, 'after')
  identity.lost(instrument)
  return false
}
