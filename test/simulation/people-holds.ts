// People who take alarms out of sight: shelve and unshelve, take points and instruments out of service and return them, say what
// goes on in the room — rightly, for too long, without a work order, without a second person, about what does not exist. Their own
// chance, so that nothing else changes with them. Checks are checks/holds.ts.

import type { Act, Actor } from '#core/input.ts'
import { alarmList } from '#core/step.ts'
import type { Dice } from './dice.ts'
import type { People } from './people.ts'
import type { World } from './world.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** The longest shelf of each class, so that people try just that, and a little more. */
const SPELLS = [MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR, 3 * HOUR, 25 * HOUR]

/** One act of somebody, now; `dice` decides which. */
export function holdSomething(world: World, people: People, dice: Dice): void {
  const { agent } = world.host
  if (agent === undefined) return
  const alarms = alarmList(agent.loop.state)
  const wall = world.host.boot.wall(world.host.boot.mono(world.now))
  const roll = dice.random()
  if (roll < 0.45) return people.carryOut(shelve(dice, people.actor(dice), alarms, wall))
  if (roll < 0.6) return people.carryOut(unshelve(dice, people.actor(dice), alarms))
  if (roll < 0.9) return people.carryOut(service(dice, people.actor(dice), world))
  people.carryOut(occupy(dice, people.actor(dice)))
}

type Listed = readonly { readonly alarm: string; readonly state: string }[]

/** Mostly something that is up, now and then anything, or nothing there is. */
function shelve(dice: Dice, actor: Actor, alarms: Listed, wall: number): Act {
  const up = alarms.filter(({ state }) => state !== 'normal')
  const { alarm } = dice.pick(up.length > 0 && dice.chance(0.6) ? up : alarms)
  const wrong = dice.chance(0.1)
  return {
    kind: 'shelve',
    actor,
    alarm: wrong ? `${alarm}s` : alarm,
    until: wall + dice.pick(SPELLS),
    reason: dice.chance(0.1) ? 'because' : 'known_fault',
    ...(dice.chance(0.9) && { comment: 'sensor is being looked at' }),
  }
}

function unshelve(dice: Dice, actor: Actor, alarms: Listed): Act {
  const shelved = alarms.filter(({ state }) => state === 'shelved')
  const { alarm } = dice.pick(shelved.length > 0 ? shelved : alarms)
  return { kind: 'unshelve', actor, alarm }
}

/** Out of service is mostly followed by a return, some by the same person, who may not. */
function service(dice: Dice, actor: Actor, { host, scenario }: World): Act {
  const out = [...(host.agent?.loop.state.service.keys() ?? [])]
  if (out.length > 0 && dice.chance(0.7))
    return { kind: 'return_to_service', actor, target: dice.pick(out), comment: 'done' }
  const instrument = dice.pick(dice.pick(scenario.buses).instruments)
  const target = dice.chance(0.5) ? instrument.id : dice.pick(instrument.points).id
  const workOrder = dice.chance(0.1) ? ' ' : `WO-${dice.whole(1, 9999)}`
  return { kind: 'out_of_service', actor, target: dice.chance(0.1) ? 'i9' : target, workOrder }
}

function occupy(dice: Dice, actor: Actor): Act {
  const state = dice.pick(['not_in_use', 'not_in_use', 'in_operation', 'at_rest'] as const)
  return { kind: 'occupancy', actor, zone: dice.chance(0.1) ? 'roof' : 'room', state }
}
