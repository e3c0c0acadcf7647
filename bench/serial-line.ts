// A serial line for the bench, in a process of its own: one instrument on a pseudo-terminal at 19200 8N1 that answers at once,
// with the simulator's pacing of each byte and its count of violated silent intervals. Its own standard input is the far
// end of the pseudo-terminal (socat starts it so, and is gone), so that nothing stands between that does not on a real line.
// SIGUSR2 makes it print its counts on standard error. Arguments: the path of the port.

import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { seededRandom } from '#core/random.ts'
import type { Clock } from '#ports/clock.ts'
import { systemClock } from '../agent/runtime/system-clock.ts'
import { FaultSet } from '../simulators/faults.ts'
import { RtuLine } from '../simulators/wire/rtu-line.ts'

const FAR_END = 0
const STANDARD_ERROR = 2

const system = systemClock()
const precisely = system.precisely ?? system.at
/** Bytes are half a millisecond apart: a timer of the system would be the slowest part of the line. */
const clock: Clock = { ...system, at: precisely }
const random = seededRandom(1)

const line = new RtuLine({
  clock,
  random,
  line: { baudRate: 19_200, dataBits: 8, parity: 'none', stopBits: 1 },
  faults: new FaultSet(random),
  turnaroundMs: 0,
  pace: 'byte',
  deliver: (bytes) => void writeSync(FAR_END, bytes),
  hangUp: () => {},
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

// Held open, so that a client that closes the port does not hang the line up.
const held = openSync(process.argv[2] ?? '', constants.O_RDWR | constants.O_NOCTTY)
const far = new ReadStream(FAR_END)
far.on('data', (chunk) => line.receive(chunk))
const say = (value: unknown) => void writeSync(STANDARD_ERROR, `${JSON.stringify(value)}\n`)
process.on('SIGUSR2', () => say(line.counts))
process.once('SIGTERM', () => {
  line.reset()
  closeSync(held)
  process.exit(0)
})
say({ ready: true })
