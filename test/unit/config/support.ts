// Configurations for tests: a sound one as plain data, changed as a case needs, loaded from memory.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { stringify } from 'yaml'
import type { Configuration, Finding, Loaded } from '#config/configuration.ts'
import { formatFinding, loadConfiguration } from '#config/load.ts'

export const EXAMPLES = path.resolve(import.meta.dirname, '../../../config/examples')

/** Where the configurations of tests pretend to lie. */
export const FILE = '/etc/cleanroom/config.yaml'

type Entry = Record<string, unknown>

export interface Plain {
  site: Entry
  gateway: Entry
  limitSet: unknown
  mqtt?: Entry
  zones: Entry[]
  buses: Entry[]
  instruments: (Entry & { points: Entry[] })[]
  [key: string]: unknown
}

/** A sound configuration: a cabinet with both sizes, its room with pressure, temperature. No findings at all. */
export const sound = (): Plain => ({
  site: { org: 'lombardia', id: 'milano-cf', name: 'Cell Factory', timezone: 'Europe/Rome' },
  gateway: { id: 'gw-01', dataDir: './data' },
  limitSet: 'annex1-2022',
  zones: [
    { id: 'bsc-1', name: 'Cabinet', grade: 'A', within: 'b101' },
    { id: 'b101', name: 'Filling', grade: 'B' },
    { id: 'c102', name: 'Preparation', grade: 'C' },
    { id: 'd103', name: 'Gowning', grade: 'D' },
  ],
  buses: [
    { id: 'net-1', protocol: 'modbus-tcp', host: '10.0.0.11' },
    { id: 'rs485-1', protocol: 'modbus-rtu', path: '/dev/serial/by-id/usb-FTDI_A1-if00-port0' },
    { id: 'conv-1', protocol: 'modbus-rtu-over-tcp', host: '10.0.0.12', port: 4001 },
  ],
  instruments: [
    {
      id: 'pc-1',
      profile: 'lighthouse-apex',
      bus: 'net-1',
      flow: 28.3,
      points: [
        { id: 'a-p05', signal: 'particles_0_5um', zone: 'bsc-1', limits: { alertHigh: 1500 } },
        {
          id: 'a-p5',
          signal: 'particles_5um',
          zone: 'bsc-1',
          limits: { alertHigh: 20 },
          rules: { consecutive: 2, xOfY: [5, 30], justification: 'CCS-014' },
        },
      ],
    },
    {
      id: 'dp-1',
      profile: 'ee600',
      bus: 'rs485-1',
      points: [
        {
          id: 'b-dp',
          signal: 'differential_pressure',
          zone: 'b101',
          against: 'c102',
          interval: '5s',
          critical: true,
          limits: { actionLow: 10, alertLow: 12.5, inversion: true },
        },
      ],
    },
    {
      id: 'th-1',
      profile: 'vaisala-hmp',
      bus: 'conv-1',
      points: [
        {
          id: 'b-t',
          signal: 'temperature',
          zone: 'b101',
          interval: '10s',
          limits: { alertHigh: 22, actionHigh: 24 },
        },
      ],
    },
  ],
})

/** Loads a text, or data printed as YAML, with further files from memory; profiles and limit sets come from the disk. */
export function load(
  configuration: string | Plain,
  files: Readonly<Record<string, string>> = {},
): Loaded {
  const text = typeof configuration === 'string' ? configuration : stringify(configuration)
  const memory: Readonly<Record<string, string>> = { [FILE]: text, ...files }
  return loadConfiguration(FILE, (file) => {
    const known = memory[file]
    if (known !== undefined) return known
    return readFileSync(file, 'utf8')
  })
}

/** Loads a sound configuration after a change. */
export function loadChanged(change: (plain: Plain) => void): Loaded {
  const plain = sound()
  change(plain)
  return load(plain)
}

/** The configuration, or a test failure that prints every finding. */
export function accepted(loaded: Loaded): Configuration {
  if (loaded.ok) return loaded.configuration
  throw new Error(loaded.findings.map(formatFinding).join('\n'))
}

export const keysOf = (findings: readonly Finding[], severity: Finding['severity']): string[] =>
  findings.filter((finding) => finding.severity === severity).map(({ key }) => key)

/** The instrument of a sound configuration by its position; a test that misspells it fails here. */
export function instrumentAt(plain: Plain, index: number): Entry & { points: Entry[] } {
  const instrument = plain.instruments[index]
  if (instrument === undefined) throw new Error(`no instrument ${index}`)
  return instrument
}

export function pointAt(plain: Plain, instrument: number, index: number): Entry {
  const point = instrumentAt(plain, instrument).points[index]
  if (point === undefined) throw new Error(`no point ${index}`)
  return point
}

/** Sets keys of the limits of a point. */
export function setLimits(point: Entry, limits: Entry): void {
  point['limits'] = { ...(point['limits'] as Entry | undefined), ...limits }
}
