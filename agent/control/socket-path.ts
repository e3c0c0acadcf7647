// Where the local socket of a data directory lies, and how others find it (contract §1).
// Decides paths only; reads `agent.sock.path` and nothing else, opens no socket.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** Longest socket path in bytes that every system takes (sun_path is 104 to 108 with its end). */
export const SOCKET_PATH_BYTES_MAX = 100

const SOCKET = 'agent.sock'
const POINTER = 'agent.sock.path'

/** The environment variables that name a runtime directory, best first; the temporary directory is the last resort. */
export type RuntimeEnvironment = Readonly<Partial<Record<string, string>>>

/** `dataDir/agent.sock.path`: names the socket when it lies elsewhere. */
export const pointerPath = (dataDir: string): string => path.join(path.resolve(dataDir), POINTER)

/** The key file of a socket: readable only for the daemon's own user, who is the box's administrator. */
export const keyPath = (socketPath: string): string => `${socketPath}.key`

/**
 * The path to listen on for a data directory: in it, or in the runtime directory where that path would be too long.
 * Throws in words when no short enough place exists.
 */
export function chooseSocketPath(
  dataDir: string,
  environment: RuntimeEnvironment = process.env,
): string {
  const absolute = path.resolve(dataDir)
  const usual = path.join(absolute, SOCKET)
  if (Buffer.byteLength(usual) <= SOCKET_PATH_BYTES_MAX) return usual
  const digest = createHash('sha256').update(absolute).digest('hex').slice(0, 16)
  const name = `cleanroom-agent-${digest}.sock`
  const places = [
    // systemd lists several directories with colons.
    environment['RUNTIME_DIRECTORY']?.split(':')[0],
    environment['XDG_RUNTIME_DIR'],
    tmpdir(),
    '/tmp',
  ]
  for (const place of places) {
    if (place === undefined || !path.isAbsolute(place)) continue
    const candidate = path.join(place, name)
    if (Buffer.byteLength(candidate) <= SOCKET_PATH_BYTES_MAX) return candidate
  }
  throw new Error(
    `no place for the local socket: ${usual} is longer than ${SOCKET_PATH_BYTES_MAX} bytes and so is the ` +
      'runtime directory; shorten gateway.dataDir or set XDG_RUNTIME_DIR',
  )
}

/** The path to connect to for a data directory, as the running agent left word. */
export function findSocketPath(dataDir: string): string {
  try {
    const named = readFileSync(pointerPath(dataDir), 'utf8').trim()
    const fits = Buffer.byteLength(named) <= SOCKET_PATH_BYTES_MAX && !named.includes('\0')
    if (path.isAbsolute(named) && fits) return named
  } catch {
    // No pointer: the socket lies in the data directory, or no agent runs.
  }
  return path.join(path.resolve(dataDir), SOCKET)
}
