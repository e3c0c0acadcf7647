// Which instrument models can be simulated, by the id of their profile. Decides only who builds what.

import type { UnitSpec } from '../spec.ts'
import { Ee600 } from './ee600.ts'
import { GenericInstrument } from './generic.ts'
import type { InstrumentParts, SimulatedInstrument } from './instrument.ts'
import { IoLogikE1214 } from './iologik-e1214.ts'
import { Lighthouse } from './lighthouse.ts'
import { VaisalaGmp251 } from './vaisala-gmp251.ts'
import { VaisalaHmp } from './vaisala-hmp.ts'

type Builder = (unit: UnitSpec, parts: InstrumentParts) => SimulatedInstrument

const BUILDERS: Readonly<Record<string, Builder>> = {
  'lighthouse-apex': (unit, parts) => new Lighthouse(unit, parts),
  ee600: (unit, parts) => new Ee600(unit, parts),
  'vaisala-hmp': (unit, parts) => new VaisalaHmp(unit, parts),
  'vaisala-gmp251': (unit, parts) => new VaisalaGmp251(unit, parts),
  generic: (unit, parts) => new GenericInstrument(unit, parts),
  'moxa-iologik-e1214': (_, parts) => new IoLogikE1214(parts),
}

/** Profile ids that have a simulator. */
export const MODELS: readonly string[] = Object.keys(BUILDERS)

/** Builds the instrument of a unit; throws in words for a model that has none. */
export function buildInstrument(unit: UnitSpec, parts: InstrumentParts): SimulatedInstrument {
  const build = Object.hasOwn(BUILDERS, unit.model) ? BUILDERS[unit.model] : undefined
  if (build === undefined) {
    throw new Error(
      `instrument "${unit.instrument}": there is no simulator of "${unit.model}"; there is one of ${MODELS.join(', ')}`,
    )
  }
  return build(unit, parts)
}
