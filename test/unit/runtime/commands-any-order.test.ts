// Signed commands as a hostile network may deliver them: any order, repeated, changed, early, late, between restarts.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commandBox } from '../../support/command-box.ts'
import { type CommandFields, occupancyCommand, signed } from '../../support/command-signer.ts'

const occupancyOf = (changes: CommandFields = {}) => signed(occupancyCommand(changes), 'jdoe')
const toOccupancy = { command: 'occupancy' }

describe('URS-33 whatever comes in whatever order, with restarts and clock steps between', () => {
  const kind = <K extends string>(name: K) => fc.constant(name)
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: kind('send'),
        id: fc.nat(4),
        age: fc.integer({ min: -6000, max: 62_000 }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: kind('repeat'), index: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ kind: kind('forge'), index: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ kind: kind('wait'), ms: fc.nat(250_000) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: kind('step'),
        ms: fc.integer({ min: -400_000, max: 400_000 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: kind('restart') }) },
  )

  it('every command acts at most once, is always answered, and done only with one answer', async () => {
    let acted = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        let box = commandBox()
        const sent: CommandFields[] = []
        const answers = new Map<string, Set<string>>()
        const send = async (command: CommandFields | undefined) => {
          if (command === undefined) return
          const before = box.replies.length
          await box.send(command, toOccupancy)
          expect(box.replies).toHaveLength(before + 1)
          const { ok } = box.reply()
          const text = box.replies.at(-1)?.payload ?? ''
          const key = String(command['comment'])
          if (ok === true) answers.set(key, (answers.get(key) ?? new Set()).add(text))
        }
        for (const action of steps) {
          if (action.kind === 'send') {
            const iat = Math.round(box.clock.now().wall - action.age)
            const envelope = { id: `id-${action.id}`, iat, exp: iat + 60_000 }
            sent.push(occupancyOf({ ...envelope, comment: `command ${sent.length}` }))
            await send(sent.at(-1))
          } else if (action.kind === 'repeat') await send(sent[action.index])
          else if (action.kind === 'forge') {
            const command = sent[action.index]
            await send(command === undefined ? undefined : { ...command, comment: 'forged' })
          } else if (action.kind === 'wait') await box.clock.advance(action.ms)
          else if (action.kind === 'step') box.clock.stepWall(action.ms)
          else {
            box.loop.stop()
            box = commandBox(box.disk, box.clock)
          }
        }
        const done = box.events('occupancy.changed').map(({ body }) => body['comment'])
        expect(new Set(done).size).toBe(done.length)
        expect([...answers.keys()].sort()).toEqual(done.toSorted())
        for (const texts of answers.values()) expect(texts.size).toBe(1)
        expect(done).not.toContain('forged')
        acted += done.length
      }),
      { numRuns: 150 },
    )
    expect(acted).toBeGreaterThan(100)
  })
})
