// The asking side of the local socket: one command, one answer, and in words why there is none.
// Never guesses whether an act was done when the answer is lost: it says so.

import { connect, type Socket } from 'node:net'
import type { Millis } from '#core/time.ts'
import { LineCutter } from './lines.ts'
import {
  type Command,
  parseReply,
  printRequest,
  REPLY_BYTES_MAX,
  REQUEST_BYTES_MAX,
  type Results,
} from './protocol.ts'

/** Longer than the agent takes to say that something takes long. */
const ANSWER_MS: Millis = 35_000

/**
 * `unreachable` nobody listens; `forbidden` the operating system says no; `busy` come back; `invalid` the request was
 * not understood; `failed` the agent could not; `broken` the answer was lost or is none.
 */
export type ControlErrorCode =
  | 'unreachable'
  | 'forbidden'
  | 'busy'
  | 'invalid'
  | 'failed'
  | 'broken'

/** Why there is no result; the message is for people. */
export class ControlError extends Error {
  override readonly name = 'ControlError'
  readonly code: ControlErrorCode

  constructor(code: ControlErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Asks the agent that listens on this socket. Resolves to the command's result, rejects with ControlError.
 * The result is trusted in its shape: both ends are of one installation, and the protocol carries a version.
 */
export async function request<Name extends Command['op']>(
  socketPath: string,
  command: Extract<Command, { op: Name }>,
  options: { readonly answerMs?: Millis } = {},
): Promise<Results[Name]> {
  const line = printRequest({ id: 1, command })
  if (Buffer.byteLength(line) > REQUEST_BYTES_MAX)
    throw new ControlError('invalid', `the request is longer than ${REQUEST_BYTES_MAX} bytes`)
  const answered = await exchange(socketPath, line, options.answerMs ?? ANSWER_MS)
  const reply = parseReply(answered)
  if (reply === undefined)
    throw new ControlError('broken', `what answers on ${socketPath} is not a cleanroom agent`)
  if (!reply.ok) throw new ControlError(reply.refusal.code, reply.refusal.detail)
  return reply.result as Results[Name]
}

/** Sends one line and resolves to the first line that comes back. */
function exchange(socketPath: string, line: string, answerMs: Millis): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const cutter = new LineCutter(REPLY_BYTES_MAX)
    const socket: Socket = connect(socketPath)
    let sent = false
    const fail = (fault: ControlError): void => {
      socket.destroy()
      reject(fault)
    }
    const lost = (why: string): ControlError =>
      new ControlError(
        'broken',
        sent ? `${why}; look at the state before repeating the command` : why,
      )
    const deadline = AbortSignal.timeout(answerMs)
    const late = (): void => fail(lost(`no answer on ${socketPath} within ${answerMs / 1000} s`))
    deadline.addEventListener('abort', late)
    socket.once('connect', () => {
      sent = true
      socket.write(line)
    })
    socket.on('data', (chunk) => {
      const { ok, lines } = cutter.push(chunk)
      const first = lines[0]
      if (first !== undefined) {
        deadline.removeEventListener('abort', late)
        socket.destroy()
        resolve(first)
      } else if (!ok) fail(lost('the answer is too long'))
    })
    socket.once('error', (fault: NodeJS.ErrnoException) => {
      fail(sent ? lost(`the connection broke (${fault.code})`) : connectFault(socketPath, fault))
    })
    socket.once('close', () => fail(lost('the agent closed the connection without an answer')))
  })
}

function connectFault(socketPath: string, fault: NodeJS.ErrnoException): ControlError {
  switch (fault.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ENOTDIR':
      return new ControlError('unreachable', `no agent answers on ${socketPath}`)
    case 'EACCES':
    case 'EPERM':
      return new ControlError(
        'forbidden',
        `${socketPath} is not open to you; join the group that owns it, or ask the box's administrator`,
      )
    default:
      return new ControlError('unreachable', `${socketPath} cannot be reached (${fault.message})`)
  }
}
