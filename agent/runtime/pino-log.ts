// Structured log on standard error: one JSON object a line, an event name and fields.

import { destination, pino } from 'pino'
import type { Log } from '#ports/log.ts'

/** A pino logger behind the log seam; `level` as pino's (default info). */
export function pinoLog(level: string = process.env['CLEANROOM_AGENT_LOG'] ?? 'info'): Log {
  const logger = pino(
    { level, base: null, messageKey: 'event', timestamp: pino.stdTimeFunctions.isoTime },
    destination({ fd: 2, sync: true }),
  )
  const write =
    (method: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}) =>
      logger[method](fields, event)
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}
