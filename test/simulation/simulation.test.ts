// The whole agent in virtual time (URS-01, 02, 10, 11, 28, 31, 34, 36, 46–49, 51, 54, 57, 63): seeds that once failed, seeds that never did, one
// seed twice, and the planted bugs that prove the checks can see. A longer run: npm run soak.

import { afterAll, describe, expect, test } from 'vitest'
import { PLANTED_BUGS } from './mutants.ts'
import { regressions } from './regressions.ts'
import { SOMETIMES } from './sometimes.ts'
import { type RunResult, runSeed } from './world.ts'

const FIXED_SEEDS = Array.from({ length: 24 }, (_, index) => 500 + index)
/** Wall-clock budget of the seeds that are run beside the fixed ones, ms. */
const SEEDS_MS = 10_000
const SEEDS_FROM = 10_000
/** Within so many seeds each planted bug is caught. */
const BUG_SEEDS_MAX = 24

const sometimes = new Map<string, number>()
let simulatedMs = 0
let records = 0

function passed(result: RunResult): void {
  simulatedMs += result.simulatedMs
  records += result.records
  if (result.violation === undefined) return
  const events = result.lastEvents.slice(-100).join('\n')
  throw new Error(`seed ${result.seed}: ${result.violation.message}\n${events}`)
}

function happened(result: RunResult): void {
  for (const [what, count] of result.sometimes)
    sometimes.set(what, (sometimes.get(what) ?? 0) + count)
}

describe('simulation', () => {
  for (const { options, words } of regressions()) {
    test(`regression: seed ${options.seed}, ${words}`, async () => {
      const result = await runSeed(options)
      passed(result)
      happened(result)
    })
  }

  test('URS-46 the same seed leaves the same trace (S6)', async () => {
    const [one, other] = [
      await runSeed({ seed: 7, hours: 1 }),
      await runSeed({ seed: 7, hours: 1 }),
    ]
    passed(one)
    expect(other.hash).toBe(one.hash)
    const another = await runSeed({ seed: 8, hours: 1 })
    expect(another.hash).not.toBe(one.hash)
  })

  test.each(FIXED_SEEDS)(
    'URS-01, URS-02, URS-10, URS-28, URS-34, URS-46, URS-49, URS-63 no invariant breaks (A1–A9, B1–B4, D1–D8, S1–S5, S7, U1–U3): seed %i',
    async (seed) => {
      const result = await runSeed({ seed, hours: 2, pointsMax: 8 })
      passed(result)
      happened(result)
    },
  )

  test('URS-52 no invariant breaks while room is needed again and again (D8): seed 504', async () => {
    const force = { roomNeeded: 240_000 }
    const result = await runSeed({ seed: 504, hours: 1, pointsMax: 8, disk: 'journal', force })
    passed(result)
    happened(result)
  })

  test('HO6 no invariant breaks while earlier files rot, and what is lost is told (U3, D4): seed 505', async () => {
    const force = { rot: 60_000 }
    const result = await runSeed({ seed: 505, hours: 1, pointsMax: 8, disk: 'journal', force })
    passed(result)
    happened(result)
  })

  test('HO6 no invariant breaks while the file that is written rots, and each new epoch tells of the old one (D2, D3, A3, U1, U3): seed 2', async () => {
    const force = { hotRot: 600_000 }
    const result = await runSeed({ seed: 2, hours: 3, pointsMax: 3, disk: 'journal', force })
    passed(result)
    happened(result)
  })

  test.each(SOMETIMES)('it happened in these seeds: %s', (what) => {
    expect(sometimes.get(what) ?? 0).toBeGreaterThan(0)
  })

  test('URS-49 seven days without a broker: all that waited is with the consumer at the end, seed 1533', async () => {
    const outageMs = 7 * 86_400_000
    const options = { seed: 1533, hours: 7 * 24 + 2, pointsMax: 1, disk: 'memory' } as const
    const result = await runSeed({ ...options, outageMs })
    passed(result)
    expect(result.records).toBeGreaterThan(10_000)
  })

  test('no invariant breaks in a time box of further seeds', async () => {
    const end = performance.now() + SEEDS_MS
    for (let seed = SEEDS_FROM; performance.now() < end; seed++)
      passed(await runSeed({ seed, hours: 2, pointsMax: 8 }))
    expect(simulatedMs).toBeGreaterThan(0)
  })

  for (const bug of PLANTED_BUGS) {
    test(`the checks catch a planted bug: ${bug.name}`, async () => {
      const { force = {}, caughtBy } = bug
      for (let seed = 1; seed <= BUG_SEEDS_MAX; seed++) {
        const { violation } = await runSeed({ seed, hours: 1, pointsMax: 5, mutant: bug, force })
        if (violation === undefined) continue
        expect(caughtBy, violation.message).toContain(violation.invariant)
        return
      }
      expect.fail(`not caught within ${BUG_SEEDS_MAX} seeds`)
    })
  }
})

afterAll(() => {
  const days = simulatedMs / 86_400_000
  process.stdout.write(`simulated ${days.toFixed(1)} days, ${records} records\n`)
})
