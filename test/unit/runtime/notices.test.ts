// What the way to the broker reports, while the agent stops: a timer left over kept the process for two seconds, each of them a slot.

import { expect, it } from 'vitest'
import { silentLog } from '#ports/log.ts'
import type { Loop } from '../../../agent/runtime/loop.ts'
import { Notices } from '../../../agent/runtime/notices.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

it('leaves no timer when the way to the broker is closed for good, and raises nothing after', async () => {
  const clock = virtualClock()
  const raised: string[] = []
  const loop = {
    note: async () => {},
    input: (input: { alarm?: string; active?: boolean }) => {
      if (input.active === true) raised.push(input.alarm ?? '')
    },
  } as unknown as Loop
  const commands = { take: () => {}, refusedReplay: () => {} }
  const notices = new Notices({ clock, log: silentLog, loop, commands })
  notices.take({ kind: 'takeover' })
  notices.take({ kind: 'disconnected', cause: 'closed' })
  expect(clock.timers).toBe(2)
  notices.stop()
  expect(clock.timers).toBe(0)
  await clock.advance(120_000)
  expect(raised).toEqual(['system.client_takeover'])
})
