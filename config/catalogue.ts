// Profiles and limit sets by id or path: the files beside this one, or the site's own. Decides which file a reference
// means and whether it is a sound profile or limit set; never which instrument uses it.

import { readdirSync } from 'node:fs'
import path from 'node:path'
import type { z } from 'zod'
import type { Quantity } from '#core/quantity.ts'
import { UNITS_OF } from '#core/quantity.ts'
import type { Profile } from '#drivers/profile.ts'
import { type Place, readDocument, resolveFrom, type SourceDocument, under } from './document.ts'
import { readEntry } from './entry.ts'
import { type Findings, suggest } from './findings.ts'
import { compileProfile, registersOf, sizeOf } from './profile.ts'
import { registerWidth } from './register-width.ts'
import { type OutputProfileInput, outputProfileSchema } from './schema/annunciator.ts'
import { ID_PATTERN } from './schema/atoms.ts'
import { type LimitSet, limitSetSchema } from './schema/limit-set.ts'
import { type ProfileInput, profileSchema } from './schema/profile.ts'

export const PROFILES_DIR = path.join(import.meta.dirname, 'profiles')
const OUTPUTS_DIR = path.join(import.meta.dirname, 'outputs')
export const LIMITS_DIR = path.join(import.meta.dirname, 'limits')

/** `profiles/ee600.json` for a file that comes with the agent, wherever that is installed; undefined for the site's own. */
export function builtInName(file: string): string | undefined {
  const within = [PROFILES_DIR, LIMITS_DIR].includes(path.dirname(file))
  return within ? path.relative(import.meta.dirname, file) : undefined
}

/** Finds, reads and judges the files a configuration refers to, each once. */
export interface Catalogue {
  profile(reference: string, place: Place): Profile | undefined
  limitSet(reference: string, place: Place): LimitSet | undefined
  output(reference: string, place: Place): OutputProfileInput | undefined
  /** Everything read so far, in order of reading. */
  documents(): readonly SourceDocument[]
}

/** The ids that come with the agent, from the names of a directory's files. */
export function builtInIds(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -'.json'.length))
      .sort()
  } catch {
    return []
  }
}

/** Opens an empty catalogue. */
export function openCatalogue(readFile: (path: string) => string, findings: Findings): Catalogue {
  const read = new Map<string, unknown>()
  const documents: SourceDocument[] = []

  function find<T>(
    kind: { readonly directory: string; readonly what: string; readonly source?: string },
    reference: string,
    place: Place,
    judge: (document: SourceDocument) => T | undefined,
  ): T | undefined {
    const unknown = (): undefined => {
      findings.error(place, {
        problem: `names the ${kind.what} "${reference}", which does not exist`,
        remedy: `${suggest(reference, builtInIds(kind.directory), 'known')}; or give a path with "/"`,
        ...(kind.source && { source: kind.source }),
      })
      return undefined
    }
    const byPath = reference.includes('/')
    if (!byPath && !ID_PATTERN.test(reference)) return unknown()
    const inDirectory = path.join(kind.directory, `${reference}.json`)
    const file = byPath
      ? resolveFrom(place.document, reference)
      : { name: inDirectory, path: inDirectory }
    if (read.has(file.path)) return read.get(file.path) as T | undefined
    const document = readDocument(file, readFile)
    if (document.value === undefined && document.text === '') {
      if (!byPath) return unknown()
      const [fault] = document.faults
      findings.error(place, {
        problem: `names the ${kind.what} ${file.name}, which ${fault?.problem ?? 'is empty'}`,
        remedy: fault?.remedy ?? 'check the path',
      })
      return undefined
    }
    documents.push(document)
    findings.file(document)
    const judged = document.value === undefined ? undefined : judge(document)
    read.set(file.path, judged)
    return judged
  }

  return {
    profile: (reference, place) =>
      find({ directory: PROFILES_DIR, what: 'profile' }, reference, place, (document) =>
        judgeProfile(document, findings),
      ),
    limitSet: (reference, place) =>
      find(
        { directory: LIMITS_DIR, what: 'limit set', source: 'Annex 1 9.9, URS-16' },
        reference,
        place,
        (document) => judgeLimitSet(document, findings),
      ),
    output: (reference, place) =>
      find({ directory: OUTPUTS_DIR, what: 'output module' }, reference, place, (document) =>
        judgeOutput(document, findings),
      ),
    documents: () => documents,
  }
}

/** A file that is sound by itself; nothing of it is shown when it is no group of keys, since it may be any file. */
function whole<T>(schema: z.ZodType<T>, document: SourceDocument, findings: Findings) {
  const place: Place = { document, path: [] }
  if (typeof document.value !== 'object' || document.value === null) {
    findings.error(place, {
      problem: 'is no group of keys',
      remedy: `give ${schema.description ?? 'the file that is meant'}`,
    })
    return undefined
  }
  const sound = schema.safeParse(document.value).success
  const value = readEntry(schema, document.value, place, findings)
  return sound ? value : undefined
}

/** Checks a profile by itself and fills in its defaults. */
function judgeProfile(document: SourceDocument, findings: Findings): Profile | undefined {
  const input = whole(profileSchema, document, findings)
  if (input === undefined) return undefined
  const place: Place = { document, path: [] }
  checkSignals(input, place, findings)
  checkRegisters(input, place, findings)
  return compileProfile(input)
}

function checkSignals(input: ProfileInput, place: Place, findings: Findings): void {
  const names = input.signals.map(({ name }) => name)
  for (const [index, signal] of input.signals.entries()) {
    const at = under(place, 'signals', index)
    if (names.indexOf(signal.name) !== index) {
      findings.error(under(at, 'name'), {
        problem: `gives the signal "${signal.name}" a second time`,
        remedy: 'give each signal a name of its own',
      })
    }
    const units: readonly string[] = UNITS_OF[signal.quantity satisfies Quantity]
    if (!units.includes(signal.unit)) {
      findings.error(under(at, 'unit'), {
        problem: `is "${signal.unit}", which is no unit of ${signal.quantity}`,
        remedy: `use scale and offset to give ${units.join(' or ')}`,
      })
    }
    if (signal.quantity === 'particle_concentration' && sizeOf(signal) === undefined) {
      findings.error(under(at, 'sizeUm'), {
        problem: 'is missing, and the name does not tell the size',
        remedy: 'add sizeUm, or name the signal as in particles_0_5um',
      })
    }
  }
  const referring = [
    ...(input.status ?? []).map((status, index) => ({ status, at: under(place, 'status', index) })),
    ...(input.sample?.status ?? []).map((status, index) => ({
      status,
      at: under(place, 'sample', 'status', index),
    })),
  ]
  for (const { status, at } of referring) {
    for (const [index, name] of (status.signals ?? []).entries()) {
      if (names.includes(name)) continue
      findings.error(under(at, 'signals', index), {
        problem: `is "${name}", which is no signal of this profile`,
        remedy: suggest(name, names, 'signals'),
      })
    }
    const bitsMax = 16 * registerWidth(status.type)
    for (const [index, { bit }] of (status.bits ?? []).entries()) {
      if (bit < bitsMax) continue
      findings.error(under(at, 'bits', index, 'bit'), {
        problem: `is ${bit}, beyond the ${bitsMax} bits of ${status.type}`,
        remedy: 'count bits from 0, or read the status as u32',
      })
    }
    if ((status.bits ?? []).length === 0 && status.healthy === undefined) {
      findings.error(at, {
        problem: 'says neither which bits nor which words mean a fault',
        remedy: 'add bits or healthy',
      })
    }
  }
}

const BIT_TABLES = ['coil', 'discrete_input']
const REGISTERS_OF_A_TABLE = 65_536

function checkRegisters(input: ProfileInput, place: Place, findings: Findings): void {
  const most = input.limits?.maxRegistersPerRead ?? 125
  for (const { register, path: keys } of registersOf(input)) {
    const at = under(place, ...keys)
    const width = registerWidth(register.type)
    if (BIT_TABLES.includes(register.table) !== (register.type === 'bit')) {
      findings.error(under(at, 'type'), {
        problem: `is ${register.type} in the table ${register.table}`,
        remedy: 'use bit for coil and discrete_input, and another type for registers',
      })
    }
    if (register.address + width > REGISTERS_OF_A_TABLE) {
      findings.error(under(at, 'address'), {
        problem: `is ${register.address}, so that ${register.type} ends beyond the table`,
        remedy: 'give the zero-based address that is sent on the wire',
      })
    }
    if (width > most) {
      findings.error(under(at, 'type'), {
        problem: `is ${register.type}, wider than one read of ${most} registers`,
        remedy: 'raise limits.maxRegistersPerRead, or read less; a value is never split',
      })
    }
  }
}

/** Each output has one coil, and each coil drives one output. */
function judgeOutput(document: SourceDocument, findings: Findings): OutputProfileInput | undefined {
  const profile = whole(outputProfileSchema, document, findings)
  if (profile === undefined) return undefined
  const { outputs } = profile
  for (const [index, { name, address }] of outputs.entries()) {
    const at: Place = { document, path: ['outputs', index] }
    const first = outputs.findIndex((other) => other.name === name || other.address === address)
    if (first === index) continue
    findings.error(under(at, outputs[first]?.name === name ? 'name' : 'address'), {
      problem: 'is that of another output already',
      remedy: 'give each output one coil of its own',
    })
  }
  return profile
}

function judgeLimitSet(document: SourceDocument, findings: Findings): LimitSet | undefined {
  const set = whole(limitSetSchema, document, findings)
  if (set === undefined) return undefined
  const place: Place = { document, path: ['particles'] }
  const seen = new Set<string>()
  for (const [index, { grade, sizeUm }] of set.particles.entries()) {
    const key = `${grade} ${sizeUm}`
    if (seen.has(key)) {
      findings.error(under(place, index), {
        problem: `gives grade ${grade} at ${sizeUm} µm a second time`,
        remedy: 'keep one of the two',
      })
    }
    seen.add(key)
  }
  return set
}
