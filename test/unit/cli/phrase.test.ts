// `--phrase` and `alarms --reasons`: what people choose from instead of typing (contract §3).

import { describe, expect, it } from 'vitest'
import { choicesText } from '../../../agent/cli/alarms.ts'
import { commentOf } from '../../../agent/cli/phrase.ts'
import type { AlarmsView } from '../../../agent/control/view.ts'
import { startControlAgent } from '../../support/control-agent.ts'

const WORDS: NonNullable<AlarmsView['words']> = {
  reasons: [{ code: 'door_opened', label: 'Porta aperta' }, { code: 'trolley' }],
  phrases: [{ id: 'sop', text: 'As in SOP-3.' }],
}

describe('URS-32 a phrase', () => {
  const ask = async (given: Parameters<typeof commentOf>[1]) => {
    const agent = await startControlAgent()
    agent.words = WORDS
    try {
      const socketPath = agent.server.path
      return await commentOf({ socketPath, start: '' }, given)
    } finally {
      await agent.stop()
    }
  }

  it.each([
    [{ phrase: 'sop' }, { comment: 'As in SOP-3.' }],
    [{ phrase: 'sop', comment: 'door 4' }, { comment: 'As in SOP-3.; door 4' }],
    [{ comment: 'door 4' }, { comment: 'door 4' }],
    [{}, {}],
  ])('%o is sent as %o', async (given, sent) => {
    expect(await ask(given)).toEqual(sent)
  })

  it('that is not configured is refused, with those that are', async () => {
    await expect(ask({ phrase: 'nothing' })).rejects.toThrow('no phrase "nothing"; configured: sop')
  })
})

it('URS-32 the choices are listed with their labels', () => {
  expect(choicesText({ words: WORDS })).toBe(
    'Reasons\ndoor_opened  Porta aperta\ntrolley\n\nPhrases\nsop  As in SOP-3.',
  )
  expect(choicesText({})).toBe('')
})
