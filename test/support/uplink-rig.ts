// An uplink in virtual time between a store in memory and a fake broker, with everything it reports.

import { seededRandom } from '#core/random.ts'
import { silentLog } from '#ports/log.ts'
import type { Uplink, UplinkNotice } from '#ports/uplink.ts'
import type { Watermarks } from '../../agent/uplink/confirms.ts'
import { createUplink } from '../../agent/uplink/mqtt-uplink.ts'
import { type FakeBroker, fakeBroker } from './fake-session.ts'
import { type MemoryStore, memoryStore } from './memory-store.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

export const BASE = 'cr/v1/lombardia/milano-cf/gw-01/'
export const EPOCH = '01JD3Z8Q5K'

export const IDENTITY = {
  org: 'lombardia',
  site: 'milano-cf',
  gateway: 'gw-01',
  origin: 'instrument',
  agent: '0.1.0',
  config: 'sha256:c0ffee',
} as const

export interface UplinkRig {
  readonly uplink: Uplink
  readonly broker: FakeBroker
  readonly store: MemoryStore
  readonly clock: VirtualClock
  readonly notices: UplinkNotice[]
  /** Commits records and tells the uplink. */
  commit(...records: Parameters<MemoryStore['append']>): void
  noticesOf<K extends UplinkNotice['kind']>(kind: K): Extract<UplinkNotice, { kind: K }>[]
}

export function uplinkRig(
  options: {
    readonly consumers?: readonly string[]
    readonly sent?: { readings: number; event: number }
    readonly confirmed?: Watermarks
    readonly store?: MemoryStore
    readonly origin?: 'instrument' | 'simulated'
    readonly seed?: number
  } = {},
): UplinkRig {
  const clock = virtualClock()
  const store = options.store ?? memoryStore()
  const broker = fakeBroker(BASE)
  const notices: UplinkNotice[] = []
  const uplink = createUplink({
    settings: { url: 'mqtts://broker.example:8883', consumers: options.consumers ?? [] },
    identity: { ...IDENTITY, origin: options.origin ?? 'instrument' },
    epoch: EPOCH,
    clock,
    random: seededRandom(options.seed ?? 1),
    log: silentLog,
    store,
    cursors: {
      sent: options.sent ?? { readings: 0, event: 0 },
      confirmed: options.confirmed ?? { readings: {}, event: {} },
    },
    status: () => ({
      through: store.head.seq,
      head: store.head,
      tb: store.tb,
      clock: { synchronised: true, offsetMs: 3 },
      autonomyHours: 812,
    }),
    notice: (notice) => notices.push(notice),
    open: broker.open,
  })
  uplink.committed(store.head)
  return {
    uplink,
    broker,
    store,
    clock,
    notices,
    commit: (records) => uplink.committed(store.append(records)),
    noticesOf: <K extends UplinkNotice['kind']>(kind: K) =>
      notices.filter(
        (notice): notice is Extract<UplinkNotice, { kind: K }> => notice.kind === kind,
      ),
  }
}
