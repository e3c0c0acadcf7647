// Planted bugs between the wire and the reading.

import type { RawSignal } from '#core/reading.ts'
import type { Link, OpenLink } from '#drivers/link/link.ts'
import type { BusDriver, PollReply } from '#ports/driver.ts'
import type { PlantedBug } from './mutant.ts'
import { withPoints } from './mutant.ts'

/** Lets every frame that comes in be changed, knowing the request that went out last. */
const rewriting =
  (open: OpenLink, rewrite: (frame: Buffer, asked: Buffer) => Buffer): OpenLink =>
  (listener): Link => {
    let asked: Buffer = Buffer.alloc(12)
    const link = open({
      opened: () => listener.opened(),
      closed: (cause) => listener.closed(cause),
      received: (bytes) => listener.received(rewrite(Buffer.from(bytes), asked)),
    })
    return {
      ...link,
      write: (bytes) => {
        asked = Buffer.from(bytes)
        link.write(bytes)
      },
    }
  }

/** Keeps what comes behind a reply, and gives it as the reply to the next request. */
const keeping =
  (open: OpenLink): OpenLink =>
  (listener): Link => {
    let answered = true
    let kept: Buffer | undefined
    const link = open({
      opened: () => listener.opened(),
      closed: (cause) => listener.closed(cause),
      received: (bytes) => {
        if (answered) kept = Buffer.from(bytes)
        else listener.received(bytes)
        answered = true
      },
    })
    return {
      ...link,
      write: (bytes) => {
        answered = false
        link.write(bytes)
        const before = kept
        kept = undefined
        if (before !== undefined) queueMicrotask(() => listener.received(before))
      },
    }
  }

function crcOf(bytes: Uint8Array): Buffer {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1
  }
  return Buffer.of(crc & 0xff, crc >> 8)
}

/** A driver whose replies are changed on the way. */
const replying = (driver: BusDriver, change: (reply: PollReply) => PollReply): BusDriver =>
  new Proxy(driver, {
    get: (target, key) => {
      if (key === 'poll')
        return async (order: Parameters<BusDriver['poll']>[0]) => change(await target.poll(order))
      const member = Reflect.get(target, key, target) as unknown
      return typeof member === 'function' ? member.bind(target) : member
    },
  })

const results = (
  reply: PollReply,
  change: (signal: string, result: RawSignal) => RawSignal,
): PollReply => ({
  ...reply,
  signals: reply.signals.map((each) => ({ ...each, result: change(each.signal, each.result) })),
})

const isTcp = (bus: { readonly protocol: string }): boolean => bus.protocol === 'modbus-tcp'

export const fieldMutants: readonly PlantedBug[] = [
  {
    name: 'a late reply is taken for the next request (TCP: any transaction id will do)',
    caughtBy: ['D5', 'D6', 'S3', 'B1'],
    force: { wireLate: 0.1 },
    link: (open, bus) =>
      isTcp(bus)
        ? rewriting(open, (frame, asked) => {
            if (frame.length > 2) asked.copy(frame, 0, 0, 2)
            return frame
          })
        : open,
  },
  {
    name: 'no quarantine after a timeout on a line without ids',
    caughtBy: ['B3', 'D5'],
    force: { wireLoss: 0.05 },
    configuration: (configuration) => ({
      ...configuration,
      buses: configuration.buses.map((bus) => ({ ...bus, lateReplyMs: 1 })),
    }),
  },
  {
    name: 'what the process before has asked is forgotten on a line without ids',
    caughtBy: ['B3', 'D5'],
    force: { wireLoss: 0.2, kill: 30_000 },
    previousEnd: () => ({ sentUntilMono: Number.NEGATIVE_INFINITY, quarantined: [] }),
  },
  {
    name: 'the CRC is not looked at',
    caughtBy: ['D5', 'D6', 'S3'],
    force: { wireNoise: 0.1 },
    link: (open, bus) =>
      isTcp(bus)
        ? open
        : rewriting(open, (frame) => {
            if (frame.length < 5) return frame
            return Buffer.concat([frame.subarray(0, -2), crcOf(frame.subarray(0, -2))])
          }),
  },
  {
    name: 'what came unasked is taken for the next reply',
    // who has an answer too soon asks too soon
    caughtBy: ['D5', 'D6', 'S3', 'B1'],
    force: { twin: 60_000 },
    link: (open, bus) => (isTcp(bus) ? open : keeping(open)),
  },
  {
    name: 'words are swapped',
    caughtBy: ['D5', 'D6'],
    configuration: (configuration) => ({
      ...configuration,
      instruments: configuration.instruments.map((instrument) => ({
        ...instrument,
        profile: {
          ...instrument.profile,
          signals: instrument.profile.signals.map((signal) => ({
            ...signal,
            byteOrder: 'ABCD' as const,
          })),
        },
      })),
    }),
  },
  {
    name: 'a neighbour’s register is read',
    caughtBy: ['D5', 'D6'],
    configuration: (configuration) => ({
      ...configuration,
      instruments: configuration.instruments.map((instrument) => ({
        ...instrument,
        profile: {
          ...instrument.profile,
          signals: instrument.profile.signals.map((signal) => ({
            ...signal,
            address: signal.address + 1,
          })),
        },
      })),
    }),
  },
  {
    name: 'polarity is ignored',
    caughtBy: ['D5'],
    configuration: (configuration) =>
      withPoints(configuration, (point) => ({
        ...point,
        conversion: { ...point.conversion, reversed: !point.conversion.reversed },
      })),
  },
  {
    name: 'values are rounded before they are compared',
    caughtBy: ['D5'],
    driver: (driver) =>
      replying(driver, (reply) =>
        results(reply, (_, result) =>
          result.kind === 'value'
            ? { ...result, value: Math.round(result.value * 100) / 100 }
            : result,
        ),
      ),
  },
  {
    name: 'a sentinel is a value',
    caughtBy: ['D6', 'D5'],
    force: { sensorFault: 1 },
    configuration: (configuration) =>
      withPoints(configuration, ({ conversion: { range: _, ...conversion }, ...point }) => ({
        ...point,
        conversion: { ...conversion, sentinels: [] },
      })),
  },
  {
    name: 'NaN counts as the last value',
    caughtBy: ['D6', 'D5'],
    force: { sensorFault: 1 },
    driver: (driver) => {
      const last = new Map<string, RawSignal & { kind: 'value' }>()
      return replying(driver, (reply) =>
        results(reply, (signal, result) => {
          if (result.kind !== 'value') return result
          if (Number.isFinite(result.value)) last.set(signal, result)
          return last.get(signal) ?? result
        }),
      )
    },
  },
  {
    name: 'the last value is repeated as good while a unit is silent',
    caughtBy: ['D5', 'D6', 'A5'],
    force: { unitOff: 60_000 },
    driver: (driver) => {
      const last = new Map<string, RawSignal>()
      return replying(driver, (reply) =>
        results(reply, (signal, result) => {
          if (result.kind === 'value') last.set(signal, result)
          return last.get(signal) ?? result
        }),
      )
    },
  },
  {
    name: 'a silent unit is never parked nor said to be silent',
    caughtBy: ['A5', 'D5'],
    force: { unitOff: 120_000 },
    driver: (driver) =>
      replying(driver, (reply) =>
        reply.silent
          ? results(reply, () => ({ kind: 'value', value: 20, raw: Buffer.alloc(4) }))
          : reply,
      ),
  },
  {
    name: 'a silent unit is polled like any other',
    caughtBy: ['B2', 'A5'],
    force: { unitOff: 60_000 },
    driver: (driver) => replying(driver, (reply) => ({ ...reply, silent: false })),
  },
  {
    name: 'a request goes out while another is open',
    caughtBy: ['B1', 'B3'],
    link: (open) => (listener) => {
      const link = open(listener)
      let writes = 0
      return {
        ...link,
        write: (bytes) => {
          link.write(bytes)
          if (++writes % 40 === 0) link.write(bytes)
        },
      }
    },
  },
  {
    name: 'no silence before a request on a serial line',
    caughtBy: ['B1'],
    configuration: (configuration) => ({
      ...configuration,
      buses: configuration.buses.map((bus) =>
        bus.protocol === 'modbus-tcp' ? bus : { ...bus, turnaroundMs: 2 },
      ),
    }),
  },
  {
    name: 'a writing function code leaves the agent',
    caughtBy: ['B4'],
    link: (open, bus) => (listener) => {
      const link = open(listener)
      let writes = 0
      return {
        ...link,
        write: (bytes) => {
          const frame = Buffer.from(bytes)
          if (isTcp(bus) && ++writes % 40 === 0) frame[7] = 6
          link.write(frame)
        },
      }
    },
  },
]
