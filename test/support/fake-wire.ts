// A line with units on it, in virtual time: what the drivers write arrives as requests, and what a script sends back
// arrives when the clock gets there. MBAP or RTU framing, written from the specification; shares no code with the drivers.

import type { Link, OpenLink } from '#drivers/link/link.ts'
import type { Clock } from '#ports/clock.ts'
import { adu, ServerUnit } from './modbus-server.ts'

/** Bitwise, as the specification explains it (V1.02 appendix B). */
function crcOf(bytes: Uint8Array): Buffer {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1
  }
  return Buffer.of(crc & 0xff, crc >> 8)
}

/** An RTU frame. */
export function rtu(unitId: number, pdu: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.of(unitId), pdu])
  return Buffer.concat([body, crcOf(body)])
}

export interface WireRequest {
  readonly unitId: number
  readonly functionCode: number
  readonly address: number
  readonly quantity: number
  /** The bytes as they were sent. */
  readonly bytes: Buffer
  readonly atMono: number
  /** Frames a PDU as a reply to this request, of its unit or another. */
  frame(pdu: Uint8Array, unitId?: number): Buffer
}

export type Script = (
  request: WireRequest,
  regular: () => Buffer,
  send: (bytes: Uint8Array, afterMs?: number) => void,
) => void

export class FakeWire {
  readonly units = new Map<number, ServerUnit>()
  readonly requests: WireRequest[] = []
  connections = 0
  /** Words of the refusal while the line cannot be opened. */
  refusal: string | undefined
  /** What the system has received and hands over only when it is asked. */
  held: Buffer[] = []
  script: Script = (_request, regular, send) => send(regular(), 5)
  readonly #clock: Clock
  readonly framing: 'mbap' | 'rtu'
  #hangUp: ((cause: string) => void) | undefined
  #deliver: ((bytes: Uint8Array) => void) | undefined

  constructor(clock: Clock, framing: 'mbap' | 'rtu') {
    this.#clock = clock
    this.framing = framing
  }

  unit(unitId: number): ServerUnit {
    const known = this.units.get(unitId)
    if (known !== undefined) return known
    const unit = new ServerUnit()
    this.units.set(unitId, unit)
    return unit
  }

  /** Breaks the link that is open. */
  hangUp(cause: string): void {
    this.#hangUp?.(cause)
  }

  /** Sends bytes that nobody asked for. */
  inject(bytes: Uint8Array): void {
    this.#deliver?.(bytes)
  }

  readonly open: OpenLink = (listener): Link => {
    let alive = true
    this.connections++
    const close = (cause: string) => {
      if (!alive) return
      alive = false
      listener.closed(cause)
    }
    const deliver = (bytes: Uint8Array) => {
      if (alive) listener.received(bytes)
    }
    this.#later(1, () => {
      if (!alive) return
      if (this.refusal !== undefined) return close(this.refusal)
      this.#hangUp = close
      this.#deliver = deliver
      listener.opened()
    })
    return {
      write: (bytes) => {
        if (alive) this.#asked(Buffer.from(bytes))
      },
      flush: (done) => {
        for (const bytes of this.held.splice(0)) deliver(bytes)
        done()
      },
      destroy: () => {
        alive = false
        return Promise.resolve()
      },
    }
  }

  #later(ms: number, call: () => void): void {
    this.#clock.at(this.#clock.now().mono + ms, call)
  }

  #asked(bytes: Buffer): void {
    const at = this.framing === 'mbap' ? 6 : 0
    const own = bytes.readUInt8(at)
    const request: WireRequest = {
      unitId: own,
      functionCode: bytes.readUInt8(at + 1),
      address: bytes.readUInt16BE(at + 2),
      // A request of function 43 is shorter.
      quantity: bytes.length >= at + 6 ? bytes.readUInt16BE(at + 4) : 0,
      bytes,
      atMono: this.#clock.now().mono,
      frame: (pdu, unitId = own) =>
        this.framing === 'mbap'
          ? adu(bytes.readUInt16BE(0), unitId, Buffer.from(pdu))
          : rtu(unitId, pdu),
    }
    this.requests.push(request)
    const regular = () => {
      const unit = this.units.get(own)
      const { functionCode, address, quantity } = request
      return request.frame(
        unit?.answer(functionCode, address, quantity) ?? Buffer.of(functionCode | 0x80, 11),
      )
    }
    this.script(request, regular, (reply, afterMs = 0) =>
      this.#later(afterMs, () => this.#deliver?.(reply)),
    )
  }
}
