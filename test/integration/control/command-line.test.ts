// The commands as people and scripts run them: real processes against a real socket, exit codes and streams.

import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '#ports/log.ts'
import { announceDemo } from '../../../agent/control/running-demo.ts'
import { systemClock } from '../../../agent/runtime/system-clock.ts'
import { openStore } from '../../../agent/store/sqlite-store.ts'
import { ALARM, type ControlAgent, STATUS, startControlAgent } from '../../support/control-agent.ts'

const MAIN = path.resolve(import.meta.dirname, '../../../agent/main.ts')
const OCC = ALARM.occ ?? ''

interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

let agent: ControlAgent
let pins: string

/** Runs the command line in a process of its own. */
function run(
  args: readonly string[],
  { input, env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [MAIN, ...args],
      { env: { PATH: process.env['PATH'] ?? '', TMPDIR: pins, ...env } },
      (fault, out, err) => {
        const code = fault === null ? 0 : typeof fault.code === 'number' ? fault.code : -1
        resolve({ code, out, err })
      },
    )
    child.stdin?.end(input ?? '')
  })
}

const pinFile = (name: string, pin: string): string => {
  const file = path.join(pins, name)
  writeFileSync(file, `${pin}\n`, { mode: 0o600 })
  return file
}

const here = (): string[] => ['--data', agent.dataDir]
const asJdoe = (pin = '471100'): string[] => ['--user', 'jdoe', '--pin-file', pinFile('jdoe', pin)]

beforeEach(async () => {
  pins = mkdtempSync(path.join(tmpdir(), 'pins-'))
  agent = await startControlAgent()
  const person = { user: 'jdoe', fullName: 'J. Doe', role: 'technician', pin: '471100' } as const
  await agent.people.add(person, { kind: 'box', osUser: 'root' }, { wall: 0, mono: 0 })
})
afterEach(async () => {
  await agent.stop()
  rmSync(pins, { recursive: true, force: true })
})

describe('status and alarms', () => {
  it('print words for people and one document for scripts, without colour in a pipe', async () => {
    const words = await run(['status', ...here()])
    expect(words).toMatchObject({ code: 0, err: '' })
    expect(words.out).toContain('Cell Factory Milano')
    expect(words.out).not.toContain('\u001b')
    const json = await run(['status', ...here(), '--json'])
    expect(JSON.parse(json.out)).toEqual(STATUS)
    const alarms = await run(['alarms', ...here(), '--json'])
    expect(JSON.parse(alarms.out)).toMatchObject({ alarms: [ALARM] })
  })

  it('colour where it is asked for, unless NO_COLOR says no', async () => {
    const coloured = await run(['alarms', ...here()], { env: { FORCE_COLOR: '1' } })
    expect(coloured.out).toContain('\u001b[')
    const plain = await run(['alarms', ...here()], { env: { NO_COLOR: '1' } })
    expect(plain.out).not.toContain('\u001b')
  })

  it('--all shows also what is normal', async () => {
    agent.alarms = [{ ...ALARM, state: 'normal', occ: null }]
    expect((await run(['alarms', ...here()])).out).toMatch(/^No alarms\. Last reading/)
    expect((await run(['alarms', ...here(), '--all'])).out).toContain(ALARM.alarm)
  })

  it('find the agent by socket, by configuration, by the environment, and a running demo', async () => {
    const config = path.join(pins, 'plant.yaml')
    writeFileSync(config, `gateway: { id: gw, dataDir: ${agent.dataDir} }\n`)
    const found = [
      await run(['status', '--socket', agent.server.path]),
      await run(['status', '--config', config]),
      await run(['status'], { env: { CLEANROOM_AGENT_CONFIG: config } }),
    ]
    const takeBack = announceDemo({ dataDir: agent.dataDir, pid: process.pid }, pins)
    found.push(await run(['status']))
    takeBack()
    expect(found.map(({ code }) => code)).toEqual([0, 0, 0, 0])
    expect(await run(['status'])).toMatchObject({ code: 69, out: '' })
  })

  it('say how to start an agent that does not answer, 69', async () => {
    const config = path.join(pins, 'plant.yaml')
    writeFileSync(config, 'gateway: { id: gw, dataDir: ./none }\n')
    const outcome = await run(['alarms', '--config', config])
    expect(outcome).toMatchObject({ code: 69, out: '' })
    expect(outcome.err).toContain(`start it with: cleanroom-agent run --config ${config}`)
  })
})

describe('acts', () => {
  it('URS-32 acknowledge with PIN file and reason, and say what happened', async () => {
    const args = [
      'ack',
      OCC,
      ...here(),
      ...asJdoe(),
      '--reason',
      'door_opened',
      '--comment',
      'held open',
    ]
    const outcome = await run([...args, '--rev', '2'])
    expect(outcome).toEqual({
      code: 0,
      out: `acknowledged ${ALARM.alarm}, occurrence ${OCC}\n`,
      err: '',
    })
    expect(agent.acts).toMatchObject([
      {
        kind: 'ack',
        occ: OCC,
        rev: 2,
        reason: 'door_opened',
        comment: 'held open',
        actor: { user: 'jdoe' },
      },
    ])
    const json = await run([...args, '--json'])
    expect(JSON.parse(json.out)).toMatchObject({ ok: true, code: 'acknowledged', occ: OCC })
  })

  it('take the PIN from stdin', async () => {
    const args = ['reset', OCC, ...here(), '--user', 'jdoe', '--pin-file', '-']
    const outcome = await run(args, { input: '471100\n' })
    expect(outcome).toMatchObject({ code: 0, out: `reset ${ALARM.alarm}, occurrence ${OCC}\n` })
  })

  it('set an occupancy', async () => {
    const outcome = await run(['occupancy', 'b101', 'in_operation', ...here(), ...asJdoe()])
    expect(outcome).toMatchObject({ code: 0, out: 'b101 is in_operation from now on\n' })
    agent.reply = () => ({ ok: true, code: 'done', detail: 'it is in clean_up first' })
    const later = await run(['occupancy', 'b101', 'at_rest', ...here(), ...asJdoe()])
    expect(later.out).toBe('b101 is not at_rest yet: it is in clean_up first\n')
  })

  it.each([
    ['already_acknowledged', 1, /acknowledged already/],
    ['stale_revision', 1, /got worse/],
    ['unknown_occurrence', 1, /no such open occurrence/],
    ['invalid', 1, /cannot be done like this/],
    ['not_authorised', 77, /not permitted/],
    ['store_failed', 74, /did not happen/],
    ['clock_unsynchronised', 75, /clock/],
  ] as const)(
    'URS-33 refused with %s end with %i and words on stderr',
    async (code, exit, words) => {
      agent.reply = () => ({ ok: false, code })
      const args = ['ack', OCC, ...here(), ...asJdoe(), '--reason', 'other']
      const outcome = await run(args)
      expect(outcome).toMatchObject({ code: exit, out: '' })
      expect(outcome.err).toMatch(words)
      expect(outcome.err).toContain(`(${code})`)
      const json = await run([...args, '--json'])
      expect(json.code).toBe(exit)
      expect(JSON.parse(json.out)).toMatchObject({ ok: false, code })
    },
  )

  it('say what the agent says where it has words of its own', async () => {
    agent.reply = () => ({ ok: false, code: 'invalid', detail: 'an action alarm needs a comment' })
    const outcome = await run(['ack', OCC, ...here(), ...asJdoe(), '--reason', 'other'])
    expect(outcome.err).toBe(`ack ${OCC} refused (invalid): an action alarm needs a comment\n`)
  })

  it('URS-33 end with 77 on a wrong PIN, and do nothing', async () => {
    const outcome = await run(['ack', OCC, ...here(), ...asJdoe('000000'), '--reason', 'other'])
    expect(outcome).toMatchObject({ code: 77, out: '' })
    expect(outcome.err).toMatch(/user and PIN do not go together/)
    expect(agent.acts).toEqual([])
  })

  it('tell without a terminal how to give the PIN, 64', async () => {
    const outcome = await run(['ack', OCC, ...here(), '--user', 'jdoe', '--reason', 'other'])
    expect(outcome).toMatchObject({ code: 64, out: '' })
    expect(outcome.err).toMatch(/--pin-file FILE or -/)
  })
})

describe('users', () => {
  const newcomer = ['users', 'add', 'mrossi', '--name', 'M. Rossi', '--role', 'qa']

  it('URS-50 add by the box, list, and refuse the name again', async () => {
    const args = [...newcomer, ...here(), '--pin-file', pinFile('new', '815815')]
    expect(await run(args)).toEqual({ code: 0, out: 'added mrossi (M. Rossi), qa\n', err: '' })
    expect((await run(['users', 'list', ...here()])).out).toMatch(/mrossi +M\. Rossi +qa +active/)
    expect(await run(args)).toMatchObject({ code: 1, out: '' })
  })

  it('URS-50 add by an administrator with two PIN files', async () => {
    const admin = { user: 'admin', fullName: 'A', role: 'administrator', pin: '123321' } as const
    await agent.people.add(admin, { kind: 'box', osUser: 'root' }, { wall: 0, mono: 0 })
    const args = [
      ...newcomer,
      ...here(),
      '--user',
      'admin',
      '--pin-file',
      pinFile('admin', '123321'),
    ]
    const outcome = await run([...args, '--new-pin-file', '-'], { input: '815815\n' })
    expect(outcome).toMatchObject({ code: 0 })
    expect(agent.journal.typed('user.added').at(-1)).toMatchObject({ actor: { user: 'admin' } })
  })

  it.each([
    ['a technician', 77, ['--user', 'jdoe', '--pin-file', '@jdoe', '--new-pin-file', '@new']],
    ['a short PIN', 65, ['--pin-file', '@short']],
    ['no PIN file', 64, []],
    [
      'both PIN files without an administrator',
      64,
      ['--pin-file', '@new', '--new-pin-file', '@new'],
    ],
    ['stdin for both', 64, ['--user', 'jdoe', '--pin-file', '-', '--new-pin-file', '-']],
    ['a missing key file', 74, ['--pin-file', '@new', '--public-key', '@none.pem']],
    ['a key that is none', 65, ['--pin-file', '@new', '--public-key', '@new']],
  ])('refuse %s with %i', async (_, code, args) => {
    pinFile('jdoe', '471100')
    pinFile('new', '815815')
    pinFile('short', '12')
    const files = args.map((arg) => arg.replace(/^@/, `${pins}/`))
    expect(await run([...newcomer, ...here(), ...files])).toMatchObject({ code, out: '' })
    expect(agent.people.find('mrossi')).toBeUndefined()
  })
})

describe('users add while no agent runs', () => {
  const newcomer = ['users', 'add', 'mrossi', '--name', 'M. Rossi', '--role', 'qa']
  const clock = systemClock()
  const open = (dataDir: string) =>
    openStore({
      dataDir,
      origin: 'simulated',
      log: silentLog,
      wall: () => clock.now().wall,
      newEpoch: () => '01JD3Z8Q5K0000000000000000',
    })

  let dataDir: string
  beforeEach(() => {
    dataDir = path.join(pins, 'data')
    mkdirSync(dataDir)
  })

  const add = (...more: string[]): Promise<Outcome> =>
    run([...newcomer, '--data', dataDir, '--pin-file', pinFile('new', '815815'), ...more])

  it('URS-50 writes one event with the person into the store, and leaves its clock of the last run alone', async () => {
    const before = await open(dataDir)
    const lastCommit = { at: { wall: 1_763_806_500_000, mono: 777.5 }, bootId: 'boot-x' }
    const event = { type: 'system.started', ts: 1_763_806_500_000, body: {} }
    const records = [{ kind: 'event' as const, event }]
    await before.commit({
      ...lastCommit,
      tb: 0,
      first: 1,
      records,
      state: [{ key: 'run', value: '{"clean":false}' }],
    })
    await before.close()

    expect(await add()).toEqual({ code: 0, out: 'added mrossi (M. Rossi), qa\n', err: '' })
    expect(await add()).toMatchObject({ code: 1 })

    const after = await open(dataDir)
    expect(after.recovered.head.seq).toBe(2)
    expect(after.recovered.lastCommit).toEqual(lastCommit)
    expect(after.recovered.state.get('run')).toBe('{"clean":false}')
    expect(JSON.parse(after.recovered.state.get('user/mrossi') ?? '')).toMatchObject({ role: 'qa' })
    const batches = await after.batches({ stream: 'event', after: 1, batches: 5 })
    expect(JSON.parse(batches[0]?.records[0] ?? '')).toMatchObject({
      seq: 2,
      type: 'user.added',
      user: 'mrossi',
      box: { via: 'local' },
    })
    await after.close()
  })

  it('URS-50 asks an administrator for the PIN also there, and records a wrong one', async () => {
    await (await open(dataDir)).close()
    expect(await add()).toMatchObject({ code: 0 })
    const args = [
      'users',
      'add',
      'x',
      '--name',
      'X',
      '--role',
      'qa',
      '--data',
      dataDir,
      '--user',
      'mrossi',
    ]
    const files = ['--new-pin-file', pinFile('x', '815816'), '--pin-file']
    expect(await run([...args, ...files, pinFile('wrong', '000000')])).toMatchObject({ code: 77 })
    expect(await run([...args, ...files, pinFile('right', '815815')])).toMatchObject({
      code: 77,
      err: expect.stringMatching(/mrossi is qa; people are added by an administrator/),
    })
    const store = await open(dataDir)
    const batches = await store.batches({ stream: 'event', after: 0, batches: 9 })
    const types = batches.flatMap(({ records }) => records.map((text) => JSON.parse(text).type))
    expect(types).toEqual(['user.added', 'access.login_failed', 'access.login'])
    await store.close()
  })

  it('URS-50 commits one after the other where a log-in and an addition are both recorded', async () => {
    await (await open(dataDir)).close()
    const pin = ['--pin-file', pinFile('admin', '123321')]
    const person = (user: string, role: string): string[] => [
      ...['users', 'add', user, '--name', user, '--role', role, '--data', dataDir],
    ]
    expect(await run([...person('admin', 'administrator'), ...pin])).toMatchObject({ code: 0 })
    const by = [
      ...person('second', 'qa'),
      '--user',
      'admin',
      '--new-pin-file',
      pinFile('n', '815815'),
    ]
    const wrong = ['--pin-file', pinFile('wrong', '000000')]
    expect(await run([...by, ...wrong])).toMatchObject({ code: 77 })
    expect(await run([...by, ...pin])).toMatchObject({ code: 0 })
    const store = await open(dataDir)
    expect(store.recovered.head.seq).toBe(4)
    // Nothing ran here yet, so the first start finds nothing that stopped uncleanly.
    expect(store.recovered.state.get('run')).toBe('{"clean":true}')
    await store.close()
  })

  it('ends with 75 while another instance holds the store', async () => {
    const store = await open(dataDir)
    expect(await add()).toMatchObject({ code: 75, out: '' })
    await store.close()
    expect(await add()).toMatchObject({ code: 0 })
  })

  it('begins no store that nobody configured, 69', async () => {
    const outcome = await add()
    expect(outcome).toMatchObject({ code: 69 })
    expect(outcome.err).toMatch(/no agent ever ran in/)
  })

  it.skipIf(process.getuid?.() !== 0)(
    'writes nothing as somebody else than the owner, 77',
    async () => {
      await (await open(dataDir)).close()
      const { chownSync } = await import('node:fs')
      chownSync(dataDir, 65_534, 65_534)
      expect(await add()).toMatchObject({
        code: 77,
        err: expect.stringMatching(/belongs to user id 65534/),
      })
    },
  )
})

describe('version', () => {
  it('is that of package.json', async () => {
    const text = readFileSync(path.resolve(MAIN, '../../package.json'), 'utf8')
    const { version } = JSON.parse(text) as { version: string }
    expect((await run(['--version'])).out).toBe(`${version}\n`)
    expect(JSON.parse((await run(['version', '--json'])).out)).toMatchObject({ agent: version })
  })
})
