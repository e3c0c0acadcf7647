// What bytes and outcomes say to an installer: overheard frames, and the diagnosis of a request that got no data.

import { describe, expect, it } from 'vitest'
import { diagnose } from '#drivers/commissioning/diagnosis.ts'
import type { AskOutcome } from '#drivers/commissioning/line.ts'
import { hexOf, looksLikeMbap, rtuReplies } from '#drivers/commissioning/overheard.ts'
import { rtu } from '../../support/fake-wire.ts'
import { adu } from '../../support/modbus-server.ts'

describe('overheard', () => {
  const data = Buffer.of(3, 2, 0x12, 0x34)

  it('finds whole replies of any unit between noise, and no request', () => {
    const stream = Buffer.concat([
      Buffer.of(0, 0xff),
      rtu(5, data),
      Buffer.of(0x2b),
      rtu(9, Buffer.of(0x83, 2)),
      rtu(9, Buffer.of(3, 0, 0, 0, 1)),
    ])
    expect(rtuReplies(stream)).toEqual([
      { unitId: 5, functionCode: 3, end: 8 },
      { unitId: 9, functionCode: 3, exceptionCode: 2, end: 14 },
    ])
  })

  it('never takes damaged bytes for a reply', () => {
    const frame = rtu(5, data)
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const flipped = Buffer.from(frame)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(rtuReplies(flipped)).toEqual([])
    }
  })

  it('knows Modbus TCP when it sees it', () => {
    expect(looksLikeMbap(adu(7, 1, data))).toBe(true)
    expect(looksLikeMbap(rtu(5, Buffer.concat([Buffer.of(3, 8), Buffer.alloc(8, 0x41)])))).toBe(
      false,
    )
    expect(looksLikeMbap(Buffer.alloc(3))).toBe(false)
  })

  it('prints bytes as people read them', () => {
    expect(hexOf(Buffer.of(0x2b, 3, 4, 0xbe))).toBe('2B 03 04 BE')
  })
})

describe('URS-60 diagnosis in words', () => {
  const request = { unitId: 43, functionCode: 4, address: 1214, quantity: 2 } as const
  const diagnosed = (
    outcome: AskOutcome,
    protocol: 'modbus-tcp' | 'modbus-rtu' | 'modbus-rtu-over-tcp',
    received: Uint8Array = Buffer.alloc(0),
  ) =>
    diagnose(
      {
        request,
        outcome,
        sentMono: 0,
        passages: [{ direction: 'received', mono: 5, bytes: received }],
      },
      protocol,
      300,
    )
  const stranger = rtu(7, Buffer.of(4, 2, 0, 1))
  const own = rtu(43, Buffer.of(4, 4, 0, 1, 0, 2))

  it.each([
    ['data', { kind: 'data', data: own }, 'modbus-tcp', own, undefined],
    [
      'exception 2',
      { kind: 'exception', code: 2 },
      'modbus-rtu',
      own,
      /exception 2 .*count from 1/,
    ],
    ['silence on TCP', { kind: 'timeout' }, 'modbus-tcp', undefined, /300 ms.*unit 43.*scan/],
    [
      'other bytes on TCP',
      { kind: 'timeout' },
      'modbus-tcp',
      adu(1, 2, own),
      /answer something else/,
    ],
    [
      'silence on RTU',
      { kind: 'timeout' },
      'modbus-rtu',
      undefined,
      /A and B.*baud rate and parity$/,
    ],
    [
      'silence behind a converter',
      { kind: 'timeout' },
      'modbus-rtu-over-tcp',
      undefined,
      /of the converter$/,
    ],
    ['a stranger', { kind: 'timeout' }, 'modbus-rtu', stranger, /only unit 7 was heard/],
    ['damage', { kind: 'crc' }, 'modbus-rtu', undefined, /two units with the same id/],
    ['garbage', { kind: 'torn' }, 'modbus-rtu', Buffer.of(1, 2, 3), /baud rate or parity differs/],
    ['MBAP on RTU', { kind: 'torn' }, 'modbus-rtu-over-tcp', adu(1, 43, own), /are Modbus TCP/],
    ['a torn TCP reply', { kind: 'torn' }, 'modbus-tcp', Buffer.of(1), /broke off/],
    [
      'RTU on TCP',
      { kind: 'frame' },
      'modbus-tcp',
      own,
      /transparent converter; use the protocol modbus-rtu-over-tcp/,
    ],
    [
      'nonsense on TCP',
      { kind: 'frame' },
      'modbus-tcp',
      Buffer.from('SSH-2.0'),
      /no Modbus TCP; check the port/,
    ],
    ['a wrong length', { kind: 'frame' }, 'modbus-rtu', stranger, /does not fit the request/],
    [
      'a hang-up on TCP',
      { kind: 'unreachable', cause: 'gone' },
      'modbus-tcp',
      undefined,
      /^gone in place of an answer/,
    ],
    [
      'a hang-up of a converter',
      { kind: 'unreachable', cause: 'gone' },
      'modbus-rtu-over-tcp',
      undefined,
      /holds? the converter/,
    ],
  ] as const)('%s', (_name, outcome, protocol, received, expected) => {
    const words = diagnosed(outcome, protocol, received)
    if (expected === undefined) expect(words).toBeUndefined()
    else expect(words).toMatch(expected)
  })
})
