// A disk that is out of order, and the agent that outlives it: runs from memory meanwhile, and tells the gap when the disk is good
// again (runtime/degraded.ts). Counts for itself what was not kept.

import type { Clock } from '#ports/clock.ts'
import { silentLog } from '#ports/log.ts'
import type { Commit, Head, Store } from '#ports/store.ts'
import type { Agent } from '../../agent/runtime/agent.ts'
import { Retention } from '../../agent/runtime/retention.ts'
import { StoreError } from '../../agent/store/store-error.ts'
import { type Gap, recordGap, VolatileStore } from '../../agent/store/volatile-store.ts'
import type { Mutant } from './mutant.ts'
import type { SimulatedDisk } from './store.ts'

/** How a disk refuses: it is broken, or it is full. */
export type DiskFault = 'EIO' | 'ENOSPC'

export const diskRefuses = (fault: DiskFault): StoreError =>
  new StoreError(fault === 'EIO' ? 'io' : 'full', `simulated: ${fault}`)

/** Records that were given while nothing could be kept. */
export interface Unkept {
  readonly readings: number
  readonly events: number
}

class CountingStore extends VolatileStore {
  readonly unkept = { readings: 0, events: 0 }

  override commit(commit: Commit): Promise<Head> {
    for (const { kind } of commit.records) this.unkept[kind === 'reading' ? 'readings' : 'events']++
    return super.commit(commit)
  }
}

export interface SurvivalOptions {
  readonly disk: SimulatedDisk
  readonly clock: Clock
  readonly mutant: Mutant
  /** Told of what has to be on record next. */
  readonly gap: (unkept: Unkept) => void
}

/** Removes what the configuration lets go, until the agent stops, as the composition does it. */
export function retentionOf({ agent, store, clock }: { agent: Agent; store: Store; clock: Clock }) {
  const retention = new Retention({
    ...{ clock, log: silentLog, store, loop: agent.loop, clockTrust: () => 'unknown' },
    rule: () => {
      const { retentionMs, mqtt } = agent.configuration
      return { keepMs: mqtt && retentionMs, consumers: mqtt?.consumers ?? [] }
    },
  })
  const stop = agent.stop.bind(agent)
  agent.stop = (reason) => {
    retention.stop()
    return stop(reason)
  }
  retention.start()
  return retention
}

/** How an agent gets on with a simulated disk, as the composition does it with a real one (compose-disk.ts). */
export function survivalOn({ disk, clock, mutant, gap }: SurvivalOptions) {
  return {
    openVolatile: (error: unknown, before?: CountingStore): CountingStore => {
      if (!(error instanceof StoreError) || !['io', 'full'].includes(error.kind)) throw error
      if (before !== undefined) {
        before.reopen()
        return before
      }
      const lastKnown = disk.lastKnown()
      if (lastKnown === undefined) throw error
      const { message: reason } = error
      return new CountingStore({ lastKnown, reason, since: clock.now(), lock: () => () => {} })
    },
    recordGap: async (store: Store, volatile: CountingStore): Promise<Store> => {
      const found: Gap | undefined = volatile.gap()
      if (found === undefined) return store
      gap(volatile.unkept)
      const told = mutant.gap === undefined ? found : mutant.gap(found)
      return told === undefined ? store : recordGap(store, told, clock.now(), clock.bootId)
    },
    probe: async (): Promise<boolean> => disk.fault === undefined,
  }
}
