// The disk of one site: the crash-honest one in memory, or the real journal on simulated files. Connects its checks; decides nothing.

import { RemovalChecks } from './checks/removals.ts'
import { JournalDisk } from './journal-platter.ts'
import { MemoryDisk } from './memory-platter.ts'
import type { Mutant } from './mutant.ts'
import type { Scenario } from './scenario.ts'
import type { SimulatedDisk } from './store.ts'
import type { World } from './world.ts'

const epochOf = (n: number): string => `01SIMULATEDEPOCH${String(n).padStart(10, '0')}`

/** The disk that is drawn, or the journal where a planted bug is about it. */
export function drawnDisk(world: World, mutant: Mutant, kind: Scenario['disk']): SimulatedDisk {
  const tampered = mutant.disk !== undefined || mutant.lyingDisk === true || mutant.retention
  if (kind === 'memory' && !tampered) return new MemoryDisk(epochOf(0))
  const now = () => {
    const { boot } = world.host
    const mono = boot.mono(world.now)
    return { wall: boot.wall(mono), mono }
  }
  const wall = () => now().wall
  const dice = world.dice.stream('sectors')
  const { retention } = world.scenario
  const disk = new JournalDisk({
    ...{
      epochOf,
      dice,
      now,
      bootId: () => world.host.boot.id,
      wall,
      seen: (what) => world.seen(what),
      tamper: mutant.disk,
    },
    mayGo: () => world.faults.powerLoss !== undefined,
    segmentRecords: retention?.segmentRecords,
    rot: world.checks.rot,
    removals: new RemovalChecks({
      confirmed: (stream) => world.consumer.confirmed(stream),
      wall,
      keepMs: retention?.keepMs,
      broken: (invariant, words) => world.broken(invariant, words),
      seen: (what) => world.seen(what),
    }),
  })
  disk.files.lying = mutant.lyingDisk === true
  return disk
}
