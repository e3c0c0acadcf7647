// A grade A cabinet with its particle counter, for tests of what samples do.

import type { Sample } from '#core/particle.ts'
import type { Plant } from '#core/point.ts'
import { plantOf } from './core-plant.ts'
import { CoreRig } from './core-rig.ts'

export const cabinet = (): CoreRig => new CoreRig(plantOf(['bsc1-p05', 'bsc1-p5']))

/** The plant with counters whose nominal flow nobody states: their samples may be of any volume. */
export const ofAnyVolume = (plant: Plant): Plant => ({
  ...plant,
  instruments: plant.instruments.map(({ flowLpm: _, ...instrument }) => instrument),
})

/** The cabinet, where one sample may be of a whole cubic metre. */
export const unratedCabinet = (): CoreRig => new CoreRig(ofAnyVolume(cabinet().plant))

/** Counts of ≥0.5 µm and of ≥5 µm. */
export const counts = (small: number, large: number): Record<string, number> => ({
  particles_0_5um: small,
  particles_5um: large,
})

/** One sample a minute. */
export function samples(
  core: CoreRig,
  rows: readonly (readonly [small: number, large: number])[],
  given: Partial<Sample> = {},
): void {
  for (const [small, large] of rows) {
    core.advance(60_000)
    core.sample('pc-bsc1', counts(small, large), given)
  }
}
