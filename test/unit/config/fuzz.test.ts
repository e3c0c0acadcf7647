// Every file a configuration is made of, fuzzed, and the one kept in the data directory: findings with places, or a configuration
// that is the same when it is read again; never an exception.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { Loaded } from '#config/configuration.ts'
import { loadKept } from '#config/kept.ts'
import { formatFinding, loadConfiguration } from '#config/load.ts'
import { readAccepted } from '../../../agent/runtime/accepted.ts'
import {
  FUZZ_MS_MAX,
  fuzz,
  mutateBytes,
  mutatedJson,
  mutateJson,
  mutateText,
  pick,
  whole,
} from '../../support/fuzz.ts'
import { accepted, EXAMPLES, FILE, instrumentAt, load, type Plain, sound } from './support.ts'

const timeout = FUZZ_MS_MAX
const PLACE = /^\S.*:\d+:\d+ {2}\S.*; ./s
const beside = (name: string): string => path.join(path.dirname(FILE), name)

/** Accepted, or refused with a place, what is wrong and what to do for every finding. */
function judged(loaded: Loaded): boolean {
  for (const finding of loaded.findings)
    if (!PLACE.test(formatFinding(finding))) expect.fail(formatFinding(finding))
  if (!loaded.ok && loaded.findings.every(({ severity }) => severity !== 'error'))
    expect.fail('refused without a reason')
  return loaded.ok
}

it('URS-54 PE1 the configuration: changed as YAML and as text', { timeout }, () => {
  const texts = ['contract.yaml', 'demo.yaml'].map((name) =>
    readFileSync(path.join(EXAMPLES, name), 'utf8'),
  )
  fuzz({
    name: 'configuration',
    slow: true,
    accepted: [0.05, 0.9],
    input: (random) => {
      if (random() < 0.5) return judged(load(mutateJson(random, sound()) as Plain))
      let text = pick(random, [...texts, stringify(sound())])
      for (let change = whole(random, 4); change > 0; change--) text = mutateText(random, text)
      return judged(load(text))
    },
  })
})

it('URS-54 PE1 profiles: changed as JSON and as bytes', { timeout }, () => {
  const plain = sound()
  const counter = instrumentAt(plain, 0)
  counter['profile'] = './counter.json'
  // Instruments of other profiles have no part in it, and would be read again each time.
  plain.instruments = [counter]
  plain.buses = plain.buses.slice(0, 1)
  const profile = JSON.parse(
    readFileSync(path.join(EXAMPLES, '../profiles/lighthouse-apex.json'), 'utf8'),
  )
  fuzz({
    name: 'profile',
    slow: true,
    accepted: [0.05, 0.9],
    input: (random) =>
      judged(load(plain, { [beside('counter.json')]: mutatedJson(random, profile).toString() })),
  })
})

it('URS-16 PE1 limit sets: changed as JSON and as bytes', { timeout }, () => {
  const plain = { ...sound(), limitSet: './site.json' }
  const set = JSON.parse(readFileSync(path.join(EXAMPLES, '../limits/annex1-2022.json'), 'utf8'))
  fuzz({
    name: 'limit set',
    slow: true,
    accepted: [0.05, 0.9],
    input: (random) =>
      judged(load(plain, { [beside('site.json')]: mutatedJson(random, set).toString() })),
  })
})

it('URS-54 URS-68 the configuration kept in the data directory: read as it was kept, or none', {
  timeout,
}, () => {
  const running = accepted(loadConfiguration(path.join(EXAMPLES, 'contract.yaml')))
  const kept = {
    ...{ hash: running.plant.hash, acceptedAt: 17, file: path.join(EXAMPLES, 'contract.yaml') },
    sources: running.sources,
  }
  const directory = mkdtempSync(path.join(tmpdir(), 'kept-'))
  try {
    fuzz({
      name: 'accepted.json',
      slow: true,
      accepted: [0.05, 0.95],
      input: (random) => {
        const bytes =
          random() < 0.6
            ? mutatedJson(random, kept)
            : mutateBytes(random, Buffer.from(JSON.stringify(kept)))
        writeFileSync(path.join(directory, 'accepted.json'), bytes)
        const read = readAccepted(directory)
        return read !== undefined && judged(loadKept(read))
      },
    })
  } finally {
    rmSync(directory, { recursive: true })
  }
})
