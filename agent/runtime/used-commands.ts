// Which commands were carried out already: single use of a command's id, across restarts (URS-33, faults.md PE4, PE8).
// Keeps one state row `cmd/<id>` for each with its reply until it cannot count any more; writes nothing itself, the rows go into
// the commit of the act. Remembers how far it has forgotten, so that a clock set back makes nothing usable twice.

import { type Millis, SECOND } from '#core/time.ts'

const ROW_PREFIX = 'cmd/'
/** Row that says: commands with `exp` up to this wall ms may have been used and forgotten. */
const FORGOTTEN_ROW = 'cmd-forgotten'
/** Kept for this long after `exp`. */
export const KEPT_AFTER_EXP_MS: Millis = 120 * SECOND
/** Most commands remembered; beyond it new ones wait until old ones are over. */
export const USED_COMMANDS_MAX = 10_000

/** A command that was carried out, and what it was answered. */
export interface UsedCommand {
  readonly user: string
  /** Wall ms. */
  readonly exp: Millis
  readonly digest: string
  /** The printed reply. */
  readonly reply: string
}

/** State rows to be written: key → value, undefined removes. */
export type RowChanges = ReadonlyMap<string, unknown>

export class UsedCommands {
  readonly #used = new Map<string, UsedCommand>()
  #forgotten: Millis = 0

  /** Reads the rows of the store; throws in words when one cannot be read. */
  constructor(rows: ReadonlyMap<string, string>) {
    for (const [key, text] of rows) {
      if (key === FORGOTTEN_ROW) this.#forgotten = readForgotten(text)
      if (key.startsWith(ROW_PREFIX))
        this.#used.set(key.slice(ROW_PREFIX.length), readUsed(key, text))
    }
  }

  find(id: string): UsedCommand | undefined {
    return this.#used.get(id)
  }

  /** False when a command of this `exp` may have been used and forgotten: the clock went back behind it. */
  canTell(exp: Millis): boolean {
    return exp > this.#forgotten
  }

  /** True when no further command can be remembered now; prune first. */
  isFull(): boolean {
    return this.#used.size >= USED_COMMANDS_MAX
  }

  /** Remembers a command; the rows belong into the commit of its act. */
  use(id: string, command: UsedCommand): RowChanges {
    this.#used.set(id, command)
    return new Map([[`${ROW_PREFIX}${id}`, command]])
  }

  /** Takes back a command whose commit failed: it was not carried out. */
  drop(id: string): void {
    this.#used.delete(id)
  }

  /** Forgets the commands that cannot count any more; the rows belong into the next commit. */
  prune(wall: Millis): RowChanges {
    const changes = new Map<string, unknown>()
    const before = this.#forgotten
    for (const [id, { exp }] of this.#used) {
      if (wall <= exp + KEPT_AFTER_EXP_MS) continue
      this.#used.delete(id)
      this.#forgotten = Math.max(this.#forgotten, exp)
      changes.set(`${ROW_PREFIX}${id}`, undefined)
    }
    if (this.#forgotten !== before) changes.set(FORGOTTEN_ROW, this.#forgotten)
    return changes
  }
}

const altered = (key: string): Error =>
  new Error(`state row ${key} does not describe a used command; verify the journal`)

function readUsed(key: string, text: string): UsedCommand {
  const { user, exp, digest, reply } = parseRow(key, text) as Record<string, unknown>
  if (
    typeof user !== 'string' ||
    typeof exp !== 'number' ||
    typeof digest !== 'string' ||
    typeof reply !== 'string'
  )
    throw altered(key)
  return { user, exp, digest, reply }
}

function readForgotten(text: string): Millis {
  const value = parseRow(FORGOTTEN_ROW, text)
  if (typeof value !== 'number') throw altered(FORGOTTEN_ROW)
  return value
}

function parseRow(key: string, text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw altered(key)
  }
  if (value === null) throw altered(key)
  return value
}
