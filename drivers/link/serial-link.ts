// A serial port as a link. Decides nothing about retries: one open, one close, and the close is waited for, because a
// port that is opened while it is still being closed cannot be locked. The lock is exclusive; who holds it is said in words.

import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { SerialPort } from 'serialport'
import type { Link, LinkListener, OpenLink } from './link.ts'

export interface SerialSettings {
  readonly path: string
  readonly baudRate: number
  readonly dataBits: 7 | 8
  readonly parity: 'none' | 'even' | 'odd'
  readonly stopBits: 1 | 2
}

/** Opens serial links on one port, found by its path each time anew: a replugged adapter is another device. */
export const serialLink =
  (settings: SerialSettings): OpenLink =>
  (listener) =>
    openSerial(settings, listener)

function openSerial(settings: SerialSettings, listener: LinkListener): Link {
  const { path, baudRate, dataBits, parity, stopBits } = settings
  let over = false
  let cause: string | undefined
  let settled: () => void = () => undefined
  /** The system has let go of the port, or never had it. */
  const released = new Promise<void>((resolve) => {
    settled = resolve
  })
  const end = (why: string) => {
    if (over) return
    over = true
    listener.closed(why)
  }
  const port = new SerialPort({
    path,
    baudRate,
    dataBits,
    parity,
    stopBits,
    autoOpen: false,
    lock: true,
  })
  // The listeners stay for the life of the object: an error after the close must not stop the process.
  port.on('error', (error) => {
    cause ??= causeOf(error, path)
  })
  port.on('data', (bytes: Buffer) => {
    if (!over) listener.received(bytes)
  })
  port.on('close', () => {
    settled()
    end(cause ?? `${path} is gone; check the adapter and its cable`)
  })
  port.open((error) => {
    if (error !== null) {
      settled()
      end(causeOf(error, path))
    } else if (over) port.close()
    else listener.opened()
  })
  return {
    write: (bytes) => {
      if (!over) port.write(bytes)
    },
    flush: (done) => {
      if (over || !port.isOpen) done()
      else port.flush(() => done())
    },
    destroy: () => {
      over = true
      if (port.isOpen) port.close()
      return released
    },
  }
}

/** What went wrong, and what to do, in words. */
function causeOf(error: Error, path: string): string {
  const text = error.message
  if (/lock port/i.test(text)) {
    const holder = holderOf(path)
    return holder === undefined
      ? `${path} is held by another program; stop it (fuser ${path} names it)`
      : `${path} is held by ${holder}; stop it`
  }
  if (/no such file/i.test(text)) return `there is no ${path}; plug the adapter in, or correct path`
  if (/permission denied/i.test(text)) {
    return `${path} may not be opened; add the user of the agent to the group that owns it (dialout)`
  }
  return `${path}: ${text.replace(/^Error:? ?/, '')}`
}

/** Name and process id of who has the device open, as far as this user may see. */
function holderOf(path: string): string | undefined {
  try {
    const device = realpathSync(path)
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue
      if (holds(pid, device)) {
        return `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (process ${pid})`
      }
    }
  } catch {
    // Without /proc, or with a device that has just gone, there is nothing to tell.
  }
  return undefined
}

function holds(pid: string, device: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(
      (descriptor) => readlinkSync(`/proc/${pid}/fd/${descriptor}`) === device,
    )
  } catch {
    return false
  }
}
