// HO5 an agent that outlives its disk: when it runs from memory, when it comes back, and what forbids a start.

import { describe, expect, it } from 'vitest'
import { silentLog } from '#ports/log.ts'
import type { Store } from '#ports/store.ts'
import { Degradable } from '../../../agent/runtime/degraded.ts'
import { settle, virtualClock } from '../../support/virtual-clock.ts'

const named = (name: string): Store => ({ name }) as unknown as Store

function setUp() {
  const clock = virtualClock()
  const told: string[] = []
  const disk = { opens: false, good: false, fault: 'full' }
  const options = {
    clock,
    log: silentLog,
    openStore: async () => {
      if (!disk.opens) throw new Error(disk.fault)
      return named('store')
    },
    openVolatile: (error: unknown, before?: Store) => {
      if (String(error).includes('locked')) throw error
      return before ?? named('memory')
    },
    recordGap: async (store: Store) => {
      told.push('gap')
      return store
    },
    begin: async (store: Store) => {
      const { name } = store as unknown as { name: string }
      told.push(`begin on ${name}`)
      return { name, stop: async (reason: string) => void told.push(`stop ${name}: ${reason}`) }
    },
    probe: async () => disk.good,
    failed: (error: Error) => void told.push(`failed: ${error.message}`),
  }
  const probe = async (): Promise<void> => {
    await clock.advance(30_000)
    await settle()
  }
  return { clock, told, disk, options, probe }
}

describe('an agent whose disk is out of order', () => {
  it('HO5 runs from memory, and comes back with the gap on record when the disk is good', async () => {
    const { told, disk, options, probe } = setUp()
    const agent = await Degradable.start(options)
    expect([agent.degraded, agent.running.name]).toEqual([true, 'memory'])
    await probe()
    expect(told).toEqual(['begin on memory'])
    disk.good = true
    disk.opens = true
    await probe()
    expect(told.slice(1)).toEqual(['stop memory: disk_good_again', 'gap', 'begin on store'])
    expect([agent.degraded, agent.running.name]).toEqual([false, 'store'])
    await agent.stop('SIGTERM')
    expect(told.at(-1)).toBe('stop store: SIGTERM')
  })

  it('goes back to the same memory when the store cannot be opened after all, and looks again', async () => {
    const { told, disk, options, probe } = setUp()
    const agent = await Degradable.start(options)
    disk.good = true
    await probe()
    expect(told.slice(1)).toEqual(['stop memory: disk_good_again', 'begin on memory'])
    expect(agent.degraded).toBe(true)
    disk.opens = true
    await probe()
    expect(told.slice(-2)).toEqual(['gap', 'begin on store'])
  })

  it('starts on the store where it opens, and never looks', async () => {
    const { clock, told, disk, options } = setUp()
    disk.opens = true
    const agent = await Degradable.start(options)
    expect([agent.degraded, clock.timers]).toEqual([false, 0])
    expect(told).toEqual(['begin on store'])
  })

  it('HO14 refuses to start for what is no matter of the disk', async () => {
    const { disk, options } = setUp()
    disk.fault = 'locked'
    await expect(Degradable.start(options)).rejects.toThrow('locked')
  })

  it('ends the process when another instance has taken the directory meanwhile', async () => {
    const { told, disk, options, probe } = setUp()
    await Degradable.start(options)
    disk.good = true
    disk.fault = 'locked'
    await probe()
    expect(told.at(-1)).toBe('failed: locked')
  })

  it('stops while it looks, and looks no more', async () => {
    const { clock, told, options } = setUp()
    const agent = await Degradable.start(options)
    await agent.stop('SIGTERM')
    expect(clock.timers).toBe(0)
    expect(told.at(-1)).toBe('stop memory: SIGTERM')
  })
})
