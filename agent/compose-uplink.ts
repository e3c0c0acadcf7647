// Connects the uplink to the journal, to what a configuration says of the broker, and to what the status tells. Decides nothing.

import { TEST_ALARM } from '#core/alarm-set.ts'
import type { Stream } from '#core/record.ts'
import { contactsOf } from '#core/reminder-contacts.ts'
import type { Clock } from '#ports/clock.ts'
import type { ClockTrust } from '#ports/commands.ts'
import type { Log } from '#ports/log.ts'
import type { Store } from '#ports/store.ts'
import type { Uplink } from '#ports/uplink.ts'
import { agentVersion } from './cli/version.ts'
import type { UplinkContext } from './runtime/agent.ts'
import { autonomyHours } from './runtime/machine.ts'
import { recordsPerSecond } from './runtime/meta.ts'
import type { EmbeddedBroker } from './uplink/embedded-broker.ts'
import { createUplink } from './uplink/mqtt-uplink.ts'

export interface UplinkParts {
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly store: Store
  readonly broker: EmbeddedBroker | undefined
  readonly clockTrust: () => ClockTrust
  readonly echo: (occ: string) => void
}

/** Builds the uplink of a configuration on the journal and the broker that are there. */
export const uplinkFactory =
  ({ clock, random, log, store, broker, clockTrust, echo }: UplinkParts) =>
  (context: UplinkContext): Uplink => {
    const { plant, mqtt, dataDir } = context.configuration
    const sent = (stream: Stream): number => Number(context.state.get(`cursor/${stream}`) ?? 0)
    return createUplink({
      settings: {
        ...(mqtt ?? failure('no mqtt section')),
        ...(broker !== undefined && { url: broker.url }),
      },
      identity: {
        org: plant.org,
        site: plant.site,
        gateway: plant.gateway,
        origin: plant.origin,
        agent: agentVersion(),
        config: plant.hash,
      },
      epoch: store.recovered.epoch,
      contacts: contactsOf(plant),
      echoed: plant.alarmPath && TEST_ALARM,
      clock,
      random,
      log,
      store,
      cursors: {
        sent: { readings: sent('readings'), event: sent('event') },
        confirmed: confirmed(context.state),
      },
      status: () => ({
        through: context.head().seq,
        head: context.head(),
        tb: context.tb(),
        config: context.hash(),
        clock: { synchronised: clockTrust() === 'synchronised', offsetMs: context.offsetMs() },
        autonomyHours: autonomyHours(dataDir, recordsPerSecond(plant)),
      }),
      notice: (notice) => (notice.kind === 'echo' ? echo(notice.occ) : context.notice(notice)),
    })
  }

/** Watermarks on record: `confirm/<stream>/<consumer>` rows. */
function confirmed(state: ReadonlyMap<string, string>): Record<Stream, Record<string, number>> {
  const marks: Record<Stream, Record<string, number>> = { readings: {}, event: {} }
  for (const [key, value] of state) {
    const match = /^confirm\/(readings|event)\/(.+)$/.exec(key)
    if (match?.[2] !== undefined) marks[match[1] as Stream][match[2]] = Number(value)
  }
  return marks
}

function failure(words: string): never {
  throw new Error(words)
}
