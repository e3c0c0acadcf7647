// Answers one Modbus PDU on behalf of a device, from the Modbus Application Protocol V1.1b3. Knows function codes and
// exceptions; never knows how the PDU travelled (wire/modbus-tcp-server.ts, wire/rtu-line.ts) nor what a register means.

import { identify } from './identification.ts'
import { EXCEPTION, type Refusal, refuse } from './refusal.ts'

/** The four tables of a Modbus server. */
export type Table = 'coil' | 'discrete_input' | 'input_register' | 'holding_register'

/** What a device answers with: 16-bit words of registers, or 0 and 1 for bits. */
export interface ModbusDevice {
  /** Function codes it supports; any other is refused with exception 1. */
  readonly functions: readonly number[]
  read(table: Table, address: number, quantity: number): readonly number[] | Refusal
  write(table: Table, address: number, values: readonly number[]): Refusal | undefined
  /** Objects of Read Device Identification (43/14): object id and text. */
  readonly identification?: readonly (readonly [number, string])[]
}

const FC = {
  readCoils: 1,
  readDiscreteInputs: 2,
  readHoldingRegisters: 3,
  readInputRegisters: 4,
  writeSingleCoil: 5,
  writeSingleRegister: 6,
  writeMultipleCoils: 15,
  writeMultipleRegisters: 16,
  encapsulated: 43,
} as const

const BITS_MAX = 2000
const REGISTERS_READ_MAX = 125
const REGISTERS_WRITTEN_MAX = 123
const BITS_WRITTEN_MAX = 1968
const ADDRESSES = 0x1_0000

const exceptionPdu = (functionCode: number, exception: number): Buffer =>
  Buffer.from([(functionCode | 0x80) & 0xff, exception & 0xff])

/** The exception reply to a request, for faults on demand. */
export const refusePdu = (request: Buffer, exception: number): Buffer =>
  exceptionPdu(request[0] ?? 0, exception)

/** The reply PDU of a device to a request PDU; every request has exactly one. */
export function answerPdu(device: ModbusDevice, pdu: Buffer): Buffer {
  const functionCode = pdu[0] ?? 0
  if (!device.functions.includes(functionCode)) {
    return exceptionPdu(functionCode, EXCEPTION.illegalFunction)
  }
  const reply = dispatch(device, functionCode, pdu)
  return 'exception' in reply ? exceptionPdu(functionCode, reply.exception) : reply
}

function dispatch(device: ModbusDevice, functionCode: number, pdu: Buffer): Buffer | Refusal {
  switch (functionCode) {
    case FC.readCoils:
      return readBits(device, 'coil', pdu)
    case FC.readDiscreteInputs:
      return readBits(device, 'discrete_input', pdu)
    case FC.readHoldingRegisters:
      return readRegisters(device, 'holding_register', pdu)
    case FC.readInputRegisters:
      return readRegisters(device, 'input_register', pdu)
    case FC.writeSingleCoil:
      return writeCoil(device, pdu)
    case FC.writeSingleRegister:
      return writeRegister(device, pdu)
    case FC.writeMultipleCoils:
      return writeCoils(device, pdu)
    case FC.writeMultipleRegisters:
      return writeRegisters(device, pdu)
    case FC.encapsulated:
      return identify(device.identification ?? [], pdu)
    default:
      return refuse(EXCEPTION.illegalFunction)
  }
}

/** Start and quantity of a read; undefined when the PDU has the wrong length. */
function span(pdu: Buffer): { address: number; quantity: number } | undefined {
  return pdu.length === 5
    ? { address: pdu.readUInt16BE(1), quantity: pdu.readUInt16BE(3) }
    : undefined
}

function readRegisters(device: ModbusDevice, table: Table, pdu: Buffer): Buffer | Refusal {
  const asked = span(pdu)
  if (asked === undefined || asked.quantity < 1 || asked.quantity > REGISTERS_READ_MAX) {
    return refuse(EXCEPTION.illegalValue)
  }
  if (asked.address + asked.quantity > ADDRESSES) return refuse(EXCEPTION.illegalAddress)
  const words = device.read(table, asked.address, asked.quantity)
  if ('exception' in words) return words
  const reply = Buffer.alloc(2 + 2 * asked.quantity)
  reply[0] = pdu[0] ?? 0
  reply[1] = 2 * asked.quantity
  words.forEach((word, index) => {
    reply.writeUInt16BE(word & 0xffff, 2 + 2 * index)
  })
  return reply
}

function readBits(device: ModbusDevice, table: Table, pdu: Buffer): Buffer | Refusal {
  const asked = span(pdu)
  if (asked === undefined || asked.quantity < 1 || asked.quantity > BITS_MAX) {
    return refuse(EXCEPTION.illegalValue)
  }
  if (asked.address + asked.quantity > ADDRESSES) return refuse(EXCEPTION.illegalAddress)
  const bits = device.read(table, asked.address, asked.quantity)
  if ('exception' in bits) return bits
  const bytes = Math.ceil(asked.quantity / 8)
  const reply = Buffer.alloc(2 + bytes)
  reply[0] = pdu[0] ?? 0
  reply[1] = bytes
  bits.forEach((bit, index) => {
    const at = 2 + (index >> 3)
    if (bit !== 0) reply[at] = (reply[at] ?? 0) | (1 << (index & 7))
  })
  return reply
}

function writeCoil(device: ModbusDevice, pdu: Buffer): Buffer | Refusal {
  if (pdu.length !== 5) return refuse(EXCEPTION.illegalValue)
  const value = pdu.readUInt16BE(3)
  if (value !== 0 && value !== 0xff00) return refuse(EXCEPTION.illegalValue)
  return device.write('coil', pdu.readUInt16BE(1), [value === 0 ? 0 : 1]) ?? Buffer.from(pdu)
}

function writeCoils(device: ModbusDevice, pdu: Buffer): Buffer | Refusal {
  if (pdu.length < 6) return refuse(EXCEPTION.illegalValue)
  const quantity = pdu.readUInt16BE(3)
  const bytes = Math.ceil(quantity / 8)
  const right =
    quantity >= 1 && quantity <= BITS_WRITTEN_MAX && pdu[5] === bytes && pdu.length === 6 + bytes
  if (!right) return refuse(EXCEPTION.illegalValue)
  const address = pdu.readUInt16BE(1)
  if (address + quantity > ADDRESSES) return refuse(EXCEPTION.illegalAddress)
  const values = Array.from(
    { length: quantity },
    (_, index) => ((pdu[6 + (index >> 3)] ?? 0) >> (index & 7)) & 1,
  )
  return device.write('coil', address, values) ?? Buffer.from(pdu.subarray(0, 5))
}

function writeRegister(device: ModbusDevice, pdu: Buffer): Buffer | Refusal {
  if (pdu.length !== 5) return refuse(EXCEPTION.illegalValue)
  const refused = device.write('holding_register', pdu.readUInt16BE(1), [pdu.readUInt16BE(3)])
  return refused ?? Buffer.from(pdu)
}

function writeRegisters(device: ModbusDevice, pdu: Buffer): Buffer | Refusal {
  if (pdu.length < 6) return refuse(EXCEPTION.illegalValue)
  const quantity = pdu.readUInt16BE(3)
  const right =
    quantity >= 1 &&
    quantity <= REGISTERS_WRITTEN_MAX &&
    pdu[5] === 2 * quantity &&
    pdu.length === 6 + 2 * quantity
  if (!right) return refuse(EXCEPTION.illegalValue)
  const address = pdu.readUInt16BE(1)
  if (address + quantity > ADDRESSES) return refuse(EXCEPTION.illegalAddress)
  const values = Array.from({ length: quantity }, (_, index) => pdu.readUInt16BE(6 + 2 * index))
  return device.write('holding_register', address, values) ?? Buffer.from(pdu.subarray(0, 5))
}
