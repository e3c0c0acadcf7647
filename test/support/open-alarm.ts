// A gateway with one open alarm, and the signed commands that act on it.

import { type CommandBox, commandBox } from './command-box.ts'
import { ackCommand, type CommandFields, occupancyCommand, signed } from './command-signer.ts'

export const ALARM = 'system.uplink_down'
export const CMD = '01JD4AZ6N3QK8W5T9XV2B7CDEF'

export const ackOf = (occ: string, changes: CommandFields = {}) =>
  signed(ackCommand({ alarm: ALARM, occ, rev: 1, reason: 'known_fault', ...changes }), 'jdoe')
export const occupancyOf = (changes: CommandFields = {}) =>
  signed(occupancyCommand(changes), 'jdoe')
export const toOccupancy = { command: 'occupancy' }

/** A box with an open occurrence, and the command that acknowledges it. */
export async function boxWithAlarm(): Promise<{
  box: CommandBox
  occ: string
  ack: CommandFields
}> {
  const box = commandBox()
  const occ = await box.openOccurrence()
  return { box, occ, ack: ackOf(occ) }
}
