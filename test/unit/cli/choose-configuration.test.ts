// What a start runs on when its file has faults: the accepted configuration as it was accepted, or nothing.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { chooseConfiguration } from '../../../agent/cli/choose-configuration.ts'
import { writeAccepted } from '../../../agent/runtime/accepted.ts'

const CONTRACT = path.resolve(import.meta.dirname, '../../../config/examples/contract.yaml')
const directory = mkdtempSync(path.join(tmpdir(), 'choose-'))
const file = path.join(directory, 'config.yaml')
const kept = path.join(directory, 'data/accepted.json')
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** A valid file that was accepted, and is no longer valid. */
function lifeBefore(): void {
  const text = readFileSync(CONTRACT, 'utf8')
  rmSync(directory, { recursive: true, force: true })
  writeAccepted(path.join(directory, 'data'), { hash: '', acceptedAt: 0, file, sources: [] })
  writeFileSync(file, text)
  const chosen = chooseConfiguration(file)
  if (chosen.kind !== 'file') throw new Error('the example is valid')
  const { plant, sources, dataDir } = chosen.configuration
  writeAccepted(dataDir, { hash: plant.hash, acceptedAt: 1, file, sources })
  writeFileSync(file, `${text}\nnonsense: 1\n`)
}

describe('URS-54 URS-68 a file with faults', () => {
  it('PE1 leaves the accepted configuration in force', () => {
    lifeBefore()
    expect(chooseConfiguration(file)).toMatchObject({ kind: 'accepted' })
  })

  it.each([
    ['one limit changed', (text: string) => text.replace('actionLow: 10', 'actionLow: 11')],
    ['cut off', (text: string) => text.slice(0, -40)],
    ['of another shape', () => '{"hash":"sha256:0","sources":[null]}'],
    ['null', () => 'null'],
  ])('HO6 and an accepted one that was altered (%s) is not run on', (_name, change) => {
    lifeBefore()
    const before = readFileSync(kept, 'utf8')
    const after = change(before)
    expect(after).not.toBe(before)
    writeFileSync(kept, after)
    expect(chooseConfiguration(file).kind).toBe('none')
  })

  it('URS-68 says that the accepted one was altered', () => {
    lifeBefore()
    writeFileSync(kept, readFileSync(kept, 'utf8').replace('actionLow: 10', 'actionLow: 11'))
    const { findings } = chooseConfiguration(file)
    expect(findings.map(({ problem }) => problem)).toContain(
      'the configuration kept here is not the one that was accepted: its hash differs',
    )
  })
})
