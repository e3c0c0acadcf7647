// One page of what the journal holds of events, picked by whoever asks. Reads a bounded number of events at a time, so that a trail
// of years is read without holding it; writes nothing and leaves nothing out that is asked for.

import type { Millis } from '#core/time.ts'
import type { Store } from '#ports/store.ts'

/** Events looked at for one page; whoever wants more asks for the next. */
const EVENTS_PER_PAGE = 2000
/** Events read at once. */
const EVENTS_AT_ONCE = 200
/** Records of one page, and their printed length: a page is one line of the local socket. */
const RECORDS_MAX = 500
const LENGTH_MAX = 2_000_000

/** An event as it stands in the journal. */
export type StoredEvent = Readonly<Record<string, unknown>> & {
  readonly seq: number
  readonly type: string
  readonly ts: Millis
}

export interface AuditPage {
  readonly records: readonly StoredEvent[]
  /** Sequence number after which the next page begins; absent at the end of the journal. */
  readonly next?: number
}

/** The events after `after` that are asked for. */
export async function auditPage(
  store: Pick<Store, 'batches'>,
  after: number,
  isAskedFor: (event: StoredEvent) => boolean,
): Promise<AuditPage> {
  const records: StoredEvent[] = []
  let last = after
  let length = 0
  for (let seen = 0; seen < EVENTS_PER_PAGE; ) {
    const batches = await store.batches({ stream: 'event', after: last, batches: EVENTS_AT_ONCE })
    if (batches.length === 0) return { records }
    for (const batch of batches) {
      seen++
      last = batch.last
      const [text = '{}'] = batch.records
      const event = JSON.parse(text) as StoredEvent
      if (!isAskedFor(event)) continue
      records.push(event)
      length += text.length
      if (records.length >= RECORDS_MAX || length >= LENGTH_MAX) return { records, next: last }
    }
  }
  return { records, next: last }
}
