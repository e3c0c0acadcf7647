// The payloads are those of contract §3, key for key: its examples are the fixtures.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StreamBatch } from '#ports/store.ts'
import { batchPayload, ENVELOPE_BYTES_MAX, statusPayload } from '../../../agent/uplink/payload.ts'
import { cutBatch, sequenceOf } from '../../../agent/uplink/pieces.ts'
import { baseTopic, clientIdOf } from '../../../agent/uplink/topic.ts'
import { memoryStore, readings } from '../../support/memory-store.ts'
import { IDENTITY } from '../../support/uplink-rig.ts'

const EPOCH = '01JD3Z8Q5K'

describe('contract §3', () => {
  it('names base and client id', () => {
    expect(baseTopic(IDENTITY)).toBe('cr/v1/lombardia/milano-cf/gw-01/')
    expect(clientIdOf(IDENTITY)).toBe('cr-lombardia-milano-cf-gw-01')
  })

  it('status', () => {
    const snapshot = {
      through: 123503,
      head: { seq: 123503, hash: 'abcd' },
      tb: 0,
      clock: { synchronised: true, offsetMs: 3 },
      autonomyHours: 812,
    }
    expect(
      statusPayload(IDENTITY, snapshot, {
        online: true,
        reason: 'start',
        ts: 1763806500000,
        epoch: EPOCH,
        backlog: { readings: 0, event: 0 },
      }),
    ).toBe(
      '{"v":1,"online":true,"reason":"start","ts":1763806500000,"agent":"0.1.0","config":"sha256:c0ffee",' +
        '"epoch":"01JD3Z8Q5K","tb":0,"through":123503,"head":{"seq":123503,"hash":"sha256:abcd"},' +
        '"backlog":{"readings":0,"event":0},"clock":{"synchronised":true,"offsetMs":3},"autonomyHours":812,"origin":"instrument"}',
    )
  })

  it('readings', () => {
    const records = [
      '{"s":123401,"p":"b101-dp","t":1763806500000,"a":38,"v":15.231,"q":"good"}',
      '{"s":123404,"p":"b101-rh","t":1763806430000,"slots":7,"q":"bad","qc":"agent_down"}',
    ]
    const batch: StreamBatch = {
      stream: 'readings',
      tb: 0,
      prev: 123398,
      first: 123401,
      last: 123404,
      records,
    }
    expect(
      batchPayload(batch, {
        epoch: EPOCH,
        origin: 'instrument',
        sent: 1763806500123,
        replay: false,
      }),
    ).toBe(
      '{"v":1,"stream":"readings","epoch":"01JD3Z8Q5K","tb":0,"prev":123398,"first":123401,"last":123404,' +
        `"sent":1763806500123,"replay":false,"origin":"instrument","readings":[${records.join(',')}]}`,
    )
  })

  it('event: the stored body from seq on, untouched', () => {
    const body =
      '{"seq":123406,"type":"alarm.acknowledged","ts":1763806490000,"alarm":"b101-dp.action_low"}'
    const batch: StreamBatch = {
      stream: 'event',
      tb: 0,
      prev: 123405,
      first: 123406,
      last: 123406,
      records: [body],
    }
    const envelope = { epoch: EPOCH, origin: 'instrument', sent: 1, replay: false } as const
    expect(batchPayload(batch, envelope)).toBe(
      '{"v":1,"stream":"event","epoch":"01JD3Z8Q5K","tb":0,"prev":123405,"seq":123406,' +
        '"type":"alarm.acknowledged","ts":1763806490000,"alarm":"b101-dp.action_low"}',
    )
    expect(JSON.parse(batchPayload(batch, { ...envelope, replay: true }))).toMatchObject({
      replay: true,
      seq: 123406,
    })
  })

  it('URS-69 simulated data say so on every message', () => {
    const envelope = { epoch: EPOCH, origin: 'simulated', sent: 1, replay: false } as const
    const base = { tb: 0, prev: 0, first: 1, last: 1 }
    for (const batch of [
      { ...base, stream: 'readings', records: ['{"s":1}'] },
      { ...base, stream: 'event', records: ['{"seq":1,"type":"x","ts":1}'] },
    ] as const) {
      expect(JSON.parse(batchPayload(batch, envelope))).toMatchObject({ origin: 'simulated' })
    }
  })
})

describe('cutting a batch', () => {
  it('keeps every record, byte for byte, in order, with prev of each piece the last of the one before', async () => {
    const store = memoryStore()
    store.append(readings(100))
    const [batch] = await store.batches({ stream: 'readings', after: 0, batches: 1 })
    if (batch === undefined) throw new Error('the store holds a batch')
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 1, max: 12_000 }),
        (recordsMax, bytesMax) => {
          const pieces = cutBatch(batch, { recordsMax, bytesMax })
          expect(pieces.flatMap((piece) => piece.batch.records)).toEqual(batch.records)
          let prev = batch.prev
          for (const { batch: piece, bytes } of pieces) {
            expect(piece.prev).toBe(prev)
            expect(piece.first).toBe(sequenceOf(piece.records[0] ?? ''))
            expect(piece.last).toBe(sequenceOf(piece.records.at(-1) ?? ''))
            prev = piece.last
            expect(piece.records.length).toBeLessThanOrEqual(recordsMax)
            if (piece.records.length > 1) expect(bytes).toBeLessThanOrEqual(bytesMax)
          }
          expect(prev).toBe(batch.last)
        },
      ),
    )
  })

  it('counts enough bytes for the envelope and for text beyond ASCII', () => {
    const body = '{"seq":9007199254740991,"type":"x","ts":1,"comment":"è è è"}'
    for (const stream of ['readings', 'event'] as const) {
      const batch: StreamBatch = {
        stream,
        tb: 999_999,
        prev: Number.MAX_SAFE_INTEGER,
        first: Number.MAX_SAFE_INTEGER,
        last: Number.MAX_SAFE_INTEGER,
        records: [body],
      }
      const [piece] = cutBatch(batch, { recordsMax: 100, bytesMax: 10_000 })
      const payload = batchPayload(batch, {
        epoch: '01JD3Z8Q5K01JD3Z8Q5K01JD3Z',
        origin: 'instrument',
        sent: 9_999_999_999_999,
        replay: false,
      })
      expect(piece?.bytes).toBeGreaterThanOrEqual(Buffer.byteLength(payload))
      expect(ENVELOPE_BYTES_MAX).toBeLessThan(400)
    }
  })
})
