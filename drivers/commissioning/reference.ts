// Register numbers as manuals print them (40001, 400001, 4x0001, 1215) and as they go over the wire (zero-based, with a
// function code). Pure. Decides what a reference means; what it cannot tell it refuses in words, and guesses nothing.

import type { Table } from '../profile.ts'

/** The first digit of a reference, by table. */
const PREFIX_OF: Readonly<Record<Table, string>> = {
  coil: '0',
  discrete_input: '1',
  input_register: '3',
  holding_register: '4',
}

const ADDRESS_MAX = 65_535
/** The last address that five digits can name. */
const FIVE_DIGIT_ADDRESS_MAX = 9998

export interface Location {
  readonly table: Table
  /** Zero-based, as on the wire. */
  readonly address: number
}

export type ParsedReference =
  | { readonly ok: true; readonly location: Location }
  | { readonly ok: false; readonly problem: string }

const refused = (problem: string): ParsedReference => ({ ok: false, problem })

/**
 * Reads a reference: `40001` and `400001` (the first digit names the table), `4x0001`, or a plain register number
 * counted from 1 (`1215`), for which the table has to be given.
 */
export function parseReference(text: string, table?: Table): ParsedReference {
  const prefixed = /^([0134])(?:[xX](\d{1,5})|(\d{4,5}))$/.exec(text)
  if (prefixed === null) return parseNumber(text, table)
  const named = tableOf(prefixed[1] ?? '')
  const number = Number(prefixed[2] ?? prefixed[3])
  if (named === undefined) return parseNumber(text, table)
  if (table !== undefined && table !== named) {
    return refused(
      `the reference ${text} names ${named}, but the table given is ${table}; give the zero-based address instead`,
    )
  }
  return locate(text, number, named)
}

function parseNumber(text: string, table: Table | undefined): ParsedReference {
  if (!/^\d{1,5}$/.test(text)) {
    return refused(
      `"${text}" is no reference; give one such as 40001, 400001 or 4x0001, or a register number with the table`,
    )
  }
  if (table === undefined) {
    return refused(`the reference ${text} does not name its table; give the table as well`)
  }
  return locate(text, Number(text), table)
}

function locate(text: string, number: number, table: Table): ParsedReference {
  const address = number - 1
  return address < 0 || address > ADDRESS_MAX
    ? refused(`the reference ${text} lies outside 1 to ${ADDRESS_MAX + 1} of its table`)
    : { ok: true, location: { table, address } }
}

const tableOf = (digit: string): Table | undefined =>
  (Object.keys(PREFIX_OF) as Table[]).find((table) => PREFIX_OF[table] === digit)

/** The reference of an address: five digits where they suffice, else six. */
export function referenceOf({ table, address }: Location): string {
  const digits = address <= FIVE_DIGIT_ADDRESS_MAX ? 4 : 5
  return `${PREFIX_OF[table]}${String(address + 1).padStart(digits, '0')}`
}
