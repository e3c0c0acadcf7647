// What is said of a single value that cannot stand: what it is, what is needed, how to write it.

import { describe, expect, it } from 'vitest'
import { formatFinding } from '#config/load.ts'
import { load, type Plain, pointAt, setLimits, sound } from './support.ts'

const faults = (change: (plain: Plain) => void): string[] => {
  const plain = sound()
  change(plain)
  return load(plain).findings.flatMap((finding) =>
    finding.severity === 'error' ? [formatFinding(finding).replace(/^\S+ {2}/, '')] : [],
  )
}

const limit = (key: string, value: unknown) => (plain: Plain) =>
  setLimits(pointAt(plain, 1, 0), { [key]: value })
const bus = (key: string, value: unknown) => (plain: Plain) =>
  Object.assign(plain.buses[0] ?? {}, { [key]: value })
const top = (key: string, value: unknown) => (plain: Plain) => {
  plain[key] = value
}

describe('URS-54 a value that cannot stand', () => {
  const WORDS = 'instruments[1].points[0].limits'

  it.each<[string, (plain: Plain) => void, string]>([
    [
      'a word for a number',
      limit('actionLow', 'ten'),
      `${WORDS}.actionLow  is "ten", not a number; give a number: action limit below: `,
    ],
    [
      'a number in quotes',
      limit('actionLow', '10'),
      `${WORDS}.actionLow  is "10", not a number; write 10, without quotes: action limit below: `,
    ],
    [
      'a decimal comma',
      limit('actionLow', '-9,5'),
      `${WORDS}.actionLow  is "-9,5", not a number; write -9.5, without quotes: `,
    ],
    [
      'a number with its unit',
      limit('actionLow', '10 Pa'),
      `${WORDS}.actionLow  is "10 Pa", not a number; give a number: `,
    ],
    [
      'nothing',
      limit('actionLow', null),
      `${WORDS}.actionLow  is empty, not a number; give a number: `,
    ],
    [
      'more than a number can be',
      limit('actionLow', Number.POSITIVE_INFINITY),
      `${WORDS}.actionLow  is Infinity, not a number; give a number: `,
    ],
    [
      'a word where a number or a truth is meant',
      limit('inversion', 'low'),
      `${WORDS}.inversion  is "low", not true or false or a number; give inversion alarm`,
    ],
    [
      'a duration without its unit',
      limit('onDelay', 30),
      `${WORDS}.onDelay  is 30 without a unit; write 30s or 30ms: `,
    ],
    [
      'a duration without end',
      limit('onDelay', Number.POSITIVE_INFINITY),
      `${WORDS}.onDelay  is the number Infinity, not text; give `,
    ],
    [
      'a duration in words',
      limit('onDelay', '10 seconds'),
      `${WORDS}.onDelay  is "10 seconds", which is no duration; give `,
    ],
    [
      'a broken number of a port',
      bus('port', 502.5),
      'buses[0].port  is 502.5, not a whole number; give a whole number: TCP port',
    ],
    [
      'a number above all ports',
      bus('port', 70_000),
      'buses[0].port  is 70000, above the greatest accepted (65535); give TCP port',
    ],
    ['an empty name', bus('host', ''), 'buses[0].host  is "", a text with nothing in it; give '],
    [
      'a name that is too long',
      bus('host', 'x'.repeat(254)),
      'buses[0].host  has 254 characters, more than the 253 accepted; give ',
    ],
    [
      'a name of two lines',
      bus('host', 'a\nb'),
      'buses[0].host  is "a\\nb", which is not one line of plain text; give ',
    ],
    [
      'yes for true',
      (plain) => Object.assign(plain.buses[1] ?? {}, { allowUnstablePath: 'yes' }),
      'buses[1].allowUnstablePath  is "yes", not true or false; give true or false: ',
    ],
    [
      'a reference that is no id',
      (plain) => Object.assign(pointAt(plain, 1, 0), { zone: 'B 101' }),
      'instruments[1].points[0].zone  is "B 101", which is no id (of a-z, 0-9 and "-"); give ',
    ],
    ['a word for a group', limit('atRest', 'none'), `${WORDS}.atRest  is "none", not a group of `],
    [
      'a word for a list',
      top('mqtt', { url: 'mqtts://broker.example', consumers: 'historian'.repeat(3) }),
      'mqtt.consumers  is "historianhistorianhistorian", not a list; give a list: consumers whose ',
    ],
    [
      'a list that is too short',
      (plain) => Object.assign(pointAt(plain, 0, 1), { rules: { xOfY: [5], justification: 'X' } }),
      'instruments[0].points[1].rules.xOfY  is a list of 1, fewer than the 2 needed; give ',
    ],
    ['a number for a file', top('include', 7), 'include  is 7, not text or a list; give '],
    [
      'a key that names no alarm',
      top('guidance', { 'B 101': { cause: 'x' } }),
      'guidance["B 101"]  is not a key here; name an alarm (b101-dp.action_low)',
    ],
  ])('%s', (_name, change, expected) => {
    const found = faults(change)
    expect(found).toHaveLength(1)
    expect(found[0]?.slice(0, expected.length)).toBe(expected)
  })
})
