// The uplink in virtual time: births, heartbeats and lanes.

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

  it.each([1, 2, 5, 10])('NE3 honours a Receive Maximum of %i', async (receiveMaximum) => {
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

it('streams are published in ascending order within a session', async () => {
  const rig = uplinkRig()
  rig.commit([...readings(1000), event(), ...readings(1000), event()])
  rig.uplink.start()
  await rig.clock.advance(100)
  expect(streamOrder(rig.broker.published.map(({ leaf }) => leaf)).length).toBe(22)
  const lasts = rig.broker.of('readings').map(({ last }) => Number(last))
  expect(lasts).toEqual([...lasts].sort((a, b) => a - b))
})
