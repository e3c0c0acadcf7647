// Watches how long the certificates of the way to the broker last (fault NE4): `system.certificate_expiring` a month before the first
// ends, said again as it comes near, so that nobody learns of it from an uplink that is down. Renews nothing.

import { DAY, HOUR, type Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'

const LOOK_MS: Millis = HOUR
/** Days before the end at which it is said: an alarm at the first, the same one with new words at each other. */
const SAID_AT_DAYS = [30, 14, 7, 1, 0] as const

export interface Certificate {
  readonly file: string
  /** As the certificate has it: `CN=gw-01`. */
  readonly subject: string
  /** Wall ms from which on, and until when, it is valid. */
  readonly notBefore: Millis
  readonly notAfter: Millis
}

export interface CertificateVerdict {
  /** How many of the marks before the end are behind; 0: nothing to say. */
  readonly level: number
  /** Which certificates it is about, the nearest end first. */
  readonly words: string
}

/** Judges what is read at a moment of the wall clock. */
export function judgeCertificates(
  certificates: readonly Certificate[],
  wall: Millis,
): CertificateVerdict {
  const levelOf = ({ notAfter }: Certificate): number =>
    SAID_AT_DAYS.filter((days) => notAfter - wall <= days * DAY).length
  const concerned = certificates
    .filter((each) => levelOf(each) > 0 || each.notBefore > wall)
    .toSorted((one, other) => one.notAfter - other.notAfter)
  const words = concerned.map((each) => wordsOf(each, wall)).join('; ')
  const early = concerned.some(({ notBefore }) => notBefore > wall)
  return { level: Math.max(early ? 1 : 0, ...concerned.map(levelOf)), words }
}

function wordsOf({ file, subject, notBefore, notAfter }: Certificate, wall: Millis): string {
  const what = `${file} (${subject})`
  const day = (ms: Millis): string => new Date(ms).toISOString().slice(0, 10)
  if (notBefore > wall) return `${what} is not valid before ${day(notBefore)}; look at the clock`
  if (notAfter <= wall) return `${what} ended on ${day(notAfter)}; put a new one there`
  const days = Math.floor((notAfter - wall) / DAY)
  const left = days === 0 ? 'within a day' : days === 1 ? 'in 1 day' : `in ${days} days`
  return `${what} ends on ${day(notAfter)}, ${left}; put a new one there`
}

export interface CertificateWatchOptions {
  readonly clock: Clock
  readonly log: Log
  /** The certificates in use now; a file that cannot be read is the uplink's to report. */
  readonly read: () => readonly Certificate[]
  /** Whether the wall clock is to be believed: one that was never set makes every certificate too young. */
  readonly trusted: () => boolean
  /** Whether the alarm is active, also from before the start. */
  readonly active: () => boolean
  readonly condition: (active: boolean, detail?: string) => void
}

/** Looks at the start and each hour, until it is stopped. */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions
  #level = 0
  #cancel: (() => void) | undefined

  constructor(options: CertificateWatchOptions) {
    this.#options = options
  }

  start(): void {
    this.#look()
  }

  stop(): void {
    this.#cancel?.()
  }

  #look(): void {
    const { clock, log, read, trusted, active, condition } = this.#options
    this.#cancel = clock.at(clock.now().mono + LOOK_MS, () => this.#look())
    if (!trusted()) return
    const { level, words } = judgeCertificates(read(), clock.now().wall)
    if (level > this.#level || (level > 0 && !active())) {
      log.warn('certificate_expiring', { words })
      condition(true, words)
    } else if (level === 0 && active()) condition(false)
    this.#level = level
  }
}
