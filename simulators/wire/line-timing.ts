// Time on a serial line: how long a character lasts, and how long silence has to last between frames (serial line
// specification V1.02 §2.5.1.1). Pure arithmetic.

import type { Millis } from '#core/time.ts'
import type { LineSettings } from '../spec.ts'

export interface LineTiming {
  readonly characterMs: Millis
  /** t3.5: three and a half characters, 1.75 ms above 19200 baud. */
  readonly silentIntervalMs: Millis
}

const STANDARD: Required<LineSettings> = {
  baudRate: 19_200,
  dataBits: 8,
  parity: 'even',
  stopBits: 1,
}
const FIXED_ABOVE_BAUD = 19_200
const FIXED_SILENT_MS = 1.75
const SILENT_CHARACTERS = 3.5

/** Start bit, data bits, parity bit where there is one, stop bits. */
export function lineTiming(settings: LineSettings): LineTiming {
  const { baudRate, dataBits, parity, stopBits } = { ...STANDARD, ...settings }
  const bits = 1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits
  const characterMs = (bits * 1000) / baudRate
  const silentIntervalMs =
    baudRate > FIXED_ABOVE_BAUD ? FIXED_SILENT_MS : SILENT_CHARACTERS * characterMs
  return { characterMs, silentIntervalMs }
}
