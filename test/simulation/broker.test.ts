// A session of the simulated broker and a process that is stopped while it ends: what the agent cannot know yet it may do wrong.

import { expect, test } from 'vitest'
import type { Session } from '../../agent/uplink/session.ts'
import { Broker } from './broker.ts'
import { Dice } from './dice.ts'
import { Boot, Process } from './machine.ts'
import { Timeline } from './timeline.ts'

const MESSAGE = { topic: 'cr/status', payload: '{}', qos: 1, retain: true } as const
const REQUEST = { protocolVersion: 5, will: { topic: 'cr/status', payload: 'gone' } } as const

/** A session that the broker ends while the process is stopped; `meanwhile` is what the process does first when it runs again. */
async function endedWhileStopped(meanwhile: (session: Session) => void) {
  const timeline = new Timeline()
  const seen: string[] = []
  const told: string[] = []
  const broker = new Broker({
    ...{ timeline, dice: new Dice(1), faults: {}, seen: (what) => seen.push(what) },
    broken: (invariant, words) => told.push(`${invariant}: ${words}`),
  })
  const process = new Process(timeline, new Boot(timeline, 'boot-1', 0, 0))
  const session = broker.opener(process)(REQUEST, {
    opened: () => told.push('opened'),
    answered: () => told.push('answered'),
    message: () => told.push('message'),
    closed: ({ by }) => told.push(`closed by ${by}`),
  })
  await timeline.run(1000)
  process.stopFor(5000)
  process.post(() => meanwhile(session))
  broker.cut()
  await timeline.run(10_000)
  return { session, told, seen }
}

test('a message that is published before the agent could be told of the end is lost on the way (S3, soak seed 105)', async () => {
  const { session, told, seen } = await endedWhileStopped((open) => open.publish(MESSAGE))
  expect(told).toEqual(['opened', 'closed by network'])
  expect(seen).toEqual(['publish lost on the way'])
  expect(() => session.publish(MESSAGE)).toThrow('not open')
})

test('an agent that closes what has ended is told so at once, and once', async () => {
  const { told } = await endedWhileStopped((open) => {
    open.abort('no answer')
    expect(() => open.publish(MESSAGE)).toThrow('not open')
  })
  expect(told).toEqual(['opened', 'closed by us'])
})
