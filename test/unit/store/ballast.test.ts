// HO4 the ballast: as large as the disk allows, held in real blocks, and given up at once.

import { existsSync, mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { ballastBytes, createBallast } from '../../../agent/store/ballast.ts'
import { temporaryDirectory } from './support.ts'

const MEBIBYTE = 1024 * 1024

describe('the ballast', () => {
  it.each([
    ['a large disk', 500_000 * MEBIBYTE, 64 * MEBIBYTE],
    ['a small disk', 64 * MEBIBYTE, 4 * MEBIBYTE],
    ['no disk', 0, 0],
  ])('HO4 has its size by the disk: %s', (_disk, total, bytes) => {
    expect(ballastBytes(total)).toBe(bytes)
  })

  it('HO4 takes up blocks, and gives them up once', async () => {
    const dir = temporaryDirectory()
    const ballast = createBallast(dir, 40 * MEBIBYTE)
    expect([ballast.held(), ballast.release()]).toEqual([false, false])
    expect(await ballast.make()).toBe(true)
    const { size, blocks } = statSync(path.join(dir, 'ballast'))
    expect(size).toBe(ballast.bytes)
    expect(blocks * 512).toBeGreaterThanOrEqual(size)
    expect([ballast.held(), ballast.release(), ballast.release()]).toEqual([true, true, false])
    expect(existsSync(path.join(dir, 'ballast'))).toBe(false)
  })

  it('HO4 is not made where it cannot be, and nobody hears of it as an error', async () => {
    const dir = temporaryDirectory()
    mkdirSync(path.join(dir, 'ballast'))
    const ballast = createBallast(dir, 40 * MEBIBYTE)
    expect(await ballast.make()).toBe(false)
    expect([ballast.held(), ballast.release()]).toEqual([false, false])
    expect(await createBallast(path.join(dir, 'gone'), 40 * MEBIBYTE).make()).toBe(false)
  })
})
