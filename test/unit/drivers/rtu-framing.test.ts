// RTU frames in a stream: found however they are split, refused however little they are damaged. URS-10, FB3, FB11.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '#core/random.ts'
import type { ReadRequest } from '#drivers/modbus/request.ts'
import { RtuFraming } from '#drivers/modbus/rtu-framing.ts'
import { rtu } from '../../support/fake-wire.ts'

describe('URS-10 RTU framing as a function', () => {
  const request: ReadRequest = { unitId: 17, functionCode: 3, address: 107, quantity: 3 }
  const sent = Buffer.from('1103006b00037687', 'hex')
  const reply = rtu(17, Buffer.from('0306022b00000064', 'hex'))
  const exception = rtu(17, Buffer.from('8302', 'hex'))

  function framing() {
    const seen = {
      replies: [] as string[],
      spoilt: [] as string[],
      late: 0,
      foreign: 0,
      malformed: 0,
    }
    const wire = new RtuFraming(
      {
        reply: (bytes) => void seen.replies.push(bytes.toString('hex')),
        spoilt: (verdict) => void seen.spoilt.push(verdict),
        lateReply: () => void seen.late++,
        foreignFrame: () => void seen.foreign++,
        malformedFrame: () => void seen.malformed++,
      },
      { charMs: 0.5, gapMs: 2 },
    )
    wire.begin(sent, request, 0)
    return { wire, seen }
  }

  const pieces = (bytes: Uint8Array, at: readonly number[]): Uint8Array[] => {
    const cuts = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
    return [...cuts, bytes.length].map((cut, index) =>
      bytes.subarray(index === 0 ? 0 : cuts[index - 1], cut),
    )
  }

  it('FB11 gives the same reply however it is split, with echo, or behind noise', () => {
    const before = fc.oneof(
      fc.constant(Buffer.alloc(0)),
      fc.constant(sent),
      fc
        .uint8Array({ maxLength: 40 })
        .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 17 ? 18 : byte)))),
    )
    fc.assert(
      fc.property(
        before,
        fc.boolean(),
        fc.array(fc.nat(300), { maxLength: 8 }),
        (prefix, refused, at) => {
          const { wire, seen } = framing()
          const answer = refused ? exception : reply
          for (const piece of pieces(Buffer.concat([prefix, answer]), at)) wire.push(piece, 1)
          expect(seen.replies).toEqual([answer.toString('hex')])
        },
      ),
    )
  })

  it('FB3 refuses every reply with one or two bits flipped', () => {
    for (let first = 0; first < reply.length * 8; first++) {
      for (let second = first; second < reply.length * 8; second++) {
        const bytes = Buffer.from(reply)
        bytes[first >> 3] = (bytes[first >> 3] ?? 0) ^ (1 << (first & 7))
        if (second !== first) bytes[second >> 3] = (bytes[second >> 3] ?? 0) ^ (1 << (second & 7))
        const { wire, seen } = framing()
        wire.push(bytes, 1)
        expect(seen.replies).toEqual([])
      }
    }
  })

  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'timeout'],
    ['only the echo', sent, 'timeout'],
    ['half an echo', sent.subarray(0, 5), 'timeout'],
    ['part of the reply', reply.subarray(0, 7), 'torn'],
    ['as many bytes as a reply, of noise', Buffer.alloc(11, 0x55), 'torn'],
    ['noise, then a damaged reply', Buffer.from('ff1103060000000000010203', 'hex'), 'crc'],
    ['a damaged reply of another unit', Buffer.from('1203060000000000010203', 'hex'), 'torn'],
    ['a whole reply of another unit', rtu(18, Buffer.of(3, 6, 0, 1, 0, 2, 0, 3)), 'timeout'],
    ['a reply of another length', rtu(17, Buffer.of(3, 2, 0, 1)), 'frame'],
    ['a reply of another function', rtu(17, Buffer.of(4, 6, 0, 1, 0, 2, 0, 3)), 'frame'],
  ])('says what was seen at the deadline: %s', (_name, bytes, verdict) => {
    const { wire, seen } = framing()
    if (bytes.length > 0) wire.push(bytes, 1)
    expect(wire.end()).toBe(verdict)
    expect(seen.replies).toEqual([])
  })

  const stranger = rtu(18, Buffer.of(3, 6, 0, 1, 0, 2, 0, 3))
  it.each<[string, Buffer[], { late?: number; foreign?: number; malformed?: number }]>([
    ['nothing before it', [], {}],
    ['its echo', [sent], {}],
    ['the reply that was given up', [reply], { late: 1 }],
    ['that reply twice', [reply, reply], { late: 1, foreign: 1 }],
    ['a frame of another unit', [stranger], { foreign: 1 }],
    ['noise', [Buffer.of(0, 0xff, 0x55)], { malformed: 1 }],
    ['noise around a frame', [Buffer.of(0), stranger, Buffer.of(0)], { foreign: 1, malformed: 1 }],
  ])('FB2 FB3 accounts for what lies before a reply: %s', (_name, before, counted) => {
    const { wire, seen } = framing()
    expect(wire.end(), 'the first request is given up').toBe('timeout')
    const next: ReadRequest = { ...request, unitId: 19 }
    const answer = rtu(19, Buffer.from('0306022b00000064', 'hex'))
    wire.begin(sent, next, 100)
    wire.push(Buffer.concat([...before, answer]), 101)
    expect(seen).toEqual({
      replies: [answer.toString('hex')],
      spoilt: [],
      ...{ late: 0, foreign: 0, malformed: 0, ...counted },
    })
  })

  it('URS-10 100,000 mutated streams: none throws, and what is accepted is a whole frame of the stream', () => {
    const random = seededRandom(485)
    const below = (limit: number) => Math.floor(random() * limit)
    const golden = [
      reply,
      exception,
      sent,
      rtu(18, Buffer.from('0306022b00000064', 'hex')),
      rtu(17, Buffer.from('03020001', 'hex')),
      rtu(17, Buffer.from('8403', 'hex')),
    ]
    const pick = () => golden[below(golden.length)] ?? reply
    const mutate = (bytes: Buffer): Buffer => {
      const copy = Buffer.from(bytes)
      const at = below(copy.length)
      switch (below(8)) {
        case 0:
          copy[at] = (copy[at] ?? 0) ^ (1 << below(8))
          return copy
        case 1:
          copy[at] = below(256)
          return copy
        case 2:
          return copy.subarray(0, 1 + at)
        case 3:
          return Buffer.concat([copy, pick()])
        case 4:
          return Buffer.concat([Buffer.alloc(below(300), below(256)), copy])
        case 5:
          // Fixed up: a lie with a good CRC.
          return copy.length < 4 ? copy : rtu(copy[0] ?? 0, copy.subarray(1, -2))
        case 6:
          copy[2] = below(256)
          return copy.length < 4 ? copy : rtu(copy[0] ?? 0, copy.subarray(1, -2))
        default:
          return copy
      }
    }
    let accepted = 0
    for (let run = 0; run < 100_000; run++) {
      const { wire, seen } = framing()
      let stream = pick()
      for (let step = below(4); step > 0; step--) stream = mutate(stream)
      for (const piece of pieces(stream, [below(300), below(300)])) {
        if (piece.length > 0) wire.push(piece, 1)
      }
      wire.end()
      expect(seen.replies.length).toBeLessThanOrEqual(1)
      const [text] = seen.replies
      if (text === undefined) continue
      accepted++
      const frame = Buffer.from(text, 'hex')
      expect(stream.includes(frame)).toBe(true)
      expect(rtu(17, frame.subarray(1, -2)).equals(frame)).toBe(true)
      expect(
        frame[1] === 3
          ? frame.length === 11 && frame[2] === 6
          : frame[1] === 0x83 && frame.length === 5,
      ).toBe(true)
    }
    expect(accepted).toBeGreaterThan(10_000)
  })
})
