// What becomes of records on the way: cursors, nobody listening, refusals, hang-ups, sizes, and a store that cannot be read.

import { describe, expect, it } from 'vitest'
import { event, readings } from '../../support/memory-store.ts'
import { EPOCH, uplinkRig } from '../../support/uplink-rig.ts'

describe('URS-48 delivery', () => {
  it('goes on from the cursors and reports them at most every 250 ms', async () => {
    const rig = uplinkRig({ sent: { readings: 100, event: 0 } })
    rig.commit(readings(20_000))
    rig.uplink.start()
    await rig.clock.advance(249)
    expect(rig.broker.of('readings')[0]).toMatchObject({ prev: 100, first: 101, last: 200 })
    expect(rig.noticesOf('cursor')).toEqual([])
    await rig.clock.advance(2)
    expect(rig.noticesOf('cursor')).toEqual([{ kind: 'cursor', stream: 'readings', sent: 20_000 }])
  })

  it('NE6 NE2 a lost PUBACK: connection given up after 30 s, records sent again byte for byte', async () => {
    const rig = uplinkRig()
    rig.commit(readings(50))
    rig.broker.react = ({ leaf, session }) => (leaf === 'readings' && session === 0 ? 'silence' : 0)
    rig.uplink.start()
    await rig.clock.advance(29_000)
    expect(rig.broker.published.filter(({ leaf }) => leaf === 'readings')).toHaveLength(1)
    await rig.clock.advance(3100)
    const [first, second] = rig.broker.of('readings')
    expect(rig.noticesOf('disconnected')).toEqual([
      { kind: 'disconnected', cause: 'no PUBACK for 30 s' },
    ])
    expect(second?.['readings']).toEqual(first?.['readings'])
    expect(rig.uplink.state().sent.readings).toBe(50)
  })

  it('0x10 is undelivered: readings wait 5 s, then 10; nobody listening is told once; then all arrives', async () => {
    const rig = uplinkRig()
    rig.commit(readings(250))
    rig.broker.react = ({ leaf }) => (leaf === 'readings' ? 0x10 : 0)
    rig.uplink.start()
    await rig.clock.advance(100)
    expect(rig.broker.of('readings')).toHaveLength(1)
    await rig.clock.advance(5000)
    expect(rig.broker.of('readings')).toHaveLength(2)
    await rig.clock.advance(9800)
    expect(rig.broker.of('readings')).toHaveLength(2)
    rig.broker.react = () => 0
    await rig.clock.advance(500)
    expect(rig.noticesOf('no_subscriber')).toEqual([
      { kind: 'no_subscriber', active: true },
      { kind: 'no_subscriber', active: false },
    ])
    expect(rig.uplink.state().sent.readings).toBe(250)
  })

  it('0x10 on readings alone does not keep events back, nor the other way round', async () => {
    for (const deaf of ['readings', 'event']) {
      const rig = uplinkRig()
      rig.commit([...readings(10), event()])
      rig.broker.react = ({ leaf }) => (leaf === deaf ? 0x10 : 0)
      rig.uplink.start()
      await rig.clock.advance(100)
      const { sent } = rig.uplink.state()
      expect(deaf === 'readings' ? sent.event : sent.readings).toBeGreaterThan(0)
      expect(deaf === 'readings' ? sent.readings : sent.event).toBe(0)
    }
  })

  it('a consumer that shows signs of life is served at once', async () => {
    const rig = uplinkRig({ consumers: ['historian'] })
    rig.commit(readings(10))
    rig.broker.react = ({ leaf }) => (leaf === 'readings' ? 0x10 : 0)
    rig.uplink.start()
    await rig.clock.advance(40_000)
    rig.broker.react = () => 0
    rig.broker.deliver('confirm/event/historian', { v: 1, epoch: EPOCH, through: 0 })
    await rig.clock.advance(10)
    expect(rig.uplink.state().sent.readings).toBe(10)
  })

  it('a state that finds subscribers where there were none makes the streams try at once', async () => {
    const rig = uplinkRig()
    rig.commit(readings(10))
    rig.broker.react = () => 0x10
    rig.uplink.start()
    await rig.clock.advance(40_000)
    rig.broker.react = () => 0
    rig.uplink.status()
    await rig.clock.advance(10)
    expect(rig.uplink.state().sent.readings).toBe(10)
  })

  it('a read that was under way when the connection was lost is not used after it', async () => {
    const rig = uplinkRig()
    rig.commit(readings(2500))
    // The first read of each stream is answered; the next one, ahead of need, only after the connection is lost.
    const slow = Promise.withResolvers<void>()
    rig.store.fault = () => (rig.store.reads > 2 ? slow.promise : Promise.resolve())
    rig.broker.react = ({ session, payload }) =>
      session === 0 && payload.includes('"first":801,') ? 'hang up' : 0
    rig.uplink.start()
    await rig.clock.advance(10)
    expect(rig.broker.connected).toBe(false)
    await rig.clock.advance(2000)
    rig.store.fault = undefined
    slow.resolve()
    await rig.clock.advance(1000)
    expect(rig.uplink.state().sent.readings).toBe(2500)
    const second = rig.broker.published.filter(
      ({ session, leaf }) => session === 1 && leaf === 'readings',
    )
    const prevs = second.map(
      ({ payload }) => JSON.parse(payload) as Record<'prev' | 'last', number>,
    )
    expect(prevs[0]?.prev).toBe(800)
    expect(prevs.slice(1).map(({ prev }) => prev)).toEqual(
      prevs.slice(0, -1).map(({ last }) => last),
    )
  })

  it('a large event is not passed by small readings for ever', async () => {
    const rig = uplinkRig()
    rig.commit(readings(100))
    rig.uplink.start()
    await rig.clock.advance(10)
    rig.broker.react = ({ leaf }) => (leaf === 'readings' ? 'silence' : 0)
    rig.commit(readings(400))
    await rig.clock.advance(10)
    rig.commit([event('note', { text: 'x'.repeat(40_000) })])
    await rig.clock.advance(10)
    const before = rig.broker.published.length
    rig.commit(readings(50))
    await rig.clock.advance(10)
    expect(rig.broker.published.length).toBe(before)
  })

  it('NE9 a denied topic holds its stream with one notice, and the rest goes on', async () => {
    const rig = uplinkRig()
    rig.commit([...readings(500), event()])
    rig.uplink.alarmStates([{ alarm: 'a.gap', payload: '{}' }])
    rig.broker.react = ({ leaf }) => (leaf === 'readings' ? 0x87 : 0)
    rig.uplink.start()
    await rig.clock.advance(20_000)
    expect(rig.noticesOf('rejected')).toMatchObject([
      { stream: 'readings', first: 1, last: 100, reasonCode: 0x87, held: true },
    ])
    expect(rig.uplink.state().sent).toEqual({ readings: 0, event: 501 })
    rig.broker.react = () => 0
    await rig.clock.advance(60_000)
    expect(rig.uplink.state().sent.readings).toBe(500)
    const firsts = rig.broker.of('readings').map(({ first }) => first)
    expect(firsts.slice(-5)).toEqual([1, 101, 201, 301, 401])
  })

  it('NE9 one refused record is found, set aside and reported; every other one arrives', async () => {
    const rig = uplinkRig()
    rig.commit(readings(300))
    rig.broker.react = ({ leaf, payload }) =>
      leaf === 'readings' && payload.includes('"s":137,') ? 0x99 : 0
    rig.uplink.start()
    await rig.clock.advance(20_000)
    expect(rig.noticesOf('rejected')).toMatchObject([
      { stream: 'readings', first: 137, last: 137, reasonCode: 0x99 },
    ])
    expect(rig.noticesOf('rejected')[0]?.held).toBeUndefined()
    expect(rig.uplink.state().sent.readings).toBe(300)
    expect(seen(rig.broker.published, (message) => rig.broker.react(message) === 0)).toEqual(
      new Set(Array.from({ length: 300 }, (_, index) => index + 1).filter((seq) => seq !== 137)),
    )
  })

  it('NE10 a record on which the broker hangs up is found, set aside and reported', async () => {
    const rig = uplinkRig()
    rig.commit(readings(300))
    rig.broker.react = ({ leaf, payload }) =>
      leaf === 'readings' && payload.includes('"s":42,') ? 'hang up' : 0
    rig.uplink.start()
    await rig.clock.advance(60_000)
    expect(rig.noticesOf('rejected')).toMatchObject([
      { stream: 'readings', first: 42, last: 42, reasonCode: 0 },
    ])
    expect(rig.uplink.state().sent.readings).toBe(300)
  })

  it('NE10 a broker that hangs up on every reading holds them; alarms and events get through', async () => {
    const rig = uplinkRig()
    rig.commit([...readings(300), event()])
    rig.uplink.alarmStates([{ alarm: 'a.gap', payload: '{}' }])
    rig.broker.react = ({ leaf }) => (leaf === 'readings' ? 'hang up' : 0)
    rig.uplink.start()
    await rig.clock.advance(50_000)
    expect(rig.noticesOf('rejected')).toMatchObject([{ stream: 'readings', held: true }])
    expect(rig.uplink.state()).toMatchObject({ connected: true, sent: { readings: 0, event: 301 } })
    rig.broker.react = () => 0
    await rig.clock.advance(120_000)
    expect(rig.uplink.state().sent.readings).toBe(300)
  })

  it('NE9 a denied alarm topic is reported once and does not stand before the others', async () => {
    const rig = uplinkRig()
    rig.commit(readings(10))
    rig.uplink.alarmStates(
      ['a', 'b', 'c'].map((point) => ({ alarm: `${point}.gap`, payload: '{}' })),
    )
    rig.broker.react = ({ leaf }) => (leaf === 'alarm/a.gap' ? 'hang up' : 0)
    rig.uplink.start()
    await rig.clock.advance(30_000)
    expect(rig.noticesOf('rejected')).toMatchObject([{ topic: 'alarm/a.gap', first: 0, last: 0 }])
    expect(rig.uplink.state()).toMatchObject({ connected: true, sent: { readings: 10 } })
  })

  it('NE9 a broker that denies every alarm is one report, not a hundred', async () => {
    const rig = uplinkRig()
    rig.uplink.alarmStates(
      Array.from({ length: 100 }, (_, index) => ({ alarm: `p${index}.gap`, payload: '{}' })),
    )
    rig.broker.react = ({ leaf }) => (leaf.startsWith('alarm/') ? 0x87 : 0)
    rig.uplink.start()
    await rig.clock.advance(30_000)
    expect(rig.noticesOf('rejected')).toHaveLength(1)
    // and they are said again once they may be
    rig.broker.react = () => 0
    await rig.clock.advance(700_000)
    const said = rig.broker.published.slice(-120).map(({ leaf }) => leaf)
    expect(new Set(said.filter((leaf) => leaf.startsWith('alarm/'))).size).toBe(100)
  })

  it('cuts batches to the server’s Maximum Packet Size and sets aside only a record larger than that', async () => {
    const rig = uplinkRig()
    rig.broker.grant = { receiveMaximum: 20, sessionPresent: false, maximumPacketSize: 2000 }
    rig.commit([...readings(100), event('note', { text: 'x'.repeat(3000) }), event()])
    rig.uplink.start()
    await rig.clock.advance(5000)
    expect(rig.uplink.state().sent).toEqual({ readings: 100, event: 102 })
    for (const { payload, topic } of rig.broker.published) {
      expect(payload.length + topic.length).toBeLessThan(2000)
    }
    expect(seen(rig.broker.published, () => true).size).toBe(100)
    expect(rig.noticesOf('rejected')).toMatchObject([
      { stream: 'event', first: 101, last: 101, reasonCode: 0x95 },
    ])
    const prevs = rig.broker.of('readings').map(({ prev, last }) => [prev, last])
    expect(prevs.slice(1).map(([prev]) => prev)).toEqual(prevs.slice(0, -1).map(([, last]) => last))
  })

  it('learns the size a broker takes when it only says "packet too large"', async () => {
    const rig = uplinkRig()
    rig.commit(readings(1000))
    rig.broker.react = ({ payload }) => (payload.length > 3000 ? 0x95 : 0)
    rig.uplink.start()
    await rig.clock.advance(20_000)
    expect(rig.uplink.state().sent.readings).toBe(1000)
    expect(rig.noticesOf('rejected')).toEqual([])
  })

  it('sets aside one record that the broker calls too large by itself, and goes on behind it', async () => {
    const rig = uplinkRig()
    rig.commit([event(), event('note', { text: 'x'.repeat(3000) }), event()])
    rig.broker.react = ({ payload }) => (payload.length > 3000 ? 0x95 : 0)
    rig.uplink.start()
    await rig.clock.advance(20_000)
    expect(rig.noticesOf('rejected')).toMatchObject([
      { stream: 'event', first: 2, last: 2, reasonCode: 0x95 },
    ])
    expect(rig.uplink.state().sent.event).toBe(3)
  })

  it('a store that cannot be read for a while delays, and loses nothing', async () => {
    const rig = uplinkRig()
    rig.commit(readings(100))
    rig.store.fault = () => Promise.reject(new Error('disk I/O error'))
    rig.uplink.start()
    await rig.clock.advance(1000)
    expect(rig.broker.of('readings')).toEqual([])
    expect(rig.broker.of('status')).toHaveLength(1)
    rig.store.fault = undefined
    await rig.clock.advance(6000)
    expect(rig.uplink.state().sent.readings).toBe(100)
  })
})

/** Sequence numbers of all readings in the published messages that satisfy the condition. */
function seen<T extends { leaf: string; payload: string }>(
  published: readonly T[],
  when: (message: T) => boolean,
): Set<number> {
  const numbers = published
    .filter((message) => message.leaf === 'readings' && when(message))
    .flatMap(({ payload }) => (JSON.parse(payload) as { readings: { s: number }[] }).readings)
  return new Set(numbers.map(({ s }) => s))
}
