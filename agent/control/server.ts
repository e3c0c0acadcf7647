// The local socket: listens in the data directory, serves requests, stays within its bounds whatever a peer does.
// Decides nothing about alarms or people (dispatch.ts); a peer's fault closes that peer's connection and nothing else.

import { randomBytes } from 'node:crypto'
import { chmodSync, lstatSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, connect as open, type Server, type Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import type { Millis } from '#core/time.ts'
import { SECOND } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { PeoplePort } from '#ports/people.ts'
import { type AnswerContext, Connection } from './connection.ts'
import type { ControlHandlers } from './context.ts'
import { printReply } from './protocol.ts'
import { chooseSocketPath, keyPath, pointerPath, type RuntimeEnvironment } from './socket-path.ts'

/** Connections at once; one more is told so and closed. */
export const CONNECTIONS_MAX = 32
/** Waiting for an old socket to answer before it is taken for dead. */
const STALE_PROBE_MS: Millis = 2 * SECOND
/** Owner and group: who may see alarms and try to log in. */
const SOCKET_MODE = 0o660
const KEY_MODE = 0o600
const KEY_BYTES = 24

export interface ControlServerOptions {
  /** Absolute path, existing. */
  readonly dataDir: string
  readonly handlers: ControlHandlers
  readonly people: PeoplePort
  readonly clock: Clock
  readonly log: Log
  /** Environment that names the runtime directory; the process's own by default. */
  readonly environment?: RuntimeEnvironment
}

export interface ControlServer {
  /** Where it listens. */
  readonly path: string
  /** Stops listening, closes all connections and removes what it put into the file system. Safe to call twice. */
  close(): Promise<void>
}

/** Another process answers on the socket of this data directory (exit code 75). */
export class ControlSocketInUse extends Error {
  override readonly name = 'ControlSocketInUse'
}

/** Starts serving. Rejects in words when the socket cannot be made, with ControlSocketInUse when another agent has it. */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { dataDir, handlers, people, clock, log } = options
  const path = chooseSocketPath(dataDir, options.environment)
  await removeStale(path)
  const key = randomBytes(KEY_BYTES).toString('hex')
  const context: AnswerContext = { handlers, people, clock, log, key, now: () => clock.now() }
  const connections = new Set<Connection>()
  // Half open: whoever ends after its last request still gets the answers.
  const server = createServer({ allowHalfOpen: true }, (socket) =>
    accept(socket, connections, context),
  )
  await listen(server, path)
  server.on('error', (fault) => log.error('control_socket_failed', { detail: fault.message }))
  // Written anew, never opened: a file somebody prepared under that name would keep its owner and mode.
  rmSync(keyPath(path), { force: true })
  writeFileSync(keyPath(path), `${key}\n`, { mode: KEY_MODE, flag: 'wx' })
  const pointer = pointerPath(dataDir)
  if (path.startsWith(`${dataDir}/`)) rmSync(pointer, { force: true })
  else writeFileSync(pointer, `${path}\n`)
  log.info('control_listening', { path })

  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    for (const connection of connections) connection.close()
    // libuv unlinks the socket of a closed server.
    await new Promise<void>((resolve) => server.close(() => resolve()))
    rmSync(keyPath(path), { force: true })
    rmSync(pointer, { force: true })
  }
  return { path, close: () => (closing ??= close()) }
}

function accept(socket: Socket, connections: Set<Connection>, context: AnswerContext): void {
  if (connections.size >= CONNECTIONS_MAX) {
    const detail = `${CONNECTIONS_MAX} connections are open already; try again in a moment`
    context.log.warn('control_connections_full', { max: CONNECTIONS_MAX })
    socket.on('error', () => {})
    socket.end(printReply({ id: null, ok: false, refusal: { code: 'busy', detail } }))
    // Not kept half open: the reply is written, whatever the peer does.
    socket.once('finish', () => socket.destroy())
    return
  }
  const connection = new Connection(socket, context, () => connections.delete(connection))
  connections.add(connection)
}

/** Listens so that the socket is never open to others, not even between its making and its chmod. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (fault: NodeJS.ErrnoException) => {
      const hint = fault.code === 'EADDRINUSE' ? 'another process made it just now' : fault.message
      reject(new Error(`the local socket ${path} cannot be made: ${hint}`, { cause: fault }))
    })
    // Binding happens inside listen(), so the mask covers it. Worker threads cannot change it; tests run there.
    const before = isMainThread ? process.umask(0o777 & ~SOCKET_MODE) : undefined
    try {
      server.listen(path, () => {
        chmodSync(path, SOCKET_MODE)
        server.removeAllListeners('error')
        resolve()
      })
    } finally {
      if (before !== undefined) process.umask(before)
    }
  })
}

/** Removes the socket of a process that is gone; refuses in words when it is alive, or no socket. */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket())
    throw new Error(`${path} exists and is no socket; move it away, it was not made by the agent`)
  if (await answers(path))
    throw new ControlSocketInUse(`another agent answers on ${path}; stop it first`)
  rmSync(path, { force: true })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = open(path)
    const settle = (alive: boolean): void => {
      socket.destroy()
      resolve(alive)
    }
    const deadline = AbortSignal.timeout(STALE_PROBE_MS)
    // A full backlog neither connects nor refuses: somebody listens there.
    deadline.addEventListener('abort', () => settle(true))
    socket.once('connect', () => settle(true))
    socket.once('error', (fault: NodeJS.ErrnoException) =>
      settle(fault.code !== 'ECONNREFUSED' && fault.code !== 'ENOENT'),
    )
  })
}
