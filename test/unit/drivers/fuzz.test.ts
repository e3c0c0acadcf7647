// Structure-aware fuzzing of framers and decoders: nothing throws, what is accepted is what was asked for, and it encodes to the
// very bytes it came from. `FUZZ=1000000` makes a million inputs for each, `FUZZ_SEED` other ones.

import { describe, expect, it } from 'vitest'
import { type Random, seededRandom } from '#core/random.ts'
import { decoderOf, widthOf } from '#drivers/modbus/decode.ts'
import type { Framing, FramingSink } from '#drivers/modbus/framing.ts'
import { identificationFrame, readObjects } from '#drivers/modbus/identification.ts'
import { MbapFraming } from '#drivers/modbus/mbap-framing.ts'
import type { ReadFunction, ReadRequest } from '#drivers/modbus/request.ts'
import { RtuFraming } from '#drivers/modbus/rtu-framing.ts'
import { sampleOf } from '#drivers/particle-counter/sample.ts'
import { layoutSample } from '#drivers/particle-counter/sample-plan.ts'
import { BYTE_ORDERS, type DataType } from '#drivers/profile.ts'
import { profileOf, signal } from '../../support/driver-rig.ts'
import { rtu } from '../../support/fake-wire.ts'
import { FUZZ_MS_MAX, INPUTS, inputs, pick, SEED, whole } from '../../support/fuzz.ts'
import { adu } from '../../support/modbus-server.ts'

const noise = (random: Random, below: number): Buffer =>
  Buffer.from(Array.from({ length: whole(random, below) }, () => whole(random, 256)))

const lengthOf = ({ functionCode, quantity }: ReadRequest): number =>
  functionCode <= 2 ? Math.ceil(quantity / 8) : quantity * 2

function requestOf(random: Random): ReadRequest {
  const functionCode = (1 + whole(random, 4)) as ReadFunction
  const quantity = 1 + whole(random, functionCode <= 2 ? 2000 : pick(random, [4, 125]))
  return { unitId: whole(random, 4), functionCode, address: whole(random, 0x1_0000), quantity }
}

/** The PDU of a reply, right in most respects. */
function replyPdu(random: Random, request: ReadRequest): Buffer {
  const data = Buffer.alloc(lengthOf(request), whole(random, 256))
  const kinds: (() => Buffer)[] = [
    () => Buffer.concat([Buffer.of(request.functionCode, data.length), data]),
    () => Buffer.of(request.functionCode | 0x80, whole(random, 256)),
    () => Buffer.concat([Buffer.of(1 + whole(random, 4), data.length), data]),
    () => Buffer.concat([Buffer.of(request.functionCode, whole(random, 256)), data]),
    () =>
      Buffer.concat([
        Buffer.of(request.functionCode, data.length),
        data.subarray(whole(random, 3)),
      ]),
    () => Buffer.concat([Buffer.of(whole(random, 256)), noise(random, 250)]),
  ]
  return pick(random, random() < 0.5 ? kinds.slice(0, 1) : kinds)()
}

/** What comes down the line: frames with their CRC or header as they should be, and every now and then not. */
function streamOf(
  random: Random,
  request: ReadRequest,
  frame: (unitId: number, pdu: Buffer) => Buffer,
): Buffer {
  const pieces: Buffer[] = []
  for (let count = whole(random, 4); count >= 0; count--) {
    const unitId = random() < 0.7 ? request.unitId : whole(random, 256)
    let piece = frame(unitId, replyPdu(random, request))
    if (random() < 0.15) piece = piece.subarray(0, whole(random, piece.length))
    if (random() < 0.1 && piece.length > 0) {
      const at = whole(random, piece.length)
      piece[at] = (piece[at] ?? 0) ^ (1 << whole(random, 8))
    }
    if (random() < 0.1) pieces.push(noise(random, 12))
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function pushInPieces(random: Random, framing: Framing, stream: Buffer): void {
  for (let at = 0; at < stream.length; ) {
    const size = random() < 0.5 ? stream.length : 1 + whole(random, 9)
    if (!framing.push(stream.subarray(at, at + size), 0)) return framing.reset()
    at += size
  }
}

interface Accepted {
  readonly replies: Buffer[]
  spoilt: number
  readonly sink: FramingSink
}

function listener(): Accepted {
  const replies: Buffer[] = []
  const accepted: Accepted = {
    replies,
    spoilt: 0,
    sink: {
      reply: (frame) => void replies.push(frame),
      spoilt: () => {
        accepted.spoilt++
      },
      lateReply: () => {},
      foreignFrame: () => {},
      malformedFrame: () => {},
    },
  }
  return accepted
}

/** What was handed on answers the request in every respect, and is what an encoder makes of its content. */
function checkReply(request: ReadRequest, frame: Buffer): void {
  const pdu = frame.subarray(1, -2)
  const isException = pdu[0] === (request.functionCode | 0x80)
  const fits =
    frame[0] === request.unitId &&
    (isException
      ? frame.length === 5
      : pdu[0] === request.functionCode &&
        pdu[1] === lengthOf(request) &&
        pdu.length === 2 + lengthOf(request))
  if (!fits || !rtu(frame[0] ?? 0, pdu).equals(frame)) {
    expect.fail(`${JSON.stringify(request)} was answered by ${frame.toString('hex')}`)
  }
}

describe(`up to ${INPUTS.toLocaleString('en')} structure-aware inputs each, seed ${SEED}`, () => {
  it('URS-10 FB3 FB11 RTU framing', { timeout: FUZZ_MS_MAX }, () => {
    let made = 0
    const random = seededRandom(SEED)
    const heard = listener()
    const framing = new RtuFraming(heard.sink, { charMs: 0.5, gapMs: 2 })
    let accepted = 0
    for (made of inputs('RTU framing')) {
      const request = requestOf(random)
      const bytes = rtu(
        request.unitId,
        Buffer.of(request.functionCode, 0, 0, 0, request.quantity & 255),
      )
      framing.begin(bytes, request, 0)
      const answer = streamOf(random, request, rtu)
      const stream = random() < 0.2 ? Buffer.concat([bytes, answer]) : answer
      pushInPieces(random, framing, stream)
      framing.end()
      if (heard.replies.length > 1) expect.fail('one request, two replies')
      const frame = heard.replies.pop()
      heard.spoilt = 0
      if (frame === undefined) continue
      accepted++
      checkReply(request, frame)
      // What is left of input before may precede it in the buffer, never be part of it.
      if (!stream.includes(frame)) expect.fail(`never sent: ${frame.toString('hex')}`)
      if (random() < 0.01) framing.reset()
    }
    expect(accepted).toBeGreaterThan(made / 4)
    expect(accepted).toBeLessThan(made * 0.95)
  })

  it('URS-10 FB2 FB11 MBAP framing', { timeout: FUZZ_MS_MAX }, () => {
    let made = 0
    const random = seededRandom(SEED + 1)
    const heard = listener()
    const framing = new MbapFraming(heard.sink, 0xfff0)
    let accepted = 0
    for (made of inputs('MBAP framing')) {
      const request = requestOf(random)
      const sent = framing.begin(
        rtu(request.unitId, Buffer.of(request.functionCode, 0, 0, 0, 1)),
        request,
      )
      const id = ((sent[0] ?? 0) << 8) | (sent[1] ?? 0)
      const stream = streamOf(random, request, (unitId, pdu) =>
        adu(
          random() < 0.8 ? id : (id + 0xffff - whole(random, 3)) & 0xffff,
          unitId,
          pdu.subarray(0, 253),
        ),
      )
      pushInPieces(random, framing, stream)
      framing.end()
      framing.reset()
      if (heard.replies.length > 1) expect.fail('one request, two replies')
      const frame = heard.replies.pop()
      if (frame === undefined) continue
      accepted++
      checkReply(request, frame)
      const wire = adu(id, frame[0] ?? 0, frame.subarray(1, -2))
      if (!stream.includes(wire)) expect.fail(`never sent: ${wire.toString('hex')}`)
    }
    expect(accepted).toBeGreaterThan(made / 5)
    expect(accepted).toBeLessThan(made * 0.95)
  })

  it('URS-14 identification: what is told was sent, and every question ends', {
    timeout: FUZZ_MS_MAX,
  }, async () => {
    let made = 0
    const random = seededRandom(SEED + 4)
    let told = 0
    // Each input is a question of several replies, each a frame of its own.
    for (made of inputs('identification')) {
      const heard = listener()
      const framing = new RtuFraming(heard.sink, { charMs: 0.5, gapMs: 2 })
      const sent = new Set<string>()
      let asked = 0
      const found = await readObjects(1, [pick(random, [0x80, 0x81, 4]), 1], (request) => {
        asked++
        framing.begin(identificationFrame(request), request, 0)
        const pdu = objectsPdu(random, request.code, request.objectId, sent)
        let frame = rtu(1, pdu)
        if (random() < 0.2) frame = rtu(1, frame.subarray(1, whole(random, frame.length)))
        pushInPieces(random, framing, frame)
        framing.end()
        const reply = heard.replies.pop()
        if (reply === undefined) return Promise.resolve(TIMEOUT)
        return Promise.resolve({ kind: 'data', data: reply.subarray(3, -2) })
      })
      if (asked > 40) expect.fail(`asked ${asked} times`)
      for (const [id, text] of found.texts) {
        told++
        if (!sent.has(`${id} ${text}`)) expect.fail(`${id} never said ${JSON.stringify(text)}`)
      }
    }
    expect(told).toBeGreaterThan(made / 5)
  })

  it('every decoder: a value encodes to the bytes it came from', { timeout: FUZZ_MS_MAX }, () => {
    let made = 0
    const random = seededRandom(SEED + 2)
    const types = Object.keys(ENCODE) as DataType[]
    const decoders = types.flatMap((type) =>
      BYTE_ORDERS.map((byteOrder) => {
        const spec = { table: 'holding_register', address: 0, type, byteOrder } as const
        return { type, byteOrder, size: widthOf(spec) * 2, decode: decoderOf(spec) }
      }),
    )
    const scratch = Buffer.alloc(16)
    let values = 0
    for (made of inputs('decoders')) {
      const { type, byteOrder, size, decode } = pick(random, decoders)
      const offset = whole(random, 3)
      const extreme = random() < 0.2 ? pick(random, [0, 0xff, 0x80, 0x7f]) : undefined
      for (let at = 0; at < size; at++) scratch[offset + at] = extreme ?? whole(random, 256)
      const value = decode(scratch, offset)
      if (value === undefined || Number.isNaN(value)) continue
      values++
      const bigEndian = Buffer.alloc(size)
      ENCODE[type]?.(bigEndian, value)
      const wire = onWire(bigEndian, byteOrder)
      const came = scratch.subarray(offset, offset + size)
      if (!wire.equals(came) && !isMinusZero(type, came, byteOrder)) {
        expect.fail(
          `${type} ${byteOrder} ${came.toString('hex')} → ${value} → ${wire.toString('hex')}`,
        )
      }
    }
    expect(values).toBeGreaterThan(made / 4)
  })

  it('records of a particle counter: a sample is finite, or there is none', {
    timeout: FUZZ_MS_MAX,
  }, () => {
    let made = 0
    const random = seededRandom(SEED + 3)
    const at = { table: 'input_register', byteOrder: 'ABCD' } as const
    const layouts = (['counts', 'concentration'] as const).flatMap((content) =>
      (['cumulative', 'differential'] as const).map((counts) =>
        layoutSample(
          profileOf(
            [0.5, 1, 5].map((sizeUm, index) =>
              signal(`p${index}`, 10 + index * 2, 'u32', {
                quantity: 'particle_concentration',
                sizeUm,
              }),
            ),
            {
              sample: {
                identity: { ...at, address: 0, type: 'u32', kind: 'instrument_time' },
                duration: { ...at, address: 2, type: 'u32', scale: 1 },
                volume: { ...at, address: 4, type: 'f32', scale: 1 },
                channelMask: { ...at, address: 6, type: 'u16' },
                defaultDurationMs: 60_000,
                counts,
                content,
                status: [
                  {
                    ...at,
                    address: 7,
                    type: 'u16',
                    bits: [{ bit: 0, faultWhen: 1, reason: 'laser_fault' }],
                  },
                ],
              },
            },
          ),
        ),
      ),
    )
    const numbers = [
      0,
      1,
      -1,
      7,
      255,
      65_535,
      4_294_967_295,
      1e300,
      -1e300,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ]
    let samples = 0
    for (made of inputs('particle records')) {
      const layout = pick(random, layouts)
      const result = sampleOf(
        layout,
        layout.specs.map(() =>
          random() < 0.04
            ? { kind: 'fault', reason: pick(random, ['timeout', 'exception', 'crc'] as const) }
            : {
                kind: 'value',
                value: random() < 0.3 ? pick(random, numbers) : whole(random, 1000),
                raw: Uint8Array.of(1, 2),
              },
        ),
      )
      if (result.kind === 'fault') continue
      samples++
      const figures = [
        result.sample.identity,
        result.sample.durationMs,
        ...Object.values(result.sample.counts),
      ]
      if (!figures.every((figure) => Number.isFinite(figure))) expect.fail(JSON.stringify(result))
    }
    expect(samples).toBeGreaterThan(made / 20)
  })
})

const TIMEOUT = { kind: 'fault', fault: { kind: 'fault', reason: 'timeout' } } as const

/** A reply of function 43/14, right in most respects; what it says is noted. */
function objectsPdu(random: Random, code: number, from: number, sent: Set<string>): Buffer {
  const count = whole(random, 4)
  const parts = Array.from({ length: count }, (_, index) => {
    const id = random() < 0.9 ? (from + index) & 0xff : whole(random, 256)
    const text = noise(random, 20).toString('latin1')
    sent.add(`${id} ${text}`)
    return Buffer.concat([Buffer.of(id, text.length), Buffer.from(text, 'latin1')])
  })
  const more = random() < 0.4 ? 0xff : pick(random, [0, 0, 0, 7])
  const told = random() < 0.85 ? count : whole(random, 256)
  const next = random() < 0.8 ? (from + count) & 0xff : whole(random, 256)
  const head = [43, 14, random() < 0.95 ? code : whole(random, 256), 0x83, more, next, told]
  return Buffer.concat([Buffer.from(head), ...parts])
}

/** Encoders that share nothing with the decoders. */
const ENCODE: Readonly<Record<string, (bytes: Buffer, value: number) => void>> = {
  u16: (bytes, value) => bytes.writeUInt16BE(value),
  i16: (bytes, value) => bytes.writeInt16BE(value),
  u32: (bytes, value) => bytes.writeUInt32BE(value),
  i32: (bytes, value) => bytes.writeInt32BE(value),
  u64: (bytes, value) => bytes.writeBigUInt64BE(BigInt(value)),
  i64: (bytes, value) => bytes.writeBigInt64BE(BigInt(value)),
  f32: (bytes, value) => bytes.writeFloatBE(value),
  f64: (bytes, value) => bytes.writeDoubleBE(value),
  bcd16: (bytes, value) => bytes.write(String(value).padStart(4, '0'), 'hex'),
  bcd32: (bytes, value) => bytes.write(String(value).padStart(8, '0'), 'hex'),
}

/** Big-endian bytes re-ordered by cutting and joining registers. */
function onWire(bigEndian: Buffer, order: string): Buffer {
  let registers: Buffer[] = []
  for (let at = 0; at < bigEndian.length; at += 2) registers.push(bigEndian.subarray(at, at + 2))
  if (order === 'CDAB' || order === 'DCBA') registers = registers.reverse()
  if (order === 'BADC' || order === 'DCBA') {
    registers = registers.map((register) => Buffer.from(register).reverse())
  }
  return Buffer.concat(registers)
}

/** −0 is 0 (drivers/modbus/decode.ts): the one value that does not come back as it was. */
function isMinusZero(type: DataType, came: Buffer, order: string): boolean {
  const minus = Buffer.alloc(came.length)
  minus[0] = 0x80
  return type.startsWith('f') && onWire(minus, order).equals(came)
}
