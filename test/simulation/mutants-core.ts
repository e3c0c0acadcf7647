// Planted bugs of judging, timing and acting.

import type { Act, Input } from '#core/input.ts'
import type { LimitColumns } from '#core/limit.ts'
import type { Point } from '#core/point.ts'
import { NORMAL } from '../../agent/core/alarm-state.ts'
import type { Agent } from '../../agent/runtime/agent.ts'
import type { PlantedBug } from './mutant.ts'
import { withPoints } from './mutant.ts'

const MINUTE = 60_000

/** Changes each input on its way into the core. */
function feeding(agent: Agent, change: (input: Input) => Input | undefined): void {
  const { loop } = agent
  const input = loop.input.bind(loop)
  loop.input = (given) => input(change(given) ?? { kind: 'tick', at: given.at })
}

const shifted = (columns: LimitColumns | undefined, by: number): LimitColumns | undefined => {
  if (columns === undefined) return undefined
  const { atRest, inOperation } = columns
  return {
    ...(atRest !== undefined && { atRest: { ...atRest, value: atRest.value + by } }),
    ...(inOperation !== undefined && {
      inOperation: { ...inOperation, value: inOperation.value + by },
    }),
  }
}

/** Every high limit up and every low one down, or the other way. */
function moved(point: Point, by: number): Point {
  const { actionHigh, alertHigh, alertLow, actionLow, ...rest } = point.limits
  const limits = {
    actionHigh: shifted(actionHigh, by),
    alertHigh: shifted(alertHigh, by),
    alertLow: shifted(alertLow, -by),
    actionLow: shifted(actionLow, -by),
  }
  const present = Object.entries(limits).filter(([, columns]) => columns !== undefined)
  return { ...point, limits: { ...rest, ...Object.fromEntries(present) } }
}

const limited =
  (change: Partial<Point['limits']> | ((point: Point) => Partial<Point['limits']>)) =>
  (point: Point): Point => ({
    ...point,
    limits: { ...point.limits, ...(typeof change === 'function' ? change(point) : change) },
  })

type Acting = (act: Act) => Act

const acting = (agent: Agent, change: Acting): void => {
  const act = agent.act.bind(agent)
  agent.act = (given) => act(change(given))
}

export const coreMutants: readonly PlantedBug[] = [
  {
    name: 'a slot is lost now and then',
    caughtBy: ['D1', 'A1'],
    started: (agent) => {
      let count = 0
      feeding(agent, (input) => (input.kind === 'slots' && ++count % 100 === 0 ? undefined : input))
    },
  },
  {
    name: 'a slot is recorded twice now and then',
    caughtBy: ['D1'],
    started: (agent) => {
      let count = 0
      feeding(agent, (input) =>
        input.kind === 'slots' && ++count % 100 === 0
          ? { ...input, slots: [...input.slots, ...input.slots] }
          : input,
      )
    },
  },
  {
    name: 'on-delays are twice as long',
    caughtBy: ['A1'],
    configuration: (it) =>
      withPoints(
        it,
        limited(({ limits }) => ({ onDelayMs: limits.onDelayMs * 2 })),
      ),
  },
  {
    name: 'an on-delay ends one sample early',
    caughtBy: ['A1'],
    configuration: (it) =>
      withPoints(
        it,
        limited(({ limits, intervalMs }) => ({
          onDelayMs: Math.max(0, limits.onDelayMs - intervalMs),
        })),
      ),
  },
  {
    name: 'an on-delay waits for one sample more',
    caughtBy: ['A1'],
    configuration: (it) =>
      withPoints(
        it,
        limited(({ limits, intervalMs }) => ({ onDelayMs: limits.onDelayMs + intervalMs * 1.5 })),
      ),
  },
  {
    name: 'off-delays are ignored',
    caughtBy: ['A1'],
    configuration: (it) => withPoints(it, limited({ offDelayMs: 0 })),
  },
  {
    name: 'the deadband is ignored',
    caughtBy: ['A1', 'A5'],
    configuration: (it) => withPoints(it, limited({ deadband: 0 })),
  },
  {
    name: 'a value at the limit violates it',
    caughtBy: ['A1'],
    configuration: (it) => withPoints(it, (point) => moved(point, -1e-9)),
  },
  {
    name: 'limits are a little too wide',
    caughtBy: ['A1'],
    configuration: (it) => withPoints(it, (point) => moved(point, 0.3)),
  },
  {
    name: 'data loss is noticed much too late',
    caughtBy: ['A5'],
    force: { unitOff: 2 * MINUTE },
    configuration: (it) =>
      withPoints(it, (point) => ({ ...point, commFailMs: point.commFailMs * 50 })),
  },
  {
    name: 'data loss is an alarm much too soon',
    caughtBy: ['A5'],
    force: { wireLoss: 0.1 },
    configuration: (it) => withPoints(it, (point) => ({ ...point, commFailMs: 1000 })),
  },
  {
    name: 'bad data clears an alarm',
    caughtBy: ['U2', 'A4', 'A3', 'A1'],
    force: { unitOff: 2 * MINUTE, wireLoss: 0.02 },
    started: (agent) =>
      feeding(agent, (input) => {
        if (input.kind !== 'slots') return input
        const bad = new Set(
          input.slots.filter(({ result }) => result.kind === 'fault').map(({ point }) => point),
        )
        for (const unit of agent.loop.state.alarms.values()) {
          const { point, judgement } = unit.definition
          if (point !== undefined && bad.has(point.id) && judgement.by !== 'fault')
            unit.state = NORMAL
        }
        return input
      }),
  },
  {
    name: 'bad data resets an on-delay',
    caughtBy: ['A1'],
    force: { wireLoss: 0.03 },
    started: (agent) =>
      feeding(agent, (input) => {
        if (input.kind !== 'slots') return input
        for (const { point, result } of input.slots) {
          if (result.kind !== 'fault') continue
          for (const unit of agent.loop.state.alarms.values())
            if (unit.definition.point?.id === point) unit.state = { ...unit.state, pending: null }
        }
        return input
      }),
  },
  {
    name: 'an on-delay that stands still never runs out',
    caughtBy: ['A1'],
    force: { unitOff: MINUTE / 4 },
    started: (agent) =>
      feeding(agent, (input) => {
        for (const unit of agent.loop.state.alarms.values()) {
          const { pending } = unit.state
          if (pending?.since === null)
            unit.state = {
              ...unit.state,
              pending: { ...pending, heldMs: 0, heldSince: input.at.mono },
            }
        }
        return input
      }),
  },
  {
    name: 'delays run on the wall clock',
    caughtBy: ['A1', 'A5', 'D1', 'D5', 'S3', 'S5'],
    force: { clockStep: 2 * MINUTE },
    clock: (clock) => {
      const zero = clock.now()
      const now = () => {
        const { wall } = clock.now()
        return { wall, mono: zero.mono + (wall - zero.wall) }
      }
      return {
        bootId: clock.bootId,
        now,
        at: (due, call) => clock.at(clock.now().mono + Math.max(0, due - now().mono), call),
      }
    },
  },
  {
    name: 'a step of the wall clock is not noticed',
    caughtBy: ['S5'],
    force: { clockStep: 4 * MINUTE },
    clock: (clock) => {
      const zero = clock.now()
      return {
        bootId: clock.bootId,
        now: () => {
          const { mono } = clock.now()
          return { mono, wall: Math.floor(zero.wall + mono - zero.mono) }
        },
        at: (due, call) => clock.at(due, call),
      }
    },
  },
  {
    name: 'an acknowledgement names the alarm, not the occurrence',
    caughtBy: ['A6'],
    started: (agent) =>
      acting(agent, (act) => {
        const named = act.kind === 'ack' || act.kind === 'reset'
        if (!named || act.alarm === undefined) return act
        const occ = agent.loop.state.alarms.get(act.alarm)?.state.occurrence?.occ
        return { ...act, occ: occ ?? act.occ }
      }),
  },
  {
    name: 'anybody may acknowledge',
    caughtBy: ['A6'],
    started: (agent) =>
      acting(agent, (act) => ({ ...act, actor: { ...act.actor, role: 'technician' } })),
  },
  {
    name: 'a person is answered before the act is durable',
    caughtBy: ['A6'],
    started: (agent) => {
      agent.act = (act) => {
        const { reply } = agent.loop.input({ kind: 'act', at: agent.loop.now(), act })
        if (reply === undefined) throw new Error('no reply')
        return Promise.resolve(reply)
      }
    },
  },
  {
    name: 'an alarm moves without a record',
    caughtBy: ['U2', 'A4', 'A3'],
    started: (agent) => {
      let count = 0
      feeding(agent, (input) => {
        const open = [...agent.loop.state.alarms.values()].find(({ state }) => state.active)
        if (open !== undefined && ++count % 200 === 0)
          open.state = { ...open.state, acked: !open.state.acked }
        return input
      })
    },
  },
]
