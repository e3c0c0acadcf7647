// What lamps and horn show, as a table: alarms in, lamps and horn out.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Annunciated,
  indicationOf,
  isMoving,
  OUTPUTS,
  outputsAt,
  soundKey,
} from '#core/annunciation.ts'

const STATES: Readonly<Record<string, string>> = {
  new: 'unacknowledged',
  returned: 'rtn_unacknowledged',
  latched: 'latched_unacknowledged',
  acked: 'acknowledged',
  'acked-latched': 'latched_acknowledged',
  normal: 'normal',
  shelved: 'shelved',
  suppressed: 'suppressed_by_design',
  out: 'out_of_service',
}

/** `1new` is a new alarm of priority 1, `2acked` an acknowledged one of priority 2, `3test` the test alarm. */
const alarmOf = (word: string, index: number): Annunciated => {
  const name = word.slice(1)
  const test = name === 'test'
  return {
    priority: Number(word[0]),
    state: (test ? STATES['new'] : STATES[name]) ?? name,
    occ: `occ-${index}`,
    ...(test && { test }),
  }
}

const shown = (words: string, silenced?: readonly number[]): string => {
  const alarms = words.split(' ').filter(Boolean).map(alarmOf)
  const keys = silenced
    ?.map((index) => alarms[index])
    .map((alarm) => (alarm ? soundKey(alarm) : ''))
  const { red, amber, green, horn } = indicationOf(alarms, {
    hornPriority: 2,
    silenced: keys === undefined ? undefined : new Set(keys),
  })
  return `${red} ${amber} ${green} ${horn}`
}

describe('URS-30 lamps and horn are a function of the alarms', () => {
  //                         red       amber     green     horn
  it.each([
    ['', 'off off steady off'],
    ['1normal 2shelved 1suppressed 1out', 'off off steady off'],
    ['1new', 'flashing off off continuous'],
    ['1returned', 'flashing off off continuous'],
    ['1latched', 'flashing off off continuous'],
    ['1acked', 'steady off off off'],
    ['1acked-latched', 'steady off off off'],
    ['2new', 'off flashing off intermittent'],
    ['2acked', 'off steady off off'],
    ['3new', 'off flashing off off'],
    ['3acked', 'off steady off off'],
    ['1acked 1new', 'flashing off off continuous'],
    ['1acked 2new', 'steady flashing off intermittent'],
    ['1new 2new', 'flashing flashing off continuous'],
    ['2new 1new', 'flashing flashing off continuous'],
    ['3test', 'off off flashing off'],
    ['3test 1new', 'flashing off off continuous'],
    ['3test 2acked', 'off steady off off'],
  ])('%s → %s', (alarms, expected) => {
    expect(shown(alarms)).toBe(expected)
  })

  it.each([
    ['the one alarm', '1new', [0], 'flashing off off off'],
    ['both', '1new 2new', [0, 1], 'flashing flashing off off'],
    ['only the one before', '2new 1new', [0], 'flashing flashing off continuous'],
    ['only the heavier', '1new 2new', [0], 'flashing flashing off intermittent'],
  ] as const)('silencing %s touches the horn alone', (_, alarms, silenced, expected) => {
    expect(shown(alarms, silenced)).toBe(expected)
  })

  it.each(['1new', '1returned', '2new'])(
    'S7 %s with a parent flashes and sounds nothing',
    (word) => {
      const child = { ...alarmOf(word, 1), parent: 'net-1.bus_fault', escalation: 1 }
      const { red, amber, horn } = indicationOf([child], { hornPriority: 2, silenced: undefined })
      expect([red, amber]).toContain('flashing')
      expect(horn).toBe('off')
    },
  )

  it('a heavier priority and a step of escalation sound anew', () => {
    const alarm = alarmOf('2new', 1)
    const silenced = new Set([soundKey(alarm)])
    const heard = (change: Partial<Annunciated>) =>
      indicationOf([{ ...alarm, ...change }], { hornPriority: 2, silenced }).horn
    expect(heard({})).toBe('off')
    expect(heard({ escalation: 1 })).toBe('intermittent')
    expect(heard({ priority: 1 })).toBe('continuous')
  })

  it('the site says down to which priority the horn sounds', () => {
    const heard = (hornPriority: number, word: string) =>
      indicationOf([alarmOf(word, 0)], { hornPriority, silenced: undefined }).horn
    expect([heard(1, '1new'), heard(1, '2new')]).toEqual(['continuous', 'off'])
    expect([heard(3, '2new'), heard(3, '3new')]).toEqual(['intermittent', 'intermittent'])
  })

  it('silencing never changes a lamp, and never makes a sound', () => {
    const word = fc
      .tuple(fc.constantFrom('1', '2', '3'), fc.constantFrom(...Object.keys(STATES)))
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), fc.array(fc.nat(11)), (words, silenced) => {
        const [red, amber, green, horn] = shown(words.join(' ')).split(' ')
        const [...after] = shown(words.join(' '), silenced).split(' ')
        expect(after.slice(0, 3)).toEqual([red, amber, green])
        if (horn === 'off') expect(after[3]).toBe('off')
      }),
    )
  })
})

describe('the outputs of a moment', () => {
  const at = (phase: number, words: string) => {
    const alarms = words.split(' ').filter(Boolean).map(alarmOf)
    const states = outputsAt(indicationOf(alarms, { hornPriority: 2, silenced: undefined }), phase)
    return Object.entries(states)
      .filter(([, on]) => on)
      .map(([name]) => name)
      .join(' ')
  }

  it.each([
    ['', ['green healthy', 'green healthy', 'green healthy', 'green healthy']],
    ['1new', ['red horn healthy', 'horn healthy', 'red horn healthy', 'horn healthy']],
    ['2new', ['amber horn healthy', 'healthy', 'amber healthy', 'healthy']],
    ['1acked', ['red healthy', 'red healthy', 'red healthy', 'red healthy']],
  ])('URS-73 of "%s" over two seconds, healthy always energised', (words, expected) => {
    expect([0, 1, 2, 3].map((phase) => at(phase, words))).toEqual(expected)
  })

  it('knows what moves', () => {
    expect(isMoving({ red: 'steady', amber: 'off', green: 'off', horn: 'continuous' })).toBe(false)
    expect(isMoving({ red: 'off', amber: 'off', green: 'off', horn: 'intermittent' })).toBe(true)
  })
})

describe('the module that comes with the agent', () => {
  it('names a coil for every output, in the order of the manual', () => {
    const file = path.join(import.meta.dirname, '../../../config/outputs/moxa-iologik-e1214.json')
    const { outputs } = JSON.parse(readFileSync(file, 'utf8')) as {
      outputs: { name: string; address: number; reference: string }[]
    }
    expect(outputs.map(({ name }) => name)).toEqual(OUTPUTS)
    for (const { address, reference } of outputs) expect(Number(reference)).toBe(address + 1)
  })
})
