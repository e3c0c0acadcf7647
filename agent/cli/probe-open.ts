// Opens the line of `probe` and `scan` on this machine's clock, or ends the command in words.

import { randomBytes } from 'node:crypto'
import { Line } from '#drivers/commissioning/line.ts'
import type { BusSettings } from '#drivers/profile.ts'
import { systemClock } from '../runtime/system-clock.ts'
import { CommandError, EXIT } from './exit-code.ts'

/** An open line. Throws CommandError 69 with the cause where it cannot be opened. */
export async function openLine(bus: BusSettings): Promise<Line> {
  const random = (): number => randomBytes(4).readUInt32BE() / 2 ** 32
  const line = new Line({ bus, clock: systemClock(), random })
  const cause = await line.connect()
  if (cause === undefined) return line
  await line.close()
  throw new CommandError(EXIT.notReachable, cause)
}
