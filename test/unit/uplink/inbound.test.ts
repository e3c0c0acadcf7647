// What comes in: commands, watermarks and replays, from well-meaning and other publishers.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { INBOUND_BYTES_MAX, parsePayload } from '../../../agent/uplink/inbound.ts'
import { parseInbound } from '../../../agent/uplink/topic.ts'
import { event, memoryStore, readings } from '../../support/memory-store.ts'
import { BASE, EPOCH, type UplinkRig, uplinkRig } from '../../support/uplink-rig.ts'

async function connected(options: Parameters<typeof uplinkRig>[0] = {}): Promise<UplinkRig> {
  const rig = uplinkRig(options)
  rig.uplink.start()
  await rig.clock.advance(10)
  return rig
}

describe('payloads from the network', () => {
  it.each([
    ['nothing but text', 'hello', /not JSON/],
    ['half an object', '{"v":1', /not JSON/],
    ['a prototype key', '{"v":1,"__proto__":{"polluted":1}}', /__proto__/],
    ['a prototype key further down', '{"a":[{"__proto__":null}]}', /__proto__/],
    ['a deep nest', `${'['.repeat(17)}${']'.repeat(17)}`, /deeper than 16/],
    ['too much', `"${'x'.repeat(INBOUND_BYTES_MAX)}"`, /larger than 16384/],
  ])('%s is refused in words', (_name, text, fault) => {
    const parsed = parsePayload(Buffer.from(text))
    expect(parsed.ok ? '' : parsed.fault).toMatch(fault)
  })

  it('bytes that are not UTF-8 are refused', () => {
    expect(parsePayload(Uint8Array.of(0x22, 0xff, 0x22)).ok).toBe(false)
  })

  it('whatever arrives, nothing is thrown', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        parsePayload(bytes)
      }),
    )
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parsePayload(Buffer.from(text)).ok || text.includes('__proto__')).toBe(true)
      }),
    )
  })

  it.each([
    ['cmd/ack/jdoe', { kind: 'command', command: 'ack', user: 'jdoe' }],
    ['confirm/readings/historian', { kind: 'confirm', stream: 'readings', consumer: 'historian' }],
    ['cmd/ack', undefined],
    ['cmd/ack/jdoe/x', undefined],
    ['cmd/ack/+', undefined],
    ['cmd/ack/', undefined],
    ['readings', undefined],
    ['other/ack/jdoe', undefined],
  ])('topic %s', (topic, meaning) => {
    expect(parseInbound(BASE, BASE + topic)).toEqual(meaning)
    expect(parseInbound(BASE, `cr/v1/other/site/gw/${topic}`)).toBeUndefined()
  })
})

describe('commands', () => {
  it('go to the runtime with the user of the topic, parsed, never acted upon here', async () => {
    const rig = await connected()
    rig.broker.deliver('cmd/ack/jdoe', { v: 1, id: 'x', by: 'someone-else' })
    expect(rig.noticesOf('command')).toEqual([
      {
        kind: 'command',
        command: {
          command: 'ack',
          user: 'jdoe',
          payload: { v: 1, id: 'x', by: 'someone-else' },
          retained: false,
        },
      },
    ])
  })

  it('that are retained are marked so', async () => {
    const rig = await connected()
    rig.broker.deliver('cmd/ack/jdoe', { v: 1 }, true)
    expect(rig.noticesOf('command')[0]?.command.retained).toBe(true)
  })

  it('that cannot be read come without a payload and with the reason', async () => {
    const rig = await connected()
    rig.broker.deliver('cmd/ack/jdoe', '{oops')
    expect(rig.noticesOf('command')[0]?.command).toMatchObject({
      payload: undefined,
      fault: 'not JSON in UTF-8',
    })
  })

  it('are answered on reply/{user} and nowhere else', async () => {
    const rig = await connected()
    rig.uplink.reply('jdoe', '{"ok":true}')
    rig.uplink.reply('jdoe/../alarm', '{"ok":true}')
    rig.uplink.reply('+', '{"ok":true}')
    await rig.clock.advance(10)
    const replies = rig.broker.published.filter(({ leaf }) => leaf.startsWith('reply'))
    expect(replies).toMatchObject([{ leaf: 'reply/jdoe', qos: 1, retain: false }])
  })
})

describe('NE7 confirm watermarks', () => {
  const confirm = (through: number, epoch = EPOCH) => ({ v: 1, epoch, through })

  it('of a named consumer are reported as they rise; an older one changes nothing', async () => {
    const rig = await connected({ consumers: ['historian'] })
    rig.commit(readings(300))
    await rig.clock.advance(10)
    for (const through of [100, 50, 100, 300]) {
      rig.broker.deliver('confirm/readings/historian', confirm(through))
    }
    expect(rig.noticesOf('confirm')).toEqual([
      { kind: 'confirm', stream: 'readings', consumer: 'historian', through: 100 },
      { kind: 'confirm', stream: 'readings', consumer: 'historian', through: 300 },
    ])
    expect(rig.noticesOf('confirm_refused')).toEqual([])
  })

  it('of anybody else do not count', async () => {
    const rig = await connected({ consumers: ['historian'] })
    rig.commit(readings(10))
    await rig.clock.advance(10)
    rig.broker.deliver('confirm/readings/stranger', confirm(10))
    expect(rig.noticesOf('confirm')).toEqual([])
  })

  it.each([
    ['another epoch', 'readings', confirm(5, '01OTHER'), /epoch 01OTHER/],
    ['beyond what was published', 'readings', confirm(11), /beyond what was published \(10\)/],
    ['an unknown stream', 'readingz', confirm(5), /no such stream/],
    ['no number', 'readings', { v: 1, epoch: EPOCH, through: '5' }, /through/],
    ['a negative number', 'readings', { v: 1, epoch: EPOCH, through: -1 }, /through/],
    ['no version', 'readings', { epoch: EPOCH, through: 5 }, /"v"/],
    ['no JSON', 'readings', 'five', /not JSON/],
  ])('with %s are ignored and reported once', async (_name, stream, payload, detail) => {
    const rig = await connected({ consumers: ['historian'] })
    rig.commit(readings(10))
    await rig.clock.advance(10)
    rig.broker.deliver(`confirm/${stream}/historian`, payload)
    rig.broker.deliver(`confirm/${stream}/historian`, payload, true)
    expect(rig.noticesOf('confirm')).toEqual([])
    expect(rig.noticesOf('confirm_refused')).toMatchObject([
      { stream, consumer: 'historian', detail: expect.stringMatching(detail) },
    ])
  })

  it('of records that exist but were not published yet are refused', async () => {
    const rig = await connected({ consumers: ['historian'] })
    rig.broker.react = ({ leaf }) => (leaf === 'readings' ? 0x10 : 0)
    rig.commit(readings(300))
    await rig.clock.advance(10)
    rig.broker.deliver('confirm/readings/historian', confirm(200))
    expect(rig.noticesOf('confirm')).toEqual([])
    expect(rig.noticesOf('confirm_refused')).toHaveLength(1)
  })

  it('left on the broker before a restart count once this life has published as far', async () => {
    const rig = uplinkRig({ consumers: ['historian'], sent: { readings: 100, event: 0 } })
    rig.store.append(readings(300))
    rig.uplink.start()
    await rig.clock.advance(10)
    rig.broker.deliver('confirm/readings/historian', confirm(250), true)
    expect(rig.notices.filter(({ kind }) => kind.startsWith('confirm'))).toEqual([])
    rig.uplink.committed(rig.store.head)
    await rig.clock.advance(10)
    expect(rig.noticesOf('confirm')).toEqual([
      { kind: 'confirm', stream: 'readings', consumer: 'historian', through: 250 },
    ])
  })

  it('NE13 standing still for 5 min make everything above be sent again, marked replay; no cursor moves', async () => {
    const rig = await connected({ consumers: ['historian'] })
    rig.commit(readings(250))
    await rig.clock.advance(10)
    rig.broker.deliver('confirm/readings/historian', confirm(100))
    await rig.clock.advance(299_000)
    expect(rig.broker.of('readings').some(({ replay }) => replay === true)).toBe(false)
    await rig.clock.advance(130_000)
    const again = rig.broker.of('readings').filter(({ replay }) => replay === true)
    expect(again.map(({ prev, first, last }) => ({ prev, first, last }))).toEqual([
      { prev: 100, first: 101, last: 200 },
      { prev: 200, first: 201, last: 250 },
    ])
    expect(rig.uplink.state().sent.readings).toBe(250)
    // and not again before twice the time
    await rig.clock.advance(500_000)
    expect(rig.broker.of('readings').filter(({ replay }) => replay === true)).toHaveLength(2)
    await rig.clock.advance(120_000)
    expect(rig.broker.of('readings').filter(({ replay }) => replay === true)).toHaveLength(4)
  })

  it('that keep up cause nothing', async () => {
    const rig = await connected({ consumers: ['historian'] })
    for (let minute = 1; minute <= 20; minute++) {
      rig.commit(readings(10))
      await rig.clock.advance(60_000)
      rig.broker.deliver('confirm/readings/historian', confirm(minute * 10))
    }
    expect(rig.broker.of('readings').some(({ replay }) => replay === true)).toBe(false)
  })
})

describe('replay', () => {
  const order = (more: Record<string, unknown> = {}) => ({
    v: 1,
    id: '01JD4B0',
    aud: 'gw-01',
    by: 'historian',
    stream: 'readings',
    epoch: EPOCH,
    from: 101,
    to: 250,
    ...more,
  })

  it('sends the range again byte for byte, marked, and says done', async () => {
    const rig = await connected()
    rig.commit(readings(1000))
    await rig.clock.advance(10)
    const original = records(rig, false)
    rig.broker.deliver('cmd/replay/historian', order())
    await rig.clock.advance(10)
    const again = records(rig, true)
    expect([...again.keys()]).toEqual(Array.from({ length: 150 }, (_, index) => 101 + index))
    for (const [seq, text] of again) expect(text).toBe(original.get(seq))
    expect(rig.broker.of('reply/historian')).toMatchObject([
      { v: 1, id: '01JD4B0', ok: true, code: 'done', records: 150 },
    ])
    expect(rig.uplink.state().sent.readings).toBe(1000)
    expect(rig.noticesOf('command')).toEqual([])
  })

  it('HO5 while the disk is out of order is refused in words, for nothing can be read: "done" would say there is nothing', async () => {
    const broken = { volatile: true as const, batches: () => Promise.resolve([]) }
    const rig = await connected({ store: Object.assign(memoryStore(), broken) })
    rig.broker.deliver('cmd/replay/historian', order())
    await rig.clock.advance(10)
    expect(rig.broker.of('reply/historian')).toMatchObject([
      {
        id: '01JD4B0',
        ok: false,
        code: 'store_failed',
        detail: expect.stringMatching(/ask again/),
      },
    ])
    expect(rig.noticesOf('replay_refused')).toMatchObject([{ code: 'store_failed' }])
  })

  it('of events carries "replay":true before the stored body', async () => {
    const rig = await connected()
    rig.commit([event('a'), ...readings(2), event('b')])
    await rig.clock.advance(10)
    rig.broker.deliver('cmd/replay/historian', order({ stream: 'event', from: 0, to: 99 }))
    await rig.clock.advance(10)
    const events = rig.broker.published.filter(({ leaf }) => leaf === 'event')
    expect(events.map(({ payload }) => payload)).toEqual([
      `{"v":1,"stream":"event","epoch":"${EPOCH}","tb":0,"prev":0,"seq":1,"type":"a","ts":1763806500000}`,
      `{"v":1,"stream":"event","epoch":"${EPOCH}","tb":0,"prev":1,"seq":4,"type":"b","ts":1763806500000}`,
      `{"v":1,"stream":"event","epoch":"${EPOCH}","tb":0,"prev":0,"replay":true,"seq":1,"type":"a","ts":1763806500000}`,
      `{"v":1,"stream":"event","epoch":"${EPOCH}","tb":0,"prev":1,"replay":true,"seq":4,"type":"b","ts":1763806500000}`,
    ])
  })

  it.each([
    ['another gateway', { aud: 'gw-02' }, 'invalid', /gw-01/],
    ['another epoch', { epoch: '01OTHER' }, 'invalid', /01JD3Z8Q5K/],
    ['somebody else’s name', { by: 'jdoe' }, 'identity_mismatch', /topic ends with/],
    ['an unknown stream', { stream: 'alarms' }, 'invalid', /readings or event/],
    ['a range upside down', { from: 5, to: 4 }, 'invalid', /from not above to/],
    ['a fraction', { from: 1.5 }, 'invalid', /sequence numbers/],
    ['no id', { id: 7 }, 'invalid', /"id"/],
  ])('for %s is refused in words', async (_name, more, code, detail) => {
    const rig = await connected()
    rig.commit(readings(300))
    await rig.clock.advance(10)
    rig.broker.deliver('cmd/replay/historian', order(more))
    await rig.clock.advance(10)
    expect(rig.broker.of('reply/historian')).toMatchObject([
      { ok: false, code, detail: expect.stringMatching(detail) },
    ])
    expect(rig.noticesOf('replay_refused')).toMatchObject([
      { user: 'historian', code, detail: expect.stringMatching(detail) },
    ])
    expect(records(rig, true).size).toBe(0)
  })

  it('that is retained is refused', async () => {
    const rig = await connected()
    rig.broker.deliver('cmd/replay/historian', order(), true)
    await rig.clock.advance(10)
    expect(rig.broker.of('reply/historian')).toMatchObject([{ ok: false, code: 'invalid' }])
    expect(rig.noticesOf('replay_refused')).toHaveLength(1)
  })

  it('nobody listens to ends, and says so', async () => {
    const rig = await connected()
    rig.commit(readings(300))
    await rig.clock.advance(10)
    rig.broker.react = ({ leaf }) => (leaf === 'readings' ? 0x10 : 0)
    rig.broker.deliver('cmd/replay/historian', order())
    await rig.clock.advance(10)
    expect(rig.broker.of('reply/historian')).toMatchObject([
      { ok: false, code: 'invalid', detail: expect.stringMatching(/nobody subscribes/) },
    ])
    expect(rig.noticesOf('no_subscriber')).toEqual([])
  })

  it('queues eight beside the one that runs, does a repeated id once, and refuses more', async () => {
    const rig = await connected()
    rig.commit(readings(300))
    await rig.clock.advance(10)
    rig.broker.react = ({ leaf, payload }) =>
      leaf === 'readings' && payload.includes('"replay":true') ? 'silence' : 0
    for (let index = 0; index < 11; index++) {
      rig.broker.deliver('cmd/replay/historian', order({ id: `id-${index}` }))
      rig.broker.deliver('cmd/replay/historian', order({ id: `id-${index}` }))
      await rig.clock.advance(1)
    }
    const refused = rig.broker.of('reply/historian')
    expect(refused.map(({ id }) => id)).toEqual(['id-9', 'id-9', 'id-10', 'id-10'])
    expect(refused[0]).toMatchObject({ detail: expect.stringMatching(/8 replays are waiting/) })
  })

  it('waits behind everything else and goes on after a lost connection', async () => {
    const rig = await connected()
    rig.commit(readings(2000))
    await rig.clock.advance(10)
    let left = 2
    rig.broker.react = ({ payload }) =>
      payload.includes('"replay":true') && left-- === 0 ? 'silence' : 0
    rig.broker.deliver('cmd/replay/historian', order({ from: 1, to: 2000 }))
    await rig.clock.advance(10)
    rig.broker.hangUp()
    await rig.clock.advance(2000)
    expect(new Set(records(rig, true).keys()).size).toBe(2000)
    expect(rig.broker.of('reply/historian')).toMatchObject([{ ok: true, code: 'done' }])
  })
})

/** Printed records of the readings messages, by sequence number. */
function records(rig: UplinkRig, replay: boolean): Map<number, string> {
  const found = new Map<number, string>()
  for (const { leaf, payload } of rig.broker.published) {
    if (leaf !== 'readings' || !payload.includes(`"replay":${replay}`)) continue
    for (const [text, seq] of payload.matchAll(/\{"s":(\d+),[^{}]*\}/g))
      found.set(Number(seq), text)
  }
  return found
}
