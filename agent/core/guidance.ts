// Why an alarm exists and what is to be done (URS-39, ISA-18.2 "rationalisation"): looked up from the texts that the plant carries, the
// general ones first, what is said of the very alarm last. Holds no texts itself.

import type { AlarmDefinition } from './alarm-set.ts'
import type { Plant } from './point.ts'

export const GUIDANCE_PARTS = ['cause', 'consequence', 'action'] as const

export interface Guidance {
  /** What usually brings it about. */
  readonly cause: string
  /** What follows where nobody acts. */
  readonly consequence: string
  /** What whoever sees it has to do. */
  readonly action: string
}

/** Texts by key; each may say a part only, and lets the more general one say the rest. */
export type GuidanceTexts = Readonly<Record<string, Partial<Guidance>>>

/** Keys under which the texts of an alarm are looked up, the general ones first. */
export function guidanceKeys(definition: AlarmDefinition): string[] {
  const { id, kind, point } = definition
  return [
    ...(kind === 'system' ? [] : [kind]),
    ...(point === undefined ? [] : [`${kind}.${point.quantity}`]),
    ...(kind === 'system' ? [] : [id.slice(0, id.indexOf('.'))]),
    id,
  ]
}

/** The guidance of an alarm; undefined where the plant has none that is whole. */
export function guidanceOf(
  { guidance }: Pick<Plant, 'guidance'>,
  definition: AlarmDefinition,
): Guidance | undefined {
  if (guidance === undefined) return undefined
  const found: Partial<Guidance> = Object.assign(
    {},
    ...guidanceKeys(definition).map((key) => (Object.hasOwn(guidance, key) ? guidance[key] : {})),
  )
  const { cause, consequence, action } = found
  if (cause === undefined || consequence === undefined || action === undefined) return undefined
  return { cause, consequence, action }
}
