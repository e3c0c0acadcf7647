// How the agent gets on with its disk: opens the store or stands in for it, holds the ballast, watches the room, keeps the
// head known outside the journal. Connects the parts of store and runtime; the parts decide.

import { open, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Origin } from '#core/point.ts'
import { ulid } from '#core/random.ts'
import type { Clock } from '#ports/clock.ts'
import type { ClockTrust } from '#ports/commands.ts'
import type { Log } from '#ports/log.ts'
import type { Store } from '#ports/store.ts'
import type { Agent } from './runtime/agent.ts'
import { DiskWatch } from './runtime/disk-watch.ts'
import { HeadKeeper } from './runtime/head-keeper.ts'
import { roomOn } from './runtime/machine.ts'
import { recordsPerSecond } from './runtime/meta.ts'
import { Retention } from './runtime/retention.ts'
import { makeDirectory } from './runtime/system-directory.ts'
import { Watchdog } from './runtime/watchdog.ts'
import { type Ballast, createBallast } from './store/ballast.ts'
import { writeHeadMarker } from './store/head-marker.ts'
import { heldJournal, readLastKnown } from './store/last-known.ts'
import { acquireLock } from './store/lock.ts'
import { openStore } from './store/sqlite-store.ts'
import { StoreError, toStoreError } from './store/store-error.ts'
import { systemDisk } from './store/system-disk.ts'
import { recordGap, VolatileStore } from './store/volatile-store.ts'

export interface SurvivingDiskOptions {
  readonly dataDir: string
  readonly origin: Origin
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
}

/** What goes on beside a running agent. */
export interface DiskWatches {
  /** Looks no more; before the agent stops. */
  stop(): void
  /** Writes the last head down; after the agent has stopped. */
  keepHead(): Promise<void>
}

/** What the watches need beside agent and store. */
export interface WatchOptions {
  readonly failed: (error: Error) => void
  /** What the time service says of the wall clock now. */
  readonly clockTrust: () => ClockTrust
}

/** The disk of a data directory, whichever way it is. */
export interface SurvivingDisk {
  openStore(): Promise<Store>
  /** The store in memory after a fault of the disk, where an agent ran here before; rethrows every other error. */
  openVolatile(error: unknown, before?: VolatileStore): VolatileStore
  recordGap(store: Store, volatile: VolatileStore): Promise<Store>
  /** Whether the disk takes writes, and has room for more than a moment. */
  probe(): Promise<boolean>
  ballast(): Ballast | undefined
  /** Watches the room and the tasks of a running agent, and keeps its head. */
  watch(agent: Agent, store: Store, more: WatchOptions): DiskWatches
}

/** Room a probe asks for before the store is opened again: a small multiple of what one start and its first minutes write. */
const PROBE_ROOM_BYTES = 16 * 1024 * 1024
/** On a small disk, this share of it is enough. */
const PROBE_ROOM_SHARE = 1 / 8
const PROBE_BYTES = 256 * 1024

/** The disk of a data directory. */
export function survivingDisk(options: SurvivingDiskOptions): SurvivingDisk {
  const { dataDir, origin, clock, log } = options
  const newEpoch = (): string => ulid(clock.now().wall, options.random)
  let ballast: Ballast | undefined
  return {
    openStore: async () => {
      makeDirectory(dataDir)
      const held = createBallast(dataDir, roomOn(dataDir).total)
      ballast = held
      const open = (): Promise<Store> =>
        openStore({
          ...{ dataDir, origin, log, newEpoch },
          wall: () => clock.now().wall,
          now: () => clock.now(),
          bootId: clock.bootId,
        })
      return open().catch((error: unknown) => {
        // A process that was killed on a full disk had no time to give its ballast up.
        if (diskFault(error)?.kind !== 'full' || !held.release()) throw error
        log.warn('ballast_released', { bytes: held.bytes })
        return open()
      })
    },
    openVolatile: (error, before) => {
      const fault = diskFault(error)
      if (fault === undefined) throw error
      if (before !== undefined) {
        before.reopen()
        return before
      }
      if (!heldJournal(systemDisk, dataDir)) throw error
      return new VolatileStore({
        lastKnown: readLastKnown(systemDisk, dataDir, newEpoch()),
        reason: fault.message,
        since: clock.now(),
        lock: () => lockIfPossible(dataDir, log),
      })
    },
    recordGap: async (store, volatile) => {
      const gap = volatile.gap()
      return gap === undefined ? store : recordGap(store, gap, clock.now(), clock.bootId)
    },
    probe: () => probeDisk(dataDir),
    ballast: () => ballast,
    watch: (agent, store, { failed, clockTrust }) => {
      const watchdog = watchTasks(options, agent, failed)
      const retention = keepFor(options, agent, store, clockTrust)
      const disk = watchDisk(options, agent, { store, ballast, retention })
      return {
        stop: () => {
          watchdog.stop()
          options.clock.notice = undefined
          disk.stop()
          retention.stop()
        },
        keepHead: disk.keepHead,
      }
    },
  }
}

/** The error as a fault of the disk; undefined for what another disk would not mend. */
function diskFault(error: unknown): StoreError | undefined {
  const known = toStoreError(error, 'open the data directory')
  return known instanceof StoreError && (known.kind === 'full' || known.kind === 'io')
    ? known
    : undefined
}

/** A disk that takes no writes takes no lock either; two degraded agents are the lesser evil. */
function lockIfPossible(dataDir: string, log: Log): () => void {
  try {
    return acquireLock(systemDisk, dataDir, process.pid)
  } catch (thrown) {
    if (thrown instanceof StoreError && thrown.kind === 'locked') throw thrown
    log.warn('lock_not_possible', { dataDir, cause: String(thrown) })
    return () => {}
  }
}

/** Writes, makes durable, reads back and removes a file; false when any of it fails or there is no room. */
async function probeDisk(dataDir: string): Promise<boolean> {
  const name = path.join(dataDir, 'probe.tmp')
  try {
    const { free, total } = roomOn(dataDir)
    if (free < Math.min(PROBE_ROOM_BYTES, total * PROBE_ROOM_SHARE)) return false
    const written = Buffer.alloc(PROBE_BYTES, 0x5a)
    const file = await open(name, 'w+')
    try {
      await file.write(written, 0, written.length, 0)
      await file.sync()
      const read = Buffer.alloc(PROBE_BYTES)
      await file.read(read, 0, read.length, 0)
      return read.equals(written)
    } finally {
      await file.close()
    }
  } catch {
    return false
  } finally {
    await rm(name, { force: true }).catch(() => {})
  }
}

/** Removes what the configuration in force lets go; starts at once. */
function keepFor(
  { clock, log }: SurvivingDiskOptions,
  agent: Agent,
  store: Store,
  clockTrust: () => ClockTrust,
): Retention {
  const retention = new Retention({
    ...{ clock, log, store, clockTrust, loop: agent.loop },
    rule: () => {
      const { retentionMs, mqtt } = agent.configuration
      // Without a way out nothing is delivered, and nothing goes.
      return { keepMs: mqtt && retentionMs, consumers: mqtt?.consumers ?? [] }
    },
  })
  retention.start()
  return retention
}

interface Watched {
  readonly store: Store
  readonly ballast: Ballast | undefined
  readonly retention: Retention
}

function watchDisk(
  { dataDir, clock, log }: SurvivingDiskOptions,
  agent: Agent,
  { store, ballast, retention }: Watched,
): { stop(): void; keepHead(): Promise<void> } {
  if (store.volatile === true || ballast === undefined)
    return { stop: () => {}, keepHead: () => Promise.resolve() }
  const { loop } = agent
  const room = new DiskWatch({
    ...{ clock, log, ballast },
    reclaim: () => retention.reclaim(),
    room: () => roomOn(dataDir),
    recordsPerSecond: () => recordsPerSecond(agent.configuration.plant),
    condition: (active, detail) =>
      loop.input({
        kind: 'condition',
        at: clock.now(),
        alarm: 'system.storage_low',
        active,
        ...(detail !== undefined && { detail }),
      }),
    note: (type, body) => loop.input({ kind: 'note', at: clock.now(), type, body }),
  })
  const head = new HeadKeeper({
    ...{ clock, log },
    epoch: store.recovered.epoch,
    head: () => loop.head,
    write: (marker) => writeHeadMarker(dataDir, marker),
  })
  room.start()
  head.start()
  return { stop: () => room.stop(), keepHead: () => head.stop() }
}

/** Poll loops and commits must go on; a pause of the whole process is on record, since its slots are missed. */
function watchTasks(
  { clock, log }: SurvivingDiskOptions,
  agent: Agent,
  failed: (error: Error) => void,
): Watchdog {
  const { loop, field } = agent
  const watchdog = new Watchdog({
    ...{ clock, log, failed },
    tasks: () => [
      ...field.progress(),
      ...(agent.uplink?.progress?.() ?? []),
      { task: 'commit to the journal', dueMono: loop.committingSince },
    ],
    stalled: (from, to) => {
      const ms = to.mono - from.mono
      loop.input({ kind: 'stalled', at: to, ms })
      const body = { from: Math.round(from.wall), ms: Math.round(ms) }
      loop.input({ kind: 'note', at: to, type: 'system.stalled', body })
    },
  })
  watchdog.start()
  clock.notice = () => watchdog.notice()
  return watchdog
}
