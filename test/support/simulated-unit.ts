// A simulated instrument behind a fake wire, in virtual time: what the wire brings is answered by the simulator, faults included. It
// answers to one unit id; the site around it moves on with the clock.

import type { Clock } from '#ports/clock.ts'
import type { SimulationSpec } from '../../simulators/spec.ts'
import { planReply } from '../../simulators/wire/reply-plan.ts'
import { STEP_MS, World } from '../../simulators/world.ts'
import type { FakeWire } from './fake-wire.ts'

export interface SimulatedUnit {
  readonly world: World
  /** Function codes of the requests that were answered, in order. */
  readonly answered: number[]
  /** Moves the site on to now; the wire does so before each answer. */
  keepUp(): void
}

export function simulatedUnit(
  instrument: string,
  { spec, clock, wire }: { spec: SimulationSpec; clock: Clock; wire: FakeWire },
): SimulatedUnit {
  const world = new World(spec, {
    seed: 1,
    speed: 1,
    script: [],
    start: clock.now(),
    say: () => {},
  })
  const unit = world.unit(instrument)
  if (unit === undefined) throw new Error(`no ${instrument}`)
  const answered: number[] = []
  let stepped = clock.now().mono
  const keepUp = (): void => {
    for (; stepped + STEP_MS <= clock.now().mono; stepped += STEP_MS) world.step(stepped + STEP_MS)
  }
  wire.script = ({ unitId, functionCode, bytes, frame }, _regular, send) => {
    keepUp()
    const pdu = wire.framing === 'mbap' ? bytes.subarray(7) : bytes.subarray(1, -2)
    const plan = planReply({ unitId, ...unit }, pdu, clock.now().mono)
    if (plan.kind !== 'reply') return
    answered.push(functionCode)
    send(frame(plan.pdu), 5)
  }
  return { world, answered, keepUp }
}
