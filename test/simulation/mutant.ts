// The seams at which a planted bug gets in: each replaces one part of the composition by a faulty one. The bugs are in mutants.ts;
// a run without one has `HEALTHY`.

import type { Configuration } from '#config/configuration.ts'
import type { Point } from '#core/point.ts'
import type { OpenLink } from '#drivers/link/link.ts'
import type { BusSettings } from '#drivers/profile.ts'
import type { Clock } from '#ports/clock.ts'
import type { BusDriver, PreviousEnd } from '#ports/driver.ts'
import type { Recovered, Store } from '#ports/store.ts'
import type { Uplink } from '#ports/uplink.ts'
import type { Agent } from '../../agent/runtime/agent.ts'
import type { Disk } from '../../agent/store/disk.ts'
import type { Gap } from '../../agent/store/volatile-store.ts'
import type { OpenSession } from '../../agent/uplink/session.ts'
import type { Process } from './machine.ts'
import type { FaultRates } from './scenario.ts'
import type { Platter } from './store.ts'

export interface Mutant {
  readonly name: string
  /** The site has a particle counter, whatever the seed draws. */
  readonly counter?: boolean
  /** Sits between the real journal and the simulated disk; the run then uses them. */
  readonly disk?: (disk: Disk) => Disk
  /** Files are removed, whatever the seed draws. */
  readonly retention?: boolean
  /** What retention is told of the store. */
  readonly earlier?: (store: Store) => Store
  /** The disk says it has synced and has not. */
  readonly lyingDisk?: boolean
  /** What is told of the time in which nothing could be kept; undefined: nothing is. */
  readonly gap?: (gap: Gap) => Gap | undefined
  readonly platter?: (platter: Platter) => Platter
  /** What a process learns of the one before. */
  readonly previousEnd?: (end: PreviousEnd) => PreviousEnd
  readonly recovered?: (recovered: Recovered) => Recovered
  readonly store?: (store: Store) => Store
  readonly random?: (random: () => number) => () => number
  readonly clock?: (clock: Clock) => Clock
  readonly configuration?: (configuration: Configuration) => Configuration
  readonly link?: (open: OpenLink, bus: BusSettings) => OpenLink
  readonly driver?: (driver: BusDriver, process: Process) => BusDriver
  readonly session?: (open: OpenSession) => OpenSession
  readonly uplink?: (uplink: Uplink) => Uplink
  /** Called when an agent has started, to shadow methods of its parts. */
  readonly started?: (agent: Agent) => void
}

export const HEALTHY: Mutant = { name: 'none' }

export interface PlantedBug extends Mutant {
  /** Invariants that may catch it. */
  readonly caughtBy: readonly string[]
  /** Fault classes that bring it out. */
  readonly force?: FaultRates
}

/** The same site with every point changed. */
export const withPoints = (
  configuration: Configuration,
  change: (point: Point) => Point,
): Configuration => ({
  ...configuration,
  plant: { ...configuration.plant, points: configuration.plant.points.map(change) },
})
