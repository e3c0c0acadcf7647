// A serial port that is none: a pseudo-terminal made by `socat`, whose far end is a simulated line, byte by byte at the
// line's speed. Decides when the port is there and when it vanishes; the line is rtu-line.ts.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readlinkSync,
  unlinkSync,
} from 'node:fs'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { Millis } from '#core/time.ts'
import type { FaultSet } from '../faults.ts'
import { linkHolder } from './link-holder.ts'
import { RtuLine, type RtuLineOptions } from './rtu-line.ts'

export type PseudoTerminalOptions = Omit<RtuLineOptions, 'deliver' | 'hangUp' | 'pace'> & {
  /** Where it is to appear; the directory must be there. */
  readonly path: string
  readonly faults: FaultSet
}

type Socat = ChildProcessByStdio<Writable, Readable, Readable>

const APPEAR_MS_MAX = 5000
const LOOK_MS = 10

/** The port of one line; `open` before use, `close` after. */
export class PseudoTerminal {
  readonly line: RtuLine
  readonly #options: PseudoTerminalOptions
  #socat: Socat | undefined
  /** Held open by ourselves, so that a client that closes the port does not hang up the line. */
  #held: number | undefined
  #changing = false
  #closed = false

  constructor(options: PseudoTerminalOptions) {
    this.#options = options
    this.line = new RtuLine({
      ...options,
      pace: 'byte',
      deliver: (bytes) => {
        if (this.#socat?.stdin.writable === true) this.#socat.stdin.write(bytes)
      },
      hangUp: () => {},
    })
  }

  /** Makes the port appear; rejects in words when it cannot. */
  async open(): Promise<void> {
    const { path: link } = this.#options
    clearAway(link)
    const socat: Socat = spawn('socat', [`PTY,link=${link},raw,echo=0,mode=600`, 'STDIO'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let complaint = ''
    const ended = new Promise<never>((_, reject) => {
      socat.once('error', (error) => reject(new Error(wordsOf(error))))
      socat.once('exit', () =>
        reject(new Error(`socat ended: ${complaint.trim() || 'no reason given'}`)),
      )
    })
    ended.catch(() => undefined)
    socat.stderr.on('data', (chunk: Buffer) => {
      complaint = `${complaint}${chunk.toString()}`.slice(-500)
    })
    // One that ends by itself has taken the port with it: the next tick makes it again.
    socat.once('exit', () => {
      if (this.#socat === socat) this.#lost()
    })
    socat.stdin.on('error', () => {})
    socat.stdout.on('data', (chunk: Buffer) => this.line.receive(chunk))
    this.#socat = socat
    await Promise.race([this.#appear(link), ended])
    this.#held = openSync(link, constants.O_RDWR | constants.O_NOCTTY)
    if (this.#closed) await this.#vanish()
  }

  /** Waits until socat has made the link: it says so nowhere else. */
  #appear(link: string): Promise<void> {
    const { clock } = this.#options
    const until = clock.now().mono + APPEAR_MS_MAX
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const { mono } = clock.now()
        if (existsSync(link)) resolve()
        else if (mono > until) reject(new Error('socat made no pseudo-terminal'))
        else clock.at(mono + LOOK_MS, look)
      }
      look()
    })
  }

  /** The port vanishes while it refuses, as when its adapter is unplugged, and comes back afterwards, as after any loss of it. */
  tick(mono: Millis): void {
    if (this.#changing || this.#closed) return
    const refusing = this.#options.faults.active('refuse', mono) !== undefined
    if (refusing === (this.#socat === undefined)) return
    this.#changing = true
    const change = refusing ? this.#vanish() : this.open()
    void change
      .catch(() => undefined)
      .finally(() => {
        this.#changing = false
      })
  }

  #lost(): void {
    this.#socat = undefined
    this.line.reset()
    if (this.#held !== undefined) closeSync(this.#held)
    this.#held = undefined
  }

  async #vanish(): Promise<void> {
    const socat = this.#socat
    this.#lost()
    if (socat === undefined || socat.exitCode !== null || socat.signalCode !== null) return
    const gone = new Promise<void>((resolve) => socat.once('exit', () => resolve()))
    socat.kill('SIGTERM')
    await gone
  }

  /** Takes the port away and ends its process. Safe to call twice. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#vanish()
  }
}

/** Removes the link that a simulation killed before us has left; refuses to touch that of a living one, or anything else. */
function clearAway(link: string): void {
  if (!existsSync(path.dirname(link))) {
    throw new Error(
      `the directory ${path.dirname(link)} is not there; make it, or give the bus another path`,
    )
  }
  let stat: ReturnType<typeof lstatSync>
  try {
    stat = lstatSync(link)
  } catch {
    return
  }
  if (!stat.isSymbolicLink() || !readlinkSync(link).startsWith('/dev/pts/')) {
    throw new Error(`${link} is there already and is not ours; give the bus another path`)
  }
  const holder = linkHolder(link)
  if (holder !== undefined) {
    throw new Error(
      `${holder} serves a line there; end that simulation, or give the bus another path`,
    )
  }
  unlinkSync(link)
}

function wordsOf(error: Error): string {
  const missing = 'code' in error && error.code === 'ENOENT'
  return missing
    ? 'a pseudo-terminal needs socat; install it (apt-get install socat), or use modbus-rtu-over-tcp'
    : error.message
}
