// The one door that writes: which requests can leave it, which answers count, and what a wire may do to it.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OUTPUTS } from '#core/annunciation.ts'
import { coilRequests, judgeAnswer } from '#drivers/output/coil-pdu.ts'
import { mbapEnvelope, rtuEnvelope } from '#drivers/output/envelope.ts'

const coils = (...addresses: number[]) =>
  addresses.map((address, index) => ({ name: OUTPUTS[index] ?? 'red', address }))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('URS-13 what can leave the door', () => {
  it('writes adjacent coils together by function 15, as the standard prints it', () => {
    const door = coilRequests({ coils: coils(19, 20, 21), write: 'multiple' })
    const [run] = door.runs((address) => address !== 20)
    expect(run).toEqual({ address: 19, values: [true, false, true] })
    expect(run && hex(door.write(run).pdu)).toBe('0f001300030105')
    expect(run && hex(door.read(run).pdu)).toBe('0100130003')
  })

  it('writes each coil by function 5 where the profile says so', () => {
    const door = coilRequests({ coils: coils(172, 0), write: 'single' })
    const runs = door.runs((address) => address === 172)
    expect(runs.map((run) => hex(door.write(run).pdu))).toEqual(['0500000000', '0500acff00'])
  })

  it('asks for no coil that is not enabled, and for no other function', () => {
    const some = fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(
        some,
        fc.constantFrom('single' as const, 'multiple' as const),
        fc.nat(),
        (enabled, write, seed) => {
          const door = coilRequests({ coils: coils(...enabled), write })
          const written: number[] = []
          for (const run of door.runs((address) => (address * 7 + seed) % 2 === 0)) {
            const { pdu } = door.write(run)
            expect([5, 15]).toContain(pdu[0])
            expect(door.read(run).pdu[0]).toBe(1)
            const first = ((pdu[1] ?? 0) << 8) | (pdu[2] ?? 0)
            const count = pdu[0] === 5 ? 1 : ((pdu[3] ?? 0) << 8) | (pdu[4] ?? 0)
            for (let index = 0; index < count; index++) written.push(first + index)
          }
          expect(written.toSorted((a, b) => a - b)).toEqual(enabled.toSorted((a, b) => a - b))
        },
      ),
    )
  })

  it('stops the process rather than write another coil', () => {
    const door = coilRequests({ coils: coils(0, 1, 3), write: 'multiple' })
    expect(() => door.write({ address: 1, values: [true, true] })).toThrow(/coil 2 is not enabled/)
  })
})

describe('which answers count', () => {
  const door = coilRequests({ coils: coils(0, 1), write: 'multiple' })
  const run = { address: 0, values: [true, false] }
  const write = door.write(run)
  const read = door.read(run)
  it.each([
    ['its echo', write, '0f00000002', 'done'],
    ['another quantity', write, '0f00000003', 'foreign'],
    ['another address', write, '0f00010002', 'foreign'],
    ['a refusal', write, '8f02', 'exception'],
    ['a refusal of something else', write, '8302', 'foreign'],
    ['too short', write, '0f0000', 'foreign'],
    ['coils', read, '010101', 'coils'],
    ['a wrong count', read, '010201', 'foreign'],
  ] as const)('%s', (_, request, answer, kind) => {
    expect(judgeAnswer(request, Buffer.from(answer, 'hex')).kind).toBe(kind)
  })

  it('reads the coils bit by bit', () => {
    expect(judgeAnswer(read, Buffer.from('010101', 'hex'))).toEqual({
      kind: 'coils',
      values: [true, false],
    })
  })
})

describe('envelopes', () => {
  const copy = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes)

  it('find the answer behind frames of others, however it is cut', () => {
    const envelope = mbapEnvelope(1, 6)
    const sent = envelope.wrap(Uint8Array.of(1, 0, 0, 0, 2))
    expect(hex(sent)).toBe('000700000006010100000002')
    const stale = Uint8Array.of(0, 6, 0, 0, 0, 4, 1, 1, 1, 9)
    const ours = Uint8Array.of(0, 7, 0, 0, 0, 4, 1, 1, 1, 3)
    const both = Uint8Array.from([...stale, ...ours])
    for (let cut = 0; cut < both.length; cut++) {
      const first = envelope.unwrap(copy(both.slice(0, cut)), 3)
      expect(first.pdu).toBeUndefined()
      const second = envelope.unwrap(copy(Uint8Array.from([...first.rest, ...both.slice(cut)])), 3)
      expect(second.pdu && hex(second.pdu)).toBe('010103')
    }
  })

  it('take an RTU answer by unit id, length and CRC, and nothing else', () => {
    const envelope = rtuEnvelope(1)
    const frame = envelope.wrap(Uint8Array.of(1, 1, 3))
    const found = envelope.unwrap(copy(Uint8Array.from([0, 255, ...frame])), 3)
    expect(found.pdu && hex(found.pdu)).toBe('010103')
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const flipped = copy(frame)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(envelope.unwrap(flipped, 3).pdu).toBeUndefined()
    }
  })

  it('never throw and never hold more than they were given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, tcp) => {
        const envelope = tcp ? mbapEnvelope(1, 1) : rtuEnvelope(1)
        const { rest } = envelope.unwrap(copy(bytes), 5)
        expect(rest.length).toBeLessThanOrEqual(bytes.length)
      }),
    )
  })
})
