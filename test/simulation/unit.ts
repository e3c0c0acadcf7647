// One simulated instrument on the wire: answers Modbus reads with what its signals hold at that instant. Written from the
// specification (Application Protocol V1.1b3); shares no code with the drivers.

import type { Signal } from './signal.ts'

const WORDS = { f32: 2, i16: 1, i32: 2 } as const

/** Registers beside the signals that are there too, so that reads may bridge gaps and be padded. */
const PADDED_REGISTERS = 1000

export class Unit {
  readonly id: string
  readonly unitId: number
  readonly signals: readonly Signal[]
  /** Silent until then (no power, or booting). */
  offUntil = 0
  offFrom = 0
  /** Until then another instrument of the same unit id is on the line. */
  twinUntil = 0

  /** Off for a while from now on. */
  off(now: number, ms: number): void {
    if (now >= this.offUntil) this.offFrom = now
    this.offUntil = Math.max(this.offUntil, now + ms)
  }

  constructor(id: string, unitId: number, signals: readonly Signal[]) {
    this.id = id
    this.unitId = unitId
    this.signals = signals
  }

  /** The reply PDU for a request, as of a true time. */
  answer(functionCode: number, address: number, quantity: number, time: number): Buffer {
    if (functionCode !== 3) return Buffer.of(functionCode | 0x80, 1)
    if (quantity < 1 || quantity > 125) return Buffer.of(functionCode | 0x80, 3)
    if (address + quantity > PADDED_REGISTERS) return Buffer.of(functionCode | 0x80, 2)
    const pdu = Buffer.alloc(2 + 2 * quantity)
    pdu[0] = functionCode
    pdu[1] = 2 * quantity
    for (const signal of this.signals) {
      const words = encode(signal, time)
      words.forEach((word, index) => {
        const at = signal.draw.address + index - address
        if (at >= 0 && at < quantity) pdu.writeUInt16BE(word, 2 + 2 * at)
      })
    }
    return pdu
  }

  /** Whether a read covers any register of a signal. */
  static covers(signal: Signal, address: number, quantity: number): boolean {
    const { address: own, type } = signal.draw
    return own < address + quantity && address < own + WORDS[type]
  }
}

function encode(signal: Signal, time: number): number[] {
  const { type, byteOrder } = signal.draw
  const raw = signal.rawAt(time)
  const bytes = Buffer.alloc(4)
  if (type === 'f32') bytes.writeFloatBE(raw)
  else if (type === 'i32') bytes.writeInt32BE(raw)
  else {
    bytes.writeInt16BE(raw)
    return [bytes.readUInt16BE(0)]
  }
  const words = [bytes.readUInt16BE(0), bytes.readUInt16BE(2)]
  return byteOrder === 'CDAB' ? words.reverse() : words
}
