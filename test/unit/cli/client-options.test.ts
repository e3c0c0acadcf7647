// How a client command finds its agent, from the most direct word to the least.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findTarget, INSTALLED_CONFIG } from '../../../agent/cli/client-options.ts'
import { EXIT } from '../../../agent/cli/exit-code.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'find-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const write = (name: string, text: string): string => {
  const file = path.join(directory, name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}
const found = (options: object, environment: Record<string, string> = {}) =>
  findTarget(options, environment)
const dataDir = (name: string): string => path.join(directory, name)

describe('findTarget', () => {
  it('takes --socket before --data before --config before the environment', () => {
    const config = write('plant.yaml', 'gateway: { id: gw, dataDir: ./data }\n')
    const other = write('other.yaml', 'gateway: { id: gw, dataDir: ./other }\n')
    const environment = { CLEANROOM_AGENT_CONFIG: other }
    const data = dataDir('direct')
    expect(found({ socket: '/x/y.sock', data, config }, environment).socketPath).toBe('/x/y.sock')
    expect(found({ data, config }, environment).socketPath).toBe(path.join(data, 'agent.sock'))
    expect(found({ config }, environment).dataDir).toBe(dataDir('data'))
    expect(found({}, environment).dataDir).toBe(dataDir('other'))
  })

  const texts: readonly (readonly [string, string, string | undefined])[] = [
    ['a path relative to the file', 'gateway:\n  dataDir: ../elsewhere\n', '../elsewhere'],
    ['an absolute path', 'gateway: { dataDir: /var/lib/x }\n', '/var/lib/x'],
    ['a file with faults elsewhere', 'zones: 7\ngateway: {dataDir: d}\nx: {\n', 'd'],
    ['a file with a duplicate key', 'site: 1\nsite: 2\ngateway: { dataDir: d }\n', 'd'],
    ['a file of another shape', '- a\n- b\n', undefined],
    ['an empty file', '', undefined],
    ['a data directory that is a number', 'gateway: { dataDir: 7 }\n', undefined],
  ]
  it.each(texts)('reads no more than it must: %s', (_, text, expected) => {
    const config = write('sub/plant.yaml', text)
    const find = () => found({ config })
    if (expected !== undefined)
      expect(find().dataDir).toBe(path.resolve(directory, 'sub', expected))
    else expect(find).toThrow(/names no gateway.dataDir/)
  })

  it('follows includes, each path relative to the file it stands in, and no circle', () => {
    write('a/b/gateway.yaml', 'gateway: { dataDir: ./here }\ninclude: [../../plant.yaml]\n')
    write('a/more.yaml', 'include: [b/gateway.yaml]\n')
    const config = write('plant.yaml', 'include: [a/more.yaml]\n')
    expect(found({ config }).dataDir).toBe(dataDir('a/b/here'))
    write('a/b/gateway.yaml', 'include: [../../plant.yaml]\n')
    expect(() => found({ config })).toThrow(/names no gateway.dataDir/)
  })

  it('says that the configuration cannot be read', () => {
    const config = path.join(directory, 'missing.yaml')
    expect(() => found({ config })).toThrow(/missing.yaml cannot be read: does not exist/)
    try {
      found({ config })
    } catch (fault) {
      expect(fault).toMatchObject({ exitCode: EXIT.configuration })
    }
  })

  it.skipIf(existsSync(INSTALLED_CONFIG))('says how to go on when nothing names an agent', () => {
    const before = process.env['TMPDIR']
    process.env['TMPDIR'] = directory
    try {
      expect(() => found({})).toThrow(/--config FILE, --data DIR or --socket PATH/)
    } finally {
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
    }
  })
})
