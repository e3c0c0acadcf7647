// What `probe` shows, as text: registers in every type side by side, frames, latencies. Pure; decides no value.

import {
  type Interpretation,
  type Interpretations,
  interpretBits,
} from '#drivers/commissioning/interpret.ts'
import type { Asked } from '#drivers/commissioning/line.ts'
import { hexOf } from '#drivers/commissioning/overheard.ts'
import { referenceOf } from '#drivers/commissioning/reference.ts'
import { median } from '#drivers/commissioning/scan.ts'
import { BYTE_ORDERS, type Table } from '#drivers/profile.ts'
import { type Output, table } from './output.ts'

export interface Latencies {
  readonly min: number
  readonly median: number
  readonly max: number
}

/** Least, middle and greatest latency of those that were answered, ms; undefined when none was. */
export function latenciesOf(asked: readonly Asked[]): Latencies | undefined {
  const all = asked.flatMap(({ latencyMs }) => (latencyMs === undefined ? [] : [round(latencyMs)]))
  const middle = median(all)
  if (middle === undefined) return undefined
  return { min: Math.min(...all), median: middle, max: Math.max(...all) }
}

const round = (ms: number): number => Math.round(ms * 10) / 10

/** `answered in 4.2 ms`, or of several: `9 of 10 answered; 3.9 ms at the least, 4.2 in the middle, 7.7 at the most`. */
export function latencyWords(asked: readonly Asked[]): string {
  const latencies = latenciesOf(asked)
  const answered = asked.filter(({ latencyMs }) => latencyMs !== undefined).length
  if (latencies === undefined) return `0 of ${asked.length} answered`
  if (asked.length === 1) return `answered in ${latencies.median} ms`
  const { min, median: middle, max } = latencies
  return `${answered} of ${asked.length} answered; min ${min}, median ${middle}, max ${max} ms`
}

/** `input_register 1214 to 1215 (reference 31215 to 31216)` */
export function rangeWords(area: Table, address: number, count: number): string {
  const last = address + count - 1
  const references = [address, last].map((at) => referenceOf({ table: area, address: at }))
  return count === 1
    ? `${area} ${address} (reference ${references[0]})`
    : `${area} ${address} to ${last} (reference ${references.join(' to ')})`
}

/** The frames of a request as they passed, with the milliseconds since it left. */
export function frameLines({ passages, sentMono }: Asked): string[] {
  return passages.map(
    ({ direction, mono, bytes }) =>
      `${direction.padEnd(8)} ${(mono - (sentMono ?? mono)).toFixed(1).padStart(7)} ms  ${hexOf(bytes)}`,
  )
}

/** The frames of requests for `--json`. */
export const frameDocuments = (asked: readonly Asked[]) =>
  asked.flatMap(({ passages, sentMono }, index) =>
    passages.map(({ direction, mono, bytes }) => ({
      request: index,
      direction,
      atMs: round(mono - (sentMono ?? mono)),
      hex: hexOf(bytes),
    })),
  )

/** Registers in every type and byte order. */
export function registersText(
  area: Table,
  { registers, numbers, text, swappedText, allZero }: Interpretations,
  style: Output['style'],
): string {
  const rows = registers.map((register) => [
    String(register.address),
    referenceOf({ table: area, address: register.address }),
    register.hex,
    String(register.u16),
    String(register.i16),
    String(register.swappedU16),
    String(register.swappedI16),
    register.note ?? '',
  ])
  const heads = ['ADDRESS', 'REFERENCE', 'HEX', 'U16', 'I16', 'U16 BADC', 'I16 BADC']
  const parts = [table([heads, ...rows])]
  if (allZero) parts.push('All registers are 0: nothing can be told of type or byte order.')
  else if (numbers.length > 0) parts.push(numbersText(numbers, registers.length, style))
  if (/[!-~]{2}/.test(text)) parts.push(`text  "${text}", bytes swapped "${swappedText}"`)
  return parts.join('\n\n')
}

/** With more registers than this, only rows that say something are shown. */
const SHOWN_WHOLE_MAX = 4

function numbersText(
  numbers: readonly Interpretation[],
  registers: number,
  style: Output['style'],
): string {
  const groups = [...Map.groupBy(numbers, ({ address, type }) => `${address} ${type}`).values()]
  const telling = groups.filter((group) => group.some(({ plausible, note }) => plausible || note))
  const isWhole = registers <= SHOWN_WHOLE_MAX
  const rows = (isWhole ? groups : telling).map((group) => {
    const first = group[0]
    const notes = [...new Set(group.flatMap(({ note, byteOrder }) => noted(note, byteOrder)))]
    return [
      String(first?.address ?? ''),
      first?.type ?? '',
      ...BYTE_ORDERS.map((order) => cellOf(group.find(({ byteOrder }) => byteOrder === order))),
      notes.join('; '),
    ]
  })
  const shown = table([['ADDRESS', 'TYPE', ...BYTE_ORDERS.map((order) => `  ${order}`)], ...rows])
  const legend = numbers.some(({ plausible }) => plausible)
    ? '* looks like something measured or counted; the manual decides, or a value read on the display'
    : 'No number looks like something measured; try the register before or after, or single registers with a scale'
  const left = isWhole ? '' : '; rows without such a number are left out (--json has them all)'
  return `${shown.replaceAll(/\* \S+/g, (cell) => style('bold', cell))}\n${legend}${left}`
}

const noted = (note: string | undefined, byteOrder: string): string[] =>
  note === undefined ? [] : [`${byteOrder} ${note}`]

const cellOf = (number: Interpretation | undefined): string =>
  number === undefined ? '' : `${number.plausible ? '* ' : '  '}${shortened(number.text)}`

/** Long decimals only hide the others: a number beyond any measurement is shown with its magnitude. */
function shortened(text: string): string {
  if (text.length <= 12) return text
  const number = Number(text)
  return Number.isFinite(number) ? number.toPrecision(6) : text
}

/** Coils or discrete inputs. */
export function bitsText(area: Table, data: Uint8Array, address: number, count: number): string {
  const rows = interpretBits(data, address, count).map((bit) => [
    String(bit.address),
    referenceOf({ table: area, address: bit.address }),
    String(bit.value),
  ])
  return table([['ADDRESS', 'REFERENCE', 'BIT'], ...rows])
}
