// `silence` and `annunciator test`: what people do with horn and stack light. Neither acknowledges anything.

import type { Indication } from '#core/annunciation.ts'
import type { Millis } from '#core/time.ts'
import { type ActOptions, doAct, type Io, wordsOf } from './act.ts'

/** The options of `silence`. */
export interface SilenceOptions extends ActOptions {
  /** Parsed from a duration. */
  readonly for?: Millis
}

/** Silences the horn; the exit code. */
export const silence = (options: SilenceOptions, io: Io): Promise<number> => {
  const forMs = options.for === undefined ? {} : { forMs: options.for }
  return doAct({ op: 'silence', ...forMs, ...wordsOf(options) }, options, io)
}

/** Tries lamps and horn; the exit code. */
export const annunciatorTest = (options: ActOptions, io: Io): Promise<number> =>
  doAct({ op: 'annunciator_test', ...wordsOf(options) }, options, io)

/** What is to be seen and heard, in words. */
export function indicationWords({ red, amber, green, horn }: Indication): string {
  const lamps = Object.entries({ red, amber, green })
    .filter(([, lamp]) => lamp !== 'off')
    .map(([name, lamp]) => `${name} ${lamp}`)
  const lights = lamps.length === 0 ? 'all lamps off' : lamps.join(', ')
  return horn === 'off' ? `${lights}, horn off` : `${lights}, HORN ${horn}`
}
