// Faults on demand: which kinds there are, what value each takes, and which are in force now. Decides nothing about
// their effect: the wire kinds are acted out in wire/, the instrument kinds in devices/.

import type { Random } from '#core/random.ts'
import type { Millis } from '#core/time.ts'

/** What a kind of fault takes as its value, and what it does, for the documentation and for error words. */
interface FaultKindSpec {
  readonly on: 'wire' | 'instrument' | 'bus'
  readonly value: 'none' | 'number' | 'duration'
  /** Value when none is given. */
  readonly standard?: number
  readonly does: string
}

export const FAULT_KINDS = {
  silence: { on: 'wire', value: 'none', does: 'no reply' },
  delay: { on: 'wire', value: 'duration', standard: 700, does: 'each reply comes so much later' },
  exception: { on: 'wire', value: 'number', standard: 4, does: 'answers with this exception code' },
  busy: { on: 'wire', value: 'none', does: 'answers with exception 6, server device busy' },
  disconnect: { on: 'wire', value: 'none', does: 'closes the connection instead of answering' },
  'wrong-unit': { on: 'wire', value: 'none', does: 'replies carry the next unit id' },
  'wrong-function': { on: 'wire', value: 'none', does: 'replies carry another function code' },
  'wrong-transaction': {
    on: 'wire',
    value: 'none',
    does: 'TCP: replies carry an older transaction id; serial: the reply before comes again',
  },
  truncate: { on: 'wire', value: 'none', does: 'the last register is missing from the reply' },
  'word-order': {
    on: 'wire',
    value: 'none',
    does: 'the two words of every 32-bit value change places, as after a changed setting',
  },
  'illegal-register': {
    on: 'wire',
    value: 'number',
    standard: 0,
    does: 'reads that touch the register of this address are refused with exception 2',
  },
  'undefined-ffff': {
    on: 'wire',
    value: 'none',
    does: 'registers that are not there read FFFFh instead of exception 2, as some makers have it',
  },
  lost: { on: 'wire', value: 'none', does: 'serial: the reply is lost on the line' },
  flip: { on: 'wire', value: 'none', does: 'serial: one bit of the reply is turned over' },
  split: {
    on: 'wire',
    value: 'duration',
    standard: 30,
    does: 'the reply comes in two pieces, so far apart',
  },
  merge: {
    on: 'wire',
    value: 'none',
    does: 'the reply is held back and comes together with the next one',
  },
  garbage: {
    on: 'wire',
    value: 'number',
    standard: 3,
    does: 'so many random bytes before the reply',
  },
  duplicate: {
    on: 'wire',
    value: 'none',
    does: 'serial: a second instrument of the same unit id answers too',
  },
  nan: { on: 'instrument', value: 'none', does: 'critical error: NaN, or the maker’s sentinel' },
  frozen: { on: 'instrument', value: 'none', does: 'values, or records, no longer change' },
  'sensor-fault': {
    on: 'instrument',
    value: 'none',
    does: 'the status says fault, values look plausible',
  },
  'flow-fault': {
    on: 'instrument',
    value: 'none',
    does: 'particle counter: flow out of specification',
  },
  'laser-fault': {
    on: 'instrument',
    value: 'none',
    does: 'particle counter: laser out of specification',
  },
  drift: {
    on: 'instrument',
    value: 'number',
    standard: 1,
    does: 'values run off by so many units a minute',
  },
  'other-master': {
    on: 'instrument',
    value: 'none',
    does: 'particle counter: another master moves the record index to 0 and takes NEW DATA away',
  },
  'stuck-clock': { on: 'instrument', value: 'none', does: 'the instrument’s clock stands still' },
  'clock-step': {
    on: 'instrument',
    value: 'number',
    standard: 3600,
    does: 'the instrument’s clock jumps by so many seconds',
  },
  reboot: {
    on: 'instrument',
    value: 'none',
    does: 'loses power for the duration (5 s), then starts up',
  },
  'memory-loss': {
    on: 'instrument',
    value: 'none',
    does: 'as reboot, and its record buffer is empty afterwards',
  },
  swap: {
    on: 'instrument',
    value: 'number',
    standard: 1,
    does: 'another instrument in its place: the serial number differs by so much',
  },
  'half-open': {
    on: 'bus',
    value: 'none',
    does: 'connections are accepted and stay open, nothing is ever answered',
  },
  refuse: {
    on: 'bus',
    value: 'none',
    does: 'the port is closed: connections are refused, open ones cut; a pseudo-terminal vanishes',
  },
  pull: {
    on: 'bus',
    value: 'none',
    does: 'the cable is pulled: no byte passes',
  },
  echo: {
    on: 'bus',
    value: 'none',
    does: 'serial: the adapter echoes each request before the reply',
  },
  'wrong-baud': {
    on: 'bus',
    value: 'none',
    does: 'serial: the line runs at another speed, bytes are scrambled',
  },
} as const satisfies Readonly<Record<string, FaultKindSpec>>

export type FaultKind = keyof typeof FAULT_KINDS

/** True for the name of a kind of fault. */
export const isFaultKind = (name: string): name is FaultKind => Object.hasOwn(FAULT_KINDS, name)

/** Where a kind acts and what value it takes. */
export const faultKind = (kind: FaultKind): FaultKindSpec => FAULT_KINDS[kind]

export interface FaultOptions {
  /** Milliseconds for a kind that takes a duration, else a plain number. */
  readonly value?: number
  /** Protocol time it lasts; absent = until cleared. */
  readonly durationMs?: Millis
  /** Share of the replies it strikes, 0..1; absent = all. Wire kinds only. */
  readonly rate?: number
  /** How many replies it strikes before it is over. Wire kinds only. */
  readonly times?: number
}

/** One fault in force. */
export interface ActiveFault {
  readonly value: number
  readonly sinceMono: Millis
  readonly untilMono: Millis
  readonly rate: number
  times: number
}

/** How long a reboot takes unless said otherwise. */
const REBOOT_MS = 5000

/** The faults in force of one instrument or one bus. */
export class FaultSet {
  readonly #active = new Map<FaultKind, ActiveFault>()
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** Puts a fault in force from now on, replacing one of the same kind. */
  set(kind: FaultKind, options: FaultOptions, nowMono: Millis): void {
    const standardMs = kind === 'reboot' || kind === 'memory-loss' ? REBOOT_MS : Infinity
    this.#active.set(kind, {
      value: options.value ?? faultKind(kind).standard ?? 0,
      sinceMono: nowMono,
      untilMono: nowMono + (options.durationMs ?? standardMs),
      rate: options.rate ?? 1,
      times: options.times ?? Infinity,
    })
  }

  /** Ends one kind, or all. */
  clear(kind?: FaultKind): void {
    if (kind === undefined) this.#active.clear()
    else this.#active.delete(kind)
  }

  /** The fault of this kind that is in force now. */
  active(kind: FaultKind, nowMono: Millis): ActiveFault | undefined {
    const fault = this.#active.get(kind)
    if (fault === undefined) return undefined
    if (nowMono < fault.untilMono && fault.times > 0) return fault
    this.#active.delete(kind)
    return undefined
  }

  /** Whether a fault of this kind strikes this reply: rolls its rate and counts it down. */
  strikes(kind: FaultKind, nowMono: Millis): ActiveFault | undefined {
    const fault = this.active(kind, nowMono)
    if (fault === undefined || (fault.rate < 1 && this.#random() >= fault.rate)) return undefined
    fault.times -= 1
    return fault
  }

  /** Kinds in force now, for the snapshot. */
  names(nowMono: Millis): FaultKind[] {
    return [...this.#active.keys()].filter((kind) => this.active(kind, nowMono) !== undefined)
  }
}
