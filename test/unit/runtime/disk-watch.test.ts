// URS-49 the room on the disk: when it is said, in which words, and when the ballast goes and comes back.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { silentLog } from '#ports/log.ts'
import { DISK_LEVELS, DiskWatch, judgeRoom } from '../../../agent/runtime/disk-watch.ts'
import { hoursOf, type Room } from '../../../agent/runtime/machine.ts'
import { settle, virtualClock } from '../../support/virtual-clock.ts'

const GB = 1e9
const room = (freeGb: number, totalGb = 100): Room => ({ free: freeGb * GB, total: totalGb * GB })

describe('the level of a disk', () => {
  it.each<[used: string, freeGb: number, before: 'ok' | 'low' | 'critical', level: string]>([
    ['79 %', 21, 'ok', 'ok'],
    ['80 %', 20, 'ok', 'low'],
    ['90 %', 10, 'ok', 'critical'],
    ['79 %, after 80', 21, 'low', 'low'],
    ['77 %, after 80', 23, 'low', 'ok'],
    ['89 %, after 90', 11, 'critical', 'critical'],
    ['87 %, after 90', 13, 'critical', 'low'],
    ['100 %', 0, 'ok', 'critical'],
  ])('URS-49 at %s is judged with distance', (_used, freeGb, before, level) => {
    expect(judgeRoom(room(freeGb), 1, before).level).toBe(level)
  })

  it('URS-49 counts hours too: a big disk that fills fast, and a nearly empty small one', () => {
    const fast = 20_000
    expect(judgeRoom(room(600, 1000), fast, 'ok').level).toBe('low')
    expect(judgeRoom(room(200, 250), fast, 'ok').level).toBe('critical')
    expect(judgeRoom(room(0.05, 0.06), 0.1, 'ok').level).toBe('ok')
    expect(judgeRoom(room(20), 1, 'ok').words).toBe(
      `80 % of the disk is in use; 20000 MB are left, enough for ${hoursOf(room(20), 1)} h; free space`,
    )
  })

  it('never gets better with less room', () => {
    const level = (free: number, before: 'ok' | 'low' | 'critical'): number =>
      DISK_LEVELS.indexOf(judgeRoom({ free, total: 1e11 }, 5, before).level)
    fc.assert(
      fc.property(fc.nat(1e11), fc.nat(1e11), fc.constantFrom(...DISK_LEVELS), (a, b, before) => {
        expect(level(Math.min(a, b), before)).toBeGreaterThanOrEqual(level(Math.max(a, b), before))
      }),
    )
  })
})

function setUp(initial: Room) {
  const clock = virtualClock()
  const said: unknown[] = []
  let now = initial
  let held = false
  let made = 0
  let reclaimed = 0
  const watch = new DiskWatch({
    clock,
    log: silentLog,
    room: () => {
      if (now.total === 0) throw new Error('EIO')
      return now
    },
    recordsPerSecond: () => 1,
    ballast: {
      bytes: GB,
      held: () => held,
      release: () => {
        held = false
        return true
      },
      make: async () => {
        made++
        held = true
        return true
      },
    },
    reclaim: async () => {
      reclaimed++
      return true
    },
    condition: (active, detail) => said.push([active, detail]),
    note: (type, { level }) => said.push(level === undefined ? type : [type, level]),
  })
  const become = async (next: Room): Promise<unknown[]> => {
    now = next
    said.length = 0
    await clock.advance(30_000)
    await settle()
    return [...said]
  }
  const counts = { isHeld: () => held, made: () => made, reclaimed: () => reclaimed }
  return { clock, watch, said, become, ...counts }
}

describe('the watch', () => {
  it('URS-49 says each change once, and at the start also that nothing is wrong', async () => {
    const { watch, said, become } = setUp(room(50))
    watch.start()
    expect(said).toEqual([[false, undefined]])
    expect(await become(room(50))).toEqual([])
    expect(await become(room(15))).toEqual([
      ['store.room', 'low'],
      [true, expect.stringContaining('85 %')],
    ])
    expect(await become(room(14))).toEqual([])
    expect(await become(room(5))).toEqual([
      ['store.room', 'critical'],
      [true, expect.stringContaining('free space now')],
    ])
    expect(await become(room(60))).toEqual([
      ['store.room', 'ok'],
      [false, undefined],
    ])
    watch.stop()
  })

  it('HO4 holds the ballast while there is room, gives it up when its own size is left, and takes it again', async () => {
    const { watch, become, isHeld, made } = setUp(room(50))
    watch.start()
    await become(room(50))
    expect(isHeld()).toBe(true)
    await become(room(1.5))
    expect(isHeld()).toBe(true)
    expect(await become(room(0.9))).toContain('store.ballast')
    expect(isHeld()).toBe(false)
    await become(room(3.9))
    expect(isHeld()).toBe(false)
    await become(room(4))
    expect([isHeld(), made()]).toEqual([true, 2])
    watch.stop()
  })

  it('HO4 asks for records that everybody has to go only when the ballast is gone and that was not enough', async () => {
    const { watch, become, reclaimed } = setUp(room(50))
    watch.start()
    await become(room(50))
    await become(room(0.9))
    expect(reclaimed(), 'the ballast first').toBe(0)
    await become(room(1.5))
    expect(reclaimed()).toBe(0)
    await become(room(0.8))
    await become(room(0.8))
    expect(reclaimed(), 'one at each look').toBe(2)
    watch.stop()
  })

  it('HO4 makes room at once where a start finds too little, and takes none', async () => {
    const short = setUp(room(0.5))
    short.watch.start()
    expect([short.reclaimed(), short.made()]).toEqual([1, 0])
    short.watch.stop()
    const ample = setUp(room(50))
    ample.watch.start()
    expect([ample.reclaimed(), ample.made()]).toEqual([0, 0])
    ample.watch.stop()
  })

  it('goes on looking when the system cannot tell, and not after the stop', async () => {
    const { watch, become, clock } = setUp(room(50))
    watch.start()
    expect(await become(room(0, 0))).toEqual([])
    expect(await become(room(15))).toHaveLength(2)
    watch.stop()
    expect(clock.timers).toBe(0)
  })
})
