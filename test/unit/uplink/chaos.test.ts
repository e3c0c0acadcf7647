// The whole uplink against a broker that does everything wrong at random, then calms down: whatever happened, every record
// is with the consumer or was reported, every retained state is the newest, and no bound was ever crossed.

import { describe, expect, it } from 'vitest'
import { type Random, seededRandom } from '#core/random.ts'
import type { Published, Reaction } from '../../support/fake-session.ts'
import { event, readings } from '../../support/memory-store.ts'
import { EPOCH, type UplinkRig, uplinkRig } from '../../support/uplink-rig.ts'

const SEEDS = 25
const ROUNDS = 150

interface Mischief {
  readonly hangUp: number
  readonly silence: number
  readonly unheard: number
  readonly denied: number
  readonly busy: number
  readonly refusedConnection: number
  /** Records that the broker will never take, whatever happens, and how it says so. */
  readonly poison: ReadonlySet<number>
  readonly poisonReaction: Reaction
}

/** Every seed draws its own rates, and leaves some mischief out altogether. */
function drawMischief(random: Random): Mischief {
  const rate = (most: number) => (random() < 0.4 ? 0 : random() * most)
  const poison = new Set<number>()
  if (random() < 0.5)
    for (let index = 0; index < 3; index++) poison.add(Math.floor(random() * 3000))
  return {
    hangUp: rate(0.02),
    silence: rate(0.01),
    unheard: rate(0.1),
    denied: rate(0.03),
    busy: rate(0.05),
    refusedConnection: rate(0.5),
    poison,
    poisonReaction: random() < 0.5 ? 'hang up' : 0x99,
  }
}

class Consumer {
  readonly records = new Map<number, string>()
  readonly retained = new Map<string, string>()

  take({ leaf, payload, retain }: Published): void {
    if (retain) {
      if (payload === '') this.retained.delete(leaf)
      else this.retained.set(leaf, payload)
      return
    }
    if (leaf !== 'readings' && leaf !== 'event') return
    for (const [text, seq] of payload.matchAll(/\{"s":(\d+),[^{}]*\}|"seq":(\d+).*$/g)) {
      const number = Number(seq ?? /"seq":(\d+)/.exec(text)?.[1])
      expect(this.records.get(number) ?? text, 'a record never changes').toBe(text)
      this.records.set(number, text)
    }
  }
}

function react(random: Random, mischief: Mischief, consumer: Consumer) {
  return (message: Published): Reaction => {
    if (mischief.poison.size > 0 && message.leaf === 'readings') {
      for (const [, seq] of message.payload.matchAll(/\{"s":(\d+),/g)) {
        if (mischief.poison.has(Number(seq))) return mischief.poisonReaction
      }
    }
    const dice = random()
    const { hangUp, silence, unheard, denied, busy } = mischief
    if (dice < hangUp) {
      // Hanging up may come after the message was passed on.
      if (random() < 0.5) consumer.take(message)
      return 'hang up'
    }
    if (dice < hangUp + silence) return 'silence'
    if (dice < hangUp + silence + denied) return 0x87
    if (dice < hangUp + silence + denied + busy) return 0x97
    if (!message.retain && dice < hangUp + silence + denied + busy + unheard) return 0x10
    consumer.take(message)
    return 0
  }
}

/** One round of traffic: records, alarms that change, replays and watermarks, and time. */
async function round(rig: UplinkRig, random: Random, states: Map<string, string>): Promise<void> {
  const count = Math.floor(random() ** 3 * 120)
  rig.commit(readings(count))
  if (random() < 0.3) rig.commit([event('alarm.activated')])
  if (random() < 0.3) {
    const alarm = `p${Math.floor(random() * 12)}.gap`
    const payload = random() < 0.1 ? '' : `{"v":1,"rev":${Math.floor(random() * 1e9)}}`
    states.set(`alarm/${alarm}`, payload)
    rig.uplink.alarmStates([{ alarm, payload }])
  }
  const head = rig.store.head.seq
  if (random() < 0.05 && head > 0) {
    const from = Math.floor(random() * head)
    const order = { v: 1, id: `r${head}`, aud: 'gw-01', by: 'historian', epoch: EPOCH }
    rig.broker.deliver('cmd/replay/historian', { ...order, stream: 'readings', from, to: head })
  }
  if (random() < 0.05) rig.uplink.status()
  await rig.clock.advance(random() < 0.1 ? 20_000 : random() * 1000)
}

describe('URS-48, URS-56, URS-57, URS-70 under random mischief', () => {
  it.each(Array.from({ length: SEEDS }, (_, seed) => seed + 1))('seed %i', async (seed) => {
    const random = seededRandom(seed)
    const mischief = drawMischief(random)
    const consumer = new Consumer()
    const states = new Map<string, string>()
    const rig = uplinkRig({ seed, consumers: seed % 2 === 0 ? ['historian'] : [] })
    const receiveMaximum = 1 + Math.floor(random() * 25)
    rig.broker.grant = { receiveMaximum, sessionPresent: random() < 0.5 }
    rig.broker.react = react(random, mischief, consumer)
    rig.broker.refuse = () =>
      random() < mischief.refusedConnection
        ? { cause: 'server unavailable', by: 'refused', code: 0x88 }
        : undefined
    rig.uplink.start()
    for (let index = 0; index < ROUNDS; index++) await round(rig, random, states)

    const calm = { ...mischief, hangUp: 0, silence: 0, unheard: 0, denied: 0, busy: 0 }
    rig.broker.react = react(random, calm, consumer)
    rig.broker.refuse = () => undefined
    await rig.clock.advance(3_600_000)

    expect(rig.broker.inFlightMax).toBeLessThanOrEqual(Math.min(20, receiveMaximum))
    expect(rig.broker.bytesInFlightMax).toBeLessThanOrEqual(64 * 1024)
    const missing = new Set<number>()
    for (let seq = 1; seq <= rig.store.head.seq; seq++) {
      if (!consumer.records.has(seq)) missing.add(seq)
    }
    const setAside = new Set<number>()
    for (const { first, last, held } of rig.noticesOf('rejected')) {
      if (held !== undefined) continue
      for (let seq = first; seq <= last; seq++) setAside.add(seq)
    }
    expect([...missing].filter((seq) => !setAside.has(seq))).toEqual([])
    const { sent } = rig.uplink.state()
    expect(await rig.store.count('readings', sent.readings)).toBe(0)
    expect(await rig.store.count('event', sent.event)).toBe(0)
    for (const [leaf, payload] of states) {
      expect(consumer.retained.get(leaf) ?? '', leaf).toBe(payload)
    }
    expect(JSON.parse(consumer.retained.get('status') ?? '{}')).toMatchObject({ online: true })
    expect(rig.clock.timers).toBeLessThan(20)
  })
})
