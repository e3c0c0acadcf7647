// URS-52 which files go, and when: never before they are delivered and confirmed, never by a doubted clock, the oldest first.

import { describe, expect, it } from 'vitest'
import type { ClockTrust } from '#ports/commands.ts'
import { silentLog } from '#ports/log.ts'
import type { EarlierFile } from '#ports/store.ts'
import { Retention, type RetentionOptions } from '../../../agent/runtime/retention.ts'
import { settle, virtualClock } from '../../support/virtual-clock.ts'

const DAY = 86_400_000
const HOUR = 3_600_000

/** A file of a day, counted from today: records 100 × its number. */
const fileOf = (number: number, until: number): EarlierFile => ({
  ...{ file: `journal-${number}.db`, from: number * 100 + 1, through: number * 100 + 100, until },
  ...{ readings: 90, events: 10, hash: 'h', sha256: 's', bytes: 1 },
  last: { readings: number * 100 + 100, event: number * 100 + 90 },
})

interface Given {
  readonly keepMs?: number
  readonly consumers?: readonly string[]
  readonly rows?: Readonly<Record<string, number>>
  readonly trust?: ClockTrust
  readonly doubtful?: boolean
  readonly steppedAtStart?: boolean
}

/** Everything is delivered unless a test says otherwise. */
const ALL = { 'cursor/readings': 1000, 'cursor/event': 1000 }

function setUp(given: Given = {}) {
  const clock = virtualClock()
  const now = clock.now().wall
  // Files that end 4, 3, 2 and 1 days ago.
  let files = [0, 1, 2, 3].map((number) => fileOf(number, now - (4 - number) * DAY))
  const told: [string, unknown][] = []
  const base = { tb: given.steppedAtStart === true ? 1 : 0, offsetMs: 0 }
  const retention = new Retention({
    clock,
    log: silentLog,
    store: {
      recovered: { tb: 0 } as RetentionOptions['store']['recovered'],
      earlier: async () => ({
        files,
        rows: new Map(Object.entries(given.rows ?? ALL).map(([row, seq]) => [row, `${seq}`])),
      }),
      removal: ({ file }, why) => ({ type: 'store.pruned', body: { file, why }, rows: new Map() }),
    },
    loop: {
      get base() {
        return base
      },
      state: { doubtful: given.doubtful === true } as RetentionOptions['loop']['state'],
      note: async (_type, { file, why }) => {
        told.push([String(file), why])
        files = files.filter((each) => each.file !== file)
      },
    },
    rule: () => ({ keepMs: given.keepMs, consumers: given.consumers ?? [] }),
    clockTrust: () => given.trust ?? 'synchronised',
  })
  retention.start()
  const after = async (ms: number): Promise<readonly string[]> => {
    await clock.advance(ms)
    await settle()
    return told.map(([file]) => file)
  }
  return { retention, after, told, base }
}

describe('D8 URS-52 retention', () => {
  it('keeps everything where nothing is configured', async () => {
    expect(await setUp().after(48 * HOUR)).toEqual([])
  })

  it('removes what is older, the oldest first, and the next when its time has come', async () => {
    const { after } = setUp({ keepMs: 2 * DAY })
    expect(await after(59_000)).toEqual([])
    expect(await after(2000)).toEqual(['journal-0.db', 'journal-1.db', 'journal-2.db'])
    expect(await after(23 * HOUR)).toHaveLength(3)
    expect(await after(2 * HOUR)).toHaveLength(4)
  })

  it.each<[what: string, given: Given, removed: number]>([
    ['not delivered in one stream', { rows: { ...ALL, 'cursor/event': 189 } }, 1],
    ['never delivered', { rows: {} }, 0],
    ['not confirmed by anybody', { consumers: ['a'] }, 0],
    [
      'confirmed by one of two',
      {
        consumers: ['a', 'b'],
        rows: { ...ALL, 'confirm/readings/a': 999, 'confirm/event/a': 999 },
      },
      0,
    ],
    [
      'confirmed to the middle',
      { consumers: ['a'], rows: { ...ALL, 'confirm/readings/a': 250, 'confirm/event/a': 250 } },
      2,
    ],
    ['of a clock in doubt', { doubtful: true }, 0],
    ['of a clock that is not synchronised', { trust: 'unsynchronised' }, 0],
    ['of a clock nobody vouches for', { trust: 'unknown' }, 4],
  ])('URS-48 does not touch what is %s', async (_what, given, removed) => {
    expect(await setUp({ keepMs: 1, ...given }).after(2 * HOUR)).toHaveLength(removed)
  })

  it('PE16 waits for a day after a step of a clock that nobody vouches for, at the start and later', async () => {
    const start = setUp({ keepMs: 1, trust: 'unknown', steppedAtStart: true })
    expect(await start.after(23 * HOUR)).toEqual([])
    expect(await start.after(2 * HOUR)).toHaveLength(4)
    const later = setUp({ keepMs: 3.5 * DAY, trust: 'unknown' })
    expect(await later.after(61_000)).toHaveLength(1)
    later.base.tb++
    expect(await later.after(24 * HOUR)).toHaveLength(1)
    expect(await later.after(3 * HOUR)).toHaveLength(2)
  })

  it('HO4 gives room with the oldest that everybody has, before its age, and says why', async () => {
    const { retention, told } = setUp({ keepMs: 100 * DAY, doubtful: true })
    expect(await retention.reclaim()).toBe(true)
    expect(told).toEqual([['journal-0.db', 'room']])
    const unconfirmed = setUp({ keepMs: 100 * DAY, consumers: ['a'] })
    expect(await unconfirmed.retention.reclaim()).toBe(false)
    const never = setUp()
    expect(await never.retention.reclaim(), 'where records are kept for ever').toBe(false)
    expect(never.told).toEqual([])
  })

  it('does nothing once it is stopped', async () => {
    const { retention, after } = setUp({ keepMs: 1 })
    retention.stop()
    expect(await after(2 * HOUR)).toEqual([])
    expect(await retention.reclaim()).toBe(false)
  })
})
