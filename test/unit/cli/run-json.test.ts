// `run --json` and `demo --json`: one document a line on standard output, and nothing of the words.

import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { demoScreen } from '../../../agent/cli/demo-screen.ts'
import { run } from '../../../agent/cli/run.ts'
import { PLANT } from '../../support/core-plant.ts'
import { removeDirectory, temporaryDirectory } from '../../support/processes.ts'
import { spoken } from '../../support/spoken.ts'

const directory = temporaryDirectory('run-json')
afterAll(() => removeDirectory(directory))

describe('URS-60 demo --json', () => {
  it('says everything in documents that name it simulated, and only alarms of the events', () => {
    const { output, data: lines } = spoken()
    const screen = demoScreen(true, output)
    screen.opening(PLANT, {
      brokerUrl: 'mqtt://127.0.0.1:1883',
      dataDir: '/d',
      buses: [],
      people: [],
    })
    screen.event({ type: 'alarm.activated', ts: 5, body: { alarm: 'a' } } as never, PLANT)
    screen.event({ type: 'occupancy.changed', ts: 6, body: {} } as never, PLANT)
    const reading = { point: 'p', t: 7, q: 'bad', qc: 'timeout', raw: Uint8Array.of(1) } as never
    screen.pulse(8, PLANT, (point) => (point === PLANT.points[0]?.id ? reading : undefined), 2)
    screen.ending()
    const documents = lines()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(documents.map(({ event, origin }) => `${event} ${origin}`)).toEqual([
      'running simulated',
      'alarm simulated',
      'pulse simulated',
      'ended simulated',
    ])
    expect(documents[2]?.['points']).toContainEqual({
      p: PLANT.points[0]?.id,
      t: 7,
      q: 'bad',
      qc: 'timeout',
    })
    expect(documents[2]?.['points']).toHaveLength(PLANT.points.length)
  })
})

describe('URS-60 run --json', () => {
  it('says why it does not start: a document for each finding, and one for the refusal', async () => {
    const config = path.join(directory, 'plant.yaml')
    writeFileSync(config, 'site: { org: a }\n')
    const said = spoken()
    expect(await run({ config, json: true }, said.output)).toBe(78)
    const documents = said
      .data()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; code?: number })
    expect(documents.length).toBeGreaterThan(1)
    expect(documents.slice(0, -1).every(({ event }) => event === 'finding')).toBe(true)
    expect(documents.at(-1)).toMatchObject({ event: 'refused', file: config, code: 78 })
    expect(said.talk()).toBe('')
  })
})
