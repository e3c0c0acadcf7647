// What is told of a journal that was set aside: that the fault is over once everything is got out of it, and not before.

import { describe, expect, it } from 'vitest'
import type { Input } from '#core/input.ts'
import { silentLog } from '#ports/log.ts'
import type { Recovered, Salvaged, Store } from '#ports/store.ts'
import { reportStore } from '../../../agent/runtime/store-report.ts'

const SALVAGED: Salvaged = {
  ...{ directory: 'aside/1', readings: 3, events: 1, lost: [], lostRecords: 0 },
  rows: new Map(),
}

/** What is told until the salvage has resolved, and after it. */
async function told(salvaged: readonly Salvaged[] | undefined): Promise<[Input[], Input[]]> {
  const inputs: Input[] = []
  const recovered = {
    quarantined: { kind: 'corrupt', found: 'page 3', file: 'f', directory: 'aside/1' },
    state: new Map(),
  } as unknown as Recovered
  const outcome = Promise.resolve(salvaged)
  const store = { recovered, salvage: () => outcome } as unknown as Store
  const loop = { input: (input: Input) => inputs.push(input) as never, changeState: () => {} }
  reportStore({ store, loop, log: silentLog, now: () => ({ mono: 0, wall: 0 }) })
  const before = inputs.splice(0)
  await outcome
  await new Promise((resolve) => setImmediate(resolve))
  return [before, inputs]
}

describe('HO6 a journal that was set aside', () => {
  const active = { kind: 'condition', alarm: 'system.storage_fault', active: true }

  it('that is written and cannot be read is an alarm, also when the salvage of another is over', async () => {
    const inputs: Input[] = []
    let tell = (_: string) => {}
    const store = {
      recovered: { state: new Map() },
      onUnreadable: (given: typeof tell) => {
        tell = given
      },
    } as unknown as Store
    const loop = { input: (input: Input) => inputs.push(input) as never, changeState: () => {} }
    reportStore({ store, loop, log: silentLog, now: () => ({ mono: 0, wall: 0 }) })
    await new Promise((resolve) => setImmediate(resolve))
    tell('page 30 is damaged')
    expect(inputs.at(-1)).toMatchObject({
      ...active,
      detail: expect.stringMatching(/page 30.*starts again/),
    })
  })

  it('is told with what was got out of it, and then the fault is over', async () => {
    const [before, after] = await told([SALVAGED])
    expect(before).toMatchObject([active])
    expect(after).toMatchObject([
      { kind: 'note', type: 'store.salvaged', body: { readings: 3 } },
      { ...active, active: false },
    ])
  })

  it('D3 goes by the name of its old epoch: the event is one of the new epoch, and says so in its envelope', async () => {
    const [, after] = await told([{ ...SALVAGED, epoch: 'OLD' }])
    const [note] = after as [Extract<Input, { kind: 'note' }>]
    expect(note.body).toMatchObject({ oldEpoch: 'OLD' })
    expect(Object.keys(note.body)).not.toContain('epoch')
  })

  it('that a start too short has only named is still an alarm at the next', async () => {
    const inputs: Input[] = []
    const recovered = { unsalvaged: ['aside/1'], state: new Map() } as unknown as Recovered
    const store = { recovered, salvage: async () => undefined } as unknown as Store
    const loop = { input: (input: Input) => inputs.push(input) as never, changeState: () => {} }
    reportStore({ store, loop, log: silentLog, now: () => ({ mono: 0, wall: 0 }) })
    expect(inputs).toMatchObject([active])
  })

  it('has rows of its state left out only with a word and an alarm', async () => {
    const inputs: Input[] = []
    const store = { recovered: { state: new Map() } } as unknown as Store
    const loop = { input: (input: Input) => inputs.push(input) as never, changeState: () => {} }
    const leftOut = ['alarm/a.gap']
    reportStore({ store, leftOut, loop, log: silentLog, now: () => ({ mono: 0, wall: 0 }) })
    const body = { count: 1, rows: leftOut }
    expect(inputs).toMatchObject([{ type: 'store.state_left_out', body }, active])
  })

  it('whose salvage was given up by a stop is not over, and nothing is written to a store that closes', async () => {
    const [before, after] = await told(undefined)
    expect(before).toMatchObject([active])
    expect(after).toEqual([])
  })
})
