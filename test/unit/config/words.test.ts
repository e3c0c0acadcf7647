// Reason codes with labels, and phrases that stand for a comment: the usual ones, the site's own, in the language of the site (contract §3).

import { describe, expect, it } from 'vitest'
import { LANGUAGES } from '#config/guidance.ts'
import { REASON_CODES, REASON_LABELS } from '#config/words.ts'
import { accepted, load, sound } from './support.ts'

const plantWith = (more: object, language = 'en') => {
  const plain = sound()
  plain.site['language'] = language
  return accepted(load({ ...plain, ...more })).plant
}

describe('URS-32 reason codes', () => {
  it('are the usual ones of the contract, each with a label in every language', () => {
    expect(REASON_CODES).toEqual([
      ...['door_opened', 'intervention', 'sampling', 'cleaning', 'maintenance', 'known_fault'],
      ...['under_investigation', 'other'],
    ])
    for (const language of LANGUAGES)
      expect(Object.keys(REASON_LABELS[language])).toEqual(REASON_CODES)
    expect(plantWith({}, 'it')).toMatchObject({
      reasonCodes: REASON_CODES,
      reasonLabels: { door_opened: 'Porta aperta' },
    })
  })

  it('of the site stand in their place, with labels of its own or none', () => {
    const label = { en: 'Gowning error', it: 'Errore di vestizione' }
    const reasonCodes = ['other', 'trolley', { code: 'gowning', label }, { code: 'x', label: 'X!' }]
    expect(plantWith({ reasonCodes }, 'it')).toMatchObject({
      reasonCodes: ['other', 'trolley', 'gowning', 'x'],
      reasonLabels: {
        other: 'Altro, con commento',
        gowning: 'Errore di vestizione',
        x: 'X!',
      },
    })
  })

  it.each([
    ['a label without text', [{ code: 'x', label: {} }]],
    ['a language nobody knows', [{ code: 'x', label: { de: 'X' } }]],
    ['a code with a space', ['door opened']],
  ])('are refused with %s', (_name, reasonCodes) => {
    expect(load({ ...sound(), reasonCodes }).ok).toBe(false)
  })
})

describe('URS-32 phrases', () => {
  it('read in the language of the site, else in the one they are given in', () => {
    const phrases = { trolley: { en: 'A trolley held the door.' }, plain: 'As in SOP-3.' }
    expect(plantWith({ phrases }, 'it').phrases).toEqual({
      trolley: 'A trolley held the door.',
      plain: 'As in SOP-3.',
    })
    expect(plantWith({}).phrases).toBeUndefined()
  })

  it.each([[{ trolley: '' }], [{ 'a b': 'x' }], [{ trolley: {} }]])(
    'are refused where they are none: %o',
    (phrases) => {
      expect(load({ ...sound(), phrases }).ok).toBe(false)
    },
  )
})
