import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { makeDirectory } from '../../../agent/runtime/system-directory.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'make-directory-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

it('makes every level, and is content with what is there', () => {
  const deep = path.join(directory, 'a/b/c')
  makeDirectory(deep)
  makeDirectory(deep)
  expect(existsSync(deep)).toBe(true)
})

it('says in words, with the code, where none can be made, and returns (Node’s recursive mkdir does not)', () => {
  expect(() => makeDirectory('/proc/nope/data')).toThrow(/cannot be made.*gateway\.dataDir/)
})

it('refuses a place where a file stands', () => {
  const file = path.join(directory, 'file')
  writeFileSync(file, '')
  expect(() => makeDirectory(file)).toThrow(/no directory stands there/)
})
