// When the uplink connects, with which version, how long it waits, whom it suspects, and how it says goodbye.

import { describe, expect, it } from 'vitest'
import { event } from '../../support/memory-store.ts'
import { uplinkRig } from '../../support/uplink-rig.ts'

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

describe('URS-31 NE11 an alarm does not sit out a long wait', () => {
  const refused = () => ({ cause: 'connect ECONNREFUSED', by: 'network' }) as const
  const alarm = [{ alarm: 'a.action_high', payload: '{"state":"unacknowledged"}' }]

  it('goes out within 12 s of a broker that is back, at whatever moment of the back-off it rises', async () => {
    for (let minutes = 10; minutes < 20; minutes++) {
      const rig = uplinkRig()
      rig.broker.refuse = refused
      rig.uplink.start()
      await rig.clock.advance(minutes * 61_000)
      rig.broker.refuse = () => undefined
      rig.uplink.alarmStates(alarm)
      await rig.clock.advance(12_010)
      expect(rig.broker.of('alarm/a.action_high')).toEqual([{ state: 'unacknowledged' }])
    }
  })

  it('nor that after another client took the id', async () => {
    const rig = uplinkRig()
    rig.uplink.start()
    for (let waited = 0; waited < 1_200_000; waited += 50) {
      await rig.clock.advance(50)
      if (rig.broker.connected) rig.broker.hangUp({ code: 0x8e, cause: 'session taken over' })
    }
    rig.uplink.alarmStates(alarm)
    await rig.clock.advance(12_010)
    expect(rig.broker.of('alarm/a.action_high')).toEqual([{ state: 'unacknowledged' }])
  })

  it('however many alarms change, the broker is tried once in some ten seconds', async () => {
    const rig = uplinkRig()
    rig.broker.refuse = refused
    rig.uplink.start()
    await rig.clock.advance(600_000)
    const attempts: number[] = []
    let known = rig.broker.requests.length
    for (let waited = 0; waited < 120_000; waited += 100) {
      rig.uplink.alarmStates(alarm)
      await rig.clock.advance(100)
      if (rig.broker.requests.length > known) attempts.push(waited)
      known = rig.broker.requests.length
    }
    const gaps = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0))
    expect(gaps.length).toBeGreaterThan(8)
    // full jitter may draw a shorter wait by itself, as it would without any alarm; twelve in a row it does not
    expect(attempts.length).toBeLessThanOrEqual(15)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(12_100)
  })

  it('a stopped uplink is not woken', async () => {
    const rig = uplinkRig()
    rig.broker.refuse = refused
    rig.uplink.start()
    await rig.clock.advance(600_000)
    await rig.uplink.stop('stopped', 100)
    const known = rig.broker.requests.length
    rig.uplink.alarmStates(alarm)
    await rig.clock.advance(120_000)
    expect(rig.broker.requests.length).toBe(known)
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
