// The payloads of contract §3, printed key by key in the order of its examples. Pure: stamps come in.
// Records are embedded as the store hands them out, byte for byte; nothing here prints a record anew.

import type { Origin } from '#core/point.ts'
import type { Stream } from '#core/record.ts'
import type { Millis } from '#core/time.ts'
import type { Head, StreamBatch } from '#ports/store.ts'
import type { ReplayRefusal } from '#ports/uplink.ts'

/** Who speaks. */
export interface Identity {
  readonly org: string
  readonly site: string
  readonly gateway: string
  readonly origin: Origin
  /** Version of the agent. */
  readonly agent: string
  /** `sha256:…` of the configuration in force. */
  readonly config: string
}

/** What the runtime knows and `status` tells. */
export interface StatusSnapshot {
  /** Everything up to here is durable. */
  readonly through: number
  readonly head: Head
  readonly tb: number
  readonly clock: { readonly synchronised: boolean; readonly offsetMs: Millis }
  readonly autonomyHours?: number
  /** Hash of the configuration in force, where it changed since the start. */
  readonly config?: string
}

export interface StatusContent {
  readonly online: boolean
  /** start, reconnected, heartbeat, changed, connection_lost, or what stop was told. */
  readonly reason: string
  readonly ts: Millis
  readonly epoch: string
  readonly backlog: Readonly<Record<Stream, number>>
}

export function statusPayload(
  identity: Identity,
  snapshot: StatusSnapshot,
  content: StatusContent,
): string {
  const { head, clock } = snapshot
  return JSON.stringify({
    v: 1,
    online: content.online,
    reason: content.reason,
    ts: content.ts,
    agent: identity.agent,
    config: snapshot.config ?? identity.config,
    epoch: content.epoch,
    tb: snapshot.tb,
    through: snapshot.through,
    head: { seq: head.seq, hash: `sha256:${head.hash}` },
    backlog: { readings: content.backlog.readings, event: content.backlog.event },
    clock: { synchronised: clock.synchronised, offsetMs: clock.offsetMs },
    ...(snapshot.autonomyHours !== undefined && { autonomyHours: snapshot.autonomyHours }),
    origin: identity.origin,
  })
}

export interface Envelope {
  readonly epoch: string
  readonly origin: Origin
  readonly sent: Millis
  readonly replay: boolean
}

/** Bytes that an envelope may add to the records of a batch (a bound, not a count). */
export const ENVELOPE_BYTES_MAX = 320

/** A `readings` or `event` message of one batch. */
export const batchPayload = (batch: StreamBatch, envelope: Envelope): string =>
  batch.stream === 'readings' ? readingsPayload(batch, envelope) : eventPayload(batch, envelope)

function readingsPayload(batch: StreamBatch, { epoch, origin, sent, replay }: Envelope): string {
  return (
    `{"v":1,"stream":"readings","epoch":"${epoch}","tb":${batch.tb},"prev":${batch.prev},` +
    `"first":${batch.first},"last":${batch.last},"sent":${sent},"replay":${replay},` +
    `"origin":"${origin}","readings":[${batch.records.join(',')}]}`
  )
}

/** `replay` and a simulated `origin` stand before the stored body, which stays as it is. */
function eventPayload(batch: StreamBatch, { epoch, origin, replay }: Envelope): string {
  const body = batch.records[0] ?? '{}'
  return (
    `{"v":1,"stream":"event","epoch":"${epoch}","tb":${batch.tb},"prev":${batch.prev},` +
    (replay ? '"replay":true,' : '') +
    (origin === 'simulated' ? '"origin":"simulated",' : '') +
    body.slice(1)
  )
}

export interface ReplayReply {
  readonly id: string | null
  readonly ok: boolean
  readonly code: 'done' | ReplayRefusal['code']
  readonly detail?: string
  /** Records sent again. */
  readonly records?: number
  readonly ts: Millis
}

export const replayReply = ({ id, ok, code, detail, records, ts }: ReplayReply): string =>
  JSON.stringify({
    v: 1,
    id,
    ok,
    code,
    ...(records !== undefined && { records }),
    ...(detail !== undefined && { detail }),
    ts,
  })
