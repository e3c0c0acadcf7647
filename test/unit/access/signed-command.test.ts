// A genuine command becomes an act of its person; one that was changed after signing never does.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePayload } from '../../../agent/uplink/inbound.ts'
import { check, codeOf } from '../../support/command-check.ts'
import {
  ackCommand,
  type CommandFields,
  occupancyCommand,
  SIGNED_AT,
  signed,
} from '../../support/command-signer.ts'

const ack = (changes: CommandFields = {}) => signed(ackCommand(changes), 'jdoe')

describe('URS-32 a genuine command becomes an act of the person who signed', () => {
  const actor = { user: 'jdoe', name: 'J. Doe', role: 'technician', via: 'mqtt' }
  const cmd = '01JD4AZ6N3QK8W5T9XV2B7CDEF'
  const { alarm, occ, rev, reason, comment } = ackCommand()

  it('ack', () => {
    expect(check(ack())).toEqual({
      ok: true,
      command: {
        id: cmd,
        exp: SIGNED_AT + 60_000,
        digest: expect.stringMatching(/^[0-9a-f]{64}$/),
        about: { act: 'ack', alarm, occ },
        act: { kind: 'ack', actor, cmd, alarm, occ, rev, reason, comment },
      },
    })
  })

  it('ack without a comment: whether it needs one is the core’s', () => {
    const { comment: _, ...bare } = ackCommand()
    expect(check(signed(bare, 'jdoe'))).toMatchObject({
      command: { act: expect.not.objectContaining({ comment: expect.anything() }) },
    })
  })

  it('reset', () => {
    const { reason: _r, comment: _c, ...bare } = ackCommand()
    expect(check(signed(bare, 'jdoe'), { command: 'reset' })).toMatchObject({
      ok: true,
      command: { act: { kind: 'reset', actor, cmd, alarm, occ, rev } },
    })
  })

  it('occupancy', () => {
    const payload = signed(occupancyCommand({ reason: 'cleaning' }), 'jdoe')
    expect(check(payload, { command: 'occupancy' })).toMatchObject({
      ok: true,
      command: {
        about: { act: 'occupancy', zone: 'b101', state: 'at_rest' },
        act: { kind: 'occupancy', actor, cmd, zone: 'b101', state: 'at_rest', reason: 'cleaning' },
      },
    })
  })

  it('shelve and unshelve, of an alarm that is normal too', () => {
    const until = SIGNED_AT + 3_600_000
    expect(check(ack({ until }), { command: 'shelve' })).toMatchObject({
      ok: true,
      command: {
        about: { act: 'shelve', alarm, occ },
        act: { kind: 'shelve', actor, cmd, alarm, occ, until, reason: 'door_opened' },
      },
    })
    const verdict = check(ack({ occ: null, rev: 0 }), { command: 'unshelve' })
    expect(verdict).toMatchObject({ ok: true, command: { act: { kind: 'unshelve', alarm } } })
    expect(verdict.ok && 'occ' in verdict.command.act).toBe(false)
  })

  it('however the payload is laid out: it is the value that was signed', () => {
    const command = ack()
    const reversed = Object.fromEntries(Object.entries(command).reverse())
    const text = JSON.stringify(reversed, undefined, 3).replace('"rev": 2', '"rev": 2.0e0')
    const parsed = parsePayload(Buffer.from(text))
    expect(parsed.ok && check(parsed.value)).toEqual(check(command))
  })

  it('with a header laid out another way: it is part of what is signed', () => {
    const header = '{ "kid": "jdoe", "alg": "EdDSA" }'
    expect(codeOf(check(signed(ackCommand(), 'jdoe', { header })))).toBe('genuine')
  })
})

describe('URS-33 tampering after signing', () => {
  const other: Readonly<Record<string, unknown>> = {
    id: '01JD4AZ6N3QK8W5T9XV2B7CDEG',
    aud: 'gw-02',
    alarm: 'b101-dp.action_high',
    occ: '01JD4A5Q7M2R8YV3KXW9T6HBND',
    rev: 3,
    reason: 'cleaning',
    comment: 'Door 3 stood open.',
    iat: SIGNED_AT + 1,
    exp: SIGNED_AT + 59_999,
  }
  it.each(Object.entries(other))('with %s', (member, value) => {
    expect(codeOf(check({ ...ack(), [member]: value }))).toBe('bad_signature')
  })

  it('with a member taken out', () => {
    const { comment: _, ...rest } = ack()
    expect(codeOf(check(rest))).toBe('bad_signature')
  })

  it('with a reset made of an acknowledgement, where the signer named the act', () => {
    expect(codeOf(check(ack({ act: 'ack' })))).toBe('genuine')
    expect(check(ack({ act: 'ack' }), { command: 'reset' })).toMatchObject({
      refusal: { code: 'invalid', detail: '"act": must be reset, as the topic says' },
    })
    expect(codeOf(check({ ...ack({ act: 'ack' }), act: 'reset' }, { command: 'reset' }))).toBe(
      'bad_signature',
    )
  })

  it('with the act left to the topic, the two are at least never one command', () => {
    const [first, second] = [check(ack()), check(ack(), { command: 'reset' })]
    expect(first.ok && second.ok && first.command.digest !== second.command.digest).toBe(true)
  })
})

describe('mutations of a genuine command', () => {
  const text = JSON.stringify(ack())
  const genuine = check(ack())

  it('change nothing that counts, or are refused', () => {
    const mutation = fc.record({
      at: fc.nat(text.length - 1),
      remove: fc.nat(3),
      insert: fc.string({ maxLength: 3, unit: 'grapheme-ascii' }),
    })
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        let mutated = text
        for (const { at, remove, insert } of mutations) {
          mutated = mutated.slice(0, at) + insert + mutated.slice(at + remove)
        }
        const parsed = parsePayload(Buffer.from(mutated))
        if (!parsed.ok) return
        const verdict = check(parsed.value)
        if (verdict.ok) expect(verdict).toEqual(genuine)
      }),
      { numRuns: 3000 },
    )
  })

  it('of one bit anywhere', () => {
    const bytes = Buffer.from(text)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const mutated = Buffer.from(bytes)
      mutated.writeUInt8(mutated.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      const parsed = parsePayload(mutated)
      if (parsed.ok) expect(codeOf(check(parsed.value))).not.toBe('genuine')
    }
  })

  it('and anything at all is answered, never thrown', () => {
    const names = fc.constantFrom('ack', 'reset', 'occupancy', 'shelve', 'x')
    const anything = fc.oneof(
      fc.jsonValue({ stringUnit: 'binary' }),
      fc
        .dictionary(
          fc.constantFrom('act', ...Object.keys(ack())),
          fc.jsonValue({ stringUnit: 'binary' }),
        )
        .map((changes) => ({ ...ack({ act: 'ack' }), ...changes })),
    )
    fc.assert(
      fc.property(names, anything, (command, payload) => {
        const verdict = check(payload, { command })
        if (verdict.ok) expect(verdict).toEqual(check(ack({ act: command }), { command }))
      }),
    )
  })
})
