// Who has the pseudo-terminal that a link leads to. A terminal is there as long as its master is open, and its number is given
// again; so a link leads to what it was made for only where the terminal is no younger. Reads /proc; decides nothing.

import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import path from 'node:path'

/** A terminal and the link to it are made one after the other. */
const APART_MS_MAX = 5000

/** In words, who holds the pseudo-terminal that a link was made for; undefined where nobody does any more. */
export function linkHolder(link: string): string | undefined {
  const terminal = readlinkSync(link)
  const made = lstatSync(link).mtimeMs
  const stats = statSync(terminal, { throwIfNoEntry: false })
  if (stats === undefined || stats.ctimeMs > made + APART_MS_MAX) return undefined
  const master = masterOf(Number(path.basename(terminal)))
  if (master === undefined) return 'a process out of sight of this user'
  const parent = parentOf(master)
  const by = parent === undefined || parent <= 1 ? undefined : wordsOf(parent)
  return by === undefined ? wordsOf(master) : `${wordsOf(master)} started by ${by}`
}

/** The process that has the master of a pseudo-terminal. */
function masterOf(index: number): number | undefined {
  return readdirSync('/proc')
    .map(Number)
    .find((pid) => Number.isInteger(pid) && hasMaster(pid, index))
}

function hasMaster(pid: number, index: number): boolean {
  return (
    orNothing(() =>
      readdirSync(`/proc/${pid}/fd`).some(
        (fd) =>
          /ptmx$/.test(readlinkSync(`/proc/${pid}/fd/${fd}`)) &&
          new RegExp(`^tty-index:\\s+${index}$`, 'm').test(
            readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'),
          ),
      ),
    ) === true
  )
}

/** `node main.ts (process 4711)`: never further arguments, which may be secrets. */
function wordsOf(pid: number): string {
  const words = orNothing(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')) ?? []
  const program = path.basename(words[0] ?? '')
  const script = words.slice(1).find((word) => !word.startsWith('--'))
  const name = program === 'node' && script ? `node ${path.basename(script)}` : program
  return `${name.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 60)} (process ${pid})`.trim()
}

const parentOf = (pid: number): number | undefined =>
  orNothing(() => Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]))

/** A process may end, or hide, while it is looked at. */
function orNothing<Result>(look: () => Result): Result | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
