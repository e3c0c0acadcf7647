// `simulate` as a process: what it says, that it is there, how it ends, and every refusal in words with its exit code.

import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { CommandError } from '../../../agent/cli/exit-code.ts'
import type { Style } from '../../../agent/cli/output.ts'
import { type SimulateOptions, simulate } from '../../../agent/cli/simulate.ts'
import {
  freePort,
  type Running,
  removeDirectory,
  root,
  start,
  temporaryDirectory,
} from '../../support/processes.ts'
import { RawClient } from './raw-client.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

function file(name: string, text: string): string {
  const directory = temporaryDirectory('simulate')
  undo.push(() => removeDirectory(directory))
  const at = path.join(directory, name)
  writeFileSync(at, text)
  return at
}

const configuration = (port: number, host = '127.0.0.1', profile = 'ee600'): string => `
site: { org: test, id: site, name: Test, timezone: UTC }
gateway: { id: gw-1, dataDir: ./data }
limitSet: annex1-2022
zones:
  - { id: b101, name: Room, grade: B, occupancy: at_rest }
  - { id: c102, name: Next, grade: C, occupancy: at_rest }
buses:
  - { id: net-1, protocol: modbus-tcp, host: ${host}, port: ${port} }
instruments:
  - id: dp-1
    profile: ${profile}
    bus: net-1
    unitId: 43
    serial: "E4711"
    points:
      - { id: dp, signal: differential_pressure, zone: b101, against: c102, interval: 5s }
`

function running(...args: string[]): Running {
  const started = start(path.join(root, 'node_modules/.bin/node'), [
    'agent/main.ts',
    'simulate',
    ...args,
  ])
  undo.push(() => started.stop('SIGKILL'))
  return started
}

describe('simulate', () => {
  it('URS-64 serves the instruments of a configuration, says what happens, and ends on Ctrl-C with 0', async () => {
    const port = await freePort()
    const script = file('script.txt', 'say It begins.\n+1s pressure b101 -10Pa for 60s\n')
    const config = file('site.yaml', configuration(port))
    const site = running('--config', config, '--script', script, '--seed', '7')
    await site.line(/net-1 +127\.0\.0\.1:\d+ +dp-1 \(unit 43, ee600\)/)
    await site.line(/simulated values only; seed 7, plant speed 1/)
    await site.line(/00:00:00 +It begins\./)
    await site.line(/00:00:01 +pressure b101 -10Pa for 60s/)
    const raw = await RawClient.connect(port)
    undo.push(() => raw.close())
    raw.send('0001 0000 0006 2B 04 0000 0008')
    expect((await raw.frame()).toString('latin1')).toContain('E4711')
    expect(await site.stop('SIGINT')).toBe(0)
  })

  it('makes an instrument without a simulator from its profile, draws a seed, and ends on SIGTERM with 0', async () => {
    const port = await freePort()
    const profile = file('own.json', OWN_PROFILE)
    const site = running('--config', file('site.yaml', configuration(port, '127.0.0.1', profile)))
    await site.line(
      /no simulator of "own-dp"; simulated from its own profile, which proves nothing/,
    )
    await site.line(/seed \d+, plant speed 1/)
    const raw = await RawClient.connect(port)
    undo.push(() => raw.close())
    raw.send('0001 0000 0006 2B 03 0007 0001')
    const tenths = (await raw.frame()).readInt16BE(9)
    expect(tenths).toBeGreaterThan(130)
    expect(tenths).toBeLessThan(170)
    expect(await site.stop('SIGTERM')).toBe(0)
  })

  it('refuses in words: a port in use, a host that is not this machine, a bad script, names that are not there', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    undo.push(() => new Promise<void>((resolve) => taken.close(() => resolve())))
    const address = taken.address()
    const used = typeof address === 'object' && address !== null ? address.port : 0
    const port = await freePort()
    const good = file('site.yaml', configuration(port))
    const rows: [Partial<SimulateOptions> & { config: string }, RegExp, number][] = [
      [
        { config: file('a.yaml', configuration(used)) },
        /"net-1" cannot listen on 127\.0\.0\.1:\d+: the port is in use/,
        74,
      ],
      [
        { config: file('b.yaml', configuration(port, '10.1.2.3')) },
        /"net-1": 10\.1\.2\.3 is not this machine/,
        78,
      ],
      [
        { config: good, script: file('c.txt', '\n+1s dor b101 open 1s') },
        /c\.txt:2 +"dor" is no event/,
        65,
      ],
      [
        { config: good, script: file('d.txt', 'door attic open 1s') },
        /there is no zone "attic" for "door"/,
        78,
      ],
      [{ config: good, script: '/nowhere/e.txt' }, /the script cannot be read/, 65],
      [{ config: good, speed: 100_000 }, /speed 100000 is not between/, 78],
      [
        { config: file('f.yaml', 'site: {}') },
        /cannot be simulated; mend what is listed above/,
        78,
      ],
    ]
    const listeners = process.listenerCount('SIGTERM')
    for (const [options, words, code] of rows) {
      const said: string[] = []
      const output = {
        data: (text: string) => said.push(text),
        talk: (text: string) => said.push(text),
        style: (_: Style, text: string) => text,
      }
      const error: unknown = await simulate({ speed: 1, ...options }, output).catch(
        (thrown: unknown) => thrown,
      )
      if (!(error instanceof CommandError)) throw new Error(`no refusal: ${words.source}`)
      expect(`${said.join('\n')}\n${error.message}`).toMatch(words)
      expect(error.exitCode).toBe(code)
    }
    expect(process.listenerCount('SIGTERM')).toBe(listeners)
  })
})

const OWN_PROFILE = JSON.stringify({
  id: 'own-dp',
  protocol: 'modbus',
  source: { document: 'made up for a test' },
  signals: [
    {
      name: 'differential_pressure',
      quantity: 'differential_pressure',
      unit: 'Pa',
      table: 'holding_register',
      address: 7,
      type: 'i16',
      scale: 0.1,
    },
  ],
})
