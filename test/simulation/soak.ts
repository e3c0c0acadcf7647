// `npm run soak -- --seed N --minutes M [--hours H] [--days D] [--memory]`: runs seeds one after another until the time is up, each for H
// simulated hours, and says what came of each. With --days it runs the one seed for that long. A failing seed prints how to repeat it and is not forgotten:
// it belongs into regressions.txt with one line on the fix. With --memory it says every 30 simulated days what the process holds;
// --without kill,powerLoss,… leaves faults out, so that one agent lives through all of it.

import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Scenario } from './scenario.ts'
import { type RunOptions, type RunResult, runSeed, type World } from './world.ts'

/** One seed in so many is run twice, and has to leave the same trace (S6). */
const REPEATED = 20
const DAY = 86_400_000
const MEMORY_EVERY = 30 * DAY

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '10' },
    days: { type: 'string' },
    hours: { type: 'string', default: '24' },
    points: { type: 'string' },
    disk: { type: 'string' },
    /** Mean seconds between two power losses, beside what the seed draws. */
    power: { type: 'string' },
    /** Mean seconds between two places that rot in earlier files, beside what the seed draws. */
    rot: { type: 'string' },
    /** The same in the file that is written. */
    'hot-rot': { type: 'string' },
    /** Days for which the broker is out of reach, from the first hour on. */
    outage: { type: 'string' },
    /** Faults that are off, whatever the seed draws. */
    without: { type: 'string', default: '' },
    memory: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
})

const commit = (): string => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

const seconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1e6
const daysOf = ({ simulatedMs }: RunResult): number => simulatedMs / DAY

const faultsOf = ({ faults }: Scenario): string[] =>
  Object.entries(faults).flatMap(([fault, rate]) => (rate === undefined ? [] : [fault]))

function report(result: RunResult, cpu: number): void {
  const { seed, hash, records, violation, scenario, lastEvents } = result
  const rate = (daysOf(result) / cpu) * 3600
  const points = scenario.buses.reduce(
    (sum, { instruments }) => sum + instruments.reduce((all, { points }) => all + points.length, 0),
    0,
  )
  const words = violation === undefined ? 'ok' : violation.message
  console.log(
    `seed ${seed}  ${daysOf(result).toFixed(2)} days  ${points} points  ${records} records  ` +
      `${rate.toFixed(0)} days per CPU hour  trace ${hash}  ${words}`,
  )
  if (violation === undefined && !values.verbose) return
  console.log(`  commit ${commit()}, faults: ${faultsOf(scenario).join(' ')}`)
  for (const line of lastEvents.slice(-100)) console.log(`  ${line}`)
}

/** Prints heap after a collection, resident memory and the size of the agent's state, at the first sweep and every 30 days after it. */
function memoryWatch(): (world: World) => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  let next = 0
  return ({ now, checks }) => {
    if (now < next) return
    next += MEMORY_EVERY
    collect()
    const { heapUsed, rss, external } = process.memoryUsage()
    const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
    const rows = [...checks.accepted.state]
    const state = rows.reduce((sum, [key, value]) => sum + key.length + value.length, 0)
    console.log(
      `day ${(now / DAY).toFixed(0)}  heap ${mb(heapUsed)}  external ${mb(external)}  rss ${mb(rss)}  ` +
        `state ${rows.length} rows ${(state / 1e3).toFixed(1)} kB`,
    )
  }
}

const options: Omit<RunOptions, 'seed' | 'hours'> = {
  ...(values.points !== undefined && { pointsMax: Number(values.points) }),
  ...((values.disk === 'journal' || values.disk === 'memory') && { disk: values.disk }),
  ...(values.outage !== undefined && { outageMs: Number(values.outage) * DAY }),
  force: {
    ...Object.fromEntries(values.without.split(',').map((fault) => [fault, undefined])),
    ...(values.power !== undefined && { powerLoss: Number(values.power) * 1000 }),
    ...(values.rot !== undefined && { rot: Number(values.rot) * 1000 }),
    ...(values['hot-rot'] !== undefined && { hotRot: Number(values['hot-rot']) * 1000 }),
  },
}
const hours = values.days === undefined ? Number(values.hours) : Number(values.days) * 24
const end = performance.now() + Number(values.minutes) * 60_000
let failures = 0
let days = 0
let cpuTotal = 0
let seed = Number(values.seed)
const sometimes = new Map<string, number>()
do {
  const from = process.cpuUsage()
  const result = await runSeed({
    ...{ seed, hours, ...options },
    ...(values.memory && { watch: memoryWatch() }),
  })
  const cpu = seconds(process.cpuUsage(from))
  days += daysOf(result)
  cpuTotal += cpu
  report(result, cpu)
  for (const [what, count] of result.sometimes)
    sometimes.set(what, (sometimes.get(what) ?? 0) + count)
  if (result.violation !== undefined) failures++
  if (seed % REPEATED === 0) {
    const again = await runSeed({ seed, hours, ...options })
    if (again.hash !== result.hash) {
      failures++
      console.log(`seed ${seed}  S6: the same seed left another trace: ${again.hash}`)
    }
  }
  seed++
} while (performance.now() < end && values.days === undefined)
console.log(
  [...sometimes]
    .sort()
    .map(([what, count]) => `${what}: ${count}`)
    .join('\n'),
)
console.log(
  `${days.toFixed(1)} simulated days, ${((days / cpuTotal) * 3600).toFixed(0)} per CPU hour, ${failures} failures`,
)
process.exitCode = failures === 0 ? 0 : 1
