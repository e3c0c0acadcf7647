// The MBAP framer under every split, and under a hundred thousand hostile streams.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '#core/random.ts'
import { MbapFramer } from '#drivers/modbus/mbap.ts'
import { MbapFraming } from '#drivers/modbus/mbap-framing.ts'
import type { ReadRequest } from '#drivers/modbus/request.ts'
import { adu } from '../../support/modbus-server.ts'

const frame = fc
  .tuple(fc.nat(0xffff), fc.nat(255), fc.uint8Array({ minLength: 1, maxLength: 253 }))
  .map(([id, unit, pdu]) => adu(id, unit, Buffer.from(pdu)))

function cut(stream: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...new Set(at.map((place) => place % (stream.length + 1)))].sort((a, b) => a - b)
  const pieces: Uint8Array[] = []
  let from = 0
  for (const place of [...places, stream.length]) {
    pieces.push(stream.subarray(from, place))
    from = place
  }
  return pieces
}

describe('MbapFramer', () => {
  it('FB11 gives the same frames however the stream is split', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), fc.array(fc.nat(2000)), (frames, at) => {
        const framer = new MbapFramer()
        const seen: string[] = []
        for (const piece of cut(Buffer.concat(frames), at)) {
          const followed = framer.push(piece, (bytes, start, end) => {
            seen.push(Buffer.from(bytes.subarray(start, end)).toString('hex'))
          })
          expect(followed).toBe(true)
        }
        expect(seen).toEqual(frames.map((bytes) => bytes.toString('hex')))
        expect(framer.held).toBe(0)
      }),
    )
  })

  it.each([
    ['a protocol identifier that is not 0', '0001000100060103020001'],
    ['a length of 0', '000100000000'],
    ['a length of 1', '0001000000010000'],
    ['a length beyond an ADU', '0001000000ff01'],
    ['text', Buffer.from('SSH-2.0-OpenSSH').toString('hex')],
  ])('is lost after %s, whole or byte by byte', (_name, hex) => {
    const bytes = Buffer.from(hex, 'hex')
    expect(new MbapFramer().push(bytes, () => undefined)).toBe(false)
    const framer = new MbapFramer()
    let followed = true
    for (const byte of bytes)
      followed = followed && framer.push(Uint8Array.of(byte), () => undefined)
    expect(followed).toBe(false)
  })
})

const request: ReadRequest = { unitId: 17, functionCode: 3, address: 107, quantity: 3 }
const rtuRequest = Buffer.from('1103006b00037687', 'hex')

interface Seen {
  readonly replies: string[]
  late: number
  foreign: number
  malformed: number
}

function framing(firstId = 0) {
  const seen: Seen = { replies: [], late: 0, foreign: 0, malformed: 0 }
  const sink = {
    reply: (bytes: Buffer) => void seen.replies.push(bytes.toString('hex')),
    spoilt: () => undefined,
    lateReply: () => void seen.late++,
    foreignFrame: () => void seen.foreign++,
    malformedFrame: () => void seen.malformed++,
  }
  return { framing: new MbapFraming(sink, firstId), seen }
}

describe('MbapFraming', () => {
  it('sends the request of the specification with its own transaction id, which wraps at 16 bits', () => {
    const { framing: wire } = framing(0xfffe)
    expect(Buffer.from(wire.begin(rtuRequest, request)).toString('hex')).toBe(
      'ffff000000061103006b0003',
    )
    expect(Buffer.from(wire.begin(rtuRequest, request)).toString('hex')).toBe(
      '0000000000061103006b0003',
    )
  })

  it('hands on the answer of the specification, RTU-style, and takes a second one for late', () => {
    const { framing: wire, seen } = framing()
    wire.begin(rtuRequest, request)
    const answer = adu(1, 17, Buffer.from('0306022b00000064', 'hex'))
    wire.push(Buffer.concat([answer, answer]))
    expect(seen).toEqual({ replies: ['110306022b00000064c8ba'], late: 1, foreign: 0, malformed: 0 })
  })

  it.each<[string, Buffer, Partial<Seen>]>([
    ['an older transaction', adu(0, 17, Buffer.from('0306022b00000064', 'hex')), { late: 1 }],
    [
      'a transaction never begun',
      adu(2, 17, Buffer.from('0306022b00000064', 'hex')),
      { foreign: 1 },
    ],
    ['another unit', adu(1, 18, Buffer.from('0306022b00000064', 'hex')), { foreign: 1 }],
    ['an exception of another unit', adu(1, 18, Buffer.from('8302', 'hex')), { foreign: 1 }],
    ['another function', adu(1, 17, Buffer.from('0406022b00000064', 'hex')), { foreign: 1 }],
    ['an exception of another function', adu(1, 17, Buffer.from('8402', 'hex')), { foreign: 1 }],
    ['too few registers', adu(1, 17, Buffer.from('0304022b0000', 'hex')), { malformed: 1 }],
    [
      'a byte count that lies',
      adu(1, 17, Buffer.from('0308022b00000064', 'hex')),
      { malformed: 1 },
    ],
    [
      'bytes behind the answer',
      adu(1, 17, Buffer.from('0306022b0000006400', 'hex')),
      { malformed: 1 },
    ],
    ['an exception without code', adu(1, 17, Buffer.from('83', 'hex')), { malformed: 1 }],
    ['an exception of two codes', adu(1, 17, Buffer.from('830202', 'hex')), { malformed: 1 }],
  ])('URS-10 FB2 FB10 FB11 drops and counts %s', (_name, bytes, counted) => {
    const { framing: wire, seen } = framing()
    wire.begin(rtuRequest, request)
    wire.push(bytes)
    expect(seen).toEqual({ replies: [], late: 0, foreign: 0, malformed: 0, ...counted })
    expect(wire.end()).toBe((counted.malformed ?? 0) > 0 ? 'frame' : 'timeout')
  })

  it('takes nothing once the request has ended', () => {
    const { framing: wire, seen } = framing()
    wire.begin(rtuRequest, request)
    wire.end()
    wire.push(adu(1, 17, Buffer.from('0306022b00000064', 'hex')))
    expect(seen).toMatchObject({ replies: [], late: 1 })
  })

  it('URS-10 100,000 mutated streams: none throws, and what is accepted re-encodes to the same bytes', () => {
    const random = seededRandom(20260101)
    const below = (limit: number) => Math.floor(random() * limit)
    const golden = [
      adu(1, 17, Buffer.from('0306022b00000064', 'hex')),
      adu(1, 17, Buffer.from('8302', 'hex')),
      adu(0, 17, Buffer.from('0306022b00000064', 'hex')),
      adu(1, 18, Buffer.from('8306', 'hex')),
      adu(1, 17, Buffer.from('0406ffffffffffff', 'hex')),
    ]
    const mutate = (bytes: Buffer): Buffer => {
      const copy = Buffer.from(bytes)
      switch (below(7)) {
        case 0:
          copy[below(copy.length)] = (copy[below(copy.length)] ?? 0) ^ (1 << below(8))
          return copy
        case 1:
          copy[below(copy.length)] = below(256)
          return copy
        case 2:
          return copy.subarray(0, below(copy.length + 1))
        case 3:
          return Buffer.concat([copy, golden[below(golden.length)] ?? copy])
        case 4:
          copy.writeUInt16BE(below(300), 4)
          return copy
        case 5: {
          const longer = Buffer.concat([copy, Buffer.alloc(below(12), below(256))])
          longer.writeUInt16BE(longer.length - 6, 4)
          return longer
        }
        default:
          return copy
      }
    }
    let accepted = 0
    let lost = 0
    for (let run = 0; run < 100_000; run++) {
      const { framing: wire, seen } = framing()
      wire.begin(rtuRequest, request)
      let stream = golden[below(golden.length)] ?? Buffer.alloc(0)
      for (let step = below(4); step > 0; step--) if (stream.length > 6) stream = mutate(stream)
      let followed = true
      for (const piece of cut(stream, [below(300), below(300)])) {
        followed = followed && wire.push(piece)
      }
      if (!followed) lost++
      expect(seen.replies.length).toBeLessThanOrEqual(1)
      const [reply] = seen.replies
      if (reply === undefined) continue
      accepted++
      const pdu = Buffer.from(reply, 'hex').subarray(1, -2)
      expect(stream.includes(adu(1, 17, pdu))).toBe(true)
      expect(
        pdu[0] === 3 ? pdu.length === 8 && pdu[1] === 6 : pdu[0] === 0x83 && pdu.length === 2,
      ).toBe(true)
    }
    expect(accepted).toBeGreaterThan(15_000)
    expect(lost).toBeGreaterThan(1000)
  })
})
