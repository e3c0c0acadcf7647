// What strikes the site in time: for each fault class that is on, the next moment and what then happens. Chance only.

import { holdSomething } from './people-holds.ts'
import { changeFile } from './revision.ts'
import type { FaultClass } from './scenario.ts'
import type { World } from './world.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** Sets going everything that strikes during the safety phase. */
export function strikes(world: World): void {
  for (const [fault, strike] of Object.entries(STRIKES) as [FaultClass, Strike][]) {
    const mean = world.scenario.faults[fault]
    if (mean !== undefined) repeat(world, fault, mean, strike)
  }
}

type Strike = (world: World, dice: World['dice']) => void

function repeat(world: World, fault: FaultClass, mean: number, strike: Strike): void {
  const dice = world.dice.stream(`strike ${fault}`)
  const next = (): void => {
    world.timeline.after(dice.about(mean) + SECOND, () => {
      if (world.now >= world.scenario.safetyMs) return
      world.seen(`strike ${fault}`)
      strike(world, dice)
      next()
    })
  }
  next()
}

/** Mostly short, sometimes long. */
const spell = (dice: World['dice'], short: number, long: number): number =>
  dice.about(dice.chance(0.7) ? short : long)

const STRIKES: Readonly<Partial<Record<FaultClass, Strike>>> = {
  wireCut: ({ lines }, dice) => dice.pick(lines).cut(spell(dice, 2 * SECOND, 5 * MINUTE)),
  wireHalfOpen: ({ lines }, dice) => dice.pick(lines).deafen(spell(dice, 10 * SECOND, 5 * MINUTE)),
  unitOff: (world, dice) => {
    const { lines, now, seen } = world
    const unit = dice.pick(dice.pick(lines).units)
    unit.off(now, spell(dice, 5 * SECOND, 10 * MINUTE))
    if (now < unit.offUntil - 5 * MINUTE) seen.call(world, 'unit silent for long')
  },
  twin: ({ lines, now }, dice) => {
    const unit = dice.pick(dice.pick(lines).units)
    unit.twinUntil = Math.max(unit.twinUntil, now + spell(dice, MINUTE, 10 * MINUTE))
  },
  kill: ({ host }, dice) => host.kill(spell(dice, 3 * SECOND, 5 * MINUTE)),
  powerLoss: ({ host, disk }, dice) => {
    if (dice.chance(0.4)) disk.goAfter(dice.whole(1, 80))
    else host.powerLoss(5 * SECOND + spell(dice, 20 * SECOND, 30 * MINUTE))
  },
  stall: ({ host }, dice) => host.process?.stopFor(spell(dice, SECOND, 2 * MINUTE)),
  diskSlow: ({ host, now }, dice) => {
    const { store } = host
    if (store === undefined) return
    store.slowMs = dice.between(50, 6000)
    store.slowUntil = now + dice.about(20 * SECOND)
  },
  diskFail: ({ host }) => {
    if (host.store !== undefined) host.store.failNext = true
  },
  clockStep: ({ host }, dice) => {
    const far = dice.pick([700, 5 * SECOND, MINUTE, 60 * MINUTE, 36 * 60 * MINUTE])
    host.boot.stepWall(dice.chance(0.5) ? -host.boot.wallErrorMs : dice.between(-far, far))
  },
  brokerCut: ({ broker }) => broker.cut(),
  brokerDown: ({ broker }, dice) => broker.goDown(spell(dice, 20 * SECOND, 30 * MINUTE)),
  brokerForget: ({ broker, consumer }) => {
    broker.forget()
    consumer.forgotten()
  },
  brokerDeny: ({ broker }, dice) => broker.deny(spell(dice, 20 * SECOND, 10 * MINUTE)),
  takeover: ({ broker }) => broker.takeover(),
  poison: ({ broker }, dice) => broker.poison(5 * MINUTE + dice.about(20 * MINUTE)),
  // another client with the same id, which comes back as soon as it is thrown out
  rival: (world, dice) => {
    world.seen('two clients with one id')
    for (let turns = dice.whole(3, 25); turns > 0; turns--)
      world.timeline.after(dice.between(0, MINUTE), () => {
        if (world.now < world.scenario.safetyMs) world.broker.takeover()
      })
  },
  deaf: ({ consumer }, dice) => consumer.leave(spell(dice, 20 * SECOND, 10 * MINUTE)),
  hold: (world, dice) => {
    const { people, timeline } = world
    if (people === undefined) return
    for (let acts = dice.whole(2, 6); acts > 0; acts--)
      timeline.after(dice.about(2 * MINUTE), () => holdSomething(world, people, dice))
  },
  diskBad: ({ disk, host, timeline }, dice) => {
    disk.fault = dice.pick(['EIO', 'ENOSPC'] as const)
    timeline.trace(`disk: ${disk.fault}`)
    timeline.after(spell(dice, 40 * SECOND, 5 * MINUTE), () => {
      disk.fault = undefined
    })
    if (dice.chance(0.3)) host.kill(SECOND)
  },
  rot: ({ disk }, dice) => disk.rot(dice),
  // what rots is looked at by the next start
  hotRot: ({ disk, host }, dice) => {
    disk.hotRot(dice)
    if (dice.chance(0.4)) host.kill(spell(dice, 3 * SECOND, 5 * MINUTE))
  },
  roomNeeded: ({ host }) => host.reclaim(),
  reload: (world, dice) => changeFile(world, dice),
  consumerGap: ({ consumer }, dice) => consumer.goAway(spell(dice, 20 * SECOND, 20 * MINUTE)),
}
