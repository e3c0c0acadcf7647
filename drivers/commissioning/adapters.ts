// The serial adapters of this machine, with the names that stay, and who holds each. Reads the system's own lists and opens
// no port: opening one that another program holds would change its parity before the lock is even asked for (serialport 13).

import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'
import { SerialPort } from 'serialport'
import { holderOf } from '../link/serial-link.ts'

export interface Adapter {
  /** The device as the system numbers it now: `/dev/ttyUSB0`. */
  readonly device: string
  /** Names that survive a restart and replugging, best first: by-id, then by-path. */
  readonly stable: readonly string[]
  readonly manufacturer?: string
  readonly serialNumber?: string
  /** USB vendor and product: `0403:6001`. */
  readonly usb?: string
  /** How long an FTDI chip keeps bytes back before it hands them on, ms. */
  readonly latencyTimerMs?: number
  readonly holder?: PortHolder
}

export interface PortHolder {
  /** Name and process id, where this user may see them. */
  readonly words: string
  /** It locked the port: nobody else can open it. */
  readonly locked: boolean
}

export interface AdapterList {
  readonly adapters: readonly Adapter[]
  /** What could not be looked up, in words. */
  readonly remarks: readonly string[]
}

/** Where the system keeps its lists; tests hand in their own. */
export interface AdapterSources {
  /** `/dev/serial` */
  readonly stableNames: string
  /** `/sys/bus/usb-serial/devices` */
  readonly usbSerial: string
  readonly ports: () => Promise<readonly ListedPort[]>
  readonly holder: (path: string) => PortHolder | undefined
}

type ListedPort = Pick<
  Awaited<ReturnType<typeof SerialPort.list>>[number],
  'path' | 'manufacturer' | 'serialNumber' | 'vendorId' | 'productId'
>

const SYSTEM: AdapterSources = {
  stableNames: '/dev/serial',
  usbSerial: '/sys/bus/usb-serial/devices',
  ports: () => SerialPort.list(),
  holder: portHolder,
}

/** Lists the adapters, those with a stable name first. */
export async function listAdapters(sources: AdapterSources = SYSTEM): Promise<AdapterList> {
  const remarks: string[] = []
  const stable = stableNames(sources.stableNames)
  let listed: readonly ListedPort[] = []
  try {
    listed = await sources.ports()
  } catch (error) {
    remarks.push(
      `makers and serial numbers are not known: ${error instanceof Error ? error.message : String(error)} ` +
        '(they come from udevadm; install udev)',
    )
  }
  const known = new Map(listed.map((port) => [port.path, port]))
  const devices = new Set([...stable.keys(), ...known.keys()])
  const adapters = [...devices].map((device): Adapter => {
    const port = known.get(device)
    const holder = sources.holder(device)
    const latencyTimerMs = latencyTimerOf(device, sources.usbSerial)
    return {
      device,
      stable: stable.get(device) ?? [],
      ...(port?.manufacturer !== undefined && { manufacturer: port.manufacturer }),
      ...(port?.serialNumber !== undefined && { serialNumber: port.serialNumber }),
      ...(port?.vendorId !== undefined && { usb: `${port.vendorId}:${port.productId ?? '?'}` }),
      ...(latencyTimerMs !== undefined && { latencyTimerMs }),
      ...(holder !== undefined && { holder }),
    }
  })
  adapters.sort(
    (one, other) =>
      Number(other.stable.length > 0) - Number(one.stable.length > 0) ||
      one.device.localeCompare(other.device, 'en', { numeric: true }),
  )
  return { adapters, remarks }
}

/** The links of by-id and by-path, by the device they lead to now. */
function stableNames(directory: string): Map<string, string[]> {
  const names = new Map<string, string[]>()
  for (const kind of ['by-id', 'by-path']) {
    for (const name of entriesOf(path.join(directory, kind))) {
      const link = path.join(directory, kind, name)
      const device = deviceOf(link)
      if (device === undefined) continue
      names.set(device, [...(names.get(device) ?? []), link])
    }
  }
  return names
}

function latencyTimerOf(device: string, usbSerial: string): number | undefined {
  try {
    const text = readFileSync(path.join(usbSerial, path.basename(device), 'latency_timer'), 'utf8')
    const ms = Number.parseInt(text, 10)
    return Number.isNaN(ms) ? undefined : ms
  } catch {
    return undefined
  }
}

/**
 * Who holds a serial port, found without opening it: by its lock, which everybody may see, else by an open descriptor,
 * which only its owner and root may. Undefined when nobody does, as far as can be seen.
 */
export function portHolder(port: string): PortHolder | undefined {
  const pid = lockerOf(port)
  if (pid === undefined) {
    const words = holderOf(port)
    return words === undefined ? undefined : { words, locked: false }
  }
  const name = nameOf(pid)
  const words = name === undefined ? `process ${pid}` : `${name} (process ${pid})`
  return { words, locked: true }
}

/** Process that has the port locked (flock), from the kernel's list of locks. */
function lockerOf(port: string): number | undefined {
  try {
    const { dev, ino } = statSync(realpathSync(port), { bigint: true })
    for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
      const match = /^\d+: FLOCK\s+\S+\s+\S+\s+(\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line)
      if (match === null) continue
      const [, pid, major, minor, inode] = match
      const device = deviceNumber(
        Number.parseInt(major ?? '', 16),
        Number.parseInt(minor ?? '', 16),
      )
      if (device === dev && inode === String(ino)) return Number(pid)
    }
  } catch {
    // A port that is not there, or a system without /proc, has no locks to show.
  }
  return undefined
}

/** A device number as `stat` packs it (gnu_dev_makedev). */
function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)]
  return (
    ((high & 0xffff_f000n) << 32n) |
    ((high & 0xfffn) << 8n) |
    ((low & 0xffff_ff00n) << 12n) |
    (low & 0xffn)
  )
}

function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return undefined
  }
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch {
    return []
  }
}

/** The device a path leads to; undefined where it leads nowhere. */
export function deviceOf(link: string): string | undefined {
  try {
    return realpathSync(link)
  } catch {
    return undefined
  }
}
