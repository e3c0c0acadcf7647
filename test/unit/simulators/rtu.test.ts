// The simulated serial line in virtual time: golden frames, timing to the byte, and every fault of the line.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '#core/random.ts'
import { type FaultKind, type FaultOptions, FaultSet } from '../../../simulators/faults.ts'
import type { LineSettings } from '../../../simulators/spec.ts'
import { crc16, crcFits, withCrc } from '../../../simulators/wire/crc16.ts'
import { lineTiming } from '../../../simulators/wire/line-timing.ts'
import { RtuLine } from '../../../simulators/wire/rtu-line.ts'
import { RequestReader } from '../../../simulators/wire/rtu-request.ts'
import { virtualClock } from '../../support/virtual-clock.ts'
import { Site } from './site.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** Requests as the manuals and devices.md print them, CRC and all. */
const GOLDEN = [
  '01 06 00 18 FF FF 08 7D',
  '01 04 00 00 00 18 F0 00',
  '01 06 00 01 00 0B 99 CD',
  '01 03 00 00 00 3C 45 DB',
  '2B 03 04 BE 00 02 A2 D5',
  '2B 03 02 59 00 01 52 6B',
  'F0 03 00 00 00 04 51 28',
  'F0 03 1F 00 00 03 17 3E',
  'F0 03 00 00 00 02 D1 2A',
  '01 04 00 D3 00 19 C0 39',
]
const READ_DP = '2B 03 04 BE 00 02 A2 D5'
const READ_TEST = 'F0 03 1F 00 00 03 17 3E'

interface Rig {
  readonly line: RtuLine
  readonly faults: FaultSet
  readonly site: Site
  /** What came, with the moment of its last byte. */
  readonly heard: { at: number; bytes: Buffer }[]
  send(text: string): void
  advance(ms: number): Promise<void>
  hungUp: number
}

function rig(options: { pace?: 'byte' | 'frame'; line?: LineSettings } = {}): Rig {
  const clock = virtualClock(1_763_806_500_000, 1000)
  const faults = new FaultSet(seededRandom(3))
  const site = new Site()
  site.run(1)
  const units = [1, 43, 240].map((unitId, index) => {
    const unit = site.world.unit(['pc-1', 'dp-1', 'th-1'][index] ?? '')
    if (unit === undefined) throw new Error('no unit')
    return { unitId, device: unit.device, faults: unit.faults }
  })
  const heard: { at: number; bytes: Buffer }[] = []
  const made = {
    faults,
    site,
    heard,
    hungUp: 0,
    line: new RtuLine({
      clock,
      random: seededRandom(5),
      line: options.line ?? { baudRate: 19_200, parity: 'none', stopBits: 1 },
      units,
      faults,
      pace: options.pace ?? 'frame',
      deliver: (bytes) => heard.push({ at: clock.now().mono, bytes: Buffer.from(bytes) }),
      hangUp: () => {
        made.hungUp += 1
      },
    }),
    send: (text: string) => made.line.receive(hex(text)),
    advance: (ms: number) => clock.advance(ms),
  }
  return made
}

const all = ({ heard }: Rig): Buffer => Buffer.concat(heard.map(({ bytes }) => bytes))

describe('CRC and timing', () => {
  it.each(GOLDEN)('URS-64 %s has the CRC that the manual prints', (frame) => {
    expect(crcFits(hex(frame))).toBe(true)
    expect(withCrc(hex(frame).subarray(0, -2))).toEqual(hex(frame))
  })

  it('finds every change of one or two bits', () => {
    const frame = hex(READ_DP)
    for (let first = 0; first < 64; first++) {
      for (let second = first; second < 64; second++) {
        const changed = Buffer.from(frame)
        for (const bit of new Set([first, second]))
          changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        expect(crcFits(changed)).toBe(false)
      }
    }
    expect(crc16(Buffer.alloc(0))).toBe(0xffff)
  })

  it.each([
    [{ baudRate: 9600, parity: 'even' }, 11 / 9.6, 3.5 * (11 / 9.6)],
    [{ baudRate: 19_200, parity: 'none' }, 10 / 19.2, 3.5 * (10 / 19.2)],
    [{ baudRate: 19_200, parity: 'none', stopBits: 2 }, 11 / 19.2, 3.5 * (11 / 19.2)],
    [{ baudRate: 115_200, parity: 'none' }, 10 / 115.2, 1.75],
  ] as const)(
    '%o has characters and silence as the specification says',
    (settings, character, silence) => {
      const timing = lineTiming(settings)
      expect(timing.characterMs).toBeCloseTo(character, 6)
      expect(timing.silentIntervalMs).toBeCloseTo(silence, 6)
    },
  )
})

describe('requests on the line', () => {
  it('are found however they are cut, several at once, and function 16 by its length', () => {
    const bytes = hex(
      `${GOLDEN.join(' ')} ${withCrc(hex('F0 10 06 00 00 01 02 00 05')).toString('hex')} ${withCrc(hex('F0 2B 0E 01 00')).toString('hex')}`,
    )
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 20 }),
        (cuts) => {
          const reader = new RequestReader()
          const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
          const found = at
            .slice(1)
            .flatMap((end, index) => reader.push(bytes.subarray(at[index], end)))
          expect(found).toHaveLength(GOLDEN.length + 2)
          expect(reader.begun).toBe(false)
        },
      ),
    )
  })

  it('never throws and never keeps more than a frame, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }), (chunks) => {
        const reader = new RequestReader()
        for (const chunk of chunks)
          for (const found of reader.push(Buffer.from(chunk))) expect(crcFits(found)).toBe(true)
        reader.silence()
        expect(reader.begun).toBe(false)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a line with several units', () => {
  it('URS-64 answers the golden request with a whole frame', async () => {
    const made = rig()
    made.send(READ_TEST)
    await made.advance(100)
    expect(all(made)).toEqual(withCrc(hex('F0 03 06 CF C7 E6 66 C2 F6')))
    expect(made.line.counts).toEqual({
      requests: 1,
      replies: 1,
      silentIntervalViolations: 0,
      malformed: 0,
      foreign: 0,
      lateMs: 0,
    })
  })

  it('URS-64 takes the time that the bytes take, and hands on each as it has been sent', async () => {
    const made = rig({ pace: 'byte' })
    made.send(READ_TEST)
    await made.advance(100)
    const character = 10 / 19.2
    const begin = 1000 + 8 * character + 3.5 * character + 2
    expect(made.heard).toHaveLength(11)
    made.heard.forEach(({ at, bytes }, index) => {
      expect(bytes).toHaveLength(1)
      expect(at).toBeCloseTo(begin + (index + 1) * character, 3)
    })
  })

  it('URS-64 counts a request that comes before t3.5 has passed, and not one that keeps to it', async () => {
    const made = rig()
    made.send(READ_TEST)
    await made.advance(100)
    made.send(READ_TEST)
    await made.advance(100)
    expect(made.line.counts.silentIntervalViolations).toBe(0)
    const soon = rig({ pace: 'byte' })
    soon.send(READ_TEST)
    while (soon.heard.length < 11) await soon.advance(0.1)
    await soon.advance(1)
    soon.send(READ_TEST)
    await soon.advance(100)
    expect(soon.line.counts.silentIntervalViolations).toBe(1)
    expect(soon.line.counts.replies).toBe(2)
  })

  it('URS-64 is silent for a unit that is not there, and for bytes that are no request', async () => {
    const made = rig()
    made.line.receive(withCrc(hex('07 03 00 00 00 01')))
    await made.advance(100)
    made.send('2B 03 04 BE 00 02 A2 D6')
    await made.advance(100)
    made.send(READ_TEST)
    await made.advance(100)
    expect(all(made)).toHaveLength(11)
    expect(made.line.counts).toMatchObject({ requests: 2, foreign: 1, malformed: 1, replies: 1 })
  })

  it('URS-64 a broadcast is heard by all and answered by none', async () => {
    const made = rig()
    made.line.receive(withCrc(hex('00 06 00 19 00 07')))
    await made.advance(100)
    expect(made.heard).toHaveLength(0)
    expect(made.site.words('pc-1', 3, 25, 1)).toEqual([7])
  })
})

describe('faults of the line', () => {
  async function under(kind: FaultKind, options: FaultOptions = {}, sends = 1): Promise<Rig> {
    const made = rig()
    const unit = made.site.world.unit('th-1')
    const on = kind === 'pull' || kind === 'echo' || kind === 'wrong-baud' || kind === 'half-open'
    ;(on ? made.faults : unit?.faults)?.set(kind, options, 1000)
    for (let send = 0; send < sends; send++) {
      made.send(READ_TEST)
      await made.advance(200)
    }
    return made
  }
  const RIGHT = withCrc(hex('F0 03 06 CF C7 E6 66 C2 F6'))

  it.each(['silence', 'lost', 'pull', 'half-open'] as const)(
    'URS-64 %s: nothing comes',
    async (kind) => {
      expect((await under(kind)).heard).toEqual([])
    },
  )

  it('URS-64 FB2 delay: the reply comes late, and another unit’s in between', async () => {
    const made = rig()
    made.site.world.unit('th-1')?.faults.set('delay', { value: 150, times: 1 }, 1000)
    made.send(READ_TEST)
    await made.advance(60)
    made.send(READ_DP)
    await made.advance(200)
    expect(made.heard.map(({ bytes }) => bytes[0])).toEqual([43, 240])
    expect(made.heard[1]?.at).toBeGreaterThan(1150)
  })

  it('URS-64 FB3 flip: one bit is another, and the CRC says so', async () => {
    const made = await under('flip')
    const bits = [...all(made)].reduce((sum, byte, at) => {
      let changed = byte ^ (RIGHT[at] ?? 0)
      let count = 0
      for (; changed > 0; changed >>= 1) count += changed & 1
      return sum + count
    }, 0)
    expect(bits).toBe(1)
    expect(crcFits(all(made))).toBe(false)
  })

  it('URS-64 FB11 split: two pieces with a pause; merge: two replies at once', async () => {
    const split = await under('split', { value: 30 })
    expect(split.heard.map(({ bytes }) => bytes.length)).toEqual([6, 5])
    expect((split.heard[1]?.at ?? 0) - (split.heard[0]?.at ?? 0)).toBeGreaterThan(30)
    expect(all(split)).toEqual(RIGHT)
    const merged = await under('merge', { times: 1 }, 2)
    expect(merged.heard.map(({ bytes }) => bytes)).toEqual([Buffer.concat([RIGHT, RIGHT])])
  })

  it('URS-64 FB11 echo: the request comes back before the reply', async () => {
    expect(all(await under('echo'))).toEqual(Buffer.concat([hex(READ_TEST), RIGHT]))
  })

  it('URS-64 garbage: so many bytes before the reply', async () => {
    const bytes = all(await under('garbage', { value: 4 }))
    expect(bytes).toHaveLength(15)
    expect(bytes.subarray(4)).toEqual(RIGHT)
  })

  it('URS-64 FB19 duplicate: collisions, and values of one or the other', async () => {
    const made = await under('duplicate', {}, 40)
    const frames = made.heard.map(({ bytes }) => bytes)
    const right = frames.filter((frame) => frame.equals(RIGHT)).length
    const whole = frames.filter((frame) => crcFits(frame)).length
    expect(frames).toHaveLength(40)
    expect(right).toBeGreaterThan(2)
    expect(whole - right).toBeGreaterThan(2)
    expect(whole).toBeLessThan(35)
  })

  it('URS-64 FB18 wrong-baud: mostly silence, else bytes without a fitting CRC', async () => {
    const made = await under('wrong-baud', {}, 40)
    expect(made.heard.length).toBeGreaterThan(2)
    expect(made.heard.length).toBeLessThan(25)
    expect(made.heard.some(({ bytes }) => crcFits(bytes))).toBe(false)
  })

  it('URS-64 wrong-unit, wrong-function, exception, stale reply, hang-up', async () => {
    expect(all(await under('wrong-unit'))[0]).toBe(241)
    expect(all(await under('wrong-function'))[1]).toBe(4)
    expect(all(await under('exception', { value: 6 }))).toEqual(withCrc(hex('F0 83 06')))
    expect((await under('disconnect')).hungUp).toBe(1)
    const stale = rig()
    stale.send(READ_TEST)
    await stale.advance(100)
    stale.site.world.unit('th-1')?.faults.set('wrong-transaction', {}, 1000)
    stale.line.receive(withCrc(hex('F0 03 02 00 00 01')))
    await stale.advance(100)
    expect(stale.heard.map(({ bytes }) => bytes)).toEqual([RIGHT, RIGHT])
  })

  it('URS-64 word-order changes the words of a pair about; undefined-ffff hides exception 2', async () => {
    expect(all(await under('word-order'))).toEqual(withCrc(hex('F0 03 06 E6 66 CF C7 C2 F6')))
    const made = rig()
    made.site.world.unit('th-1')?.faults.set('undefined-ffff', {}, 1000)
    made.line.receive(withCrc(hex('F0 03 04 00 00 02')))
    made.send(READ_TEST)
    await made.advance(200)
    expect(all(made)).toEqual(Buffer.concat([withCrc(hex('F0 03 04 FF FF FF FF')), RIGHT]))
  })

  it('a rate strikes its share, times so often', () => {
    const faults = new FaultSet(seededRandom(9))
    faults.set('lost', { rate: 0.25 }, 0)
    const struck = Array.from({ length: 2000 }, () => faults.strikes('lost', 1)).filter(
      (fault) => fault !== undefined,
    )
    expect(struck.length / 2000).toBeGreaterThan(0.21)
    expect(struck.length / 2000).toBeLessThan(0.29)
    faults.set('busy', { times: 2, durationMs: 100 }, 0)
    expect([1, 2, 3].map((at) => faults.strikes('busy', at) !== undefined)).toEqual([
      true,
      true,
      false,
    ])
    faults.set('busy', { durationMs: 100 }, 0)
    expect([99, 100].map((at) => faults.active('busy', at) !== undefined)).toEqual([true, false])
  })
})
