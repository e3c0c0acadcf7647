// The hash of a file: of all of it, whatever its size, and no file is left open.

import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { hashFile } from '../../../agent/store/digest.ts'

const MEGABYTE = 1024 * 1024

it.each([0, 1, MEGABYTE - 1, MEGABYTE, MEGABYTE + 1, 2.5 * MEGABYTE])(
  'URS-46 of %d bytes',
  (bytes) => {
    const dir = mkdtempSync(join(tmpdir(), 'digest-'))
    try {
      const content = Buffer.alloc(bytes, 'cleanroom')
      const file = join(dir, 'file')
      writeFileSync(file, content)
      const open = readdirSync('/proc/self/fd').length
      const sha256 = createHash('sha256').update(content).digest('hex')
      for (let time = 0; time < 20; time++) expect(hashFile(file)).toEqual({ sha256, bytes })
      expect(() => hashFile(dir)).toThrow('EISDIR')
      expect(readdirSync('/proc/self/fd').length).toBeLessThan(open + 10)
    } finally {
      rmSync(dir, { recursive: true })
    }
  },
)
