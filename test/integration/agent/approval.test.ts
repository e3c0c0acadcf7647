// A changed configuration that needs two people, on the real daemon: the first administrator, two signatures with a restart between
// them, and what the audit trail says afterwards.

import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  agentCommand,
  freePort,
  type Running,
  removeDirectory,
  startAgent,
} from '../../support/processes.ts'
import { type Site, siteConfiguration, writeSite } from '../../support/site.ts'

let site: Site
let agent: Running

afterEach(async () => {
  await agent.stop('SIGKILL')
  removeDirectory(site.directory)
})

const file = (name: string, text: string): string => {
  const written = path.join(site.directory, name)
  writeFileSync(written, text, { mode: 0o600 })
  return written
}

const command = async (...args: string[]) => {
  const { code, stdout, stderr } = await agentCommand([...args, '--config', site.config])
  return { code, text: stdout + stderr }
}

const json = async (...args: string[]) => {
  const { stdout } = await agentCommand([...args, '--config', site.config, '--json'])
  return JSON.parse(stdout) as Record<string, unknown>
}

const configured = (port: number, actionHigh: number) => {
  const plain = siteConfiguration({
    buses: [{ id: 'net-1', port }],
    instruments: [
      {
        id: 'th-1',
        bus: 'net-1',
        unitId: 1,
        points: [
          { id: 't-1', signal: 's0', interval: '1s', limits: { alertHigh: 22, actionHigh } },
        ],
      },
    ],
  })
  return { ...plain, site: { ...(plain['site'] as object), approval: 'second_person' } }
}

describe('two people for one change', () => {
  it('URS-68 URS-45 keeps the old limit in force, over a restart, until the second person has signed', {
    timeout: 60_000,
  }, async () => {
    site = writeSite({ buses: [], instruments: [] })
    const port = await freePort()
    site.write(configured(port, 24))
    agent = await startAgent(site.config)
    const told = await agent.line(/with the code/)
    const code = file('code', /[A-Z2-9]{5}-[A-Z2-9]{5}/.exec(told)?.[0] ?? '')
    const pins = { admin: file('admin', '471100'), anna: file('anna', '112358') }
    const first = ['users', 'first', 'admin', '--name', 'A. Verdi', '--code-file', code]
    expect(await command(...first, '--pin-file', pins.admin)).toMatchObject({ code: 0 })
    const add = ['users', 'add', 'anna', '--name', 'Anna', '--role', 'qa', '--user', 'admin']
    const withPins = ['--pin-file', pins.admin, '--new-pin-file', pins.anna]
    expect(await command(...add, ...withPins)).toMatchObject({ code: 0 })

    site.write(configured(port, 26))
    agent.child.kill('SIGHUP')
    await expect
      .poll(async () => (await json('config', 'show'))['candidate'], { timeout: 10_000 })
      .toBeDefined()
    const shown = await json('config', 'show')
    const old = shown['hash']
    const candidate = shown['candidate'] as {
      hash: string
      changes: { key: string; second: boolean }[]
    }
    expect(candidate.changes).toMatchObject([
      { key: 'points.t-1.limits.actionHigh.atRest.value', from: 24, to: 26, second: true },
      { key: 'points.t-1.limits.actionHigh.inOperation.value', from: 24, to: 26, second: true },
    ])
    const signAs = (user: 'admin' | 'anna') =>
      command('config', 'approve', candidate.hash, '--user', user, '--pin-file', pins[user])
    expect(await signAs('admin')).toMatchObject({ code: 0 })
    expect(await signAs('admin')).toMatchObject({ code: 77 })

    await agent.stop()
    agent = await startAgent(site.config)
    expect(await json('status')).toMatchObject({
      config: { hash: old, pending: { hash: candidate.hash, signed: ['admin'] } },
    })
    expect(await signAs('anna')).toMatchObject({ code: 0 })
    expect(await json('status')).toMatchObject({ config: { hash: candidate.hash } })

    await agent.stop()
    agent = await startAgent(site.config)
    expect((await json('config', 'show'))['candidate']).toBeUndefined()
    const { text } = await command('audit', '--type', 'config', 'act')
    expect(text).toMatch(/config\.accepted {2}A\. Verdi \(admin, .*\) and Anna \(anna, qa, local\)/)
    expect(text).toContain('points.t-1.limits.actionHigh.inOperation.value  24 → 26')
    expect(text).toMatch(/act\.refused {2}A\. Verdi .*somebody else/)
    await agent.stop()
  })
})
