// The bus budget (URS-24): does a round of all requests, with one dead unit among them, fit the shortest grade A or B
// interval of the bus? Pure arithmetic that is shown in words. It plans requests by itself, on the safe side; the
// drivers have their own planner, which may join more.

import { formatDuration, type Millis } from '#core/time.ts'
import type { BusSettings, Profile, RegisterSpec, StatusSpec, Table } from '#drivers/profile.ts'
import { registerWidth } from './register-width.ts'

/** What one request over TCP is reckoned with: the answer of an instrument or gateway in a local network. */
export const TCP_ALLOWANCE_MS: Millis = 10

/** Most bits of one request for coils or discrete inputs (Modbus Application Protocol 6.1). */
const BITS_MAX = 2000
const REQUEST_BYTES = 8
const REPLY_BYTES = 5

/** How fast characters go on a serial line. */
export interface Line {
  readonly baudRate: number
  readonly dataBits: 7 | 8
  readonly parity: 'none' | 'even' | 'odd'
  readonly stopBits: 1 | 2
}

/** What is asked of one instrument at one interval. */
export interface BudgetGroup {
  readonly profile: Profile
  readonly signals: readonly string[]
}

export interface BudgetQuestion {
  readonly bus: BusSettings
  /** Absent on modbus-tcp. */
  readonly line?: Line
  readonly groups: readonly BudgetGroup[]
  /** The shortest interval of a grade A or B point on the bus, where there is one. */
  readonly cadence?: { readonly intervalMs: Millis; readonly point: string }
}

export interface BusBudget {
  readonly bus: string
  readonly requests: number
  /** Time of one round of all requests, nobody being silent. */
  readonly nominalMs: Millis
  /** Time lost to one dead unit before it is parked. */
  readonly deadUnitMs: Millis
  readonly cadence?: { readonly intervalMs: Millis; readonly point: string }
  readonly fits: boolean
  /** The arithmetic in words. */
  readonly words: string
}

/** One planned read: how many registers (or bits) of which table. */
export interface PlannedRequest {
  readonly table: Table
  readonly address: number
  readonly count: number
}

/** Reckons the budget of one bus. */
export function busBudget(question: BudgetQuestion): BusBudget {
  const { bus, line, groups, cadence } = question
  const planned = groups.map(({ profile, signals }) =>
    planRequests(neededRegisters(profile, signals), profile.limits),
  )
  const requests = planned.flat()
  const deadUnitMs = bus.timeoutMs * (1 + bus.retries)
  const restMs = bus.protocol === 'modbus-tcp' ? 0 : restOf(groups, planned, bus.turnaroundMs)
  const { ms, words } = withRest(nominalTime(bus, line, requests), restMs)
  const total = ms + deadUnitMs
  const fits = cadence === undefined || total <= cadence.intervalMs
  const verdict =
    cadence === undefined
      ? 'no grade A or B point on this bus'
      : `${fits ? 'within' : 'more than'} the ${formatDuration(cadence.intervalMs)} interval of ${cadence.point}`
  const dead = `timeout ${formatDuration(bus.timeoutMs)} × (1 + ${bus.retries} retries) = ${inMs(deadUnitMs)} for one dead unit`
  return {
    bus: bus.id,
    requests: requests.length,
    nominalMs: ms,
    deadUnitMs,
    ...(cadence && { cadence }),
    fits,
    words: `${words} + ${dead} = ${inMs(total)}, ${verdict}`,
  }
}

/** An instrument is given the pause of its profile between its own requests, also where the bus has a shorter one. */
const restOf = (
  groups: readonly BudgetGroup[],
  planned: readonly (readonly PlannedRequest[])[],
  turnaroundMs: Millis,
): Millis =>
  groups.reduce((sum, { profile }, index) => {
    const between = Math.max(0, (planned[index]?.length ?? 0) - 1)
    return sum + between * Math.max(0, profile.limits.turnaroundMs - turnaroundMs)
  }, 0)

const withRest = (time: { ms: Millis; words: string }, restMs: Millis) =>
  restMs === 0
    ? time
    : {
        ms: time.ms + restMs,
        words: `${time.words} + pauses of instruments ${inMs(restMs)} = ${inMs(time.ms + restMs)}`,
      }

const inMs = (ms: Millis): string => `${Math.ceil(ms * 10) / 10} ms`

/** A factor: with so many digits that whoever multiplies what is printed comes to the printed sum. */
const factor = (ms: Millis): string => `${Number(ms.toFixed(4))} ms`

function nominalTime(
  bus: BusSettings,
  line: Line | undefined,
  requests: readonly PlannedRequest[],
): { ms: Millis; words: string } {
  const count = requests.length
  const overTcp = count * TCP_ALLOWANCE_MS
  const tcpWords = `${count} requests × ${TCP_ALLOWANCE_MS} ms`
  if (line === undefined || bus.protocol === 'modbus-tcp') {
    return { ms: overTcp, words: `${tcpWords} = ${inMs(overTcp)}` }
  }
  const bytes = requests.reduce((sum, request) => sum + bytesOf(request), 0)
  const character = characterMs(line)
  const silence = 2 * silentIntervalMs(line) + bus.turnaroundMs
  const serial = bytes * character + count * silence
  const ms = bus.protocol === 'modbus-rtu' ? serial : serial + overTcp
  const converter = bus.protocol === 'modbus-rtu' ? '' : ` + ${tcpWords} of the converter`
  return {
    ms,
    words:
      `${bytes} bytes × ${factor(character)} at ${line.baudRate} bit/s + ${count} requests × ` +
      `(2 × t3.5 ${factor(silentIntervalMs(line))} + turnaround ${bus.turnaroundMs} ms)${converter} = ${inMs(ms)}`,
  }
}

const bytesOf = ({ table, count }: PlannedRequest): number =>
  REQUEST_BYTES + REPLY_BYTES + (isBitTable(table) ? Math.ceil(count / 8) : 2 * count)

const isBitTable = (table: Table): boolean => table === 'coil' || table === 'discrete_input'

/** Time of one character: start bit, data bits, parity bit, stop bits. */
export function characterMs({ baudRate, dataBits, parity, stopBits }: Line): Millis {
  return ((1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits) * 1000) / baudRate
}

const FAST_BAUD_RATE = 19_200
const FAST_SILENCE_MS: Millis = 1.75

/** t3.5 between frames: 3.5 characters, 1.75 ms above 19200 bit/s (Modbus over Serial Line 2.5.1.1). */
export function silentIntervalMs(line: Line): Millis {
  return line.baudRate > FAST_BAUD_RATE ? FAST_SILENCE_MS : 3.5 * characterMs(line)
}

/** The registers that a poll of some signals reads: their own, their status words, the whole record of a sample. */
function neededRegisters(profile: Profile, signals: readonly string[]): RegisterSpec[] {
  const { sample } = profile
  const concerned = ({ signals: named }: StatusSpec): boolean =>
    named === undefined || named.some((name) => signals.includes(name))
  const record =
    sample === undefined
      ? []
      : [
          sample.identity,
          ...[sample.time, sample.clock, sample.duration, sample.hold, sample.volume, sample.flow],
          ...[sample.channelMask, sample.newest],
          ...sample.status,
        ].filter((register) => register !== undefined)
  return [
    ...profile.signals.filter(({ name }) => signals.includes(name)),
    ...profile.status.filter(concerned),
    ...record,
  ]
}

/**
 * Groups registers into reads: per table, in order of address, joined while the gap and the length permit.
 * A value is never split.
 */
export function planRequests(
  registers: readonly RegisterSpec[],
  limits: Profile['limits'],
): PlannedRequest[] {
  const planned: PlannedRequest[] = []
  for (const table of new Set(registers.map((register) => register.table))) {
    const most = isBitTable(table) ? BITS_MAX : limits.maxRegistersPerRead
    const sorted = registers
      .filter((register) => register.table === table)
      .toSorted((a, b) => a.address - b.address)
    let open: PlannedRequest | undefined
    for (const { address, type } of sorted) {
      const end = address + registerWidth(type)
      const joined = open && { ...open, count: Math.max(open.count, end - open.address) }
      if (
        open &&
        joined &&
        address <= open.address + open.count + limits.maxGap &&
        joined.count <= most
      ) {
        open = joined
        continue
      }
      if (open) planned.push(open)
      open = { table, address, count: end - address }
    }
    if (open) planned.push(open)
  }
  return planned
}
