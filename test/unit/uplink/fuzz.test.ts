// What comes in over MQTT, fuzzed: topics, payloads, replay orders, watermarks. Nothing throws; what is accepted is what the contract
// describes, said again from the input itself.

import { expect, it } from 'vitest'
import {
  INBOUND_BYTES_MAX,
  parseConfirm,
  parsePayload,
  parseReplay,
} from '../../../agent/uplink/inbound.ts'
import { isTopicName, parseInbound } from '../../../agent/uplink/topic.ts'
import { FUZZ_MS_MAX, fuzz, mutatedJson, mutateText, pick } from '../../support/fuzz.ts'

const BASE = 'cr/v1/org/site/gw-01/'
const KNOWN = { user: 'historian', gateway: 'gw-01', epoch: '01JD3Z8Q5K' }
const REPLAY = {
  v: 1,
  id: '01JD4B0',
  aud: 'gw-01',
  by: 'historian',
  stream: 'readings',
  epoch: KNOWN.epoch,
  from: 1,
  to: 400,
}
const timeout = FUZZ_MS_MAX

it('PE9 payloads from the network: parsed as JSON in UTF-8 without a prototype key, or refused', {
  timeout,
}, () => {
  const sound = [
    REPLAY,
    { v: 1, epoch: KNOWN.epoch, through: 17 },
    [[[{ a: [] }]]],
    { a: { b: { c: 'ü' } } },
  ]
  fuzz({
    name: 'MQTT payload',
    accepted: [0.5, 0.99],
    input: (random) => {
      const bytes = mutatedJson(random, pick(random, sound))
      const parsed = parsePayload(bytes)
      if (!parsed.ok) return false
      if (bytes.length > INBOUND_BYTES_MAX) expect.fail('too large and accepted')
      if (JSON.stringify(JSON.parse(bytes.toString('utf8'))) !== JSON.stringify(parsed.value))
        expect.fail(bytes.toString())
      if (/"__proto__":/.test(JSON.stringify(parsed.value)))
        expect.fail(`a prototype key: ${bytes}`)
      return true
    },
  })
})

it('URS-48 replay orders: ours, of this stream and epoch, and in order, or refused with the id that was given', {
  timeout,
}, () => {
  fuzz({
    name: 'replay order',
    accepted: [0.05, 0.8],
    input: (random) => {
      const parsed = parsePayload(mutatedJson(random, REPLAY))
      if (!parsed.ok) return false
      const request = parseReplay(parsed.value, KNOWN)
      const given = parsed.value as typeof REPLAY
      if (!request.ok) {
        if (request.id !== null && request.id !== given.id) expect.fail(JSON.stringify(given))
        return false
      }
      const { from, to, id, stream } = request.order
      const ours =
        given.aud === 'gw-01' &&
        given.by === 'historian' &&
        given.epoch === KNOWN.epoch &&
        given.v === 1
      const whole =
        Number.isSafeInteger(from) && Number.isSafeInteger(to) && 0 <= from && from <= to
      if (!(ours && whole && from === given.from && to === given.to && id === given.id))
        expect.fail(JSON.stringify(given))
      if (stream !== 'readings' && stream !== 'event') expect.fail(JSON.stringify(given))
      return true
    },
  })
})

it('URS-48 watermarks: a whole number of an epoch, or none', { timeout }, () => {
  fuzz({
    name: 'confirm',
    accepted: [0.1, 0.9],
    input: (random) => {
      const parsed = parsePayload(
        mutatedJson(random, { v: 1, epoch: KNOWN.epoch, through: 123_398 }),
      )
      const mark = parsed.ok ? parseConfirm(parsed.value) : undefined
      if (mark?.ok !== true) return false
      if (!Number.isSafeInteger(mark.through) || mark.through < 0 || typeof mark.epoch !== 'string')
        expect.fail(JSON.stringify(mark))
      return true
    },
  })
})

it('PE9 topics: a command or a watermark of somebody who can be answered, or none of ours', {
  timeout,
}, () => {
  const sound = [
    'cmd/ack/jdoe',
    'cmd/replay/historian',
    'confirm/readings/historian',
    'cmd/shelve/a.b@c',
  ]
  fuzz({
    name: 'topic',
    accepted: [0.1, 0.9],
    input: (random) => {
      const leaf = pick(random, sound)
      const topic =
        random() < 0.2 ? mutateText(random, BASE + leaf) : BASE + mutateText(random, leaf)
      const parsed = parseInbound(BASE, topic)
      if (parsed === undefined) return false
      const [first, second] =
        parsed.kind === 'command' ? [parsed.command, parsed.user] : [parsed.stream, parsed.consumer]
      const again = `${BASE}${parsed.kind === 'command' ? 'cmd' : 'confirm'}/${first}/${second}`
      if (again !== topic || !isTopicName(second) || /[+#/\s\p{C}]/u.test(second))
        expect.fail(topic)
      return true
    },
  })
})
