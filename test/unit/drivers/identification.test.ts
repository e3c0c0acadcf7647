// Who an instrument is by function 43/14: read over TCP and RTU, in as many replies as it takes, each checked. URS-14, FB19.

import { describe, expect, it } from 'vitest'
import { RtuFraming } from '#drivers/modbus/rtu-framing.ts'
import type { IdentifySpec } from '#drivers/profile.ts'
import { instrument, profileOf, rtuBus, signal, tcpBus } from '../../support/driver-rig.ts'
import { rtu, type Script } from '../../support/fake-wire.ts'
import { wireRig } from '../../support/wire-rig.ts'

const identify: IdentifySpec = {
  serial: { object: 0x80 },
  model: { object: 1 },
  firmware: { object: 2 },
}
const one = instrument('one', 1, profileOf([signal('a', 0)], { identify }))
const two = instrument('two', 2, profileOf([signal('a', 0)]))

/** A reply of the standard (V1.1b3 §6.21): function, MEI type, code, conformity, more follows, next object, number, objects. */
function page(
  code: number,
  objects: readonly (readonly [number, string])[],
  { next, count = objects.length }: { readonly next?: number; readonly count?: number } = {},
): Buffer {
  const head = Buffer.of(43, 14, code, 0x83, next === undefined ? 0 : 0xff, next ?? 0, count)
  const parts = objects.map(([id, text]) =>
    Buffer.concat([Buffer.of(id, text.length), Buffer.from(text)]),
  )
  return Buffer.concat([head, ...parts])
}

const BASIC = page(1, [
  [0, 'Vaisala'],
  [1, 'HMP4'],
  [2, '1.2.3'],
])
const EXTENDED = page(3, [
  [0x80, 'K0710040'],
  [0x81, '2020-01-31'],
])

/** Answers a question by its code and object; others regularly. */
const answering =
  (pages: Readonly<Record<string, Buffer | undefined>>): Script =>
  (request, regular, send) => {
    if (request.functionCode !== 43) return send(regular(), 5)
    const [code, object] = [request.address & 0xff, request.quantity >> 8]
    const pdu = pages[`${code} ${object}`]
    if (pdu !== undefined) send(request.frame(pdu), 5)
  }

const buses = [
  ['Modbus TCP', tcpBus(502, { timeoutMs: 300 })],
  ['RTU', rtuBus({ timeoutMs: 300 })],
] as const

describe.each(buses)('URS-14 FB19 function 43/14 on %s', (_name, bus) => {
  function rig(pages: Readonly<Record<string, Buffer | undefined>>) {
    const made = wireRig([one, two], bus)
    made.wire.unit(1).set(3, 0, 7)
    made.wire.unit(2).set(3, 0, 8)
    // Code and object stand where a read has its address and quantity, but one byte further.
    made.wire.script = (request, regular, send) => {
      const at = bus.protocol === 'modbus-tcp' ? 9 : 3
      const [code = 0, object = 0] = request.bytes.subarray(at)
      answering(pages)({ ...request, address: code, quantity: object << 8 }, regular, send)
    }
    const asked = () =>
      made.wire.requests
        .filter(({ functionCode }) => functionCode === 43)
        .map(({ bytes }) => bytes.subarray(bus.protocol === 'modbus-tcp' ? 9 : 3).subarray(0, 2))
        .map(([code, object]) => `${code} ${object}`)
    const who = () => made.done(made.driver.readIdentity?.('one', false) ?? Promise.reject())
    return { ...made, asked, who }
  }

  const WHOLE = { serial: 'K0710040', model: 'HMP4', firmware: '1.2.3' }

  it('reads serial number, model and firmware in two questions, and polls on', async () => {
    const { who, asked, poll } = rig({ '1 1': BASIC, '3 128': EXTENDED })
    expect(await who()).toEqual({ kind: 'identity', identity: WHOLE })
    expect(asked()).toEqual(['3 128', '1 1'])
    expect((await poll(two)).signals[0]?.result).toMatchObject({ value: 8 })
  })

  it('follows more follows, and stops when all is told', async () => {
    const { who, asked } = rig({
      '3 128': page(3, [[0x80, 'K0710040']], { next: 0x81 }),
      '1 1': page(1, [[1, 'HMP4']], { next: 2 }),
      '1 2': page(1, [[2, '1.2.3']]),
    })
    expect(await who()).toEqual({ kind: 'identity', identity: WHOLE })
    expect(asked()).toEqual(['3 128', '1 1', '1 2'])
  })

  it('takes the number of all objects for those of a reply that is followed, as the standard’s example has it', async () => {
    const { who } = rig({
      '3 128': page(3, [[0x80, 'K0710040']]),
      '1 1': page(1, [[1, 'HMP4']], { next: 2, count: 2 }),
      '1 2': page(1, [[2, '1.2.3']]),
    })
    expect(await who()).toEqual({ kind: 'identity', identity: WHOLE })
  })

  it('asks object by object where streams are refused', async () => {
    const { who, asked } = rig({
      '1 1': BASIC,
      '3 128': Buffer.of(0xab, 3),
      '4 128': page(4, [[0x80, ' K0710040\0']]),
    })
    expect(await who()).toEqual({ kind: 'identity', identity: WHOLE })
    expect(asked()).toEqual(['3 128', '4 128', '1 1'])
  })

  it.each<[string, Readonly<Record<string, Buffer | undefined>>, unknown]>([
    [
      'an instrument that does not know the function',
      { '3 128': Buffer.of(0xab, 1), '4 128': Buffer.of(0xab, 1), '1 1': BASIC },
      {
        kind: 'fault',
        fault: { kind: 'fault', reason: 'exception', exceptionCode: 1 },
        silent: false,
      },
    ],
    [
      'one that has no serial number',
      { '3 128': page(3, [[0, 'Vaisala']]), '1 1': BASIC },
      { kind: 'identity', identity: { model: 'HMP4', firmware: '1.2.3' } },
    ],
    [
      'one that goes round in circles',
      { '3 128': page(3, [[0x81, 'x']], { next: 0x81 }), '1 1': BASIC },
      { kind: 'fault', fault: { kind: 'fault', reason: 'frame' }, silent: false },
    ],
    [
      'a later page of another question',
      { '3 128': page(3, [[0x90, 'x']], { next: 0x91 }), '1 1': BASIC },
      { kind: 'fault', fault: { kind: 'fault', reason: 'frame' }, silent: false },
    ],
  ])('says what it made of %s', async (_case, pages, reply) => {
    expect(await rig(pages).who()).toEqual(reply)
  })

  it('takes no reply of another question or another unit', async () => {
    const { who, wire, driver } = rig({})
    wire.script = (request, _regular, send) => {
      send(request.frame(BASIC), 5)
      send(request.frame(EXTENDED, 2), 40)
      send(request.frame(rtu(1, EXTENDED).subarray(1, 9)), 80)
    }
    expect((await who()).kind).toBe('fault')
    // Of the two questions, that for the basic objects was answered.
    expect(driver.counters.replies).toBe(1)
  })
})

describe('URS-14 FB3 FB11 function 43/14 as RTU frames', () => {
  const request = { unitId: 1, functionCode: 43, code: 3, objectId: 0x80 } as const
  const sent = rtu(1, Buffer.of(43, 14, 3, 0x80))
  const reply = rtu(1, EXTENDED)

  function framing() {
    const replies: string[] = []
    const counts = { late: 0, foreign: 0, malformed: 0 }
    const wire = new RtuFraming(
      {
        reply: (bytes) => void replies.push(bytes.toString('hex')),
        spoilt: () => {},
        lateReply: () => void counts.late++,
        foreignFrame: () => void counts.foreign++,
        malformedFrame: () => void counts.malformed++,
      },
      { charMs: 0.5, gapMs: 2 },
    )
    wire.begin(sent, request, 0)
    return { wire, replies, counts }
  }

  it('are found however they are split, behind an echo or noise', () => {
    for (const before of [Buffer.alloc(0), sent, Buffer.from('ff00ff2b', 'hex')]) {
      for (let cut = 0; cut <= reply.length; cut++) {
        const { wire, replies } = framing()
        const stream = Buffer.concat([before, reply])
        wire.push(stream.subarray(0, before.length + cut), 1)
        wire.push(stream.subarray(before.length + cut), 1)
        expect(replies).toEqual([reply.toString('hex')])
      }
    }
  })

  it('are refused with one or two bits flipped', () => {
    for (let first = 0; first < reply.length * 8; first++) {
      for (let second = first; second < reply.length * 8; second++) {
        const bytes = Buffer.from(reply)
        bytes[first >> 3] = (bytes[first >> 3] ?? 0) ^ (1 << (first & 7))
        if (second !== first) bytes[second >> 3] = (bytes[second >> 3] ?? 0) ^ (1 << (second & 7))
        const { wire, replies } = framing()
        wire.push(bytes, 1)
        expect(replies).toEqual([])
      }
    }
  })

  it('are late when their question was given up, and no answer to the next one', () => {
    const { wire, replies, counts } = framing()
    wire.end()
    const read = { unitId: 1, functionCode: 3, address: 0, quantity: 1 } as const
    wire.begin(rtu(1, Buffer.of(3, 0, 0, 0, 1)), read, 100)
    wire.push(reply, 101)
    expect(wire.end()).toBe('timeout')
    expect(replies).toEqual([])
    expect(counts).toEqual({ late: 1, foreign: 0, malformed: 0 })
  })

  it('are damaged, not missing, when their CRC is wrong', () => {
    const { wire } = framing()
    const bytes = Buffer.from(reply)
    bytes[12] = (bytes[12] ?? 0) ^ 1
    wire.push(bytes, 1)
    expect(wire.end()).toBe('timeout')
    const again = framing()
    const longer = Buffer.from(reply)
    longer[9] = (longer[9] ?? 0) + 9
    again.wire.push(longer, 1)
    expect(again.wire.end()).toBe('crc')
  })
})
