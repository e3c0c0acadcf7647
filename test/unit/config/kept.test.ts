// An accepted configuration read again from what was kept of it, wherever the installation lies by then.

import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { SourceFile } from '#config/configuration.ts'
import { loadKept } from '#config/kept.ts'
import { loadConfiguration } from '#config/load.ts'
import { accepted, EXAMPLES } from './support.ts'

const FILE = path.join(EXAMPLES, 'contract.yaml')
const running = accepted(loadConfiguration(FILE))
const kept = { file: FILE, sources: running.sources }

/** As another version of the agent, installed elsewhere, would have kept it. */
const elsewhere = (sources: readonly SourceFile[]): SourceFile[] =>
  sources.map((source) => ({
    ...source,
    path: source.path.replace(path.resolve(EXAMPLES, '../..'), '/opt/agent-0.0.9'),
  }))

describe('URS-54 URS-68 the accepted configuration', () => {
  it('is the same to the byte from what was kept of it', () => {
    const again = accepted(loadKept(kept))
    expect(again.plant).toEqual(running.plant)
    expect(again.dataDir).toBe(running.dataDir)
  })

  it('does not read the profiles that come with the agent, which an upgrade may have changed', () => {
    const changed = kept.sources.map((source) =>
      source.builtIn === 'profiles/ee600.json'
        ? { ...source, text: source.text.replace('"CDAB"', '"ABCD"') }
        : source,
    )
    const again = accepted(loadKept({ ...kept, sources: changed }))
    const orderOf = ({ instruments }: typeof running) =>
      instruments.find(({ id }) => id === 'dp-b101')?.profile.signals[0]?.byteOrder
    expect([orderOf(running), orderOf(again)]).toEqual(['CDAB', 'ABCD'])
  })

  it('is found again when the installation was kept at another place', () => {
    const file = FILE.replace(path.resolve(EXAMPLES, '../..'), '/opt/agent-0.0.9')
    const moved = { file, sources: elsewhere(running.sources) }
    expect(accepted(loadKept(moved)).plant).toEqual(running.plant)
    const here = accepted(loadKept(moved, FILE))
    expect(here.plant.hash).toBe(running.plant.hash)
    expect(here.dataDir).toBe(running.dataDir)
  })

  it('reads nothing that was not kept', () => {
    const without = kept.sources.filter(({ builtIn }) => builtIn !== 'profiles/ee600.json')
    expect(loadKept({ ...kept, sources: without }).ok).toBe(false)
  })
})
