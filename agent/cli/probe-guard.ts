// Keeps `probe` and `scan` off a line that is in use. Decides from what running agents say of their buses and from who
// holds a serial port, before anything is opened; a forced use is written into the agent's journal first, or does not happen.

import { lookup } from 'node:dns/promises'
import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { userInfo } from 'node:os'
import { deviceOf, type PortHolder, portHolder } from '#drivers/link/port-holder.ts'
import type { BusSettings } from '#drivers/profile.ts'
import { ControlError, request } from '../control/client.ts'
import { findRunningDemo } from '../control/running-demo.ts'
import type { BusView, StatusView } from '../control/view.ts'
import { type ClientOptions, findTarget, INSTALLED_CONFIG, type Target } from './client-options.ts'
import { CommandError, EXIT, EXIT_OF_CONTROL } from './exit-code.ts'
import { type Output, printable } from './output.ts'
import { addressOf } from './probe-line.ts'

/** How somebody gets past the guard. */
export interface ForceOptions {
  readonly force?: boolean
  readonly reason?: string
}

export interface LineUse {
  readonly tool: 'probe' | 'scan'
  readonly bus: BusSettings
  /** The agent that was named, if one was. */
  readonly agent: ClientOptions
  readonly force: ForceOptions
}

const REASON_MAX = 500

/** Checks --force and --reason before anything is asked. Throws CommandError 64. */
export function checkForce({ force, reason }: ForceOptions): void {
  if (force === true && (reason === undefined || reason.trim() === '')) {
    throw new CommandError(
      EXIT.usage,
      '--force needs --reason TEXT: it is written into the record of the agent',
    )
  }
  if (force !== true && reason !== undefined) {
    throw new CommandError(EXIT.usage, '--reason goes with --force')
  }
  if ((reason ?? '').length > REASON_MAX) {
    throw new CommandError(EXIT.usage, `--reason may have ${REASON_MAX} characters`)
  }
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(reason ?? '')) {
    throw new CommandError(EXIT.usage, '--reason is one line, without control characters')
  }
}

/**
 * Makes sure that the line may be used: nobody uses it, or it was forced and recorded. Throws CommandError 75 where it is in
 * use, with the code of the socket where the agent cannot be asked or the record cannot be made.
 */
export async function claimLine(use: LineUse, output: Output): Promise<void> {
  const { bus, force } = use
  checkForce(force)
  for (const target of targetsOf(use.agent)) {
    const status = await statusOf(target)
    const taken = status && (await busOn(status, bus))
    if (status === undefined || taken === undefined) continue
    await passAgent({ use, target, status, taken }, output)
  }
  if (bus.protocol === 'modbus-rtu') passHolder(bus.path, portHolder(bus.path), output)
}

/** Every agent of this machine that could use the line: the one that was named, and those found without being named. */
function targetsOf(named: ClientOptions): Target[] {
  const found = new Map<string, Target>()
  const add = (find: () => Target) => {
    try {
      const target = find()
      if (!found.has(target.socketPath)) found.set(target.socketPath, target)
    } catch (fault) {
      // Who was not named and is not there uses nothing.
      if (!(fault instanceof CommandError)) throw fault
    }
  }
  const { config, data, socket } = named
  if (socket !== undefined) add(() => findTarget({ socket }))
  if (data !== undefined) add(() => findTarget({ data }))
  if (config !== undefined) add(() => findTarget({ config }))
  add(() => findTarget({}))
  if (existsSync(INSTALLED_CONFIG)) add(() => findTarget({ config: INSTALLED_CONFIG }))
  const demo = findRunningDemo()
  if (demo !== undefined) add(() => findTarget({ data: demo.dataDir }))
  return [...found.values()]
}

/** The state of an agent; undefined when none answers. Throws CommandError when one is there and cannot be asked. */
async function statusOf({ socketPath }: Target): Promise<StatusView | undefined> {
  try {
    return await request<'status'>(socketPath, { op: 'status' })
  } catch (fault) {
    if (!(fault instanceof ControlError)) throw fault
    if (fault.code === 'unreachable') return undefined
    throw new CommandError(
      EXIT_OF_CONTROL[fault.code],
      `whether the line is in use cannot be told, since the agent did not say: ${fault.message}`,
      { cause: fault },
    )
  }
}

/** The bus of the agent that stands on the same line. */
async function busOn(status: StatusView, bus: BusSettings): Promise<BusView | undefined> {
  for (const view of status.buses) {
    if (view.address !== undefined && (await isSameLine(view, bus))) return view
  }
  return undefined
}

async function isSameLine({ address = '', protocol }: BusView, bus: BusSettings): Promise<boolean> {
  const wanted = addressOf(bus)
  if (bus.protocol === 'modbus-rtu') {
    return address === wanted || (deviceOf(address) ?? address) === (deviceOf(wanted) ?? wanted)
  }
  if (protocol === 'modbus-rtu') return false
  const colon = address.lastIndexOf(':')
  if (Number(address.slice(colon + 1)) !== bus.port) return false
  return isSameHost(address.slice(0, colon), bus.host)
}

async function isSameHost(one: string, other: string): Promise<boolean> {
  if (one.toLowerCase() === other.toLowerCase()) return true
  const [these, those] = await Promise.all([addressesOf(one), addressesOf(other)])
  return these.some((address) => those.includes(address))
}

async function addressesOf(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host]
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch {
    return []
  }
}

interface Taken {
  readonly use: LineUse
  readonly target: Target
  readonly status: StatusView
  readonly taken: BusView
}

const harmOf = ({ protocol }: BusSettings): string =>
  protocol === 'modbus-tcp'
    ? 'many instruments take one client only, and a second one can cost it readings'
    : 'a second master on a line damages its readings'

const stopWords = (pid: number): string =>
  `stop the agent first (systemctl stop cleanroom-agent, or kill ${pid}) and start it again afterwards; ` +
  'it then records every slot in between as agent_down'

/** The agent uses the line: refused, unless forced and recorded. */
async function passAgent({ use, target, status, taken }: Taken, output: Output): Promise<void> {
  const { bus, tool, force } = use
  const where = `${addressOf(bus)} is the bus ${taken.id} of the agent that runs (process ${status.pid})`
  if (force.force !== true) {
    throw new CommandError(
      EXIT.tryLater,
      `${where}; ${harmOf(bus)}. ${capital(stopWords(status.pid))}, or ` +
        'use the line all the same with --force --reason TEXT, which is recorded',
    )
  }
  if (bus.protocol === 'modbus-rtu' && taken.link.kind === 'up') {
    throw new CommandError(
      EXIT.tryLater,
      `${where}, which holds the serial port for itself, so that --force cannot help; ${stopWords(status.pid)}`,
    )
  }
  await record(target, { tool, bus: taken.id, reason: force.reason ?? '' })
  output.talk(
    printable(
      `${where}; its use by force is recorded. Readings of ${taken.id} may fail meanwhile.`,
    ),
  )
}

async function record(
  { socketPath }: Target,
  note: { readonly tool: LineUse['tool']; readonly bus: string; readonly reason: string },
): Promise<void> {
  try {
    await request<'commissioning.note'>(socketPath, {
      op: 'commissioning.note',
      ...note,
      osUser: osUserName(),
    })
  } catch (fault) {
    if (!(fault instanceof ControlError)) throw fault
    throw new CommandError(
      EXIT_OF_CONTROL[fault.code],
      `the use by force could not be recorded, so it did not happen: ${fault.message}`,
      { cause: fault },
    )
  }
}

function osUserName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}

/** Another program has the port: never when it locked it; when it merely opened it, that is said. */
function passHolder(path: string, holder: PortHolder | undefined, output: Output): void {
  if (holder === undefined) return
  const { words, locked } = holder
  if (locked) {
    throw new CommandError(
      EXIT.tryLater,
      `${path} is locked by ${words}, so that nobody else can open it, --force or not; stop that program first`,
    )
  }
  output.talk(
    printable(`${path} is open in ${words} as well; if that reads, both get damaged replies.`),
  )
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
