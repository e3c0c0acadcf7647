// FB3: a line of whose replies too many come damaged is a bus fault, though retries still find a value.

import { describe, expect, it } from 'vitest'
import { LineNoise } from '#drivers/modbus/line-noise.ts'
import type { ReadOutcome } from '#drivers/modbus/request.ts'
import type { LinkState } from '#ports/driver.ts'
import { briefs, instrument, profileOf, rtuBus, signal } from '../../support/driver-rig.ts'
import { wireRig } from '../../support/wire-rig.ts'

type Kind = ReadOutcome['kind']

/** `count` replies within a moment, so many of them damaged, the damaged ones last. */
function feed(noise: LineNoise, count: number, damaged: number, atMono = 0, kind: Kind = 'crc') {
  for (let index = 0; index < count; index++)
    noise.ended(index < count - damaged ? 'data' : kind, atMono)
}

describe('FB3 the share of damaged replies', () => {
  it.each<[string, number, number, boolean]>([
    ['none of 20', 20, 0, false],
    ['a tenth of 20', 20, 2, false],
    ['more than a tenth of 20', 20, 3, true],
    ['most of 19: too few to say', 19, 18, false],
    ['a tenth of 200', 200, 20, false],
    ['one more', 200, 21, true],
  ])('%s', (_name, count, damaged, noisy) => {
    const noise = new LineNoise()
    feed(noise, count, damaged)
    expect(noise.cause !== undefined).toBe(noisy)
  })

  it.each<[Kind, boolean]>([
    ['crc', true],
    ['frame', true],
    ['torn', true],
    ['exception', false],
    ['timeout', false],
    ['disconnected', false],
  ])('%s counts as damage: %s', (kind, noisy) => {
    const noise = new LineNoise()
    feed(noise, 24, 4, 0, kind)
    expect(noise.cause !== undefined).toBe(noisy)
  })

  it('names share and remedy, and keeps its words', () => {
    const noise = new LineNoise()
    feed(noise, 20, 3)
    expect(noise.cause).toMatch(
      /15 % .*\(3 of 20\); check termination, bias and shield, compare speed/,
    )
    const said = noise.cause
    feed(noise, 2, 2)
    expect(noise.cause).toBe(said)
  })

  it.each<[string, number, boolean]>([
    ['at half the share it stays', 60 - 20, true],
    ['below half the share it is over', 61 - 20, false],
  ])('%s', (_name, sound, noisy) => {
    const noise = new LineNoise()
    feed(noise, 20, 3)
    feed(noise, sound, 0)
    expect(noise.cause !== undefined).toBe(noisy)
  })

  it('forgets what is more than a minute old, and says nothing of too few', () => {
    const noise = new LineNoise()
    feed(noise, 20, 3, 0)
    feed(noise, 19, 0, 60_000)
    expect(noise.cause).toBeDefined()
    expect(noise.ended('data', 60_000)).toBe(true)
    expect(noise.cause).toBeUndefined()
    feed(noise, 18, 2, 61_000)
    feed(noise, 18, 2, 125_000)
    expect(noise.cause).toBeUndefined()
  })
})

describe('FB3 a noisy line on which little is asked', () => {
  it('is quiet again after twenty sound replies, however long they take', () => {
    const noise = new LineNoise()
    feed(noise, 20, 3)
    for (let index = 1; index < 20; index++) noise.ended('data', 60_000 + index * 30_000)
    expect(noise.cause).toBeDefined()
    noise.ended('data', 660_000)
    expect(noise.cause).toBeUndefined()
  })
})

describe('FB3 a noisy line through the driver', () => {
  const one = instrument('one', 1, profileOf([signal('a', 0)]))
  const bus = rtuBus({ timeoutMs: 100, lateReplyMs: 200 })

  it('stays up, gives its values, and says that it is noisy until it is quiet', async () => {
    const { wire, poll, driver, clock } = wireRig([one], bus)
    wire.unit(1).set(3, 0, 7)
    const told: LinkState[] = []
    driver.onLink((link) => told.push(link))
    let turn = 0
    let every = 4
    wire.script = (_request, regular, send) => {
      const frame = regular()
      if (++turn % every === 0) frame[3] = (frame[3] ?? 0) ^ 0x10
      send(frame, 5)
    }
    for (let time = 0; time < 30; time++) expect(briefs(await poll(one))).toEqual([7])
    expect(driver.link()).toMatchObject({
      kind: 'up',
      noise: expect.stringMatching(/% of the replies/),
    })
    every = Number.POSITIVE_INFINITY
    await clock.advance(60_000)
    for (let time = 0; time < 30; time++) expect(briefs(await poll(one))).toEqual([7])
    expect(driver.link()).toEqual({ kind: 'up' })
    expect(told.map((link) => `${link.kind} ${'noise' in link}`)).toEqual([
      'up false',
      'up true',
      'up false',
    ])
  })
})
