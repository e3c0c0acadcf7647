// Who an instrument says it is (URS-14): the registers, or the objects of function 43/14, that its profile names for model,
// serial number and firmware, read in one conversation and turned into text. Compares nothing and judges nobody.

import type { RawSignal } from '#core/reading.ts'
import type { Identity, IdentityReply } from '#ports/driver.ts'
import { type IdentifySpec, isObjectSpec, type RegisterSpec } from '../profile.ts'
import type { Conversation } from './conversation.ts'
import { decodeText } from './decode.ts'
import type { Fault } from './exception.ts'
import { readObjects } from './identification.ts'
import { planRegisters, type RegisterPlan } from './poll-plan.ts'
import { pollRegisters } from './register-poll.ts'
import type { Unit } from './unit.ts'

/** Serial number first: where one of them cannot be read, that is the one that counts. */
const PARTS = ['serial', 'model', 'firmware'] as const satisfies readonly (keyof IdentifySpec)[]
type Part = (typeof PARTS)[number]
/** Longest text taken from an instrument; a profile may name more. */
const TEXT_LENGTH_MAX = 64

/** Reads the identity of one unit. */
export interface IdentityReader {
  read(conversation: Conversation, nowMono: number): Promise<IdentityReply>
}

/** What was told of one part, or why it was not; absent where the instrument has nothing to tell. */
type Told = Map<Part, string | Fault>

/** The reader of a unit, or undefined where its profile knows no way to ask. */
export function identityReader(unit: Unit, refusals: number): IdentityReader | undefined {
  const { identify } = unit.settings.profile
  const registers: { readonly part: Part; readonly spec: RegisterSpec }[] = []
  const objects: { readonly part: Part; readonly object: number }[] = []
  for (const part of PARTS) {
    const spec = identify?.[part]
    if (spec === undefined) continue
    if (isObjectSpec(spec)) objects.push({ part, object: spec.object })
    else registers.push({ part, spec })
  }
  if (registers.length + objects.length === 0) return undefined
  const specs = registers.map(({ spec }) => spec)
  let plan: RegisterPlan | undefined
  const readRegisters = async (conversation: Conversation, nowMono: number, told: Told) => {
    if (plan?.version !== unit.version(nowMono)) plan = planRegisters(specs, unit, nowMono)
    const { results } = await pollRegisters({ unit, plan, conversation, nowMono, refusals })
    for (const [index, { part, spec }] of registers.entries()) {
      const result = results[index]
      if (result !== undefined) {
        told.set(part, result.kind === 'fault' ? result : textOfRegister(spec, result))
      }
    }
  }
  return {
    read: async (conversation, nowMono) => {
      const told: Told = new Map()
      if (registers.length > 0) await readRegisters(conversation, nowMono, told)
      if (objects.length > 0) {
        const ids = objects.map(({ object }) => object)
        const { unitId } = unit.settings
        const found = await readObjects(unitId, ids, (request) => conversation.read(request))
        for (const { part, object } of objects) {
          const text = found.texts.get(object) ?? found.failures.get(object)
          if (text !== undefined) told.set(part, typeof text === 'string' ? shown(text) : text)
        }
      }
      return replyOf(told, conversation.silent)
    },
  }
}

/** A serial number that cannot be read is a fault; model and firmware alone are told where there are any. */
function replyOf(told: Told, silent: boolean): IdentityReply {
  const identity: { -readonly [K in keyof Identity]: string } = {}
  let failure: IdentityReply | undefined
  for (const part of PARTS) {
    const text = told.get(part)
    if (typeof text === 'object') {
      failure ??= { kind: 'fault', fault: text, silent }
      if (part === 'serial') return failure
    } else if (text !== undefined && text !== '') identity[part] = text
  }
  const isTold = Object.keys(identity).length > 0
  return isTold || failure === undefined ? { kind: 'identity', identity } : failure
}

/** A register's content as people write it: text, or a number in decimal. */
function textOfRegister(spec: RegisterSpec, { value, raw }: RawSignal & { kind: 'value' }): string {
  if (!spec.type.startsWith('string')) return Number.isFinite(value) ? String(value) : ''
  return shown(decodeText(spec, raw, 0))
}

/** Text without blanks and control characters around it. */
const shown = (text: string): string =>
  text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, TEXT_LENGTH_MAX)
