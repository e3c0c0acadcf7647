// Connections lost over and over under the running daemon: those of 50 instruments every two seconds, that of the broker every four.
// What counts is what the process holds afterwards (URS-63: memory flat and below 200 MB, open files back at their base).

import { readdirSync } from 'node:fs'
import { ToxicProxy } from '../test/support/toxic-proxy.ts'
import {
  type Devices,
  freePort,
  rssMb,
  seconds,
  startAgent,
  startBroker,
  stopProcess,
  writeConfiguration,
} from './rig.ts'

const UNITS = 50
const POINTS_EACH = 4
/** Longer than the agent waits before it opens a connection again. */
const RESET_EVERY_S = 2.2
/** Rounds of the instruments' resets for one of the broker's. */
const ROUNDS_A_BROKER_RESET = 2
/** Times at which the process is looked at. */
const LOOKS = 5

/** What the process holds after so many connections. */
export interface Held {
  readonly instruments: number
  readonly broker: number
  readonly rssMb: number
  readonly files: number
}

/** Loses connections until the instruments' have been opened `count` times, and says what was held five times on the way. */
export async function measureReconnects(
  devices: Devices,
  count: number,
  tell: (held: Held) => void,
): Promise<void> {
  const port = await freePort()
  const broker = await startBroker(port)
  const field = await ToxicProxy.start(devices.port, 1)
  const way = await ToxicProxy.start(port, 2)
  const config = writeConfiguration({
    ...{ modbusPort: field.port, brokerUrl: `mqtt://127.0.0.1:${way.port}` },
    ...{ devices: UNITS, points: POINTS_EACH, interval: '1s' },
  })
  const agent = await startAgent(config)
  const pid = agent.child.pid ?? 0
  const held = (): Held => ({
    instruments: field.tally.connections,
    broker: way.tally.connections,
    rssMb: rssMb(pid),
    files: readdirSync(`/proc/${pid}/fd`).length,
  })
  // with every connection open, as at each look after it
  await seconds(20)
  tell(held())
  for (let look = 1, round = 0; look <= LOOKS; round++) {
    field.resetAll()
    if (round % ROUNDS_A_BROKER_RESET === 0) way.resetAll()
    await seconds(RESET_EVERY_S)
    if (field.tally.connections < (count * look) / LOOKS) continue
    await seconds(5)
    tell(held())
    look++
  }
  await stopProcess(agent)
  await field.stop()
  await way.stop()
  await stopProcess(broker)
}
