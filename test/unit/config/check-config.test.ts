// The commands: what they print where, and how they end.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkConfig } from '../../../agent/cli/check-config.ts'
import type { Output } from '../../../agent/cli/output.ts'
import { schema } from '../../../agent/cli/schema.ts'
import { EXAMPLES } from './support.ts'

interface Captured extends Output {
  readonly out: string[]
  readonly err: string[]
}

function capture(): Captured {
  const out: string[] = []
  const err: string[] = []
  return {
    out,
    err,
    data: (text) => void out.push(text),
    talk: (text) => void err.push(text),
    style: (_, text) => text,
  }
}

describe('check-config', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'check-config-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it('URS-54 prints what would run: limits with clause, budgets with arithmetic, hash; ends with 0', async () => {
    const output = capture()
    expect(await checkConfig(path.join(EXAMPLES, 'contract.yaml'), { json: false }, output)).toBe(0)
    const text = output.out.join('\n')
    expect(text).toMatch(
      /bsc1-p05 +actionHigh +3520 \/m³ +3520 \/m³ +Annex 1 \(2022\) 9\.15 Table 5/,
    )
    expect(text).toContain('timeout 300ms × (1 + 1 retries) = 600 ms for one dead unit')
    expect(text).toMatch(/^config sha256:[0-9a-f]{64}$/m)
    expect(text).toContain('dp-b101')
    expect(output.err).toEqual([expect.stringMatching(/contract\.yaml: no faults; accepted$/)])
  })

  it('URS-54 prints every fault on stderr and nothing on stdout; ends with 78', async () => {
    const file = path.join(directory, 'faulty.yaml')
    writeFileSync(file, 'site: 1\nzonen: []\n')
    const output = capture()
    expect(await checkConfig(file, { json: false }, output)).toBe(78)
    expect(output.out).toEqual([])
    expect(output.err).toContainEqual(expect.stringMatching(/faulty\.yaml:1:7 {2}site {2}/))
    expect(output.err).toContainEqual(
      expect.stringMatching(/faulty\.yaml:2:1 {2}zonen {2}.*did you mean "zones"/),
    )
    expect(output.err.at(-1)).toMatch(/faults, 0 warnings; refused$/)
  })

  it('URS-54 says in words that a file cannot be read; ends with 78', async () => {
    const output = capture()
    expect(await checkConfig(path.join(directory, 'gone.yaml'), { json: false }, output)).toBe(78)
    expect(output.err[0]).toContain('does not exist')
    expect(await checkConfig(directory, { json: false }, output)).toBe(78)
    expect(output.err.join('\n')).toContain('is a directory')
  })

  it('prints one document with --json, also for a refused file', async () => {
    const output = capture()
    await checkConfig(path.join(EXAMPLES, 'contract.yaml'), { json: true }, output)
    await checkConfig(path.join(directory, 'gone.yaml'), { json: true }, output)
    const [sound, gone] = output.out.map((text) => JSON.parse(text) as Record<string, unknown>)
    expect(output.out).toHaveLength(2)
    expect(sound).toMatchObject({ ok: true, findings: [], limitSet: { id: 'annex1-2022' } })
    expect(sound?.['buses']).toContainEqual(
      expect.objectContaining({ id: 'net-1', budget: expect.objectContaining({ fits: true }) }),
    )
    expect(gone).toMatchObject({ ok: false, findings: [{ severity: 'error', line: 1 }] })
    expect(output.err).toEqual([])
  })

  it('steers nobody’s terminal with what a file holds', async () => {
    const file = path.join(directory, 'escape.yaml')
    writeFileSync(file, 'zones: [{ id: "\\e[2J", name: x, grade: A }]\n')
    const output = capture()
    await checkConfig(file, { json: false }, output)
    expect(output.err.join('')).not.toContain('\u001b')
  })
})

describe('schema', () => {
  it('prints a JSON Schema, and says which there are', async () => {
    const output = capture()
    expect(await schema('profile', output)).toBe(0)
    expect(JSON.parse(output.out.join(''))).toMatchObject({
      type: 'object',
      additionalProperties: false,
    })
    expect(await schema('people', output)).toBe(64)
    expect(output.err).toEqual([
      'there is no schema "people"; name one of configuration, profile, limit-set, output-profile',
    ])
  })
})
