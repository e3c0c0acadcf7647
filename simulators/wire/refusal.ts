// A request refused with an exception code (Modbus Application Protocol V1.1b3 §7). Decides nothing about when.

/** Exception codes a server of this project gives (V1.1b3 §7). */
export const EXCEPTION = {
  illegalFunction: 1,
  illegalAddress: 2,
  illegalValue: 3,
  deviceFailure: 4,
  busy: 6,
  gatewayTargetSilent: 0x0b,
} as const

/** A request refused with an exception code. */
export interface Refusal {
  readonly exception: number
}

export const refuse = (exception: number): Refusal => ({ exception })
