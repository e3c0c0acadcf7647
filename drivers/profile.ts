// What an instrument model is, as data (contract §2 "Profiles"). Types only; validated by config/schema/profile.ts.

import type { OutputName } from '#core/annunciation.ts'
import type { Quantity } from '#core/quantity.ts'

export const TABLES = ['coil', 'discrete_input', 'input_register', 'holding_register'] as const
export type Table = (typeof TABLES)[number]

export const BYTE_ORDERS = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const
/** Order of the bytes on the wire; the eight-byte forms follow the same pattern (CDAB: words swapped, BADC: bytes swapped). */
export type ByteOrder = (typeof BYTE_ORDERS)[number]

/** `u16 i16 u32 i32 u64 i64 f32 f64 bcd16 bcd32 bit` or `stringN` (N bytes, two a register). */
export type DataType =
  | 'u16'
  | 'i16'
  | 'u32'
  | 'i32'
  | 'u64'
  | 'i64'
  | 'f32'
  | 'f64'
  | 'bcd16'
  | 'bcd32'
  | 'bit'
  | `string${number}`

/** Where a datum stands and how it is read. Addresses are zero-based on the wire. */
export interface RegisterSpec {
  readonly table: Table
  readonly address: number
  readonly type: DataType
  readonly byteOrder: ByteOrder
}

export interface SignalSpec extends RegisterSpec {
  readonly name: string
  readonly quantity: Quantity
  readonly unit: string
  /** What the manual prints (`1215`, `30009`). */
  readonly reference?: string
  readonly scale: number
  readonly offset: number
  readonly range?: readonly [number, number]
  /** `"nan"` or decoded numbers that mean "no value". */
  readonly invalid: readonly ('nan' | number)[]
  readonly stuckAfterMs?: number
  /** Particle size in µm of a particle_concentration channel. */
  readonly sizeUm?: number
  readonly sourcePage?: number
}

export interface StatusBit {
  readonly bit: number
  /** The bit's value that means the fault. */
  readonly faultWhen: 0 | 1
  readonly reason: 'sensor_fault' | 'flow_fault' | 'laser_fault' | 'warmup' | 'overflow'
}

/** A status word read with the signals it speaks for; `signals` absent = all of the instrument. */
export interface StatusSpec extends RegisterSpec {
  readonly bits: readonly StatusBit[]
  /** Whole-word values that mean healthy; any other value is a fault of the given reason. */
  readonly healthy?: readonly number[]
  readonly reason?: 'sensor_fault' | 'warmup'
  readonly signals?: readonly string[]
}

/** How the samples of a particle counter are told apart and normalised. Registers, not signals: none is a point. */
export interface SampleSpec {
  /** Record number or instrument time (seconds): tells a new record from one already seen. */
  readonly identity: RegisterSpec & { readonly kind: 'record_number' | 'instrument_time' }
  /** Instrument time of the record (end of sample), seconds since 1970; default: the identity where that is a time. */
  readonly time?: RegisterSpec
  /** The instrument's running clock, seconds since 1970. */
  readonly clock?: RegisterSpec
  /** Sample time; `scale` gives seconds. */
  readonly duration?: RegisterSpec & { readonly scale: number }
  readonly hold?: RegisterSpec & { readonly scale: number }
  /** Sampled volume; `scale` gives litres. */
  readonly volume?: RegisterSpec & { readonly scale: number }
  /** Measured flow; `scale` gives L/min. */
  readonly flow?: RegisterSpec & { readonly scale: number }
  /** Default sample time in ms where the instrument does not tell one. */
  readonly defaultDurationMs: number
  readonly counts: 'cumulative' | 'differential'
  readonly content: 'counts' | 'concentration'
  /** Status words of the record. */
  readonly status: readonly StatusSpec[]
  /** Bitmask of valid channels: bit k speaks for the k-th particle signal. */
  readonly channelMask?: RegisterSpec
  /** A register that must hold this value for the record block to show the newest record (e.g. record index −1). */
  readonly newest?: RegisterSpec & { readonly equals: number }
}

/** An object of Read Device Identification (function 43, MEI type 14), by its id. */
export interface ObjectSpec {
  readonly object: number
}

/** How model and serial number are read (URS-14). */
export interface IdentifySpec {
  readonly model?: RegisterSpec | ObjectSpec
  readonly serial?: RegisterSpec | ObjectSpec
  readonly firmware?: RegisterSpec | ObjectSpec
}

export const isObjectSpec = (spec: RegisterSpec | ObjectSpec): spec is ObjectSpec =>
  'object' in spec

export interface Profile {
  readonly id: string
  readonly manufacturer?: string
  readonly model?: string
  readonly protocol: 'modbus'
  readonly serialDefaults?: {
    readonly baudRate?: number
    readonly dataBits?: 7 | 8
    readonly parity?: 'none' | 'even' | 'odd'
    readonly stopBits?: 1 | 2
    readonly unitId?: number
  }
  readonly source: {
    readonly document: string
    readonly revision?: string
    readonly confirmedOnHardware: boolean
  }
  readonly limits: {
    readonly maxRegistersPerRead: number
    readonly maxGap: number
    readonly turnaroundMs: number
  }
  readonly intervalMs?: number
  readonly signals: readonly SignalSpec[]
  readonly status: readonly StatusSpec[]
  readonly sample?: SampleSpec
  readonly identify?: IdentifySpec
}

/** A bus as drivers need it; compiled from the configuration with all defaults filled in. */
export type BusSettings = {
  readonly id: string
  readonly timeoutMs: number
  readonly retries: number
  /** Quarantine of a unit after a timeout; 0 on modbus-tcp. */
  readonly lateReplyMs: number
} & (
  | { readonly protocol: 'modbus-tcp'; readonly host: string; readonly port: number }
  | {
      readonly protocol: 'modbus-rtu-over-tcp'
      readonly host: string
      readonly port: number
      readonly turnaroundMs: number
    }
  | {
      readonly protocol: 'modbus-rtu'
      readonly path: string
      readonly baudRate: number
      readonly dataBits: 7 | 8
      readonly parity: 'none' | 'even' | 'odd'
      readonly stopBits: 1 | 2
      readonly turnaroundMs: number
    }
)

export interface InstrumentSettings {
  readonly id: string
  readonly bus: string
  readonly unitId: number
  readonly profile: Profile
}

/** A coil that the profile names for an output. */
export interface OutputCoil {
  readonly name: OutputName
  /** Zero-based, as on the wire. */
  readonly address: number
}

/** A module on a bus of its own, with the outputs that the configuration enables (URS-13). */
export interface OutputSettings {
  readonly bus: BusSettings
  readonly unitId: number
  /** `multiple`: adjacent coils by function 15; `single`: each coil by function 5. */
  readonly write: 'single' | 'multiple'
  /** Coils can be read back (function 1). */
  readonly readBack: boolean
  readonly coils: readonly OutputCoil[]
}
