// `npm run bench`: the agent beside a bare modbus-serial + mqtt loop without storage, in the same run on the same machine.
// Prints every figure with what it stands beside; judges none. `--quick` shortens each measurement.

import mqtt from 'mqtt'
import {
  cpuSeconds,
  type Devices,
  freePort,
  type Line,
  type Load,
  rssMb,
  seconds,
  startAgent,
  startBroker,
  startDevices,
  startProcess,
  stopProcess,
  writeConfiguration,
} from './rig.ts'
import { canMakeLines, measureSerial } from './serial.ts'

const quick = process.argv.includes('--quick')
const only = process.argv
  .find((argument) => argument.startsWith('--only='))
  ?.slice('--only='.length)
const DEVICES = 50
const SATURATION_SECONDS = quick ? 4 : 12
const WARM_UP_SECONDS = 3
const STEPS = quick ? 30 : 200
const BACKLOG_SECONDS = quick ? 10 : 30

const say = (text: string): boolean => process.stdout.write(`${text}\n`)
const fixed = (value: number, digits = 2): string => value.toFixed(digits)

interface Speed {
  readonly pollsPerSecond: number
  readonly cpuSecondsPer10k: number
  readonly rssMb: number
}

async function bare(devices: Devices, brokerUrl: string, points: number): Promise<Speed> {
  const args = [devices.port, brokerUrl, DEVICES, points, SATURATION_SECONDS].map(String)
  const loop = startProcess(process.execPath, ['bench/bare-loop.ts', ...args])
  return JSON.parse(await loop.next(/^\{/)) as Speed
}

/** Runs the agent on a load and measures a window after the warm-up. */
async function withAgent(
  devices: Devices,
  load: Omit<Load, 'modbusPort'>,
  windowSeconds: number,
): Promise<Speed> {
  const agent = await startAgent(writeConfiguration({ ...load, modbusPort: devices.port }))
  const pid = agent.child.pid ?? 0
  await seconds(WARM_UP_SECONDS)
  const before = { polls: await devices.count(), cpu: cpuSeconds(pid), at: performance.now() }
  await seconds(windowSeconds)
  const polls = (await devices.count()) - before.polls
  const result = {
    pollsPerSecond: polls / ((performance.now() - before.at) / 1000),
    cpuSecondsPer10k: ((cpuSeconds(pid) - before.cpu) / polls) * 10_000,
    rssMb: rssMb(pid),
  }
  await stopProcess(agent)
  return result
}

async function saturation(devices: Devices, brokerUrl: string): Promise<void> {
  say(`\nSaturation: ${DEVICES} devices × 16 registers, every device on a connection of its own`)
  say('points a poll   polls/s bare   polls/s agent   CPU s/10k bare   CPU s/10k agent   ratio')
  for (const points of [1, 4, 16]) {
    const plain = await bare(devices, brokerUrl, points)
    const ours = await withAgent(
      devices,
      { brokerUrl, devices: DEVICES, points, interval: '1ms' },
      SATURATION_SECONDS,
    )
    say(
      `${String(points).padStart(13)}   ${fixed(plain.pollsPerSecond, 0).padStart(12)}   ${fixed(ours.pollsPerSecond, 0).padStart(13)}   ` +
        `${fixed(plain.cpuSecondsPer10k).padStart(14)}   ${fixed(ours.cpuSecondsPer10k).padStart(15)}   ` +
        `${fixed(ours.cpuSecondsPer10k / plain.cpuSecondsPer10k)}`,
    )
  }
}

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
      quick ? 10 : 40,
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
  for (let step = 0; step < STEPS; step++) {
    const unit = (step % DEVICES) + 1
    const stepped = process.hrtime.bigint()
    const alarm = new Promise<bigint>((resolve) => heard.set(`d${unit}-0.action_high`, resolve))
    devices.set(unit, 200 + step)
    const at = await alarm
    fromStep.push(Number(at - stepped) / 1e6)
    const read = readAt.get(unit)
    if (read !== undefined) fromReply.push(Number(at - read) / 1e6)
    const back = devices.line.next(new RegExp(`^read ${unit} `))
    devices.set(unit, 10)
    await back
  }
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
    'registers a read   polls   bad   share of the limit   median poll   t3.5 violations   CPU of the polling process',
  )
  const percent = (share: number, width: number) => `${fixed(share * 100, 1).padStart(width)} %`
  for (const result of await measureSerial(READ_LENGTHS, quick ? 5 : 20)) {
    const { registers, polls, bad, share, medianShare, violations, cpu } = result
    say(
      `${String(registers).padStart(16)}   ${String(polls).padStart(5)}   ${String(bad).padStart(3)}   ` +
        `${percent(share, 16)}   ${percent(medianShare, 9)}   ${String(violations).padStart(15)}   ${percent(cpu, 26)}`,
    )
  }
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
      saturation: () => saturation(devices, brokerUrl),
      memory: () => memory(devices, brokerUrl),
      latency: () => latency(devices, brokerUrl),
      drain: () => drain(devices),
      serial,
    }
    for (const [name, part] of Object.entries(parts))
      if (only === undefined || only === name) await part()
    await client.endAsync(true)
  } finally {
    for (const process of running) await stopProcess(process, 'SIGKILL')
  }
}

await main()
process.exit(0)
