// An uplink on real sockets and the machine's clock, with a store in memory and everything it reports.

import { seededRandom } from '#core/random.ts'
import { type Log, silentLog } from '#ports/log.ts'
import type { Uplink, UplinkNotice } from '#ports/uplink.ts'
import { systemClock } from '../../agent/runtime/system-clock.ts'
import { createUplink, type UplinkOptions } from '../../agent/uplink/mqtt-uplink.ts'
import { type MemoryStore, memoryStore } from './memory-store.ts'
import { EPOCH, IDENTITY } from './uplink-rig.ts'

export interface LiveUplink {
  readonly uplink: Uplink
  readonly store: MemoryStore
  readonly notices: UplinkNotice[]
  commit(records: Parameters<MemoryStore['append']>[0]): void
  noticesOf<K extends UplinkNotice['kind']>(kind: K): Extract<UplinkNotice, { kind: K }>[]
}

export function liveUplink(
  settings: UplinkOptions['settings'],
  options: { readonly log?: Log; readonly store?: MemoryStore; readonly seed?: number } = {},
): LiveUplink {
  const store = options.store ?? memoryStore()
  const notices: UplinkNotice[] = []
  const uplink = createUplink({
    settings,
    identity: IDENTITY,
    epoch: EPOCH,
    clock: systemClock(),
    random: seededRandom(options.seed ?? 7),
    log: options.log ?? silentLog,
    store,
    cursors: { sent: { readings: 0, event: 0 }, confirmed: { readings: {}, event: {} } },
    status: () => ({
      through: store.head.seq,
      head: store.head,
      tb: store.tb,
      clock: { synchronised: true, offsetMs: 0 },
    }),
    notice: (notice) => notices.push(notice),
  })
  uplink.committed(store.head)
  return {
    uplink,
    store,
    notices,
    commit: (records) => uplink.committed(store.append(records)),
    noticesOf: <K extends UplinkNotice['kind']>(kind: K) =>
      notices.filter(
        (notice): notice is Extract<UplinkNotice, { kind: K }> => notice.kind === kind,
      ),
  }
}
