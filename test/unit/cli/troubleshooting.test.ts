// The troubleshooting page quotes what the agent prints: every quoted message stands in the code, word for word.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../../..')
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')

/** All texts of the code, pieces of one sentence joined, what is filled in left open. */
const texts = execFileSync(
  'git',
  ['ls-files', '-co', '--exclude-standard', '--', 'agent', 'drivers', 'config'],
  {
    cwd: root,
  },
)
  .toString()
  .split('\n')
  .filter((file) => file.endsWith('.ts'))
  .map(read)
  .join('\n')
  .replaceAll(/['`]\s*\+\s*['`]/g, '')
  .replaceAll(/\$\{[^{}]*\}/g, '…')

const FRAGMENT_MIN = 5

/** The parts of a message that stand in the code as they are. */
const fragmentsOf = (message: string): string[] =>
  message
    .split(/…|; |: |\. /)
    .map((fragment) => fragment.replace(/^[\s).,"]+/, '').replace(/[\s(.,"]+$/, ''))
    .filter((fragment) => fragment.length >= FRAGMENT_MIN)

const messages = [...read('docs/troubleshooting.md').matchAll(/```text\n([\s\S]*?)```/g)].flatMap(
  ([, block = '']) => block.split('\n').filter((line) => line !== ''),
)

describe('docs/troubleshooting.md', () => {
  it('quotes messages', () => {
    expect(messages.length).toBeGreaterThan(25)
  })

  it.each(messages)('quotes what the agent prints: %s', (message) => {
    const missing = fragmentsOf(message).filter((fragment) => !texts.includes(fragment))
    expect(missing).toEqual([])
  })

  it('and the check finds a message that is none', () => {
    expect(texts).not.toContain(fragmentsOf('the flux capacitor of … is empty')[0])
  })
})
