// The serial adapters of this machine, with the names that stay, and who holds each. Reads the system's own lists and opens
// no port: opening one that another program holds would change its parity before the lock is even asked for (serialport 13).

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { SerialPort } from 'serialport'
import { deviceOf, type PortHolder, portHolder } from '../link/port-holder.ts'

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

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch {
    return []
  }
}
