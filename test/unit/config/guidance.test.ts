// Every alarm says why it exists and what is to be done (URS-39): the texts are whole in every language, and a site may say its own.

import { describe, expect, it } from 'vitest'
import { GUIDANCE, LANGUAGES } from '#config/guidance.ts'
import { alarmDefinitions, SYSTEM_ALARMS } from '#core/alarm-set.ts'
import { GUIDANCE_PARTS, guidanceOf } from '#core/guidance.ts'
import { accepted, load, type Plain, sound } from './support.ts'

const withGuidance = (guidance: Plain['site'], language?: string) => {
  const plain = sound()
  if (language !== undefined) plain.site['language'] = language
  return load({ ...plain, guidance })
}

describe('URS-39 guidance', () => {
  it.each(LANGUAGES)('has the same keys in every language, each whole: %s', (language) => {
    const texts = GUIDANCE[language]
    expect(Object.keys(texts)).toEqual(Object.keys(GUIDANCE.en))
    for (const [key, text] of Object.entries(texts)) {
      expect(Object.keys(text), key).toEqual([...GUIDANCE_PARTS])
      for (const part of Object.values(text)) expect(part, key).toMatch(/^\p{Lu}.{10,300}\.$/u)
    }
  })

  it.each(LANGUAGES)('is there for every alarm of a plant, system alarms too: %s', (language) => {
    const { plant } = accepted(withGuidance({}, language))
    const definitions = [...alarmDefinitions(plant).values()]
    expect(definitions.length).toBeGreaterThan(Object.keys(SYSTEM_ALARMS).length + 10)
    for (const definition of definitions)
      expect(guidanceOf(plant, definition), definition.id).toBeDefined()
  })

  it('of an alarm stands over that of its point, its quantity and its kind, part by part', () => {
    const { plant } = accepted(
      withGuidance({
        'b-dp': { cause: 'Of the point.', action: 'Of the point.' },
        'b-dp.action_low': { action: 'Call the shift leader.' },
      }),
    )
    const of = (id: string) => {
      const definition = alarmDefinitions(plant).get(id)
      return definition && guidanceOf(plant, definition)
    }
    expect(of('b-dp.action_low')).toEqual({
      cause: 'Of the point.',
      consequence: GUIDANCE.en['action_low.differential_pressure']?.consequence,
      action: 'Call the shift leader.',
    })
    expect(of('b-dp.sensor_fault')?.action).toBe('Of the point.')
    expect(of('system.storage_low')).toEqual(GUIDANCE.en['system.storage_low'])
  })

  it.each([
    ['b-dp.action_lo', 'is of no alarm that this plant has'],
    ['b-dp.rolling', 'is of no alarm that this plant has'],
    ['B-DP', 'guidance'],
  ])('is refused for "%s", which no alarm is', (key, problem) => {
    const loaded = withGuidance({ [key]: { action: 'Nothing.' } })
    expect(loaded.ok).toBe(false)
    expect(JSON.stringify(loaded.findings)).toContain(problem)
  })

  it.each([
    ['an empty text', { action: '' }],
    ['another part', { remedy: 'x' }],
    ['a text too long', { action: 'x'.repeat(501) }],
  ])('is refused with %s', (_name, entry) => {
    expect(withGuidance({ 'b-dp': entry }).ok).toBe(false)
  })
})
