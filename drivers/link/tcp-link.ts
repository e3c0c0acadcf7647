// A TCP connection as a link. Decides nothing about retries: one socket, opened once, destroyed (never ended) once.

import net from 'node:net'
import type { Link, LinkListener, OpenLink } from './link.ts'

/** Receive buffer of one socket; replies are at most 260 bytes, so this holds several. */
const RECEIVE_BYTES = 4096
/** The system probes an idle connection after this long, so that a peer that vanished is found without traffic. */
const KEEP_ALIVE_MS = 10_000

export interface TcpAddress {
  readonly host: string
  readonly port: number
}

/** What went wrong, and what to look at, in words. */
function causeOf(error: NodeJS.ErrnoException, { host, port }: TcpAddress): string {
  const where = `${host}:${port}`
  switch (error.code) {
    case 'ECONNREFUSED':
      return `${where} refused the connection; check the port, and that no other client holds the instrument`
    case 'ECONNRESET':
    case 'EPIPE':
      return `${where} dropped the connection`
    case 'ETIMEDOUT':
      return `${where} does not answer; check address, cable and power`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENETDOWN':
      return `there is no way to ${where}; check the network and the cable`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host} cannot be resolved; check it, or use the address`
    default:
      return `${where}: ${error.message}`
  }
}

/** Opens TCP links to one address. */
export const tcpLink =
  (address: TcpAddress): OpenLink =>
  (listener) =>
    openTcp(address, listener)

/** The other end has hung up: many converters and instruments do so with every client but the first. */
const hungUp = ({ host, port }: TcpAddress, heard: boolean): string =>
  heard
    ? `${host}:${port} closed the connection`
    : `${host}:${port} closed the connection; check that no other client has it`

function openTcp(address: TcpAddress, listener: LinkListener): Link {
  let over = false
  let heard = false
  let cause: string | undefined
  /** What came in, as a view on the buffer: kept, since a reply is nearly always as long as the one before. */
  let came: Uint8Array = new Uint8Array(0)
  const close = (why: string) => {
    if (over) return
    over = true
    socket.destroy()
    listener.closed(why)
  }
  const socket = net.connect({
    host: address.host,
    port: address.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    onread: {
      buffer: Buffer.allocUnsafeSlow(RECEIVE_BYTES),
      callback: (length, buffer) => {
        heard = true
        if (came.length !== length) came = buffer.subarray(0, length)
        if (!over) listener.received(came)
        return true
      },
    },
  })
  // The listeners stay for the life of the object: an error after the close must not stop the process.
  socket.on('error', (error) => {
    cause ??= causeOf(error, address)
  })
  socket.on('connect', () => {
    if (!over) listener.opened()
  })
  socket.on('end', () => close(hungUp(address, heard)))
  socket.on('close', () => close(cause ?? hungUp(address, heard)))
  return {
    write: (bytes) => {
      if (!over) socket.write(bytes)
    },
    flush: (done) => done(),
    destroy: () => {
      over = true
      socket.destroy()
      return Promise.resolve()
    },
  }
}
