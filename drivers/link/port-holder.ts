// Who has a serial port, found without opening it: opening one that another program holds would change its line settings
// before the lock is even asked for (serialport 13). Reads /proc; decides nothing about what is done about it.

import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'

export interface PortHolder {
  /** Command and process id, where this user may see them: `minicom (process 4711)`. */
  readonly words: string
  /** It locked the port: nobody else can open it. */
  readonly locked: boolean
  /** It is this process. */
  readonly own?: true
}

/**
 * Who holds a port: by its lock, which everybody may see, else another process by an open descriptor, which only its owner and
 * root may. Undefined when nobody does, as far as can be seen.
 */
export function portHolder(port: string): PortHolder | undefined {
  const locker = lockerOf(port)
  if (locker !== undefined) {
    const isOwn = locker === process.pid
    return { words: wordsOf(locker), locked: true, ...(isOwn && { own: true }) }
  }
  const opener = openerOf(port)
  return opener === undefined ? undefined : { words: wordsOf(opener), locked: false }
}

/** The device a path leads to; undefined where it leads nowhere. */
export function deviceOf(link: string): string | undefined {
  try {
    return realpathSync(link)
  } catch {
    return undefined
  }
}

/** Process that has the port locked (flock), from the kernel's list of locks; 0 or less for one that is out of sight. */
function lockerOf(port: string): number | undefined {
  try {
    const { dev, ino } = statSync(realpathSync(port), { bigint: true })
    for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
      const match = /^\d+: FLOCK\s+\S+\s+\S+\s+(-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line)
      if (match === null) continue
      const [, pid, major, minor, inode] = match
      const device = deviceNumber(
        Number.parseInt(major ?? '', 16),
        Number.parseInt(minor ?? '', 16),
      )
      if (device === dev && inode === String(ino)) return Number(pid)
    }
  } catch {
    // A port that is not there, or a system without /proc, has no locks to show.
  }
  return undefined
}

/** A device number as `stat` packs it (gnu_dev_makedev). */
function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)]
  return (
    ((high & 0xffff_f000n) << 32n) |
    ((high & 0xfffn) << 8n) |
    ((low & 0xffff_ff00n) << 12n) |
    (low & 0xffn)
  )
}

/** Another process that has the device open. */
function openerOf(port: string): number | undefined {
  try {
    const device = realpathSync(port)
    for (const entry of readdirSync('/proc')) {
      const pid = Number(entry)
      if (Number.isInteger(pid) && pid !== process.pid && hasOpen(pid, device)) return pid
    }
  } catch {
    // Without /proc, or with a device that has just gone, there is nothing to tell.
  }
  return undefined
}

function hasOpen(pid: number, device: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(
      (descriptor) => readlinkSync(`/proc/${pid}/fd/${descriptor}`) === device,
    )
  } catch {
    return false
  }
}

function wordsOf(pid: number): string {
  if (pid <= 0) return 'a process out of sight (of another container)'
  if (pid === process.pid) return `this process itself (${pid})`
  const command = commandOf(pid)
  return command === undefined ? `process ${pid}` : `${command} (process ${pid})`
}

const COMMAND_LENGTH_MAX = 60

function commandOf(pid: number): string | undefined {
  try {
    const words = commandWords(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0'))
    return words || readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** Program and, of an interpreter, the script: never further arguments, which may be secrets. */
export function commandWords([program = '', ...rest]: readonly string[]): string {
  const name = path.basename(program)
  const first = rest.find((word) => !/^--[\w-]+(=|$)/.test(word)) ?? ''
  const isScript =
    /^(node|bun|deno|python|perl|ruby|java|sh|bash)/.test(name) && /^[^-].*\.\w+$/.test(first)
  const words = isScript ? `${name} ${path.basename(first)}` : name
  return words.replaceAll(/\p{Cc}+/gu, ' ').slice(0, COMMAND_LENGTH_MAX)
}
