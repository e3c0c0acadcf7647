// The socket as a file: who makes it, finds it, takes it over and removes it; and the asking side when nobody answers.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ControlError, request } from '../../../agent/control/client.ts'
import { ControlSocketInUse, startControlServer } from '../../../agent/control/server.ts'
import { findSocketPath, keyPath, pointerPath } from '../../../agent/control/socket-path.ts'
import { type ControlAgent, STATUS, startControlAgent } from '../../support/control-agent.ts'
import { IDLE_HANDLERS } from '../../support/idle-control.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const ACK = { op: 'ack', user: 'jdoe', pin: '471100', occ: 'O', reason: 'door_opened' } as const

let agent: ControlAgent
beforeEach(async () => {
  agent = await startControlAgent()
})
afterEach(() => agent.stop())

describe('its file', () => {
  it('is gone after closing, with key and pointer, and closing twice is safe', async () => {
    const { path: socketPath } = agent.server
    await Promise.all([agent.server.close(), agent.server.close()])
    expect(existsSync(socketPath)).toBe(false)
    expect(existsSync(keyPath(socketPath))).toBe(false)
    await expect(request<'status'>(socketPath, { op: 'status' })).rejects.toMatchObject({
      code: 'unreachable',
    })
  })

  it('is not taken from an agent that answers', async () => {
    await expect(startControlAgent({ dataDir: agent.dataDir })).rejects.toThrow(ControlSocketInUse)
    expect(await request<'status'>(agent.server.path, { op: 'status' })).toEqual(STATUS)
  })

  it('is taken over from an agent that was killed', async () => {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'control-'))
    const script = `require('net').createServer().listen(${JSON.stringify(path.join(dataDir, 'agent.sock'))}, () => console.log('up'))`
    const killed = spawn(process.execPath, ['-e', script])
    await once(killed.stdout, 'data')
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    expect(existsSync(path.join(dataDir, 'agent.sock'))).toBe(true)
    const next = await startControlAgent({ dataDir })
    expect(await request<'status'>(next.server.path, { op: 'status' })).toEqual(STATUS)
    await next.stop()
  })

  it('is not made over somebody’s ordinary file', async () => {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'control-'))
    writeFileSync(path.join(dataDir, 'agent.sock'), 'precious')
    await expect(startControlAgent({ dataDir })).rejects.toThrow(/is no socket; move it away/)
    expect(readFileSync(path.join(dataDir, 'agent.sock'), 'utf8')).toBe('precious')
    rmSync(dataDir, { recursive: true })
  })

  it('lies in the runtime directory when its path would be too long, and is found there', async () => {
    const base = mkdtempSync(path.join(tmpdir(), 'control-'))
    const dataDir = path.join(base, 'x'.repeat(120))
    mkdirSync(dataDir)
    const long = await startControlAgent({ dataDir, environment: { XDG_RUNTIME_DIR: base } })
    expect(path.dirname(long.server.path)).toBe(base)
    expect(findSocketPath(dataDir)).toBe(long.server.path)
    expect(await request<'status'>(findSocketPath(dataDir), { op: 'status' })).toEqual(STATUS)
    await long.server.close()
    expect(existsSync(pointerPath(dataDir))).toBe(false)
    rmSync(base, { recursive: true })
  })
})

describe('the client', () => {
  it.each([
    ['nothing there', (dir: string) => path.join(dir, 'none.sock')],
    [
      'a file instead of a directory',
      (dir: string) => {
        writeFileSync(path.join(dir, 'file'), '')
        return path.join(dir, 'file', 'agent.sock')
      },
    ],
  ])('says that no agent answers: %s', async (_, socketPath) => {
    await expect(
      request<'status'>(socketPath(agent.dataDir), { op: 'status' }),
    ).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/no agent answers on/),
    })
  })

  it('says that an answer is lost when the agent dies after the request', async () => {
    agent.status = () => new Promise(() => void agent.server.close())
    await expect(request<'status'>(agent.server.path, { op: 'status' })).rejects.toMatchObject({
      code: 'broken',
      message: expect.stringMatching(/look at the state before repeating/),
    })
  })

  it('gives up on an agent that does not answer', async () => {
    agent.status = () => new Promise(() => {})
    await expect(
      request<'status'>(agent.server.path, { op: 'status' }, { answerMs: 50 }),
    ).rejects.toThrow(/within 0.05 s/)
  })

  it('refuses to send more than the agent takes', async () => {
    const comment = 'x'.repeat(70_000)
    await expect(request<'ack'>(agent.server.path, { ...ACK, comment })).rejects.toThrow(
      ControlError,
    )
  })

  it.skipIf(process.getuid?.() !== 0 && process.env['CI'] !== 'true')(
    'URS-50 says which right is missing when the socket is not open to this user',
    () => {
      const main = path.resolve(import.meta.dirname, '../../../agent/main.ts')
      const options = {
        uid: 65_534,
        gid: 65_534,
        encoding: 'utf8' as const,
        stdio: 'pipe' as const,
      }
      execFileSync('chmod', ['755', agent.dataDir])
      const run = (): string =>
        execFileSync(process.execPath, [main, 'status', '--data', agent.dataDir], options)
      expect(run).toThrow(/join the group that owns it/)
    },
  )
})

describe('startControlServer', () => {
  it('rejects in words where nothing can be made', async () => {
    const { people } = agent
    const dataDir = path.join(agent.dataDir, 'missing')
    const clock = virtualClock()
    const log = { debug() {}, info() {}, warn() {}, error() {} }
    const handlers = {
      ...IDLE_HANDLERS,
      status: () => STATUS,
      alarms: () => {
        throw new Error('not asked')
      },
      act: () => Promise.reject(new Error('not asked')),
      record: agent.journal.record,
    }
    await expect(startControlServer({ dataDir, people, clock, log, handlers })).rejects.toThrow(
      /local socket .* cannot be made/,
    )
  })
})
