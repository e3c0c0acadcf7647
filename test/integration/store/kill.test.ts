// Real processes: killed at random while they commit, two at once, and a disk that refuses to grow.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { seededRandom } from '#core/random.ts'
import { silentLog } from '#ports/log.ts'
import type { Head } from '#ports/store.ts'
import { openStore } from '../../../agent/store/sqlite-store.ts'
import { verifyJournal } from '../../../agent/store/verify.ts'

const KILLS = 50
const SEED = 20251122
const TIMEOUT_MS = 240_000
const RECORDS = 21

interface Line {
  readonly opened?: Head
  readonly acknowledged?: Head
  readonly failed?: string
  readonly message?: string
  readonly pid?: number
  readonly n?: number
}

const children = new Set<ChildProcess>()
const directories: string[] = []

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  for (const dir of directories.splice(0)) rmSync(dir, { recursive: true, force: true })
})

function temporaryDirectory(): string {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'store-kill-'))
  directories.push(dir)
  return dir
}

/** A committing process: its lines as they come. */
class Committer {
  readonly lines: Line[] = []
  readonly child: ChildProcess
  readonly #ended: Promise<unknown>
  #waiting: { count: number; resolve(): void } | undefined

  constructor(dir: string, options: { hours?: number; limitKiB?: number } = {}) {
    const script = fileURLToPath(new URL('./committer.ts', import.meta.url))
    const command = [process.execPath, script, dir, `${RECORDS - 1}`, `${options.hours ?? 1}`]
    const limit = options.limitKiB === undefined ? '' : `ulimit -f ${options.limitKiB * 2}; `
    this.child = spawn('/bin/sh', ['-c', `${limit}exec "$@"`, 'sh', ...command], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: compileCache() },
    })
    children.add(this.child)
    const out = this.child.stdout
    if (out === null) throw new Error('no output')
    const reader = createInterface(out)
    reader.on('line', (line) => {
      this.lines.push(JSON.parse(line) as Line)
      if (this.#waiting !== undefined && this.lines.length >= this.#waiting.count)
        this.#waiting.resolve()
    })
    this.#ended = Promise.all([once(this.child, 'exit'), once(reader, 'close')])
  }

  /** Resolves when so many lines have come, or the process has ended. */
  async lineCount(count: number): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      this.#waiting = { count, resolve }
    })
    if (this.lines.length < count) await Promise.race([reached, this.#ended])
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended()
  }

  async ended(): Promise<number | null> {
    await this.#ended
    children.delete(this.child)
    return this.child.exitCode
  }

  /** The last head that was acknowledged, or found at the opening. */
  get head(): Head | undefined {
    const line = this.lines.findLast(({ opened, acknowledged }) => opened ?? acknowledged)
    return line?.acknowledged ?? line?.opened
  }
}

/** Children start several times faster with compiled code at hand. */
const compileCache = (): string => path.join(os.tmpdir(), 'cleanroom-agent-test-cache')

describe('HO1 URS-47 a store killed with SIGKILL under load', () => {
  it(
    `loses nothing acknowledged in ${KILLS} kills over day files and seals, and its chain holds`,
    async () => {
      const random = seededRandom(SEED)
      const dir = temporaryDirectory()
      let known: Head = { seq: 0, hash: '' }
      let unacknowledged = 0
      for (let kill = 0; kill < KILLS; kill++) {
        const committer = new Committer(dir)
        await committer.lineCount(1 + Math.floor(random() * 40))
        if (random() < 0.5) await new Promise(setImmediate)
        await committer.kill()
        const opened = committer.lines[0]?.opened
        if (opened === undefined) {
          expect(committer.lines).toEqual([])
          continue
        }
        const beyond = opened.seq - known.seq
        expect([0, RECORDS], `kill ${kill}, seed ${SEED}`).toContain(beyond)
        if (beyond === 0 && known.seq > 0) expect(opened).toEqual(known)
        unacknowledged += beyond === 0 ? 0 : 1
        expect(committer.lines[0]?.n).toBe(opened.seq / RECORDS - 1)
        known = committer.head ?? known
      }
      const verified = verifyJournal(dir, { expected: known })
      expect(verified).toMatchObject({ ok: true })
      expect(known.seq).toBeGreaterThan(KILLS * RECORDS)
      const store = await openStore({
        dataDir: dir,
        origin: 'simulated',
        log: silentLog,
        wall: () => Date.now(),
        newEpoch: () => 'other',
      })
      try {
        const { recovered } = store
        expect(recovered.epoch).toBe('01JD3Z8Q5K0000000000000000')
        expect(recovered.state.get('n')).toBe(`${recovered.head.seq / RECORDS - 1}`)
        expect(recovered.coverage.size).toBe(RECORDS - 1)
        expect(await store.count('event', 0)).toBe(recovered.head.seq / RECORDS)
        expect(readdirSync(path.join(dir, 'journal')).length).toBeGreaterThan(2)
      } finally {
        await store.close()
      }
      expect(unacknowledged).toBeLessThanOrEqual(KILLS)
    },
    TIMEOUT_MS,
  )
})

describe('HO14 two processes on one data directory', () => {
  it(
    'the second ends with exit code 75 and names the first, which goes on; after a kill there is room',
    async () => {
      const dir = temporaryDirectory()
      const first = new Committer(dir)
      await first.lineCount(3)
      const second = new Committer(dir)
      expect(await second.ended()).toBe(75)
      expect(second.lines).toEqual([
        expect.objectContaining({ failed: 'locked', pid: first.child.pid }),
      ])
      expect(second.lines[0]?.message).toMatch(/in use by process \d+; stop that instance/)
      const before = first.lines.length
      await first.lineCount(before + 2)
      expect(first.lines.length).toBeGreaterThanOrEqual(before + 2)
      await first.kill()
      const third = new Committer(dir)
      await third.lineCount(2)
      expect(third.lines[0]?.opened?.seq).toBeGreaterThanOrEqual(first.head?.seq ?? 0)
      await third.kill()
    },
    TIMEOUT_MS,
  )
})

describe('HO5 a disk that refuses a write', () => {
  it(
    'stops the store with `io`; the next start has exactly what was acknowledged',
    async () => {
      const dir = temporaryDirectory()
      const committer = new Committer(dir, { hours: 0, limitKiB: 600 })
      expect(await committer.ended()).toBe(74)
      expect(committer.lines.at(-1)).toMatchObject({ failed: 'io' })
      expect(committer.lines.at(-1)?.message).toMatch(/check the medium/)
      expect(committer.head?.seq).toBeGreaterThan(RECORDS)
      const next = new Committer(dir, { hours: 0 })
      await next.lineCount(3)
      expect(next.lines[0]?.opened).toEqual(committer.head)
      await next.kill()
      expect(verifyJournal(dir, { expected: committer.head })).toMatchObject({ ok: true })
    },
    TIMEOUT_MS,
  )
})

const MOUNT = '/bin/mount'
const UNMOUNT = '/bin/umount'

const canMount = ((): boolean => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'store-tmpfs-'))
  try {
    execFileSync(MOUNT, ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', dir], { stdio: 'ignore' })
    execFileSync(UNMOUNT, [dir])
    return true
  } catch {
    return false
  } finally {
    if (existsSync(dir)) rmSync(dir, { recursive: true })
  }
})()

describe.skipIf(!canMount)('HO4 a full disk (needs the right to mount a tmpfs)', () => {
  it(
    'stops the store with `full`; with room again it goes on from what was acknowledged',
    async () => {
      const dir = mkdtempSync(path.join(os.tmpdir(), 'store-tmpfs-'))
      execFileSync(MOUNT, ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', dir])
      try {
        const committer = new Committer(dir, { hours: 0 })
        expect(await committer.ended()).toBe(74)
        expect(committer.lines.at(-1)).toMatchObject({ failed: 'full' })
        execFileSync(MOUNT, ['-o', 'remount,size=16m', dir])
        const next = new Committer(dir, { hours: 0 })
        await next.lineCount(3)
        expect(next.lines[0]?.opened).toEqual(committer.head)
        await next.kill()
        expect(verifyJournal(dir, { expected: committer.head })).toMatchObject({ ok: true })
      } finally {
        execFileSync(UNMOUNT, [dir])
        rmSync(dir, { recursive: true })
      }
    },
    TIMEOUT_MS,
  )
})
