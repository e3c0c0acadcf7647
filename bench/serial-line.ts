// A serial line for the bench, in a process of its own: one instrument on a pseudo-terminal at 19200 8N1 that answers at once,
// with the simulator's pacing of each byte and its count of violated silent intervals. Prints its counts when asked to.
// Arguments: the path of the port.

import { createInterface } from 'node:readline'
import { seededRandom } from '#core/random.ts'
import type { Clock } from '#ports/clock.ts'
import { systemClock } from '../agent/runtime/system-clock.ts'
import { FaultSet } from '../simulators/faults.ts'
import { PseudoTerminal } from '../simulators/wire/pseudo-terminal.ts'

const system = systemClock()
const precisely = system.precisely ?? system.at
/** Bytes are half a millisecond apart: a timer of the system would be the slowest part of the line. */
const clock: Clock = { ...system, at: precisely }
const random = seededRandom(1)

const terminal = new PseudoTerminal({
  clock,
  random,
  path: process.argv[2] ?? '',
  line: { baudRate: 19_200, dataBits: 8, parity: 'none', stopBits: 1 },
  faults: new FaultSet(random),
  turnaroundMs: 0,
  units: [
    {
      unitId: 1,
      faults: new FaultSet(random),
      device: {
        functions: [3],
        read: (_table, address, quantity) =>
          Array.from({ length: quantity }, (_, index) => (address + index) & 0xffff),
        write: () => undefined,
      },
    },
  ],
})
await terminal.open()
const say = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value)}\n`)
say({ ready: true })
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'stop') break
  say(terminal.line.counts)
}
await terminal.close()
process.exit(0)
