// Who an instrument says it is (URS-14): the registers that its profile names for model, serial number and firmware, read in
// one conversation and turned into text. Compares nothing and judges nobody; the runtime does.

import type { RawSignal } from '#core/reading.ts'
import type { Identity, IdentityReply } from '#ports/driver.ts'
import type { IdentifySpec, RegisterSpec } from '../profile.ts'
import type { Conversation } from './conversation.ts'
import { decodeText } from './decode.ts'
import { planRegisters, type RegisterPlan } from './poll-plan.ts'
import { pollRegisters } from './register-poll.ts'
import type { Unit } from './unit.ts'

/** Serial number first: where one of them cannot be read, that is the one that counts. */
const PARTS = ['serial', 'model', 'firmware'] as const satisfies readonly (keyof IdentifySpec)[]
/** Longest text taken from an instrument; a profile may name more. */
const TEXT_LENGTH_MAX = 64

/** Reads the identity of one unit. */
export interface IdentityReader {
  read(conversation: Conversation, nowMono: number): Promise<IdentityReply>
}

/** The reader of a unit, or undefined where its profile knows no way to ask. */
export function identityReader(unit: Unit, refusals: number): IdentityReader | undefined {
  const { identify } = unit.settings.profile
  const parts = PARTS.filter((part) => identify?.[part] !== undefined)
  const specs = parts.flatMap((part) => identify?.[part] ?? [])
  if (specs.length === 0) return undefined
  let plan: RegisterPlan | undefined
  return {
    read: async (conversation, nowMono) => {
      if (plan?.version !== unit.version(nowMono)) plan = planRegisters(specs, unit, nowMono)
      const { results } = await pollRegisters({ unit, plan, conversation, nowMono, refusals })
      return replyOf(parts, specs, results, conversation.silent)
    },
  }
}

/** A serial number that cannot be read is a fault; model and firmware alone are told where there are any. */
function replyOf(
  parts: readonly (keyof IdentifySpec)[],
  specs: readonly RegisterSpec[],
  results: readonly RawSignal[],
  silent: boolean,
): IdentityReply {
  const identity: { -readonly [K in keyof Identity]: string } = {}
  let failure: IdentityReply | undefined
  for (const [index, part] of parts.entries()) {
    const spec = specs[index]
    const result = results[index]
    if (spec === undefined || result === undefined) continue
    if (result.kind === 'fault') {
      failure ??= { kind: 'fault', fault: result, silent }
      if (part === 'serial') return failure
      continue
    }
    const text = textOf(spec, result)
    if (text !== '') identity[part] = text
  }
  const told = Object.keys(identity).length > 0
  return told || failure === undefined ? { kind: 'identity', identity } : failure
}

/** A register's content as people write it: text without blanks and control characters around it, numbers in decimal. */
function textOf(spec: RegisterSpec, { value, raw }: RawSignal & { kind: 'value' }): string {
  if (!spec.type.startsWith('string')) return Number.isFinite(value) ? String(value) : ''
  return decodeText(spec, raw, 0)
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, TEXT_LENGTH_MAX)
}
