// `npm run bench`: the agent beside a bare modbus-serial + mqtt loop without storage, in the same run on the same machine.
// Prints every figure with what it stands beside; judges none. `--quick` shortens each measurement.

import mqtt from 'mqtt'
import { measureEndurance } from './endurance.ts'
import { measureOutage } from './outage.ts'
import { measureReconnects } from './reconnects.ts'
import {
  type Devices,
  freePort,
  type Line,
  removeScratch,
  seconds,
  startAgent,
  startBroker,
  startDevices,
  stopProcess,
  writeConfiguration,
} from './rig.ts'
import { measureSaturation, withAgent } from './saturation.ts'
import { canMakeLines, measureSerial } from './serial.ts'

const quick = process.argv.includes('--quick')
const only = process.argv
  .find((argument) => argument.startsWith('--only='))
  ?.slice('--only='.length)
const DEVICES = 50
/** Code is compiled in the first seconds. */
const WARM_UP_SECONDS = quick ? 3 : 4
const STEPS = quick ? 30 : 100
/** Time between two steps: no multiple of the interval, so that they fall anywhere in it. */
const STEP_EVERY_MS = 137
const BACKLOG_SECONDS = quick ? 10 : 15

const say = (text: string): boolean => process.stdout.write(`${text}\n`)
const fixed = (value: number, digits = 2): string => value.toFixed(digits)

async function memory(devices: Devices, brokerUrl: string): Promise<void> {
  say('\nMemory and CPU at a steady rate (4 points a poll)')
  for (const [rate, interval] of [
    [50, '1s'],
    [200, '250ms'],
  ] as const) {
    const {
      rssMb: rss,
      cpuSecondsPer10k,
      pollsPerSecond,
    } = await withAgent(
      devices,
      { brokerUrl, devices: DEVICES, points: 4, interval },
      { warmUp: WARM_UP_SECONDS, window: quick ? 8 : rate === 200 ? 25 : 10 },
    )
    say(
      `${String(rate).padStart(4)} polls/s (measured ${fixed(pollsPerSecond, 0)}): ` +
        `RSS ${fixed(rss, 0)} MB, CPU ${fixed(cpuSecondsPer10k)} s/10k polls`,
    )
  }
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN

async function latency(devices: Devices, brokerUrl: string): Promise<void> {
  const config = writeConfiguration({
    modbusPort: devices.port,
    brokerUrl,
    devices: DEVICES,
    points: 4,
    interval: '1s',
    limits: true,
  })
  const client = await mqtt.connectAsync(brokerUrl, { protocolVersion: 5 })
  await client.subscribeAsync('cr/v1/bench/bench/gw/alarm/+', { qos: 1 })
  const agent = await startAgent(config)
  const readAt = new Map<number, bigint>()
  devices.line.onLine((line) => {
    const match = /^read (\d+) (\d+)$/.exec(line)
    if (match?.[1] !== undefined && match[2] !== undefined)
      readAt.set(Number(match[1]), BigInt(match[2]))
  })
  const heard = new Map<string, (at: bigint) => void>()
  client.on('message', (topic, payload) => {
    if (payload.includes('"state":"unacknowledged"'))
      heard.get(topic.split('/').at(-1) ?? '')?.(process.hrtime.bigint())
  })
  await seconds(WARM_UP_SECONDS)
  const fromReply: number[] = []
  const fromStep: number[] = []
  const step = async (unit: number, value: number): Promise<void> => {
    const stepped = process.hrtime.bigint()
    const alarm = new Promise<bigint>((resolve) => heard.set(`d${unit}-0.action_high`, resolve))
    devices.set(unit, value)
    const at = await alarm
    fromStep.push(Number(at - stepped) / 1e6)
    const read = readAt.get(unit)
    if (read !== undefined) fromReply.push(Number(at - read) / 1e6)
    // long read by the time its turn comes again
    devices.set(unit, 10)
  }
  const steps: Promise<void>[] = []
  for (let count = 0; count < STEPS; count++) {
    steps.push(step((count % DEVICES) + 1, 200 + count))
    await seconds(STEP_EVERY_MS / 1000)
  }
  await Promise.all(steps)
  await stopProcess(agent)
  await client.endAsync(true)
  const report = (name: string, values: number[]) => {
    values.sort((one, other) => one - other)
    say(
      `${name}: p50 ${fixed(percentile(values, 0.5), 1)} ms, p99 ${fixed(percentile(values, 0.99), 1)} ms, ` +
        `max ${fixed(values.at(-1) ?? 0, 1)} ms (n=${values.length})`,
    )
  }
  say('\nAlarm latency at a subscriber, 200 points × 1 Hz')
  report('from the end of the reply', fromReply)
  report('from the step of the value (polling included)', fromStep)
}

async function drain(devices: Devices): Promise<void> {
  const port = await freePort()
  const brokerUrl = `mqtt://127.0.0.1:${port}`
  const agent = await startAgent(
    writeConfiguration({
      modbusPort: devices.port,
      brokerUrl,
      devices: DEVICES,
      points: 16,
      interval: '100ms',
    }),
  )
  await seconds(BACKLOG_SECONDS)
  const broker = await startBroker(port)
  const client = await mqtt.connectAsync(brokerUrl, { protocolVersion: 5 })
  let rows = 0
  let started = 0
  let behind = Number.POSITIVE_INFINITY
  const done = new Promise<number>((resolve) => {
    client.on('message', (_topic, payload) => {
      started ||= performance.now()
      const message = JSON.parse(payload.toString()) as {
        first: number
        last: number
        sent: number
        readings: { t: number; a?: number }[]
      }
      rows += message.readings.length
      const newest = message.readings.at(-1)
      behind = message.sent - ((newest?.t ?? 0) + (newest?.a ?? 0))
      if (behind < 1500) resolve(performance.now())
    })
  })
  await client.subscribeAsync('cr/v1/bench/bench/gw/readings', { qos: 1 })
  const finished = await done
  say(
    '\nBacklog after a broker outage, drained while polling goes on (16 points × 50 devices × 10 Hz)',
  )
  say(
    `${rows} rows in ${fixed((finished - started) / 1000, 1)} s: ${fixed(rows / ((finished - started) / 1000), 0)} rows/s at a subscriber`,
  )
  await client.endAsync(true)
  await stopProcess(agent)
  await stopProcess(broker)
}

const READ_LENGTHS = [2, 20, 60, 125]

async function serial(): Promise<void> {
  say(
    '\nSerial line, 19200 8N1 on a pseudo-terminal: share of the wire limit (bytes × character time + 2 × t3.5)',
  )
  if (!canMakeLines()) {
    say('left out: it needs socat (apt-get install socat)')
    return
  }
  say(
    'registers a read   polls   bad   share of the limit   line itself late   median poll   t3.5 violations   CPU of the poller',
  )
  const percent = (share: number, width: number) => `${fixed(share * 100, 1).padStart(width)} %`
  for (const result of await measureSerial(READ_LENGTHS, quick ? 3 : 6)) {
    const { registers, polls, bad, share, medianShare, lineLate, violations, cpu } = result
    say(
      `${String(registers).padStart(16)}   ${String(polls).padStart(5)}   ${String(bad).padStart(3)}   ` +
        `${percent(share, 16)}   ${percent(lineLate, 14)}   ${percent(medianShare, 9)}   ` +
        `${String(violations).padStart(15)}   ${percent(cpu, 17)}`,
    )
  }
}

async function outage(devices: Devices): Promise<void> {
  const days = quick ? 0.5 : 7
  say(`\n${days} days without a broker, 40 points every 10 s, drained at 50 ms there and back`)
  const { rows, fillSeconds, drainSeconds, alarms, rssMb: rss } = await measureOutage(devices, days)
  say(
    `${rows} readings (journal written in ${fixed(fillSeconds, 0)} s) drained in ${fixed(drainSeconds, 1)} s: ` +
      `${fixed(rows / drainSeconds, 0)} rows/s; RSS ${fixed(rss, 0)} MB`,
  )
  say(
    `alarms that rose meanwhile: n=${alarms.length}, at the subscriber after at most ${alarms.at(-1) ?? '?'} ms`,
  )
}

async function reconnects(devices: Devices): Promise<void> {
  const count = Number(process.env['RECONNECTS'] ?? (quick ? 200 : 1000))
  say(`\nConnections reset under the running daemon (200 points × 1 Hz), ${count} of instruments`)
  say('opened to instruments   to the broker   RSS MB   open files')
  await measureReconnects(devices, count, ({ instruments, broker, rssMb: rss, files }) =>
    say(
      `${String(instruments).padStart(21)}   ${String(broker).padStart(13)}   ${fixed(rss, 0).padStart(6)}   ${String(files).padStart(10)}`,
    ),
  )
}

async function endurance(devices: Devices, brokerUrl: string): Promise<void> {
  const records = Number(process.env['RECORDS'] ?? (quick ? 20_000 : 200_000))
  say(`\n${records} records through the running daemon (200 points × 10 Hz)`)
  say('records   minutes   RSS MB   open files')
  await measureEndurance(
    devices,
    { brokerUrl, records, quick },
    ({ records: head, minutes, rssMb: rss, files }) =>
      say(
        `${String(head).padStart(7)}   ${fixed(minutes, 1).padStart(7)}   ${fixed(rss, 0).padStart(6)}   ${String(files).padStart(10)}`,
      ),
  )
}

async function main(): Promise<void> {
  if (only === 'serial') return serial()
  const port = await freePort()
  const brokerUrl = `mqtt://127.0.0.1:${port}`
  const running: Line[] = []
  try {
    const broker = await startBroker(port)
    running.push(broker)
    const devices = await startDevices()
    running.push(devices.line)
    const client = await mqtt.connectAsync(brokerUrl, { protocolVersion: 5 })
    // somebody has to listen: a broker without a subscriber answers 0x10, and the agent rightly keeps its records
    await client.subscribeAsync(
      ['cr/v1/bench/bench/gw/readings', 'cr/v1/bench/bench/gw/event', 'bare/#'],
      { qos: 1 },
    )
    const parts: Record<string, () => Promise<void>> = {
      saturation: () => measureSaturation({ devices, brokerUrl, count: DEVICES, quick, say }),
      memory: () => memory(devices, brokerUrl),
      latency: () => latency(devices, brokerUrl),
      drain: () => drain(devices),
      outage: () => outage(devices),
      reconnects: () => reconnects(devices),
      endurance: () => endurance(devices, brokerUrl),
      serial,
    }
    for (const [name, part] of Object.entries(parts))
      if (only === undefined || only === name) await part()
    await client.endAsync(true)
  } finally {
    for (const process of running) await stopProcess(process, 'SIGKILL')
    removeScratch()
  }
}

await main()
process.exit(0)
