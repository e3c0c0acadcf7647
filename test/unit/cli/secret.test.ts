// Typing a PIN: nothing of it is shown, it can be corrected, and giving up ends the command.

import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { EXIT } from '../../../agent/cli/exit-code.ts'
import { processKeyboard, type Terminal } from '../../../agent/cli/secret.ts'

function terminal(options: { stdin?: boolean; stderr?: boolean } = {}) {
  const keys = new EventEmitter()
  const shown: string[] = []
  const raw: boolean[] = []
  const stdin = Object.assign(keys, {
    isTTY: options.stdin ?? true,
    setRawMode: (mode: boolean) => raw.push(mode),
    setEncoding: () => {},
    pause: () => {},
    resume: () => {},
  })
  const write = (text: string) => {
    // What is typed as soon as the question stands there.
    if (text !== '\n' && raw.at(-1) !== true) shown.push('an echo of what is typed')
    return shown.push(text) > 0
  }
  const stderr = { isTTY: options.stderr ?? true, write }
  const type = (...chunks: string[]): void => {
    for (const chunk of chunks) keys.emit('data', chunk)
  }
  return { streams: { stdin, stderr } as unknown as Terminal, shown, raw, type, keys }
}

describe('a typed PIN', () => {
  it.each([
    ['key by key', ['4', '7', '1', '1', '\r'], '4711'],
    ['pasted', ['4711\n'], '4711'],
    ['corrected', ['47x', '\u007f', '11\r'], '4711'],
    ['corrected beyond its beginning', ['\b\b4711\r'], '4711'],
    ['with what keyboards send beside it', ['4\u001b[A7\u001b[3~1\u001bOP\t', '1\r'], '4711'],
    ['of other letters', ['пин🔑', '\u007f', '1\r'], 'пин1'],
  ])('URS-50 is taken without an echo: %s', async (_, chunks, pin) => {
    const { streams, shown, raw, type, keys } = terminal()
    const typed = processKeyboard(streams).typed?.('PIN of jdoe')
    type(...chunks)
    expect(await typed).toBe(pin)
    expect(shown.join('')).toBe('PIN of jdoe: \n')
    expect(raw).toEqual([true, false])
    expect(keys.listenerCount('data')).toBe(0)
  })

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('is given up with %s, the terminal as it was', async (_, key) => {
    const { streams, raw, type } = terminal()
    const typed = processKeyboard(streams).typed?.('PIN')
    type('47', key)
    await expect(typed).rejects.toMatchObject({ exitCode: EXIT.usage })
    expect(raw).toEqual([true, false])
  })

  it('is not asked where nobody types or nobody sees the question', () => {
    expect(processKeyboard(terminal({ stdin: false }).streams).typed).toBeUndefined()
    expect(processKeyboard(terminal({ stderr: false }).streams).typed).toBeUndefined()
  })
})
