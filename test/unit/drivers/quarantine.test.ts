// URS-10: what a process has asked on a line without transaction ids is answered to no request of the next one, whenever and
// however it ended, and to none of a driver that is opened afresh. Virtual time.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '#core/random.ts'
import type { OpenLink } from '#drivers/link/link.ts'
import type { BusSettings } from '#drivers/profile.ts'
import { Quarantines } from '#drivers/registry.ts'
import type { Recovered } from '#ports/store.ts'
import { cleanRun, previousEnd } from '../../../agent/runtime/previous-end.ts'
import {
  brief,
  briefs,
  driverOf,
  instrument,
  pollAll,
  profileOf,
  signal,
} from '../../support/driver-rig.ts'
import { FakeWire, rtu } from '../../support/fake-wire.ts'
import { type VirtualClock, virtualClock } from '../../support/virtual-clock.ts'

const TIMEOUT_MS = 300
const LATE_MS = 2000
/** A converter's queue: nothing comes later than this after its request. */
const WIRE_MS_MAX = TIMEOUT_MS + LATE_MS - 50
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 150)
const NEVER = Number.NEGATIVE_INFINITY

const bus = (over: Partial<BusSettings> = {}): BusSettings =>
  ({
    ...{ id: 'moxa-1', protocol: 'modbus-rtu-over-tcp', host: 'moxa', port: 4001, turnaroundMs: 0 },
    ...{ timeoutMs: TIMEOUT_MS, retries: 1, lateReplyMs: LATE_MS, ...over },
  }) as BusSettings

const units = [1, 2].map((unitId) =>
  instrument(`u-${unitId}`, unitId, profileOf([signal('askedAt', 0, 'u32')])),
)

/** Units answer with the moment they were asked at, sometimes late, sometimes not at all. */
function lateLine(clock: VirtualClock, seed: number): FakeWire {
  const wire = new FakeWire(clock, 'rtu')
  const random = seededRandom(seed)
  wire.script = (request, _regular, send) => {
    const dice = random()
    if (dice < 0.1) return
    const askedAt = Buffer.alloc(4)
    askedAt.writeUInt32BE(Math.floor(request.atMono))
    const frame = rtu(request.unitId, Buffer.concat([Buffer.of(3, 4), askedAt]))
    send(frame, dice < 0.5 ? 20 : 20 + random() * (WIRE_MS_MAX - 20))
  }
  return wire
}

/** The wire as one process has it: nothing passes any more once it is dead. */
function ofProcess(wire: FakeWire) {
  const life = { alive: true }
  const open: OpenLink = (listener) => {
    if (!life.alive) return { write: () => {}, flush: () => {}, destroy: async () => {} }
    const link = wire.open({
      opened: () => life.alive && listener.opened(),
      received: (bytes) => life.alive && listener.received(bytes),
      closed: (cause) => life.alive && listener.closed(cause),
    })
    return { ...link, write: (bytes) => life.alive && link.write(bytes) }
  }
  return { life, open }
}

const recovered = (over: Partial<Recovered> = {}): Recovered => ({
  ...{ epoch: 'e', created: false, head: { seq: 9, hash: '' }, tb: 0, coverage: new Map() },
  ...{ state: new Map([['run', '{"clean":false}']]) },
  ...over,
})

/** Polls one unit after another until a moment; counts what is older than its own poll. */
async function run(
  clock: VirtualClock,
  driver: ReturnType<typeof driverOf>,
  untilMono: number,
  finish: boolean,
): Promise<{ good: number; wrong: number }> {
  const found = { good: 0, wrong: 0 }
  for (let turn = 0; clock.now().mono < untilMono; turn++) {
    const unit = units[turn % units.length]
    if (unit === undefined) throw new Error('no unit')
    const started = Math.floor(clock.now().mono)
    let value: number | string | undefined
    void pollAll(driver, unit).then(({ signals: [first] }) => {
      value = first === undefined ? 'nothing' : brief(first.result)
    })
    await clock.advance(0)
    while (value === undefined && (finish || clock.now().mono < untilMono)) await clock.advance(7)
    if (typeof value === 'number') {
      found.good++
      if (value < started) found.wrong++
    }
    if (clock.now().mono < untilMono) await clock.advance(43)
  }
  return found
}

describe('URS-10 FB2 HO1 late replies across the end of a process', () => {
  it('kill or stop at any instant, start again after any time: none wrong', async () => {
    let good = 0
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.nat(),
          lifeMs: fc.integer({ min: 1, max: 4000 }),
          downMs: fc.integer({ min: 0, max: 3000 }),
          silentMs: fc.integer({ min: 0, max: 60_000 }),
          end: fc.constantFrom('killed', 'stopped', 'driver reopened'),
        }),
        async ({ seed, lifeMs, downMs, silentMs, end }) => {
          const clock = virtualClock()
          const wire = lateLine(clock, seed)
          const first = ofProcess(wire)
          const before = new Quarantines()
          const parts = { clock, quarantines: before }
          const driver = driverOf(bus(), units, { ...parts, open: first.open })
          await clock.advance(10)
          const old = await run(clock, driver, clock.now().mono + lifeMs, end !== 'killed')
          const stoppedAt = clock.now()
          const row =
            end === 'killed' ? { clean: false } : cleanRun(before.outstanding(stoppedAt.mono))
          first.life.alive = false
          await clock.advance(downMs)
          const at = clock.now()
          const committedAt =
            end === 'killed' ? { ...stoppedAt, mono: stoppedAt.mono - silentMs } : stoppedAt
          const after = new Quarantines()
          const store = recovered({
            state: new Map([['run', JSON.stringify(row)]]),
            lastCommit: { at: committedAt, bootId: clock.bootId },
          })
          after.inherit(previousEnd({ recovered: store }, at, clock.bootId), at.mono)
          const quarantines = end === 'driver reopened' ? before : after
          const { open } = ofProcess(wire)
          const again = driverOf(bus({ retries: 2 }), units, { clock, quarantines, open })
          await clock.advance(10)
          const found = await run(clock, again, clock.now().mono + 4000, true)
          good += found.good
          expect({ old: old.wrong, found: found.wrong }).toEqual({ old: 0, found: 0 })
        },
      ),
      { numRuns: RUNS },
    )
    expect(good).toBeGreaterThan(RUNS)
  })

  it('after a kill each unit is `parked` for timeout and lateReply, and no longer', async () => {
    const clock = virtualClock()
    const wire = new FakeWire(clock, 'rtu')
    wire.unit(1).set(3, 0, 0).set(3, 1, 5)
    const quarantines = new Quarantines()
    quarantines.inherit({ sentUntilMono: clock.now().mono, quarantined: [] }, clock.now().mono)
    const [one] = units
    if (one === undefined) throw new Error('no unit')
    const driver = driverOf(bus(), [one], { clock, quarantines, open: wire.open })
    await clock.advance(TIMEOUT_MS + LATE_MS - 1)
    expect(briefs(await pollAll(driver, one))).toEqual(['parked'])
    expect(wire.requests).toEqual([])
    await clock.advance(1)
    const reply = pollAll(driver, one)
    await clock.advance(10)
    expect(briefs(await reply)).toEqual([5])
  })
})

describe('URS-10 the owner of the quarantines', () => {
  it('is told of the process before once, and holds it for lines that are opened later', () => {
    const owner = new Quarantines()
    owner.inherit({ sentUntilMono: 100, quarantined: [] }, 100)
    owner.inherit({ sentUntilMono: 5000, quarantined: [] }, 5000)
    expect(owner.line('a', 2300).unit(7).untilMono).toBe(2400)
    expect(owner.line('b', 10_300).unit(7).untilMono).toBe(10_400)
    // What the start imposes is each line's own matter.
    expect(owner.line('c', 2300).unit(7).untilMono).toBe(2400)
  })

  it('keeps a unit through a driver that is opened afresh, and through a new name of its wire', () => {
    const owner = new Quarantines()
    owner.line('/dev/ttyUSB0', 2300).unit(7).untilMono = 9000
    expect(owner.line('/dev/ttyUSB0', 2300).unit(7).untilMono).toBe(9000)
    const renamed = owner.line('/dev/serial/by-id/x', 2300)
    expect(renamed.unit(7).untilMono).toBe(9000)
    expect(renamed.unit(8).untilMono).toBe(NEVER)
    expect(owner.outstanding(8000)).toEqual([
      { line: '/dev/ttyUSB0', unitId: 7, leftMs: 1000 },
      { line: '/dev/serial/by-id/x', unitId: 7, leftMs: 1000 },
    ])
    expect(owner.outstanding(9000)).toEqual([])
  })
})

describe('URS-10 what the process before has left', () => {
  const at = { wall: 1e12, mono: 50_000 }
  const last = { at: { wall: 1e12 - 4000, mono: 46_000 }, bootId: 'boot-1' }
  const carried = [{ line: 'moxa:4001', unitId: 3, leftMs: 6000 }]
  const stopped = new Map([['run', JSON.stringify(cleanRun(carried))]])
  const lost = new Map<string, string>()
  const aside = { directory: 'd', file: 'f', kind: 'rolled_back', found: 'x' } as const

  it.each<[string, Partial<Recovered>, string, number, number[]]>([
    ['a new site', { created: true, state: lost }, 'boot-1', NEVER, []],
    [
      'a kill in this boot: it may have asked until now',
      { lastCommit: last },
      'boot-1',
      50_000,
      [],
    ],
    [
      'an end before this boot: one without a disk may have asked since',
      { lastCommit: last },
      ...(['boot-2', 50_000, []] as [string, number, number[]]),
    ],
    [
      'a kill, and no boot ids',
      { lastCommit: { ...last, bootId: 'unknown' } },
      'unknown',
      50_000,
      [],
    ],
    ['a kill before its first commit', {}, 'boot-1', 50_000, []],
    ['a journal that was lost', { created: true, state: lost, lost: 'gone' }, 'boot-1', 50_000, []],
    [
      'a journal set aside, whose state says stopped',
      { state: stopped, lastCommit: last, quarantined: aside },
      ...(['boot-1', 50_000, []] as [string, number, number[]]),
    ],
    ['a stop in this boot', { state: stopped, lastCommit: last }, 'boot-1', NEVER, [2000]],
    ['a stop, and a boot since', { state: stopped, lastCommit: last }, 'boot-2', NEVER, []],
    [
      'a stop of an older agent',
      { state: new Map([['run', '{"clean":true}']]), lastCommit: last },
      ...(['boot-1', NEVER, []] as [string, number, number[]]),
    ],
  ])('%s', (_name, over, bootId, sentUntilMono, left) => {
    const end = previousEnd({ recovered: recovered(over) }, at, bootId)
    expect(end.sentUntilMono).toBe(sentUntilMono)
    expect(end.quarantined.map(({ leftMs }) => leftMs)).toEqual(left)
  })

  it('a disk that cannot be read tells nothing: whatever ran may have asked until now', () => {
    const store = { volatile: true, recovered: recovered({ created: true, state: lost }) } as const
    expect(previousEnd(store, at, 'boot-1')).toEqual({ sentUntilMono: 50_000, quarantined: [] })
  })

  it('a disk that is out of order tells of a stop: one that ran from memory may have been killed since', () => {
    const state = { state: stopped, lastCommit: last }
    const store = { volatile: true, recovered: recovered(state) } as const
    expect(previousEnd(store, at, 'boot-1')).toEqual({ sentUntilMono: 50_000, quarantined: [] })
  })

  it('a stop writes down who may still answer, and nothing where there is nobody', () => {
    expect(cleanRun([])).toEqual({ clean: true })
    expect(cleanRun(carried)).toEqual({ clean: true, quarantined: carried })
  })
})
