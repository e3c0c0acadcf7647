// What lamps and horn show of the alarms: one function of the published states, and the moment's outputs of it. Priorities choose
// colour and sound, acknowledging turns flashing into steady, silencing touches the horn alone (ISA-18.2, IEC 60073; the table
// stands in docs/annunciator.md). Decides no alarm, drives nothing.

import type { Millis } from './time.ts'

/** What an output of a stack light may be. `healthy` is energised while all is well; `pulse` changes with each write. */
export const OUTPUTS = ['red', 'amber', 'green', 'horn', 'healthy', 'pulse'] as const
export type OutputName = (typeof OUTPUTS)[number]
export type OutputStates = Readonly<Record<OutputName, boolean>>

export type Lamp = 'off' | 'steady' | 'flashing'
export type Sound = 'off' | 'continuous' | 'intermittent'

export interface Indication {
  readonly red: Lamp
  readonly amber: Lamp
  readonly green: Lamp
  readonly horn: Sound
}

/** An alarm as published (contract §3), as far as it is annunciated. */
export interface Annunciated {
  readonly state: string
  readonly priority: number
  readonly occ: string | null
  /** Steps of escalation taken: each sounds anew. */
  readonly escalation?: number
  /** It is a consequence of this alarm, which sounds or has sounded for both. */
  readonly parent?: unknown
  /** The test alarm of the alarm path: shown by the green lamp, never by the horn. */
  readonly test?: boolean
}

export interface Hearing {
  /** The least urgent priority that sounds the horn, 1 to 3. */
  readonly hornPriority: number
  /** What was silenced (`soundKey`); undefined when nothing is. */
  readonly silenced: ReadonlySet<string> | undefined
}

const UNACKNOWLEDGED = new Set(['unacknowledged', 'rtn_unacknowledged', 'latched_unacknowledged'])
const STANDING = new Set(['acknowledged', 'latched_acknowledged'])

/** What is silenced is the occurrence as urgent as it was: a heavier priority or a step of escalation sounds anew. */
export const soundKey = ({ occ, priority, escalation }: Annunciated): string =>
  `${occ}/${priority}/${escalation ?? 0}`

/** Whether an alarm sounds the horn as long as nobody silences or acknowledges it. */
export const isLoud = (alarm: Annunciated, hornPriority: number): boolean =>
  alarm.test !== true &&
  alarm.parent === undefined &&
  UNACKNOWLEDGED.has(alarm.state) &&
  alarm.priority <= hornPriority

/** What is shown of all alarms together. */
export function indicationOf(alarms: Iterable<Annunciated>, hearing: Hearing): Indication {
  let red: Lamp = 'off'
  let amber: Lamp = 'off'
  let horn: Sound = 'off'
  let test = false
  for (const alarm of alarms) {
    if (alarm.test === true) {
      test ||= UNACKNOWLEDGED.has(alarm.state)
      continue
    }
    const lamp = lampOf(alarm.state)
    if (lamp === 'off') continue
    if (alarm.priority === 1) red = stronger(red, lamp)
    else amber = stronger(amber, lamp)
    if (sounds(alarm, hearing)) horn = alarm.priority === 1 ? 'continuous' : louder(horn)
  }
  const calm = red === 'off' && amber === 'off'
  return { red, amber, green: calm ? (test ? 'flashing' : 'steady') : 'off', horn }
}

const lampOf = (state: string): Lamp =>
  UNACKNOWLEDGED.has(state) ? 'flashing' : STANDING.has(state) ? 'steady' : 'off'

const stronger = (one: Lamp, other: Lamp): Lamp =>
  one === 'flashing' || other === 'flashing' ? 'flashing' : other

const louder = (sound: Sound): Sound => (sound === 'continuous' ? sound : 'intermittent')

function sounds(alarm: Annunciated, { hornPriority, silenced }: Hearing): boolean {
  return isLoud(alarm, hornPriority) && silenced?.has(soundKey(alarm)) !== true
}

/** Lamps flash once a second (IEC 60073: 0.4 to 2.8 Hz), half of it lit. */
export const PHASE_MS: Millis = 500
/** An intermittent horn sounds for one phase of this many. */
const INTERMITTENT_PHASES = 4

/** The outputs of a moment; `phase` counts from 0 by one each `PHASE_MS`. */
export function outputsAt(
  { red, amber, green, horn }: Indication,
  phase: number,
): Omit<OutputStates, 'pulse'> {
  const lit = phase % 2 === 0
  const on = (lamp: Lamp): boolean => lamp === 'steady' || (lamp === 'flashing' && lit)
  const sound =
    horn === 'continuous' || (horn === 'intermittent' && phase % INTERMITTENT_PHASES === 0)
  return { red: on(red), amber: on(amber), green: on(green), horn: sound, healthy: true }
}

/** Whether the outputs change with the phase. */
export const isMoving = ({ red, amber, green, horn }: Indication): boolean =>
  red === 'flashing' || amber === 'flashing' || green === 'flashing' || horn === 'intermittent'

/** What a self-test shows, one step after the other; `healthy` is never let go. */
export const SELF_TEST: readonly Indication[] = [
  { red: 'steady', amber: 'off', green: 'off', horn: 'off' },
  { red: 'off', amber: 'steady', green: 'off', horn: 'off' },
  { red: 'off', amber: 'off', green: 'steady', horn: 'off' },
  { red: 'off', amber: 'off', green: 'off', horn: 'continuous' },
  { red: 'steady', amber: 'steady', green: 'steady', horn: 'off' },
]
/** How long each step of a self-test is shown. */
export const SELF_TEST_STEP_MS: Millis = 1000
