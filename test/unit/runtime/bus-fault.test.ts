// The fault of a bus, from its driver's words to the alarm: a link that stays down, and a line that is noisy while it works. FB3, FB16.

import { describe, expect, it } from 'vitest'
import type { Input } from '#core/input.ts'
import type { BusDriver, LinkState, PollReply } from '#ports/driver.ts'
import { silentLog } from '#ports/log.ts'
import { Field } from '../../../agent/runtime/field.ts'
import { PLANT, plantOf, point } from '../../support/core-plant.ts'
import { CoreRig } from '../../support/core-rig.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const NOISY: LinkState = { kind: 'up', noise: '15 % came damaged' }
const UP: LinkState = { kind: 'up' }

/** Field side and core go on by turns. */
const STEP_MS = 100

async function fieldWith() {
  const clock = virtualClock()
  let state: LinkState = UP
  let tell = (_link: LinkState) => {}
  const counters = {
    ...{ requests: 0, replies: 0, timeouts: 0, lateReplies: 0, foreignFrames: 0 },
    ...{ malformedFrames: 0, exceptions: 0, reconnects: 0, retries: 0 },
  }
  let answers = false
  const driver: BusDriver = {
    counters,
    link: () => state,
    onLink: (listener) => {
      tell = listener
    },
    close: async () => {},
    poll: async ({ signals }): Promise<PollReply> => {
      if (answers) counters.replies++
      const arrivedMono = clock.now().mono
      const result = answers
        ? ({ kind: 'value', value: 1, raw: new Uint8Array(2) } as const)
        : ({ kind: 'fault', reason: 'timeout' } as const)
      return {
        signals: signals.map((signal) => ({ signal, result, arrivedMono })),
        silent: !answers,
      }
    },
  }
  const core = new CoreRig(plantOf(['b101-t']), clock.now())
  const input = (given: Input) => {
    if (given.kind === 'link') core.input(given)
  }
  const advance = async (ms: number) => {
    for (let gone = 0; gone < ms; gone += STEP_MS) {
      await clock.advance(STEP_MS)
      core.advance(STEP_MS)
    }
  }
  const field = new Field({ clock, log: silentLog, input })
  const plant = {
    ...PLANT,
    points: [point({ id: 'dp-1', instrument: 'dp' })],
    instruments: [{ id: 'dp', bus: 'rs485-1', sampled: false }],
  }
  const base = { tb: 0, offsetMs: clock.now().wall - clock.now().mono }
  await field.replace(
    plant,
    [{ id: 'rs485-1', fingerprint: '', open: () => driver }],
    base,
    new Map(),
  )
  const become = (link: LinkState) => {
    state = link
    tell(link)
  }
  const down = () => become({ kind: 'down', cause: 'unplugged', since: clock.now().mono })
  const answer = () => {
    answers = true
  }
  const end = async () => {
    await field.pause()
    await field.close()
  }
  /** What was said of the bus, in order. */
  const said = () =>
    core.events
      .filter(({ body }) => body['alarm'] === 'rs485-1.bus_fault')
      .map(({ type }) =>
        type === 'alarm.activated' ? `on: ${core.payload('rs485-1.bus_fault')['detail']}` : 'off',
      )
  return { core, advance, said, become, down, answer, end }
}

describe('FB3 FB16 the fault of a bus', () => {
  it('noise is one at once, and over when the line is quiet', async () => {
    const { said, become, end } = await fieldWith()
    become(NOISY)
    become(NOISY)
    become(UP)
    expect(said()).toEqual(['on: 15 % came damaged', 'off'])
    await end()
  })

  it('a link that is down for less than three seconds is none', async () => {
    const { advance, said, become, down, end } = await fieldWith()
    down()
    await advance(2900)
    become(UP)
    await advance(5000)
    expect(said()).toEqual([])
    await end()
  })

  it('one from before a restart stands while the open link brings nothing, and ends with the first reply', async () => {
    const { core, advance, said, become, answer, end } = await fieldWith()
    core.condition('rs485-1.bus_fault', true)
    become({ kind: 'connecting' })
    become(UP)
    await advance(30_000)
    expect(said()).toEqual(['on: cable pulled'])
    answer()
    await advance(40_000)
    expect(said()).toEqual(['on: cable pulled', 'off'])
    await end()
  })

  it('a noisy line that goes down and comes back noisy is one fault', async () => {
    const { advance, said, become, down, end } = await fieldWith()
    become(NOISY)
    down()
    await advance(5000)
    become({ kind: 'connecting' })
    become(NOISY)
    await advance(5000)
    expect(said()).toEqual(['on: 15 % came damaged'])
    become(UP)
    expect(said().at(-1)).toBe('off')
    await end()
  })

  it('one that is found noisy as it comes back from a short break does not wait', async () => {
    const { advance, said, become, down, end } = await fieldWith()
    down()
    await advance(1000)
    become(NOISY)
    await advance(5000)
    expect(said()).toEqual(['on: 15 % came damaged'])
    await end()
  })
})
