// Horn and stack light put together: the annunciator of a configuration on the driver of its output module, and what people ask of
// it. Decides nothing but what is connected to what.

import type { Actor, ActReply } from '#core/input.ts'
import type { Random } from '#core/random.ts'
import { openOutput } from '#drivers/registry.ts'
import type { AnnunciatorView } from '#ports/annunciator.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import { createAnnunciator } from './annunciator/annunciator.ts'
import type { AnnunciatorRow } from './annunciator/options.ts'
import type { HornCommand } from './control/protocol.ts'
import type { Agent } from './runtime/agent.ts'
import type { BuildAnnunciator } from './runtime/annunciation.ts'

export interface AnnunciatorParts {
  readonly clock: Clock
  readonly log: Log
  readonly random: Random
  readonly shown: ((view: AnnunciatorView) => void) | undefined
}

/** Builds the annunciator of a configuration on its output module. */
export const annunciatorFactory =
  ({ clock, log, random, shown }: AnnunciatorParts): BuildAnnunciator =>
  ({ settings, timezone, row, lastCommit, condition, note }) =>
    createAnnunciator({
      setup: { ...settings, timezone },
      clock,
      log,
      driver: openOutput(settings.output, { clock, random, log }),
      ...(row !== undefined && { resumed: JSON.parse(row) as AnnunciatorRow }),
      lastCommit,
      condition,
      note,
      ...(shown !== undefined && { shown }),
    })

/** Silences or tries the horn; where there is none, that is on record as any refusal. */
export async function carryOutHorn(
  { annunciator, loop }: Agent,
  { op, forMs, reason, comment }: HornCommand & { readonly forMs?: number | undefined },
  actor: Actor,
): Promise<ActReply> {
  if (annunciator === undefined) {
    const refusal = {
      code: 'invalid' as const,
      detail: 'the configuration has no annunciator; add one as docs/annunciator.md says',
    }
    await loop.note('act.refused', { act: op, ...refusal, actor })
    return { ok: false, ...refusal }
  }
  if (op === 'annunciator_test') return annunciator.test(actor)
  return annunciator.silence({
    actor,
    ...(forMs !== undefined && { forMs }),
    ...(reason !== undefined && { reason }),
    ...(comment !== undefined && { comment }),
  })
}
