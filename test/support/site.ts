// A small site on disk for whole-agent tests: one profile of floats, one configuration file, one data directory.

import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { stringify } from 'yaml'
import { temporaryDirectory } from './processes.ts'

export interface SitePoint {
  readonly id: string
  /** Signal `s0`, `s1` … of the test profile: an f32 at input register 2 × number. */
  readonly signal: string
  readonly interval: string
  readonly zone?: string
  readonly limits?: Readonly<Record<string, unknown>>
  readonly critical?: boolean
}

export interface SiteInstrument {
  readonly id: string
  readonly bus: string
  readonly unitId: number
  readonly points: readonly SitePoint[]
}

export interface SiteSpec {
  readonly origin?: 'simulated'
  readonly brokerUrl?: string
  readonly buses: readonly {
    readonly id: string
    readonly port: number
    /** `modbus-tcp` where none is given. */
    readonly protocol?: 'modbus-tcp' | 'modbus-rtu-over-tcp'
    readonly timeout?: string
    readonly retries?: number
    readonly lateReply?: string
  }[]
  readonly instruments: readonly SiteInstrument[]
  readonly consumers?: readonly string[]
}

export const SIGNALS = 64

/** Register address of a signal of the test profile. */
export const addressOf = (signal: string): number => Number(signal.slice(1)) * 2

function profile(quantity: string, unit: string): string {
  const signals = Array.from({ length: SIGNALS }, (_, index) => ({
    name: `s${index}`,
    quantity,
    unit,
    table: 'input_register',
    address: index * 2,
    type: 'f32',
  }))
  return JSON.stringify({
    id: `test-${quantity.replaceAll('_', '-')}`,
    protocol: 'modbus',
    source: { document: 'test' },
    signals,
  })
}

/** The configuration as data, to be changed by a test before it is written. */
export function siteConfiguration(spec: SiteSpec): Record<string, unknown> {
  return {
    site: { org: 'org', id: 'site', name: 'Test site', timezone: 'Europe/Rome' },
    gateway: { id: 'gw-01', dataDir: './data', ...(spec.origin && { origin: spec.origin }) },
    limitSet: 'annex1-2022',
    ...(spec.brokerUrl !== undefined && {
      mqtt: {
        url: spec.brokerUrl,
        ...(spec.consumers !== undefined && { consumers: spec.consumers }),
      },
    }),
    zones: [
      { id: 'room-b', name: 'Filling room', grade: 'B', occupancy: 'in_operation' },
      { id: 'room-c', name: 'Preparation', grade: 'C', occupancy: 'in_operation' },
    ],
    buses: spec.buses.map((bus) => ({ protocol: 'modbus-tcp', host: '127.0.0.1', ...bus })),
    instruments: spec.instruments.map(({ id, bus, unitId, points }) => ({
      id,
      bus,
      unitId,
      profile: './temperature.json',
      points: points.map(({ zone = 'room-b', ...point }) => ({ ...point, zone })),
    })),
  }
}

export interface Site {
  readonly directory: string
  readonly config: string
  readonly dataDir: string
  write(configuration: unknown): void
}

/** Writes the site into a new temporary directory. */
export function writeSite(spec: SiteSpec): Site {
  const directory = temporaryDirectory('cleanroom-site')
  writeFileSync(path.join(directory, 'temperature.json'), profile('temperature', '°C'))
  const config = path.join(directory, 'config.yaml')
  const write = (configuration: unknown) => writeFileSync(config, stringify(configuration))
  write(siteConfiguration(spec))
  return { directory, config, dataDir: path.join(directory, 'data'), write }
}
