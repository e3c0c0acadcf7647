// The architecture as a test: direction of imports, seams, sizes, names; and a test of the checker itself.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { type SourceText, violationsOf } from '../support/tidy.ts'

const root = path.resolve(import.meta.dirname, '../..')

const listed = (...patterns: string[]): string[] =>
  execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', ...patterns], { cwd: root })
    .toString()
    .split('\n')
    .filter((file) => file !== '' && existsSync(path.join(root, file)))

const sources: SourceText[] = listed('*.ts').map((file) => ({
  path: file,
  text: readFileSync(path.join(root, file), 'utf8'),
}))

describe('the tree is tidy', () => {
  it('reads the whole tree, so that a green check means something', () => {
    expect(sources.length).toBeGreaterThan(40)
  })

  it('keeps every file within its layer, its size and the seams', () => {
    expect(violationsOf(sources)).toEqual([])
  })

  it('keeps the top level to what the owner, a tool or a reader needs', () => {
    const top = new Set(listed('.').map((file) => file.split('/')[0] ?? ''))
    const known = [
      '.ci',
      '.gitignore',
      '.npmrc',
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'agent',
      'bench',
      'biome.json',
      'config',
      'docs',
      'drivers',
      'knip.json',
      'package-lock.json',
      'package.json',
      'packaging',
      'simulators',
      'test',
      'tsconfig.json',
      'vitest.config.ts',
    ]
    expect([...top].filter((name) => !known.includes(name))).toEqual([])
  })

  it('resolves every relative link in the documentation', () => {
    const broken: string[] = []
    for (const file of listed('*.md')) {
      const text = readFileSync(path.join(root, file), 'utf8')
      for (const [, target] of text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)) {
        const resolved = path.join(root, path.dirname(file), target ?? '')
        if (!existsSync(resolved)) broken.push(`${file}: ${target}`)
      }
    }
    expect(broken).toEqual([])
  })

  it('names no download host in the lock-file', () => {
    expect(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).not.toContain('"resolved"')
  })
})

describe('the checker catches planted violations', () => {
  const header = '// header\n'
  const planted: [name: string, path: string, text: string, expected: RegExp][] = [
    [
      'core importing node',
      'agent/core/x.ts',
      "import fs from 'node:fs'\n",
      /may not import "node:fs"/,
    ],
    [
      'core importing node by its bare name',
      'agent/core/x.ts',
      "import fs from 'fs'\n",
      /may not import "fs"/,
    ],
    [
      'core importing another layer',
      'agent/core/x.ts',
      "import type { Clock } from '#ports/clock.ts'\n",
      /types of "#ports/,
    ],
    [
      'core importing upwards by path',
      'agent/core/x.ts',
      "import { a } from '../ports/log.ts'\n",
      /may not import/,
    ],
    [
      'core importing over several lines',
      'agent/core/x.ts',
      "import {\n  a,\n} from '../store/a.ts'\n",
      /may not import/,
    ],
    [
      'ports importing values',
      'agent/ports/x.ts',
      "import { assert } from '#core/assert.ts'\n",
      /may not import "#core/,
    ],
    [
      'store importing the uplink',
      'agent/store/x.ts',
      "import { a } from '../uplink/a.ts'\n",
      /may not import/,
    ],
    [
      'runtime importing the store',
      'agent/runtime/x.ts',
      "import { a } from '../store/a.ts'\n",
      /may not import/,
    ],
    [
      'a simulator importing a driver',
      'simulators/devices/x.ts',
      "import { a } from '#drivers/modbus/a.ts'\n",
      /may not import/,
    ],
    [
      'a driver importing a simulator',
      'drivers/modbus/x.ts',
      "import { a } from '../../simulators/a.ts'\n",
      /may not import/,
    ],
    [
      'a lazy import across layers',
      'agent/runtime/x.ts',
      "const a = await import('mqtt')\n",
      /may not import "mqtt"/,
    ],
    [
      'a re-export across layers',
      'agent/core/x.ts',
      "export { a } from '../store/a.ts'\n",
      /may not import/,
    ],
    ['a clock read in the core', 'agent/core/x.ts', 'const t = Date.now()\n', /uses Date\.now/],
    ['a timer in the uplink', 'agent/uplink/x.ts', 'setTimeout(f, 1)\n', /uses setTimeout/],
    [
      'randomness in a driver',
      'drivers/modbus/x.ts',
      'const r = Math.random()\n',
      /uses Math\.random/,
    ],
    ['a promise in the core', 'agent/core/x.ts', 'export async function f() {}\n', /uses async/],
    ['console output', 'agent/store/x.ts', "console.log('x')\n", /uses console\.log/],
    [
      'a test that does not run',
      'test/unit/x.test.ts',
      "it.skip('x', () => {})\n",
      /uses it\.skip/,
    ],
    ['a default export', 'agent/core/x.ts', 'export default 1\n', /uses export default/],
    ['any', 'drivers/modbus/x.ts', 'const a: any = 1\n', /: any/],
    ['a file too long', 'agent/core/x.ts', '\n'.repeat(401), /has 402 lines/],
    ['a name in camel case', 'agent/core/someThing.ts', '', /is not kebab-case/],
  ]
  it.each(planted)('%s', (_name, file, text, expected) => {
    expect(violationsOf([{ path: file, text: header + text }]).join('\n')).toMatch(expected)
  })

  it('a missing header', () => {
    expect(
      violationsOf([{ path: 'agent/core/x.ts', text: 'export const a = 1\n' }]).join(),
    ).toMatch(/no header/)
  })

  it('and lets through what is allowed', () => {
    const text = `${header}import { assert } from './assert.ts'\n// Date.now is not read here\n`
    expect(violationsOf([{ path: 'agent/core/x.ts', text }])).toEqual([])
  })
})
