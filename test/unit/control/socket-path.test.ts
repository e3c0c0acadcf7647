// Where the local socket lies and how it is found, long paths included; and the word a demo leaves.

import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { announceDemo, demoWordPath, findRunningDemo } from '../../../agent/control/running-demo.ts'
import {
  chooseSocketPath,
  findSocketPath,
  pointerPath,
  SOCKET_PATH_BYTES_MAX,
} from '../../../agent/control/socket-path.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'control-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe('chooseSocketPath', () => {
  const long = `/var/lib/${'x'.repeat(100)}`

  it('lies in the data directory up to 100 bytes, in the runtime directory beyond', () => {
    const fits = `/${'x'.repeat(SOCKET_PATH_BYTES_MAX - '//agent.sock'.length)}`
    expect(chooseSocketPath(fits, {})).toBe(`${fits}/agent.sock`)
    const path100 = chooseSocketPath(`${fits}x`, { XDG_RUNTIME_DIR: '/run/user/7' })
    expect(path100).toMatch(/^\/run\/user\/7\/cleanroom-agent-[0-9a-f]{16}\.sock$/)
  })

  it('counts bytes, not characters', () => {
    expect(chooseSocketPath(`/${'é'.repeat(45)}`, { XDG_RUNTIME_DIR: '/run' })).toMatch(/^\/run\//)
  })

  it.each([
    [{ RUNTIME_DIRECTORY: '/run/a:/run/b', XDG_RUNTIME_DIR: '/run/c' }, '/run/a/'],
    [{ XDG_RUNTIME_DIR: '/run/c' }, '/run/c/'],
    [{ XDG_RUNTIME_DIR: 'relative' }, `${tmpdir()}/`],
    [{ XDG_RUNTIME_DIR: `/${'x'.repeat(90)}` }, `${tmpdir()}/`],
    [{}, `${tmpdir()}/`],
  ])('takes the first runtime directory that serves: %j', (environment, expected) => {
    expect(chooseSocketPath(long, environment)).toContain(expected)
  })

  it('gives two data directories two paths', () => {
    expect(chooseSocketPath(long, {})).not.toBe(chooseSocketPath(`${long}2`, {}))
  })
})

describe('findSocketPath', () => {
  it('is the usual place without a pointer, and the named one with it', () => {
    expect(findSocketPath(directory)).toBe(path.join(directory, 'agent.sock'))
    writeFileSync(pointerPath(directory), '/run/x.sock\n')
    expect(findSocketPath(directory)).toBe('/run/x.sock')
  })

  it.each(['', 'relative.sock', `/${'x'.repeat(200)}`])(
    'does not follow the pointer %j',
    (text) => {
      writeFileSync(pointerPath(directory), text)
      expect(findSocketPath(directory)).toBe(path.join(directory, 'agent.sock'))
    },
  )
})

describe('a running demo', () => {
  const demo = { dataDir: '/tmp/d', pid: process.pid }

  it('is found from the word it left, private to its user, until it takes it back', () => {
    const takeBack = announceDemo(demo, directory)
    expect(statSync(demoWordPath(directory)).mode & 0o777).toBe(0o600)
    expect(findRunningDemo(directory)).toEqual(demo)
    takeBack()
    expect(findRunningDemo(directory)).toBeUndefined()
    takeBack()
  })

  it('does not take back the word of a later demo', () => {
    const takeBack = announceDemo(demo, directory)
    announceDemo({ dataDir: '/tmp/e', pid: 1 }, directory)
    takeBack()
    expect(readFileSync(demoWordPath(directory), 'utf8')).toContain('/tmp/e')
  })

  it('is not believed when its process is gone', () => {
    announceDemo({ dataDir: '/tmp/d', pid: 2 ** 22 + 1 }, directory)
    expect(findRunningDemo(directory)).toBeUndefined()
  })

  it.each([
    ['no JSON', 'x'],
    ['another shape', '{"dataDir":"/tmp/d"}'],
    ['a bad pid', '{"dataDir":"/tmp/d","pid":0}'],
    ['too much', `{"dataDir":"/${'x'.repeat(9000)}","pid":1}`],
  ])('is not believed when the word is %s', (_, text) => {
    writeFileSync(demoWordPath(directory), text)
    expect(findRunningDemo(directory)).toBeUndefined()
  })

  it('is not believed through a symbolic link or a directory: a PIN would follow it', () => {
    const elsewhere = path.join(directory, 'elsewhere.json')
    writeFileSync(elsewhere, JSON.stringify(demo))
    symlinkSync(elsewhere, demoWordPath(directory))
    expect(findRunningDemo(directory)).toBeUndefined()
    rmSync(demoWordPath(directory))
    mkdirSync(demoWordPath(directory))
    expect(findRunningDemo(directory)).toBeUndefined()
  })

  it('replaces a link somebody prepared instead of writing through it', () => {
    const victim = path.join(directory, 'victim')
    writeFileSync(victim, 'precious')
    symlinkSync(victim, demoWordPath(directory))
    announceDemo(demo, directory)
    expect(readFileSync(victim, 'utf8')).toBe('precious')
    expect(findRunningDemo(directory)).toEqual(demo)
  })
})
