// From a drawn scenario to a configuration, through the real loader: the same YAML and profiles a site would write.
// Decides nothing that the scenario has not drawn.

import { readFileSync } from 'node:fs'
import type { Configuration } from '#config/configuration.ts'
import { formatFinding, loadConfiguration } from '#config/load.ts'
import { FIRST_REVISION, limitOf, type Revision } from './revision.ts'
import type { BusDraw, InstrumentDraw, PointDraw, Scenario } from './scenario.ts'
import { KINDS, TYPES } from './signal.ts'
import {
  COUNTER_BUS,
  COUNTER_PROFILE,
  COUNTER_ZONE,
  counterEntry,
  counterProfile,
} from './site-counter.ts'

export const FILE = '/simulated/site.yaml'
export const DATA_DIR = '/simulated/data'
export const CONSUMER = 'historian'

/** What was loaded before, by the text of the file: a change is undone now and then, and faulty files resemble each other. */
const loadedBefore = new WeakMap<Scenario, Map<string, ReturnType<typeof loadedOf>>>()

/** The configuration of a scenario. Throws with the loader's words when it is refused: the draw was then wrong. */
export function configurationOf(scenario: Scenario, revision = FIRST_REVISION): Configuration {
  const loaded = loadedOnce(scenario, siteFile(scenario, revision))
  if (loaded.ok) {
    // shorter than a file may say, since a run is short
    const keepMs = scenario.retention?.keepMs
    return { ...loaded.configuration, ...(keepMs !== undefined && { retentionMs: keepMs }) }
  }
  throw new Error(`seed ${scenario.seed}: ${loaded.findings.map(formatFinding).join('\n')}`)
}

/** What the loader makes of a file with a slip of the pen in it. */
export const faultyFile = (scenario: Scenario, revision: Revision) =>
  loadedOnce(scenario, siteFile(scenario, revision).replace('"onDelay":"', '"onDelay":"about '))

function loadedOnce(scenario: Scenario, text: string) {
  const before = loadedBefore.get(scenario) ?? new Map<string, ReturnType<typeof loadedOf>>()
  loadedBefore.set(scenario, before)
  const loaded = before.get(text) ?? loadedOf(scenario, text)
  before.set(text, loaded)
  return loaded
}

function loadedOf(scenario: Scenario, text: string) {
  const files = new Map<string, string>([[FILE, text]])
  for (const bus of scenario.buses) {
    for (const instrument of bus.instruments) {
      files.set(`/simulated/${instrument.id}.json`, JSON.stringify(profileOf(instrument)))
    }
  }
  if (scenario.counter !== undefined)
    files.set(
      `/simulated/${COUNTER_PROFILE.slice(2)}`,
      JSON.stringify(counterProfile(scenario.counter)),
    )
  const read = (path: string) => files.get(path) ?? readFileSync(path, 'utf8')
  return loadConfiguration(FILE, read, { origin: 'simulated' })
}

function siteFile({ buses, counter }: Scenario, revision: Revision): string {
  return JSON.stringify({
    site: { org: 'org', id: 'site', name: 'Simulated site', timezone: 'Europe/Rome' },
    gateway: { id: 'gw-01', dataDir: DATA_DIR },
    limitSet: 'annex1-2022',
    mqtt: {
      url: 'mqtt://127.0.0.1:1883',
      consumers: [CONSUMER],
      commands: true,
      ...(revision.live && { live: true }),
    },
    zones: [
      { id: 'room', name: 'Room', grade: 'C', occupancy: 'in_operation' },
      { id: 'outside', name: 'Outside', grade: 'D', occupancy: 'in_operation' },
      ...(counter === undefined ? [] : [COUNTER_ZONE]),
    ],
    buses: [...buses.map(busEntry), ...(counter === undefined ? [] : [COUNTER_BUS])],
    instruments: [
      ...buses.flatMap((bus) =>
        bus.instruments.map((each) => instrumentEntry(bus, each, revision)),
      ),
      ...(counter === undefined ? [] : [counterEntry(counter)]),
    ],
  })
}

const busEntry = (bus: BusDraw, index: number) => ({
  id: bus.id,
  protocol: bus.protocol,
  host: `10.0.0.${index + 1}`,
  port: bus.protocol === 'modbus-tcp' ? 502 : 4001,
})

const instrumentEntry = (
  bus: BusDraw,
  { id, unitId, points }: InstrumentDraw,
  revision: Revision,
) => ({
  id,
  profile: `./${id}.json`,
  bus: bus.id,
  unitId,
  points: points
    .filter((point) => !revision.removed.has(point.id))
    .map((point) => pointEntry(point, revision)),
})

function pointEntry(point: PointDraw, revision: Revision) {
  const inversion = limitOf(point, 'inversion', revision)
  return {
    id: point.id,
    signal: point.id.replaceAll('-', '_'),
    zone: 'room',
    ...(point.kind === 'pressure' && { against: 'outside' }),
    interval: `${point.intervalMs}ms`,
    ...(point.stuckAfterMs !== undefined && { stuckAfter: `${point.stuckAfterMs}ms` }),
    ...(point.reversed && { polarity: 'reversed' }),
    limits: {
      actionHigh: limitOf(point, 'actionHigh', revision),
      alertHigh: limitOf(point, 'alertHigh', revision),
      alertLow: limitOf(point, 'alertLow', revision),
      actionLow: limitOf(point, 'actionLow', revision),
      ...(inversion !== undefined && { inversion: true }),
      onDelay: `${point.onDelayMs}ms`,
      offDelay: `${point.offDelayMs}ms`,
      deadband: point.deadband,
      justification: 'SIM-001',
    },
  }
}

function profileOf({ id, points }: InstrumentDraw) {
  return {
    id: `p-${id}`,
    protocol: 'modbus',
    source: { document: 'simulated instrument', confirmedOnHardware: false },
    signals: points.map((point) => {
      const { quantity, unit, range } = KINDS[point.kind]
      const [low, high] = range
      const { scale, sentinels } = TYPES[point.type]
      return {
        name: point.id.replaceAll('-', '_'),
        quantity,
        unit,
        table: 'holding_register',
        address: point.address,
        type: point.type,
        byteOrder: point.type === 'i16' ? 'ABCD' : point.byteOrder,
        scale,
        range: point.reversed ? [-high, -low] : [low, high],
        invalid: point.type === 'f32' ? ['nan', ...sentinels] : [...sentinels],
      }
    }),
  }
}
