// A serial port as a link. Decides nothing about retries: one open, one close, and the close is waited for, because a
// port that is opened while it is still being closed cannot be locked. The lock is exclusive; who holds it is asked before
// the port is touched, and said in words.

import { readSync, writeSync } from 'node:fs'
import { SerialPort } from 'serialport'
import type { Link, LinkListener, OpenLink } from './link.ts'
import { type PortHolder, portHolder } from './port-holder.ts'

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
  close(): Promise<void>
}

function openSerial(settings: SerialSettings, listener: LinkListener): Link {
  const { path } = settings
  let over = false
  let port: Port | undefined
  let releasing: Promise<void> | undefined
  let drain = (): void => {}
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
  const holder = portHolder(path)
  const opening = openUnlessLocked(settings, holder).then(
    (opened) => {
      port = opened as unknown as Port
      if (over) return
      if (holder?.locked === false) listener.remarked?.(sharedWith(path, holder.words))
      drain = listen(port, {
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
      if (over || port === undefined) return
      const rest = bytes.subarray(writeAtOnce(port, bytes))
      if (rest.length === 0) return
      port.write(Buffer.from(rest)).catch((error: Error) => end(causeOf(error, path)))
    },
    flush: (done) => {
      drain()
      if (!over) done()
    },
    destroy: () => {
      over = true
      return release()
    },
  }
}

/** A port that another process has locked is not touched: opening it would change its speed and parity under that process. */
async function openUnlessLocked(
  settings: SerialSettings,
  holder: PortHolder | undefined,
): Promise<unknown> {
  if (holder?.locked === true && !holder.own) throw new Error(heldBy(settings.path, holder.words))
  return SerialPort.binding.open({ ...settings, lock: true })
}

const sharedWith = (path: string, words: string): string =>
  `${path} is open in ${words} as well, which has not locked it; if that reads or writes, replies get damaged`

/**
 * Reads whenever there is something, and when the function returned is called. The binding's own read is not used: when
 * the line hangs up, a read gives nothing, for ever, which it (13.0.0) takes as a reason to read again at once, turning
 * without end and telling nobody.
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
): () => void {
  const buffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES)
  const take = (): void => {
    if (isOver() || port.fd === null) return
    try {
      const length = readSync(port.fd, buffer, 0, RECEIVE_BYTES, null)
      if (length === 0) return gone(new Error(HUNG_UP))
      received(buffer.subarray(0, length))
    } catch (failure) {
      const code = (failure as NodeJS.ErrnoException).code
      if (code !== 'EAGAIN' && code !== 'EINTR') gone(failure as Error)
    }
  }
  const readable = (error: Error | null): void => {
    if (isOver()) return
    if (error !== null) return gone(error)
    take()
    if (!isOver()) port.poller.once('readable', readable)
  }
  port.poller.once('readable', readable)
  return take
}

/**
 * Bytes that the system takes now. A request fits into its buffer, and the binding's own write hands it to another thread
 * first, which costs a fifth of a millisecond after a silent interval that is waited out to the tenth. What it does not
 * take, and what goes wrong, is left to the binding.
 */
function writeAtOnce({ fd }: Port, bytes: Uint8Array): number {
  if (fd === null) return 0
  try {
    return writeSync(fd, bytes)
  } catch {
    return 0
  }
}

const heldBy = (path: string, words = `another program (fuser ${path} names it)`): string =>
  `${path} is held by ${words}, which locked it; stop that, and the line is back by itself`

/** What went wrong, and what to do, in words. */
function causeOf(error: Error, path: string): string {
  const text = error.message
  if (/lock port/i.test(text)) {
    const holder = portHolder(path)
    return holder?.locked === true ? heldBy(path, holder.words) : heldBy(path)
  }
  if (/no such file/i.test(text)) return `there is no ${path}; plug the adapter in, or correct path`
  if (/permission denied/i.test(text)) {
    return `${path} may not be opened; add the user of the agent to the group that owns it (dialout)`
  }
  if (text === HUNG_UP || /\b(EIO|ENXIO|EBADF)\b|bad file descriptor/i.test(text)) {
    return `${path} is gone; check the adapter and its cable`
  }
  if (text.startsWith(`${path} is held`)) return text
  return `${path}: ${text.replace(/^Error:? ?/, '')}`
}
