// The CPU part of the bench: agent and bare loop in turns, as fast as they go and at the same pace. Prints, judges nothing.

import {
  cpuSeconds,
  type Devices,
  headOf,
  type Load,
  rssMb,
  seconds,
  startAgent,
  startProcess,
  stopProcess,
  writeConfiguration,
} from './rig.ts'

interface Speed {
  readonly pollsPerSecond: number
  readonly cpuSecondsPer10k: number
  readonly rssMb: number
  /** Records an agent wrote for each poll: more than its points where slots were missed. */
  readonly recordsPerPoll: number
}

/** Seconds before the measured window, and its length. */
interface Times {
  readonly warmUp: number
  readonly window: number
}

interface SaturationOptions {
  readonly devices: Devices
  readonly brokerUrl: string
  /** Devices polled. */
  readonly count: number
  readonly quick: boolean
  readonly say: (text: string) => void
}

interface Kind {
  readonly who: 'bare loop' | 'agent'
  /** 0: as fast as it goes. An agent needs an interval and is given 1 ms, of which it records what it missed. */
  readonly intervalMs: number
  readonly times: Times
  readonly turns: number
}

/** Runs the agent on a load and measures a window after the warm-up. */
export async function withAgent(
  devices: Devices,
  load: Omit<Load, 'modbusPort'>,
  { warmUp, window }: Times,
): Promise<Speed> {
  const config = writeConfiguration({ ...load, modbusPort: devices.port })
  const agent = await startAgent(config)
  const pid = agent.child.pid ?? 0
  await seconds(warmUp)
  const records = headOf(config)
  const before = { polls: await devices.count(), cpu: cpuSeconds(pid), at: performance.now() }
  await seconds(window)
  const polls = (await devices.count()) - before.polls
  const result = {
    pollsPerSecond: polls / ((performance.now() - before.at) / 1000),
    cpuSecondsPer10k: ((cpuSeconds(pid) - before.cpu) / polls) * 10_000,
    rssMb: rssMb(pid),
    recordsPerPoll: (headOf(config) - records) / polls,
  }
  await stopProcess(agent)
  return result
}

async function withBareLoop(
  { devices, brokerUrl, count }: SaturationOptions,
  points: number,
  { intervalMs, times: { warmUp, window } }: Kind,
): Promise<Speed> {
  const args = [devices.port, brokerUrl, count, points, warmUp, window, intervalMs].map(String)
  const loop = startProcess(process.execPath, ['bench/bare-loop.ts', ...args])
  const speed = JSON.parse(await loop.next(/^\{/)) as Omit<Speed, 'recordsPerPoll'>
  return { ...speed, recordsPerPoll: 0 }
}

/** All slots of this interval can just be polled, by either side. */
const NEAR_SATURATION_MS = 8
/** There is time to spare. */
const LEISURELY_MS = 25

/**
 * What is measured in turns. Most windows begin while code is still being compiled; those at 4 points that the target is about begin
 * when that is over. 16 points at 8 ms, or at 1 ms, would be more records than a disk takes, and an agent stops rather than lose one.
 */
function kindsOf(points: number, quick: boolean): Kind[] {
  const early = { times: { warmUp: quick ? 3 : 4, window: 5 }, turns: 1 }
  const warm = { times: { warmUp: quick ? 8 : 20, window: quick ? 4 : 6 }, turns: quick ? 1 : 3 }
  const effort = points === 4 ? warm : early
  const pacedMs = points < 16 ? NEAR_SATURATION_MS : LEISURELY_MS
  return [
    { who: 'bare loop', intervalMs: 0, ...effort },
    { who: 'bare loop', intervalMs: pacedMs, ...effort },
    { who: 'agent', intervalMs: pacedMs, ...effort },
    ...(points < 16 ? [{ who: 'agent', intervalMs: 0, ...early } as const] : []),
    ...(points === 4
      ? ([
          { who: 'bare loop', intervalMs: LEISURELY_MS, ...early },
          { who: 'agent', intervalMs: LEISURELY_MS, ...early },
        ] as const)
      : []),
  ]
}

async function turn(options: SaturationOptions, points: number, kind: Kind): Promise<Speed> {
  if (kind.who === 'bare loop') return withBareLoop(options, points, kind)
  const { devices, brokerUrl, count } = options
  const interval = `${kind.intervalMs || 1}ms`
  return withAgent(devices, { brokerUrl, devices: count, points, interval }, kind.times)
}

/** The turn in the middle by CPU: others use the machine meanwhile. */
function middle(turns: readonly Speed[]): Speed {
  const sorted = turns.toSorted((one, other) => one.cpuSecondsPer10k - other.cpuSecondsPer10k)
  const found = sorted[Math.floor(sorted.length / 2)]
  if (found === undefined) throw new Error('nothing was measured')
  return found
}

/** Measures and prints the table. */
export async function measureSaturation(options: SaturationOptions): Promise<void> {
  const { count, quick, say } = options
  say(
    `\nCPU: ${count} devices × 16 registers, every device on a connection of its own; the bare loop`,
  )
  say('stores nothing. In turns; the middle one counts. From: seconds after the start.')
  say(
    'points  who        pace               from  turns  polls/s  CPU s/10k  × bare  × bare at its pace  records/poll',
  )
  for (const points of [1, 4, 16]) {
    const measured = kindsOf(points, quick).map((kind) => ({ kind, turns: [] as Speed[] }))
    const most = Math.max(...measured.map(({ kind }) => kind.turns))
    for (let round = 0; round < most; round++) {
      for (const { kind, turns } of measured)
        if (round < kind.turns) turns.push(await turn(options, points, kind))
    }
    const rows = measured.map(({ kind, turns }) => ({ kind, speed: middle(turns) }))
    const bareAt = (wanted: number) =>
      rows.find(({ kind }) => kind.who === 'bare loop' && kind.intervalMs === wanted)?.speed
        .cpuSecondsPer10k ?? Number.NaN
    for (const { kind, speed } of rows) say(printRow(points, kind, speed, bareAt))
  }
}

function printRow(
  points: number,
  { who, intervalMs, times, turns }: Kind,
  { pollsPerSecond, cpuSecondsPer10k: cpu, recordsPerPoll }: Speed,
  bareAt: (intervalMs: number) => number,
): string {
  const pace = intervalMs === 0 ? 'as fast as it goes' : `each slot of ${intervalMs} ms`
  return [
    String(points).padStart(6),
    who.padEnd(9),
    pace.padEnd(18),
    String(times.warmUp).padStart(3),
    String(turns).padStart(5),
    pollsPerSecond.toFixed(0).padStart(7),
    cpu.toFixed(2).padStart(9),
    (cpu / bareAt(0)).toFixed(2).padStart(6),
    (cpu / bareAt(intervalMs)).toFixed(2).padStart(18),
    recordsPerPoll.toFixed(1).padStart(12),
  ].join('  ')
}
