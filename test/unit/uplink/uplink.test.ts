// The uplink in virtual time: births, lanes, answers, losses, and what is told about them.

import { describe, expect, it } from 'vitest'
import { event, readings } from '../../support/memory-store.ts'
import { EPOCH, uplinkRig } from '../../support/uplink-rig.ts'

const streamOrder = (leaves: readonly string[]): string[] =>
  leaves.filter((leaf) => leaf === 'readings' || leaf === 'event')

describe('URS-56 birth', () => {
  it('says status, meta and every alarm, then events, then readings', async () => {
    const rig = uplinkRig()
    rig.commit([...readings(150), event()])
    rig.uplink.meta('{"v":1}')
    rig.uplink.alarmStates([
      { alarm: 'a.action_high', payload: '{"state":"normal"}' },
      { alarm: 'b.action_high', payload: '{"state":"unacknowledged"}' },
    ])
    rig.uplink.start()
    await rig.clock.advance(100)
    expect(rig.broker.published.map(({ leaf }) => leaf)).toEqual([
      'status',
      'meta',
      'alarm/a.action_high',
      'alarm/b.action_high',
      'event',
      'readings',
      'readings',
    ])
    for (const { leaf, qos, retain } of rig.broker.published) {
      expect({ leaf, qos, retain }).toEqual({
        leaf,
        qos: 1,
        retain: leaf !== 'event' && leaf !== 'readings',
      })
    }
  })

  it('is said again at each connection, with the newest of everything; what ceased is not', async () => {
    const rig = uplinkRig()
    rig.uplink.alarmStates([
      { alarm: 'a.gap', payload: '{"rev":1}' },
      { alarm: 'b.gap', payload: '{"rev":1}' },
    ])
    rig.uplink.start()
    await rig.clock.advance(100)
    rig.uplink.alarmStates([{ alarm: 'b.gap', payload: '' }])
    await rig.clock.advance(100)
    rig.broker.hangUp()
    rig.uplink.alarmStates([{ alarm: 'a.gap', payload: '{"rev":2}' }])
    await rig.clock.advance(2000)
    const second = rig.broker.published.filter(({ session }) => session === 1)
    expect(second.map(({ leaf, payload }) => [leaf, leaf === 'status' ? '' : payload])).toEqual([
      ['status', ''],
      ['alarm/a.gap', '{"rev":2}'],
    ])
    expect(rig.broker.of('status').map(({ reason }) => reason)).toEqual(['start', 'reconnected'])
  })

  it('announces its death in advance: will online:false on status', async () => {
    const rig = uplinkRig()
    rig.uplink.start()
    const [request] = rig.broker.requests
    expect(request?.will.topic).toMatch(/gw-01\/status$/)
    expect(JSON.parse(request?.will.payload ?? '')).toMatchObject({
      v: 1,
      online: false,
      reason: 'connection_lost',
      epoch: EPOCH,
    })
  })

  it('beats each 60 s with fresh figures', async () => {
    const rig = uplinkRig()
    rig.broker.react = ({ leaf }) => (leaf === 'readings' ? 0x10 : 0)
    rig.uplink.start()
    await rig.clock.advance(100)
    rig.commit(readings(7))
    await rig.clock.advance(130_000)
    const statuses = rig.broker.of('status')
    expect(statuses.map(({ reason }) => reason)).toEqual(['start', 'heartbeat', 'heartbeat'])
    expect(statuses[1]).toMatchObject({ through: 7, backlog: { readings: 7, event: 0 } })
  })

  it('status called by the runtime is published at once', async () => {
    const rig = uplinkRig()
    rig.uplink.start()
    await rig.clock.advance(10)
    rig.uplink.status()
    await rig.clock.advance(10)
    expect(rig.broker.of('status').map(({ reason }) => reason)).toEqual(['start', 'changed'])
  })
})

describe('URS-57 lanes', () => {
  it('a new alarm and its event go before a backlog, within the bounded window', async () => {
    const rig = uplinkRig()
    rig.commit(readings(20_000))
    rig.uplink.start()
    await rig.clock.advance(1)
    // From here the broker answers nothing: the window is full of readings.
    rig.broker.react = () => 'silence'
    await rig.clock.advance(1)
    rig.commit(readings(5000))
    await rig.clock.advance(1)
    const before = rig.broker.published.length
    rig.uplink.alarmStates([{ alarm: 'a.action_high', payload: '{"state":"unacknowledged"}' }])
    rig.commit([event()])
    await rig.clock.advance(1)
    expect(rig.broker.published.slice(before).map(({ leaf }) => leaf)).toEqual([
      'alarm/a.action_high',
      'event',
    ])
  })

  it('never has more than 20 messages and 64 kB in flight', async () => {
    const rig = uplinkRig()
    rig.commit([...readings(30_000), ...Array.from({ length: 300 }, () => event())])
    rig.uplink.alarmStates(
      Array.from({ length: 400 }, (_, index) => ({ alarm: `p${index}.gap`, payload: '{}' })),
    )
    rig.uplink.start()
    await rig.clock.advance(1000)
    expect(rig.uplink.state().sent).toEqual({ readings: 30_000, event: 30_300 })
    expect(rig.broker.inFlightMax).toBeLessThanOrEqual(20)
    expect(rig.broker.bytesInFlightMax).toBeLessThanOrEqual(64 * 1024)
  })

  it.each([1, 2, 5, 10])('honours a Receive Maximum of %i', async (receiveMaximum) => {
    const rig = uplinkRig()
    rig.broker.grant = { receiveMaximum, sessionPresent: false }
    rig.commit([...readings(3000), event()])
    rig.uplink.start()
    await rig.clock.advance(1000)
    expect(rig.uplink.state().sent).toEqual({ readings: 3000, event: 3001 })
    expect(rig.broker.inFlightMax).toBeLessThanOrEqual(receiveMaximum)
  })

  it('live values are QoS 0, retained, and never kept for later', async () => {
    const rig = uplinkRig()
    rig.uplink.live([{ zone: 'b101', point: 'b101-dp', payload: '{"old":1}' }])
    rig.uplink.start()
    await rig.clock.advance(10)
    rig.uplink.live([{ zone: 'b101', point: 'b101-dp', payload: '{"new":1}' }])
    await rig.clock.advance(10)
    const live = rig.broker.published.filter(({ leaf }) => leaf.startsWith('live/'))
    expect(live).toMatchObject([
      { leaf: 'live/b101/b101-dp', payload: '{"new":1}', qos: 0, retain: true },
    ])
  })
})

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

  it('a lost PUBACK: connection given up after 30 s, records sent again byte for byte', async () => {
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

const onlyVersion4 =
  (code: number) =>
  ({ protocolVersion }: { protocolVersion: 4 | 5 }) =>
    protocolVersion === 5 ? ({ cause: 'unsupported', by: 'refused', code } as const) : undefined

describe('NE11 reconnecting', () => {
  it('full jitter: the first try within 2 s, at most 60 s, also after CONNACK errors', async () => {
    const rig = uplinkRig()
    rig.uplink.start()
    await rig.clock.advance(10)
    rig.broker.refuse = () => ({ cause: 'server unavailable', by: 'refused', code: 0x88 })
    rig.broker.hangUp()
    const attempts: number[] = []
    let known = rig.broker.requests.length
    for (let waited = 0; waited < 900_000; waited += 100) {
      await rig.clock.advance(100)
      if (rig.broker.requests.length > known) attempts.push(waited + 100)
      known = rig.broker.requests.length
    }
    expect(attempts[0]).toBeLessThanOrEqual(2000)
    const gaps = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(60_100)
    expect(attempts.length).toBeGreaterThan(20)
    expect(attempts.length).toBeLessThan(200)
    rig.broker.refuse = () => undefined
    await rig.clock.advance(60_000)
    expect(rig.broker.connected).toBe(true)
  })

  it('gives up on a broker that does not answer within 10 s', async () => {
    const rig = uplinkRig()
    rig.broker.mute = true
    rig.uplink.start()
    await rig.clock.advance(10_001)
    expect(rig.uplink.state().lastError).toBe('no CONNACK within 10 s')
    rig.broker.mute = false
    await rig.clock.advance(2000)
    expect(rig.broker.connected).toBe(true)
  })

  it.each([0x01, 0x84])(
    'falls back to 3.1.1 at once after CONNACK %i, and tries 5 first next time',
    async (code) => {
      const rig = uplinkRig()
      rig.broker.refuse = onlyVersion4(code)
      rig.uplink.start()
      await rig.clock.advance(1)
      expect(rig.broker.requests.map(({ protocolVersion }) => protocolVersion)).toEqual([5, 4])
      expect(rig.noticesOf('connected')).toEqual([{ kind: 'connected', protocolVersion: 4 }])
      rig.broker.hangUp()
      await rig.clock.advance(2000)
      expect(rig.broker.requests.map(({ protocolVersion }) => protocolVersion)).toEqual([
        5, 4, 5, 4,
      ])
    },
  )

  it('NE5 another client of the same id (0x8E): told once, and backed off from', async () => {
    const rig = uplinkRig()
    rig.uplink.start()
    let sessions = 0
    for (let waited = 0; waited < 600_000; waited += 50) {
      await rig.clock.advance(50)
      if (!rig.broker.connected) continue
      sessions++
      rig.broker.hangUp({ code: 0x8e, cause: 'session taken over' })
    }
    expect(rig.noticesOf('takeover')).toHaveLength(1)
    expect(sessions).toBeLessThan(20)
    await rig.clock.advance(300_000)
    expect(rig.broker.connected).toBe(true)
  })

  it.each([5, 4])(
    'NE5 without a word (MQTT %i): three sessions in a row thrown out within 10 s mean the same',
    async (version) => {
      const rig = uplinkRig()
      rig.broker.grant = { receiveMaximum: 20, sessionPresent: true }
      if (version === 4) rig.broker.refuse = onlyVersion4(1)
      rig.uplink.start()
      let sessions = 0
      for (let waited = 0; waited < 600_000; waited += 50) {
        await rig.clock.advance(50)
        if (!rig.broker.connected) continue
        sessions++
        if (sessions <= 3) expect(rig.noticesOf('takeover')).toEqual([])
        rig.broker.hangUp()
      }
      expect(rig.noticesOf('takeover')).toHaveLength(1)
      expect(sessions).toBeLessThan(25)
      await rig.clock.advance(400_000)
      expect(rig.broker.connected).toBe(true)
    },
  )

  it.each([
    ['that has forgotten the session each time (killed and restarted)', false, 0],
    ['that remembers, while attempts in between are refused', true, 1],
  ])('a broker %s is not taken for a takeover', async (_name, sessionPresent, refusals) => {
    const rig = uplinkRig()
    rig.broker.grant = { receiveMaximum: 20, sessionPresent }
    rig.uplink.start()
    for (let time = 0; time < 12; time++) {
      for (let left = 100; !rig.broker.connected && left > 0; left--) await rig.clock.advance(100)
      expect(rig.broker.connected).toBe(true)
      let refused = 0
      rig.broker.refuse = () =>
        refused++ < refusals ? { cause: 'connect ECONNREFUSED', by: 'network' } : undefined
      rig.broker.hangUp()
    }
    expect(rig.noticesOf('takeover')).toEqual([])
  })
})

describe('stopping', () => {
  it('sends what is committed of events, says online:false, and closes', async () => {
    const rig = uplinkRig()
    rig.uplink.start()
    await rig.clock.advance(10)
    rig.commit([event('system.stopped')])
    const stopped = rig.uplink.stop('stopped', 2000)
    await rig.clock.advance(2000)
    await stopped
    expect(rig.broker.published.map(({ leaf }) => leaf)).toEqual(['status', 'event', 'status'])
    expect(rig.broker.of('status')[1]).toMatchObject({ online: false, reason: 'stopped' })
    expect(rig.broker.connected).toBe(false)
    expect(rig.noticesOf('cursor')).toEqual([{ kind: 'cursor', stream: 'event', sent: 1 }])
    expect(rig.clock.timers).toBe(0)
  })

  it('waits no longer than it may for a broker that answers nothing', async () => {
    const rig = uplinkRig()
    rig.uplink.start()
    await rig.clock.advance(10)
    rig.broker.react = () => 'silence'
    let done = false
    const stopped = rig.uplink.stop('stopped', 2000).then(() => {
      done = true
    })
    await rig.clock.advance(2001)
    expect(done).toBe(true)
    await stopped
    expect(rig.broker.of('status').at(-1)).toMatchObject({ online: false })
  })

  it('while not connected is immediate, and nothing is tried afterwards', async () => {
    const rig = uplinkRig()
    rig.broker.refuse = () => ({ cause: 'connect ECONNREFUSED', by: 'network' })
    rig.uplink.start()
    await rig.clock.advance(500)
    await rig.uplink.stop('stopped', 2000)
    const attempts = rig.broker.requests.length
    await rig.clock.advance(120_000)
    expect(rig.broker.requests.length).toBe(attempts)
    expect(rig.clock.timers).toBe(0)
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

it('streams are published in ascending order within a session', async () => {
  const rig = uplinkRig()
  rig.commit([...readings(1000), event(), ...readings(1000), event()])
  rig.uplink.start()
  await rig.clock.advance(100)
  expect(streamOrder(rig.broker.published.map(({ leaf }) => leaf)).length).toBe(22)
  const lasts = rig.broker.of('readings').map(({ last }) => Number(last))
  expect(lasts).toEqual([...lasts].sort((a, b) => a - b))
})
