// A consumer as the documentation asks for one: dedupes on (epoch, s), finds holes by `prev`, asks for a replay, and
// insists that a record it knows comes again byte for byte.

import { connect, type MqttClient } from 'mqtt'

export interface Consumer {
  /** Printed records by sequence number, of each stream. */
  readonly readings: ReadonlyMap<number, string>
  readonly events: ReadonlyMap<number, string>
  /** Everything else, newest payload by topic below the base. */
  readonly retained: ReadonlyMap<string, string>
  /** Topics below the base in order of arrival, with monotonic time of arrival. */
  readonly arrivals: readonly { leaf: string; at: number; first: number }[]
  readonly duplicates: number
  readonly replaysAsked: number
  /** What should never be seen. */
  readonly faults: readonly string[]
  /** Highest number below which nothing of the readings is missing. */
  readonly through: number
  publish(leaf: string, payload: unknown, options?: { retain?: boolean }): void
  close(): Promise<void>
}

interface ReadingsMessage {
  epoch: string
  prev: number
  first: number
  last: number
  replay: boolean
}

const REPLAY_AGAIN_MS = 1000

export async function referenceConsumer(
  url: string,
  base: string,
  options: { clientId?: string; filters?: readonly string[]; name?: string } = {},
): Promise<Consumer> {
  const name = options.name ?? 'historian'
  const readings = new Map<number, string>()
  const events = new Map<number, string>()
  const retained = new Map<string, string>()
  const arrivals: { leaf: string; at: number; first: number }[] = []
  const faults: string[] = []
  let duplicates = 0
  let replaysAsked = 0
  let through = 0
  let epoch = ''
  /** What is here beyond the first hole: prev of a message → its last number. */
  const ahead = new Map<number, number>()
  let askedAt = 0
  const client: MqttClient = connect(url, {
    clientId: options.clientId ?? `consumer-${name}`,
    clean: true,
    protocolVersion: 4,
    reconnectPeriod: 100,
  })
  client.on('error', () => {})

  const keep = (map: Map<number, string>, seq: number, text: string): void => {
    const known = map.get(seq)
    if (known === undefined) map.set(seq, text)
    else if (known === text) duplicates++
    else faults.push(`record ${seq} changed: ${known} → ${text}`)
  }
  const askFor = (from: number, to: number): void => {
    if (performance.now() - askedAt < REPLAY_AGAIN_MS) return
    askedAt = performance.now()
    replaysAsked++
    const id = `replay-${replaysAsked}`
    const order = {
      v: 1,
      id,
      aud: base.split('/')[4],
      by: name,
      stream: 'readings',
      epoch,
      from,
      to,
    }
    client.publish(`${base}cmd/replay/${name}`, JSON.stringify(order), { qos: 1 })
  }
  const takeReadings = (text: string): void => {
    const message = JSON.parse(text) as ReadingsMessage
    epoch = message.epoch
    for (const [record, seq] of text.matchAll(/\{"s":(\d+),(?:[^{}]|\{[^{}]*\})*\}/g)) {
      keep(readings, Number(seq), record)
    }
    ahead.set(message.prev, Math.max(ahead.get(message.prev) ?? 0, message.last))
    for (let moved = true; moved; ) {
      moved = false
      for (const [prev, last] of ahead) {
        if (prev > through) continue
        ahead.delete(prev)
        if (last > through) {
          through = last
          moved = true
        }
      }
    }
    if (message.prev > through) askFor(through + 1, message.prev)
  }

  client.on('message', (topic, payload) => {
    const leaf = topic.slice(base.length)
    const text = payload.toString()
    const first = leaf === 'readings' ? (JSON.parse(text) as ReadingsMessage).first : 0
    arrivals.push({ leaf, at: performance.now(), first })
    if (leaf === 'readings') takeReadings(text)
    else if (leaf === 'event') {
      const seq = Number(/"seq":(\d+)/.exec(text)?.[1])
      keep(events, seq, text.slice(text.indexOf('"seq"')))
    } else retained.set(leaf, text)
  })
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => {
      const filters = options.filters ?? [`${base}#`]
      client.subscribe([...filters], { qos: 1 }, (error) => (error ? reject(error) : resolve()))
    })
  })
  return {
    readings,
    events,
    retained,
    arrivals,
    faults,
    get duplicates() {
      return duplicates
    },
    get replaysAsked() {
      return replaysAsked
    },
    get through() {
      return through
    },
    publish: (leaf, payload, { retain = false } = {}) => {
      client.publish(base + leaf, JSON.stringify(payload), { qos: 1, retain })
    },
    close: () => client.endAsync(true),
  }
}
