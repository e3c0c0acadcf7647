// A simulated particle counter that refuses one channel of its record for a while: the record is in the instrument still, and is read
// again; what was refused is never put in its place, and no record is lost over it. URS-06, URS-12, FB4.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { compileProfile } from '#config/profile.ts'
import { profileSchema } from '#config/schema/profile.ts'
import type { Sample } from '#core/particle.ts'
import { brief, instrument, tcpBus } from '../../support/driver-rig.ts'
import { simulatedUnit } from '../../support/simulated-unit.ts'
import { wireRig } from '../../support/wire-rig.ts'
import { SPEC } from '../simulators/site.ts'

const file = path.resolve(import.meta.dirname, '../../../config/profiles/lighthouse-apex.json')
const profile = compileProfile(profileSchema.parse(JSON.parse(readFileSync(file, 'utf8'))))
const counter = instrument('pc-1', 1, profile)
const SMALL = 'particles_0_5um'
const LARGE = 'particles_5um'
/** The register of the 5 µm channel. */
const LARGE_AT = 10
const POLL_MS = 500
const SAMPLE_MS = 6000
/** What a sample of this length may be late. */
const GRACE_MS = 2000

/** What one poll gave: a record seen for the first time, or why there was none. */
interface Seen {
  readonly mono: number
  readonly sample?: Sample
  readonly fault?: string | number
}

function counterRig() {
  const bench = wireRig([counter], tcpBus(502, { timeoutMs: 100, retries: 0 }))
  const { clock, wire } = bench
  const { world, keepUp } = simulatedUnit('pc-1', { spec: SPEC, clock, wire })
  let known: number | undefined
  const poll = async (): Promise<Seen> => {
    const due = clock.now().mono + POLL_MS
    keepUp()
    const { sample, sampleFault } = await bench.sample(counter)
    const mono = clock.now().mono
    await clock.advance(due - mono)
    if (sample === undefined) return { mono, ...(sampleFault && { fault: brief(sampleFault) }) }
    const isNew = sample.sample.identity !== known
    known = sample.sample.identity
    return isNew ? { mono, sample: sample.sample } : { mono }
  }
  /** Polls until a record is given that was not seen before. */
  const record = async (): Promise<Seen & { readonly faults: (string | number)[] }> => {
    const faults: (string | number)[] = []
    for (let polls = 0; polls < 100; polls++) {
      const seen = await poll()
      if (seen.sample !== undefined) return { ...seen, faults }
      if (seen.fault !== undefined) faults.push(seen.fault)
    }
    throw new Error('no record')
  }
  const untilNext = () => SAMPLE_MS - ((clock.now().mono - begun) % SAMPLE_MS) + 50
  /** Polls, or at the end only waits, until the counter shows its next record, which is then not read yet. */
  const nextRecord = async (isPolled = true): Promise<void> => {
    while (isPolled && untilNext() > POLL_MS + 100) await poll()
    await clock.advance(untilNext())
  }
  const begun = clock.now().mono
  const refuse = (durationMs?: number, times?: number) => {
    keepUp()
    world.fault('pc-1', 'illegal-register', {
      value: LARGE_AT,
      ...(durationMs !== undefined && { durationMs }),
      ...(times !== undefined && { times }),
    })
  }
  return { ...bench, world, poll, record, nextRecord, refuse }
}

const channelsOf = ({ sample }: Seen): string[] => Object.keys(sample?.counts ?? {}).sort()
const BOTH = [SMALL, LARGE].sort()

async function afterOneRecord() {
  const rig = counterRig()
  await rig.nextRecord()
  await rig.poll()
  const before = await rig.poll()
  expect(before.fault).toBeUndefined()
  await rig.nextRecord()
  return rig
}

describe('URS-06 URS-12 FB4 a channel of a record that is refused', () => {
  it('once is asked for again at once', async () => {
    const rig = await afterOneRecord()
    rig.refuse(undefined, 3)
    const seen = await rig.record()
    expect([channelsOf(seen), seen.faults]).toEqual([BOTH, []])
  })

  it('for a second is waited for while the instrument keeps the record', async () => {
    const rig = await afterOneRecord()
    const from = rig.clock.now().mono
    rig.refuse(900)
    const seen = await rig.record()
    expect([channelsOf(seen), seen.faults]).toEqual([BOTH, ['exception 2', 'exception 2']])
    expect(seen.mono - from).toBeLessThan(GRACE_MS)
    const after = await rig.record()
    expect([channelsOf(after), after.faults]).toEqual([BOTH, []])
    expect((after.sample?.identity ?? 0) - (seen.sample?.identity ?? 0)).toBe(SAMPLE_MS / 1000)
  })

  it('for good costs the first record its grace and no later one anything, and not one of them is lost', async () => {
    const rig = await afterOneRecord()
    const from = rig.clock.now().mono
    rig.refuse()
    const first = await rig.record()
    expect(channelsOf(first)).toEqual([SMALL])
    expect(first.mono - from).toBeGreaterThan(GRACE_MS / 2)
    expect(first.mono - from).toBeLessThan(GRACE_MS)
    let last = first
    for (let record = 0; record < 5; record++) {
      await rig.nextRecord()
      const shownAt = rig.clock.now().mono
      const next = await rig.record()
      expect([channelsOf(next), next.faults]).toEqual([[SMALL], []])
      expect(next.mono - shownAt).toBeLessThan(POLL_MS)
      expect((next.sample?.identity ?? 0) - (last.sample?.identity ?? 0)).toBe(SAMPLE_MS / 1000)
      last = next
    }
    rig.world.clear('pc-1')
    const healed = await rig.record()
    expect([channelsOf(healed), healed.faults]).toEqual([BOTH, []])
  })

  it('is given without it when the instrument falls silent meanwhile', async () => {
    const rig = await afterOneRecord()
    rig.refuse()
    expect((await rig.poll()).fault).toBe('exception 2')
    rig.world.fault('pc-1', 'silence')
    const seen = await rig.poll()
    expect(channelsOf(seen)).toEqual([SMALL])
    expect((await rig.poll()).fault).toBe('timeout')
  })

  it('is given without it when another record has taken its place, which is then read too', async () => {
    const rig = await afterOneRecord()
    rig.refuse()
    expect((await rig.poll()).fault).toBe('exception 2')
    await rig.nextRecord(false)
    rig.world.clear('pc-1')
    const [kept, next] = [await rig.poll(), await rig.poll()]
    expect([channelsOf(kept), channelsOf(next)]).toEqual([[SMALL], BOTH])
    expect((next.sample?.identity ?? 0) - (kept.sample?.identity ?? 0)).toBe(SAMPLE_MS / 1000)
  })

  it('is not waited for where polls are rare: the record is given, once asked for again', async () => {
    const rig = await afterOneRecord()
    await rig.clock.advance(SAMPLE_MS * 2)
    rig.refuse()
    expect(channelsOf(await rig.poll())).toEqual([SMALL])
  })
})
