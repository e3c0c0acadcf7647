// What a consumer can tell from the messages alone (contract §3): which records it lacks, whatever was lost, doubled or shuffled.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { event, readings } from '../../support/memory-store.ts'
import { uplinkRig } from '../../support/uplink-rig.ts'

interface Span {
  readonly stream: string
  readonly prev: number
  readonly last: number
}

/** The messages of both streams of one life, in the order they were published. */
async function published(): Promise<Span[]> {
  const rig = uplinkRig()
  for (let round = 0; round < 12; round++) rig.commit([...readings(1 + 37 * round), event()])
  rig.uplink.start()
  await rig.clock.advance(60_000)
  return rig.broker.published
    .filter(({ leaf }) => leaf === 'readings' || leaf === 'event')
    .map(({ leaf, payload }) => {
      const { prev, last, seq } = JSON.parse(payload) as Record<string, number>
      return { stream: leaf, prev: prev as number, last: (last ?? seq) as number }
    })
}

/** Whether a record of the stream may be in a hole: no message that came covers its number. */
const isMissing = (came: readonly Span[], stream: string, seq: number): boolean =>
  !came.some((each) => each.stream === stream && each.prev < seq && seq <= each.last)

describe('a consumer', () => {
  it('URS-56 NE8 finds exactly what was lost, whatever is doubled and in whatever order it comes', async () => {
    const all = await published()
    expect(all.length).toBeGreaterThan(30)
    const arrivals = fc.tuple(
      fc.subarray(all, { minLength: all.length - 10 }),
      fc.subarray(all),
      fc.infiniteStream(fc.nat()),
    )
    fc.assert(
      fc.property(arrivals, ([kept, again, dice]) => {
        const shuffled = [...kept, ...again.filter((each) => kept.includes(each))]
          .map((span) => ({ span, order: dice.next().value as number }))
          .toSorted((one, other) => one.order - other.order)
          .map(({ span }) => span)
        for (const { stream, last } of all) {
          const lost = !kept.some((each) => each.stream === stream && each.last === last)
          expect(isMissing(shuffled, stream, last)).toBe(lost)
        }
      }),
      { numRuns: 200 },
    )
  })
})
