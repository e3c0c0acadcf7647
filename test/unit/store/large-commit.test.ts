import { describe, expect, it } from 'vitest'
import { silentLog } from '#ports/log.ts'
import { WAITING_RECORDS_MAX } from '../../../agent/runtime/loop.ts'
import { openStore } from '../../../agent/store/sqlite-store.ts'
import { EPOCH, NOON, reading, temporaryDirectory } from './support.ts'

describe('a disk that paused for long', () => {
  // found by the bench: 74,144 records had piled up, fewer than may wait, and the commit was refused as a broken invariant
  it('URS-47 HO16 is caught up with in one commit of all that may wait, in the thread as it is limited', async () => {
    const store = await openStore({
      dataDir: temporaryDirectory(),
      origin: 'simulated',
      log: silentLog,
      wall: () => NOON,
      newEpoch: () => EPOCH,
    })
    const raw = Uint8Array.of(1, 2, 3, 4)
    const records = Array.from({ length: WAITING_RECORDS_MAX + 1 }, (_, index) =>
      reading(`p${index % 800}`, NOON + index, { raw }),
    )
    const head = await store.commit({
      at: { wall: NOON, mono: 1 },
      bootId: 'boot-1',
      tb: 0,
      first: 1,
      records,
      state: [{ key: 'cursor/readings', value: '0' }],
    })
    expect(head.seq).toBe(records.length)
    expect(await store.count('readings', 0)).toBe(records.length)
    await store.close()
  }, 60_000)
})
