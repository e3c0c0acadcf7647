// A serial port as a link. Decides nothing about retries: one open, one close, and the close is waited for, because a
// port that is opened while it is still being closed cannot be locked. The lock is exclusive; who holds it is said in words.

import { readdirSync, readFileSync, readlinkSync, readSync, realpathSync } from 'node:fs'
import { SerialPort } from 'serialport'
import type { Link, LinkListener, OpenLink } from './link.ts'

/** Receive buffer of one port; frames are at most 256 bytes. */
const RECEIVE_BYTES = 1024
const HUNG_UP = 'the line has hung up'

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

/** The binding's port, with the two parts of it that reading needs; Linux and macOS have them. */
interface Port {
  readonly fd: number | null
  readonly poller: { once(event: 'readable', call: (error: Error | null) => void): unknown }
  write(bytes: Buffer): Promise<void>
  flush(): Promise<void>
  close(): Promise<void>
}

function openSerial(settings: SerialSettings, listener: LinkListener): Link {
  const { path } = settings
  let over = false
  let port: Port | undefined
  let releasing: Promise<void> | undefined
  const release = (): Promise<void> => {
    releasing ??= opening.then(() => port?.close()).catch(() => undefined)
    return releasing
  }
  const end = (why: string) => {
    if (over) return
    over = true
    void release()
    listener.closed(why)
  }
  const opening = SerialPort.binding.open({ ...settings, lock: true }).then(
    (opened) => {
      port = opened as unknown as Port
      if (over) return
      listen(port, {
        isOver: () => over,
        received: (bytes) => listener.received(bytes),
        gone: (error) => end(causeOf(error, path)),
      })
      listener.opened()
    },
    (error: Error) => end(causeOf(error, path)),
  )
  return {
    write: (bytes) => {
      if (over) return
      port?.write(Buffer.from(bytes)).catch((error: Error) => end(causeOf(error, path)))
    },
    flush: (done) => {
      if (over || port === undefined) done()
      else port.flush().then(done, (error: Error) => end(causeOf(error, path)))
    },
    destroy: () => {
      over = true
      return release()
    },
  }
}

/**
 * Reads whenever there is something. The binding's own read is not used: when the line hangs up, a read gives nothing,
 * for ever, which it (13.0.0) takes as a reason to read again at once, turning without end and telling nobody.
 */
function listen(
  port: Port,
  {
    isOver,
    received,
    gone,
  }: {
    readonly isOver: () => boolean
    readonly received: (bytes: Uint8Array) => void
    readonly gone: (error: Error) => void
  },
): void {
  const buffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES)
  const take = (error: Error | null) => {
    if (isOver() || port.fd === null) return
    if (error !== null) return gone(error)
    try {
      const length = readSync(port.fd, buffer, 0, RECEIVE_BYTES, null)
      if (length === 0) return gone(new Error(HUNG_UP))
      received(buffer.subarray(0, length))
    } catch (failure) {
      const code = (failure as NodeJS.ErrnoException).code
      if (code !== 'EAGAIN' && code !== 'EINTR') return gone(failure as Error)
    }
    if (!isOver()) port.poller.once('readable', take)
  }
  port.poller.once('readable', take)
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
  if (text === HUNG_UP || /\b(EIO|ENXIO|EBADF)\b|bad file descriptor/i.test(text)) {
    return `${path} is gone; check the adapter and its cable`
  }
  return `${path}: ${text.replace(/^Error:? ?/, '')}`
}

/** Name and process id of who has the device open, as far as this user may see. */
export function holderOf(path: string): string | undefined {
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
