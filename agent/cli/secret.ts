// How a PIN gets in: from a file, from stdin, or typed at the terminal without echo. Never from the command line,
// where every process of the box could read it; never printed, never kept.

import { readFileSync, statSync } from 'node:fs'
import { CommandError, EXIT } from './exit-code.ts'
import type { Output } from './output.ts'

/** A PIN file holds a PIN and the end of its line. */
const PIN_FILE_BYTES_MAX = 4096

/** What is read from: the process's stdin, or a test's. */
export interface Keyboard {
  /** All of stdin; called at most once. */
  all(): string
  /** A line typed without echo; undefined when no terminal is there to ask. */
  typed?(prompt: string): Promise<string>
}

/**
 * The PIN of a `--pin-file` argument, or typed. Throws CommandError: 64 when there is neither, 74 when the file cannot
 * be read, 65 when it holds anything but one line.
 */
export async function readPin(
  source: {
    readonly file: string | undefined
    /** The option's name, for the error. */
    readonly option: string
    readonly prompt: string
  },
  keyboard: Keyboard,
  output: Output,
): Promise<string> {
  const { file, option, prompt } = source
  if (file === undefined) {
    if (keyboard.typed === undefined)
      throw new CommandError(EXIT.usage, `no terminal to ask for the PIN; give ${option} FILE or -`)
    return onlyLine(await keyboard.typed(prompt), 'what was typed')
  }
  if (file === '-') return onlyLine(keyboard.all(), 'stdin')
  return onlyLine(readPinFile(file, output), file)
}

function readPinFile(file: string, output: Output): string {
  try {
    const { mode, size } = statSync(file)
    if (size > PIN_FILE_BYTES_MAX)
      throw new CommandError(
        EXIT.badData,
        `${file} is too long for a PIN; it must hold the PIN alone`,
      )
    if ((mode & 0o077) !== 0) output.talk(`warning: others may read ${file}; chmod 600 it`)
    return readFileSync(file, 'utf8')
  } catch (fault) {
    if (fault instanceof CommandError) throw fault
    const why = fault instanceof Error ? fault.message : String(fault)
    throw new CommandError(EXIT.io, `the PIN file cannot be read: ${why}`, { cause: fault })
  }
}

/** The first line when nothing but white space follows it. */
function onlyLine(text: string, where: string): string {
  const [first = '', ...rest] = text.split(/\r?\n/)
  if (first === '') throw new CommandError(EXIT.badData, `${where} holds no PIN`)
  if (rest.some((line) => line.trim() !== ''))
    throw new CommandError(
      EXIT.badData,
      `${where} holds more than one line; it must hold the PIN alone`,
    )
  return first
}

/** What is needed of a terminal to ask it; the process's own streams, or a test's. */
export interface Terminal {
  readonly stdin: Pick<
    NodeJS.ReadStream,
    'isTTY' | 'setRawMode' | 'setEncoding' | 'on' | 'off' | 'pause' | 'resume'
  >
  readonly stderr: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>
}

/** The process's own stdin; a terminal is asked only where stderr shows the question. */
export function processKeyboard({ stdin, stderr }: Terminal = process): Keyboard {
  const all = (): string => readFileSync(0, 'utf8')
  if (!stdin.isTTY || !stderr.isTTY) return { all }
  return { all, typed: (prompt) => typeHidden(prompt, { stdin, stderr }) }
}

const CHARACTERS_MAX = 256
/** What arrow and function keys send. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what begins them
const ESCAPE_SEQUENCES = /\u001b(?:\[[0-9;]*[@-~]|O.)/g

/** Reads a line in raw mode, so that the terminal shows nothing of it. Ctrl-C and Ctrl-D end the command. */
function typeHidden(prompt: string, { stdin, stderr }: Terminal): Promise<string> {
  // Before the question: who answers it at once is not shown either.
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  stderr.write(`${prompt}: `)
  return new Promise((resolve, reject) => {
    let typed = ''
    const end = (settle: () => void): void => {
      stdin.off('data', take)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
      settle()
    }
    const take = (keys: string): void => {
      for (const key of keys.replace(ESCAPE_SEQUENCES, '')) {
        if (key === '\r' || key === '\n') return end(() => resolve(typed))
        if (key === '\u0003' || key === '\u0004')
          return end(() => reject(new CommandError(EXIT.usage, 'no PIN given')))
        if (key === '\u007f' || key === '\b') typed = [...typed].slice(0, -1).join('')
        else if (key >= ' ' && typed.length < CHARACTERS_MAX) typed += key
      }
    }
    stdin.on('data', take)
    stdin.resume()
  })
}
