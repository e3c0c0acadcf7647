// The tree of commands: help with an example everywhere, usage errors as 64, options handed on as typed.

import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { SCHEMA_NAMES } from '#config/schema/generate.ts'
import { main } from '../../../agent/cli/command-line.ts'
import { SCHEMAS } from '../../../agent/cli/program.ts'
import { commandTree } from '../../support/command-tree.ts'

const DOCUMENT = path.resolve(import.meta.dirname, '../../../docs/command-line.md')
const MARK =
  '<!-- help texts: UPDATE_DOCS=1 npx vitest run --project unit test/unit/cli/program.test.ts -->'

const tree = commandTree()

describe('help', () => {
  it('knows the commands of the contract that exist', () => {
    expect(
      tree.filter(({ leaf }) => leaf).map(({ name }) => name.replace('cleanroom-agent ', '')),
    ).toEqual([
      'run',
      'demo',
      'simulate',
      'status',
      'alarms',
      'ack',
      'reset',
      'occupancy',
      'shelve',
      'unshelve',
      'out-of-service',
      'return-to-service',
      'silence',
      'annunciator test',
      'users add',
      'users list',
      'users disable',
      'users enable',
      'users set-role',
      'users reset-pin',
      'users pin',
      'users first',
      'config show',
      'config approve',
      'config reject',
      'audit',
      'probe',
      'scan',
      'check-config',
      'verify',
      'schema',
      'version',
    ])
  })

  it.each(tree)('of $name has an example that names the command', ({ name, help }) => {
    expect(help).toMatch(/\nExamples?:\n {2}\$ cleanroom-agent /)
    if (name !== 'cleanroom-agent') expect(help).toContain(`$ ${name} `.trimEnd())
  })

  it.each(tree.filter(({ leaf }) => leaf))('of $name offers --json', ({ options }) => {
    expect(options).toContain('--json')
  })

  it('URS-32 offers no way to give a PIN as an argument, and no acknowledge-all', () => {
    for (const { options } of tree) {
      expect(options).not.toContain('--pin')
      expect(options).not.toContain('--new-pin')
    }
    expect(tree.find(({ name }) => name.endsWith(' ack'))?.options).not.toContain('--all')
  })

  it.each(tree)('of $name fits a terminal', ({ help }) => {
    const lines = help.split('\n').filter((line) => !line.startsWith('  $ '))
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100)
  })
})

describe('docs/command-line.md', () => {
  it('shows the help of every command as it is', () => {
    const blocks = tree.map(
      ({ name, help }) => `### ${name}\n\n\`\`\`text\n${help.trim()}\n\`\`\`\n`,
    )
    const expected = `${MARK}\n\n${blocks.join('\n')}`
    const text = readFileSync(DOCUMENT, 'utf8')
    const [before = '', after] = text.split(MARK)
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(DOCUMENT, before + expected)
    else expect(`${MARK}${after}`).toBe(expected)
  })
})

describe('schema', () => {
  it('offers exactly the schemas there are', () => {
    expect([...SCHEMAS].sort()).toEqual([...SCHEMA_NAMES].sort())
  })
})

describe('usage', () => {
  it.each([
    ['nothing at all', []],
    ['an unknown command', ['frobnicate']],
    ['an unknown option', ['status', '--frobnicate']],
    ['too many arguments', ['status', 'now']],
    ['run without a configuration', ['run']],
    ['ack without an occurrence', ['ack', '--user', 'jdoe', '--reason', 'other']],
    ['ack without a user', ['ack', 'O', '--reason', 'other']],
    ['a PIN as an argument', ['ack', 'O', '--user', 'jdoe', '--reason', 'other', '--pin', '4711']],
    ['an unknown occupancy', ['occupancy', 'b101', 'busy', '--user', 'jdoe']],
    ['a shelf without an end', ['shelve', 'x.alert_high', '--user', 'jdoe', '--reason', 'other']],
    ['a shelf for ever', ['shelve', 'x.y', '--until', 'ever', '--user', 'j', '--reason', 'other']],
    ['out of service without a work order', ['out-of-service', 'th-1', '--user', 'jdoe']],
    ['users without more', ['users']],
    ['a person without a role', ['users', 'add', 'n', '--name', 'N']],
    ['an unknown role', ['users', 'add', 'n', '--name', 'N', '--role', 'root']],
    ['a port beyond ports', ['demo', '--port', '65536']],
    ['a seed that is none', ['demo', '--seed', '-1']],
    ['a speed of nothing', ['demo', '--speed', '0']],
    ['a duration without a unit', ['demo', '--for', '90']],
    ['an unknown schema', ['schema', 'plant']],
    ['check-config without a file', ['check-config']],
    ['a revision that is none', ['reset', 'O', '--user', 'jdoe', '--rev', 'two']],
    ['an ack without a reason', ['ack', 'O', '--user', 'jdoe', '--socket', '/none.sock']],
  ])('refuses %s with 64', async (_, argv) => {
    expect(await main(argv)).toBe(64)
  })

  it.each([
    [['--help']],
    [['help']],
    [['--version']],
    [['ack', '--help']],
    [['help', 'ack']],
    [['version']],
  ])('answers %j with 0', async (argv) => {
    expect(await main(argv)).toBe(0)
  })

  it.each([
    ['a socket without an agent', ['status', '--socket', '/nowhere/agent.sock'], 69],
    ['a missing configuration', ['status', '--config', '/nowhere/plant.yaml'], 78],
    [
      'a missing PIN file',
      [
        'ack',
        'O',
        '-u',
        'j',
        '-r',
        'other',
        '--pin-file',
        '/nowhere/pin',
        '-s',
        '/nowhere/agent.sock',
      ],
      74,
    ],
  ])('answers %s with its code', async (_, argv, code) => {
    expect(await main(argv)).toBe(code)
  })
})
