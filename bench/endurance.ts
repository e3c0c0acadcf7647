// The running daemon over many records: what the process holds at the beginning, on the way and at the end (URS-63: flat, and below
// 200 MB). As many records as a small site makes in a year pass in half an hour: polled, judged, kept, sent and received.

import { readdirSync } from 'node:fs'
import {
  type Devices,
  headOf,
  rssMb,
  seconds,
  startAgent,
  stopProcess,
  writeConfiguration,
} from './rig.ts'

const UNITS = 50
const POINTS_EACH = 4
const INTERVAL = '100ms'
/** Times at which the process is looked at, the first one once it has warmed up. */
const LOOKS = 12
const WARM_UP_SECONDS = 60
const LOOK_EVERY_SECONDS = 1

/** What the process holds after so many records. */
export interface Grown {
  readonly records: number
  readonly minutes: number
  readonly rssMb: number
  readonly files: number
}

/** Lets so many records pass, and says what was held twelve times on the way. */
export async function measureEndurance(
  devices: Devices,
  { brokerUrl, records, quick }: { brokerUrl: string; records: number; quick: boolean },
  tell: (grown: Grown) => void,
): Promise<void> {
  const config = writeConfiguration({
    ...{ modbusPort: devices.port, brokerUrl },
    ...{ devices: UNITS, points: POINTS_EACH, interval: INTERVAL },
  })
  const agent = await startAgent(config)
  const started = performance.now()
  const pid = agent.child.pid ?? 0
  await seconds(quick ? 5 : WARM_UP_SECONDS)
  const first = headOf(config)
  for (let look = 0; look <= LOOKS; ) {
    const head = headOf(config)
    if (head >= first + ((records - first) * look) / LOOKS) {
      tell({
        records: head,
        minutes: (performance.now() - started) / 60_000,
        rssMb: rssMb(pid),
        files: readdirSync(`/proc/${pid}/fd`).length,
      })
      look++
    }
    await seconds(LOOK_EVERY_SECONDS)
  }
  await stopProcess(agent)
}
