// The serial part of the bench: how near the driver comes to what a line of 19200 8N1 can carry at all, and whether it kept the
// silent interval, counted at the far end of a pseudo-terminal. The wire limit of a request is its bytes and those of the
// reply × the time of a character + 2 × t3.5; the instrument answers at once.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { seededRandom } from '#core/random.ts'
import type { InstrumentSettings, SignalSpec } from '#drivers/profile.ts'
import { openDriver } from '#drivers/registry.ts'
import { silentLog } from '#ports/log.ts'
import { systemClock } from '../agent/runtime/system-clock.ts'
import { startProcess, stopProcess } from './rig.ts'

const BAUD_RATE = 19_200
const CHARACTER_MS = (10 * 1000) / BAUD_RATE
/** 3.5 characters as they are on this line (10 bits). */
const SILENT_MS = 3.5 * CHARACTER_MS
const REQUEST_BYTES = 8
const REPLY_BYTES = 5

interface Counts {
  readonly requests: number
  readonly silentIntervalViolations: number
  readonly lateMs: number
}

export interface SerialResult {
  readonly registers: number
  readonly polls: number
  readonly bad: number
  /** Share of the wire limit over the whole run, 1 = as fast as the line can be. */
  readonly share: number
  /** The same of the middle poll: what other work of the machine does to some polls is left out. */
  readonly medianShare: number
  /** Share of the run by which the simulated line was late with its own bytes: lost by the bench, not by the driver. */
  readonly lineLate: number
  readonly violations: number
  /** Share of one processor that the polling process used. */
  readonly cpu: number
}

/** Whether the line can be made on this machine. */
export const canMakeLines = (): boolean => spawnSync('socat', ['-V']).status === 0

/** Time the line needs for a read of so many registers. */
export const wireLimitMs = (registers: number): number =>
  (REQUEST_BYTES + REPLY_BYTES + 2 * registers) * CHARACTER_MS + 2 * SILENT_MS

/** Polls one instrument as fast as it goes, for each read length so long. */
export async function measureSerial(
  lengths: readonly number[],
  seconds: number,
): Promise<SerialResult[]> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'bench-line-'))
  const port = path.join(directory, 'line')
  // socat makes the pseudo-terminal and turns into the line (nofork): no process passes the bytes on.
  const line = startProcess('socat', [
    `PTY,link=${port},raw,echo=0,mode=600`,
    `EXEC:${process.execPath} bench/serial-line.ts ${port},nofork`,
  ])
  const counts = async (): Promise<Counts> => {
    const next = line.next(/"requests"/)
    line.child.kill('SIGUSR2')
    return JSON.parse(await next) as Counts
  }
  const results: SerialResult[] = []
  try {
    await line.next(/ready/)
    for (const registers of lengths) {
      results.push(await measureLength(registers, { port, seconds, counts }))
    }
  } finally {
    await stopProcess(line)
    rmSync(directory, { recursive: true, force: true })
  }
  return results
}

interface Run {
  readonly port: string
  readonly seconds: number
  readonly counts: () => Promise<Counts>
}

const WARM_UP_POLLS = 20

async function measureLength(registers: number, run: Run): Promise<SerialResult> {
  const instrument = instrumentOf(registers)
  const clock = systemClock()
  const driver = openDriver({
    bus: {
      id: 'bench',
      protocol: 'modbus-rtu',
      path: run.port,
      baudRate: BAUD_RATE,
      dataBits: 8,
      parity: 'none',
      stopBits: 1,
      turnaroundMs: 0,
      timeoutMs: 1000,
      retries: 0,
      lateReplyMs: 100,
    },
    instruments: [instrument],
    clock,
    random: seededRandom(1),
    log: silentLog,
  })
  const signals = instrument.profile.signals.map(({ name }) => name)
  const poll = async (): Promise<boolean> => {
    const reply = await driver.poll({ instrument: instrument.id, signals, probe: false })
    return reply.signals.every(({ result }) => result.kind === 'value')
  }
  for (let count = 0; count < WARM_UP_POLLS; count++) await poll()
  const before = await run.counts()
  const cpu = process.cpuUsage()
  const started = clock.now().mono
  let polls = 0
  let bad = 0
  const tookEach: number[] = []
  for (let from = started; from - started < run.seconds * 1000; polls++) {
    if (!(await poll())) bad++
    const now = clock.now().mono
    tookEach.push(now - from)
    from = now
  }
  const tookMs = clock.now().mono - started
  const used = process.cpuUsage(cpu)
  await driver.close()
  const after = await run.counts()
  return {
    registers,
    polls,
    bad,
    medianShare: wireLimitMs(registers) / median(tookEach),
    share: (polls * wireLimitMs(registers)) / tookMs,
    lineLate: (after.lateMs - before.lateMs) / tookMs,
    violations: after.silentIntervalViolations - before.silentIntervalViolations,
    cpu: (used.user + used.system) / 1000 / tookMs,
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN

function instrumentOf(registers: number): InstrumentSettings {
  const signals = Array.from(
    { length: registers },
    (_, address): SignalSpec => ({
      name: `r${address}`,
      quantity: 'count',
      unit: '1',
      table: 'holding_register',
      address,
      type: 'u16',
      byteOrder: 'ABCD',
      scale: 1,
      offset: 0,
      invalid: [],
    }),
  )
  return {
    id: 'unit-1',
    bus: 'bench',
    unitId: 1,
    profile: {
      id: 'bench',
      protocol: 'modbus',
      source: { document: 'bench', confirmedOnHardware: false },
      limits: { maxRegistersPerRead: 125, maxGap: 0, turnaroundMs: 0 },
      signals,
      status: [],
    },
  }
}
