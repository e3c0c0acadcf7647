// HO1 HO2 D2 a kill in the middle of a commit, a start, and then the power: what the start found is there after it. A killed process
// leaves in the memory of the system what it had not synced; the start that reads it must not take it for kept (seed 19 of the soak
// with a power loss a minute).

import { describe, expect, it } from 'vitest'
import type { Commit } from '#ports/store.ts'
import { RemovalChecks } from './checks/removals.ts'
import { RotChecks } from './checks/rot.ts'
import { Dice } from './dice.ts'
import { JournalDisk } from './journal-platter.ts'
import { MachineGone, type Platter } from './store.ts'

const WALL = 1_763_806_500_000

const commit = (first: number): Commit => ({
  ...{ at: { wall: WALL + first, mono: first }, bootId: 'boot', tb: 0, first },
  records: [
    { kind: 'event', event: { type: 'system.started', ts: WALL + first, body: { first } } },
  ],
  state: [{ key: 'k', value: String(first) }],
})

function diskOf(seed: number, segmentRecords?: number): JournalDisk {
  const [wall, seen] = [() => WALL, () => {}]
  const broken = (invariant: string, words: string) => expect.fail(`${invariant}: ${words}`)
  return new JournalDisk({
    ...{ epochOf: (n) => `E${n}`, dice: new Dice(seed), wall, seen, mayGo: () => true },
    ...{ bootId: () => 'boot', now: () => ({ wall: WALL, mono: 0 }) },
    ...{ tamper: undefined, segmentRecords },
    rot: new RotChecks({ broken, seen, stateOf: () => 'normal' }),
    removals: new RemovalChecks({ confirmed: () => 0, wall, keepMs: undefined, broken, seen }),
  })
}

/** Commits until the process is killed. */
function untilKilled(platter: Platter, from: number): void {
  try {
    for (let seq = from; ; seq++) platter.commit(commit(seq))
  } catch (thrown) {
    if (!(thrown instanceof MachineGone)) throw thrown
  }
}

describe('HO1 HO2 D2 killed, started, and then without power', () => {
  it.each(Array.from({ length: 60 }, (_, index) => index + 1))(
    'at operation %i of the disk, also where a new file begins: what the start found is kept',
    (operations) => {
      for (const seed of [1, 3]) {
        const disk = diskOf(seed, seed > 2 ? 2 : undefined)
        const first = disk.open()
        for (let seq = 1; seq <= 3; seq++) first.commit(commit(seq))
        disk.goAfter(operations)
        untilKilled(first, 4)
        disk.processDied()
        const { head } = disk.open().recovered
        disk.losePower()
        expect(disk.open().recovered.head.seq, `seed ${seed}`).toBe(head.seq)
      }
    },
  )
})
