// A process that commits as fast as it can and tells what was acknowledged, one line each, until it is killed.
// Arguments: data directory, records a commit, hours of the plant's time between commits.

import { writeSync } from 'node:fs'
import type { JournalRecord } from '#core/record.ts'
import { silentLog } from '#ports/log.ts'
import { openStore } from '../../../agent/store/sqlite-store.ts'

const [dataDir = '', size = '20', hours = '1'] = process.argv.slice(2)
const start = Date.UTC(2025, 10, 22)
/** Told at once: a line that was written survives the kill in the pipe. */
const say = (line: unknown): void => void writeSync(1, `${JSON.stringify(line)}\n`)

try {
  const store = await openStore({
    dataDir,
    origin: 'simulated',
    log: silentLog,
    wall: () => start,
    newEpoch: () => '01JD3Z8Q5K0000000000000000',
    sealDelayMs: 5,
  })
  const { head, state, lastCommit, coverage } = store.recovered
  const n0 = Number(state.get('n') ?? -1)
  say({ opened: head, n: n0, wall: lastCommit?.at.wall, covered: Object.fromEntries(coverage) })
  let first = head.seq + 1
  for (let n = n0 + 1; ; n++) {
    const wall = start + n * Number(hours) * 3_600_000
    const records: JournalRecord[] = Array.from({ length: Number(size) }, (_, index) => ({
      kind: 'reading',
      reading: {
        point: `p${index}`,
        t: wall + index,
        a: index,
        v: first + index + 0.5,
        q: 'good',
        raw: Uint8Array.of(n & 255, index),
      },
    }))
    records.push({ kind: 'event', event: { type: 'note', ts: wall, body: { n } } })
    const at = { wall, mono: n }
    const value = `${n}`
    const acknowledged = await store.commit({
      ...{ at, bootId: 'boot', tb: 0, first, records, state: [{ key: 'n', value }] },
    })
    first += records.length
    say({ acknowledged, n })
    if (n % 7 === 0) await store.batches({ stream: 'readings', after: first - 500, batches: 3 })
  }
} catch (thrown) {
  const { kind, message, pid } = thrown as { kind?: string; message?: string; pid?: number }
  say({ failed: kind ?? 'bug', message, pid })
  process.exit(kind === 'locked' ? 75 : 74)
}
