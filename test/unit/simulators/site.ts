// A small simulated site for the tests of the simulators, and raw Modbus requests written out by hand.

import { parseScript, type ScriptLine } from '../../../simulators/script.ts'
import type { SimulationSpec, UnitSpec } from '../../../simulators/spec.ts'
import { answerPdu } from '../../../simulators/wire/pdu.ts'
import { STEP_MS, World } from '../../../simulators/world.ts'

export const START = { mono: 1000, wall: 1_763_806_500_000 }

export const UNITS: readonly UnitSpec[] = [
  {
    instrument: 'pc-1',
    unitId: 1,
    model: 'lighthouse-apex',
    serial: '200512003',
    zone: 'bsc-1',
    sampleSeconds: 6,
  },
  {
    instrument: 'dp-1',
    unitId: 43,
    model: 'ee600',
    serial: 'E1234567',
    zone: 'b101',
    against: 'al-1',
  },
  { instrument: 'dp-2', unitId: 44, model: 'ee600', zone: 'al-1', against: 'd103' },
  { instrument: 'th-1', unitId: 240, model: 'vaisala-hmp', zone: 'b101' },
  { instrument: 'co2-1', unitId: 241, model: 'vaisala-gmp251', zone: 'inc-1' },
]

export const SPEC: SimulationSpec = {
  zones: [
    { id: 'bsc-1', grade: 'A', within: 'b101' },
    { id: 'b101', grade: 'B' },
    { id: 'inc-1', grade: 'CNC', within: 'b101' },
    { id: 'al-1', grade: 'C', people: 0 },
    { id: 'd103', grade: 'D' },
  ],
  buses: [{ id: 'net-1', host: '127.0.0.1', port: 0, units: UNITS }],
}

export function script(text: string): readonly ScriptLine[] {
  const parsed = parseScript(text)
  if (!parsed.ok) throw new Error(parsed.faults.map(({ words }) => words).join('\n'))
  return parsed.lines
}

/** A world with its own time. */
export class Site {
  readonly world: World
  readonly said: string[] = []
  #mono = START.mono

  constructor(
    options: { spec?: SimulationSpec; seed?: number; speed?: number; script?: string } = {},
  ) {
    this.world = new World(options.spec ?? SPEC, {
      seed: options.seed ?? 1,
      speed: options.speed ?? 1,
      script: script(options.script ?? ''),
      start: START,
      say: (words) => this.said.push(words),
    })
  }

  run(seconds: number): void {
    for (let step = 0; step < (seconds * 1000) / STEP_MS; step++) {
      this.#mono += STEP_MS
      this.world.step(this.#mono)
    }
  }

  /** The reply to a request PDU written in hexadecimal. */
  ask(instrument: string, pdu: string): Buffer {
    const unit = this.world.unit(instrument)
    if (unit === undefined) throw new Error(`no ${instrument}`)
    return answerPdu(unit.device, Buffer.from(pdu.replaceAll(' ', ''), 'hex'))
  }

  /** Words of a register read by hand: function code, address, quantity. */
  words(instrument: string, functionCode: number, address: number, quantity: number): number[] {
    const pdu = Buffer.alloc(5)
    pdu.writeUInt8(functionCode, 0)
    pdu.writeUInt16BE(address, 1)
    pdu.writeUInt16BE(quantity, 3)
    const reply = this.ask(instrument, pdu.toString('hex'))
    if (reply[0] !== functionCode) throw new Error(`exception ${reply[1]} at ${address}`)
    return Array.from({ length: quantity }, (_, index) => reply.readUInt16BE(2 + 2 * index))
  }

  u32(instrument: string, functionCode: number, address: number): number {
    const [high = 0, low = 0] = this.words(instrument, functionCode, address, 2)
    return high * 65_536 + low
  }

  /** A float whose low word comes first. */
  float(instrument: string, functionCode: number, address: number): number {
    const [low = 0, high = 0] = this.words(instrument, functionCode, address, 2)
    const bytes = Buffer.alloc(4)
    bytes.writeUInt16BE(high, 0)
    bytes.writeUInt16BE(low, 2)
    return bytes.readFloatBE(0)
  }

  write(instrument: string, address: number, word: number): Buffer {
    const pdu = Buffer.alloc(5)
    pdu.writeUInt8(6, 0)
    pdu.writeUInt16BE(address, 1)
    pdu.writeUInt16BE(word & 0xffff, 3)
    return this.ask(instrument, pdu.toString('hex'))
  }
}
