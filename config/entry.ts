// Judges one entry of a file by its schema, says in words what is wrong, and saves what is right of it, so that one
// fault does not hide the next. Never decides what an entry means.

import type { z } from 'zod'
import type { Key, KeyPath, Place } from './document.ts'
import { under } from './document.ts'
import { type Findings, nearest, suggest } from './findings.ts'
import { type Issue, wordsOf } from './issue-words.ts'

/** Rounds of leaving out what is wrong before an entry is given up. */
const ROUNDS_MAX = 64

/**
 * Parses an entry. Faults are reported once; what is wrong is left out where the rest can stand without it.
 * Undefined when nothing usable is left.
 */
export function readEntry<T>(
  schema: z.ZodType<T>,
  raw: unknown,
  place: Place,
  findings: Findings,
): T | undefined {
  let candidate = raw
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const parsed = schema.safeParse(candidate)
    if (parsed.success) return parsed.data
    const { issues } = parsed.error
    if (round === 0) for (const issue of told(issues)) report(issue, schema, raw, place, findings)
    const faulty = issues.flatMap((issue) => faultyPaths(issue, candidate))
    if (faulty.some((keys) => keys.length === 0)) break
    for (const keys of faulty) {
      if (round === 0 || valueAt(raw, keys) !== undefined) findings.discard(under(place, ...keys))
    }
    candidate = without(candidate, faulty)
  }
  return undefined
}

/** A value of another form than is needed is that, not also too long. */
const told = (issues: readonly Issue[]): readonly Issue[] =>
  issues.filter((issue) => {
    const at = JSON.stringify(issue.path)
    const form = issues.find(
      ({ code, path }) => code === 'invalid_type' && JSON.stringify(path) === at,
    )
    return form === undefined || form === issue
  })

const keysOf = (path: readonly PropertyKey[]): Key[] =>
  path.map((key) => (typeof key === 'number' ? key : String(key)))

/** What has to be left out because of an issue; an empty path means the entry as a whole. */
function faultyPaths(issue: Issue, raw: unknown): KeyPath[] {
  const keys = keysOf(issue.path)
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => [...keys, key])
  const index = keys.findIndex((key) => typeof key === 'number')
  const whole = index === -1 ? keys : keys.slice(0, index)
  return [valueAt(raw, whole) === undefined ? whole.slice(0, -1) : whole]
}

const valueAt = (raw: unknown, keys: KeyPath): unknown => {
  let value = raw
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Readonly<Record<Key, unknown>>)[key]
  }
  return value
}

function without(raw: unknown, paths: readonly KeyPath[]): unknown {
  const copy = structuredClone(raw)
  for (const keys of paths) {
    const holder = valueAt(copy, keys.slice(0, -1))
    const last = keys.at(-1)
    if (typeof holder === 'object' && holder !== null && last !== undefined) {
      delete (holder as Record<Key, unknown>)[last]
    }
  }
  return copy
}

function report(issue: Issue, schema: z.ZodType, raw: unknown, place: Place, to: Findings): void {
  const keys = keysOf(issue.path)
  const at = under(place, ...keys)
  const value = valueAt(raw, keys)
  const meaning = describeAt(schema, keys, raw)
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(shapeAt(schema, keys, raw) ?? {})
    for (const key of issue.keys) {
      const home = homeOf(alternative(bare(schema), raw), key)
      const move = home === undefined ? '' : `it belongs to ${home}; `
      to.error(under(at, key), {
        problem: 'is not a key here',
        remedy: `${move}${suggest(key, known, 'known here')}`,
        at: 'key',
      })
      // What was meant is as good as refused: nothing is to be concluded from its absence.
      const meant = nearest(key, known)
      if (meant !== undefined && valueAt(value, [meant]) === undefined) to.discard(under(at, meant))
    }
    return
  }
  if (issue.code === 'invalid_key') {
    const group = schemaAt(schema, keys.slice(0, -1), raw)
    const { keyType } = definitionOf(bare(group ?? schema))
    const words = (keyType && describeThrough(keyType)) ?? 'something else'
    to.error(at, { problem: 'is not a key here', remedy: `name ${words}`, at: 'key' })
    return
  }
  if (value === undefined) {
    to.error(at, { problem: 'is missing', remedy: `add it: ${meaning}` })
    return
  }
  to.error(at, wordsOf(issue, value, meaning))
}

/** What zod keeps of a schema, as far as it is walked here. */
interface Definition {
  readonly type?: string
  readonly innerType?: z.ZodType
  readonly in?: z.ZodType
  readonly element?: z.ZodType
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly keyType?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly items?: readonly z.ZodType[]
  readonly discriminator?: string
}

const definitionOf = (schema: z.ZodType): Definition => schema.def as unknown as Definition

/** The schema beneath `optional` and the like. */
function bare(schema: z.ZodType): z.ZodType {
  const { innerType, in: input } = definitionOf(schema)
  const inner = innerType ?? input
  return inner === undefined ? schema : bare(inner)
}

/** The schema of a value inside an entry; of a union, the alternative that the entry's own words choose. */
function schemaAt(schema: z.ZodType, keys: KeyPath, raw: unknown): z.ZodType | undefined {
  const chosen = alternative(bare(schema), raw)
  const [key, ...rest] = keys
  if (key === undefined) return schema
  const { shape, element, items } = definitionOf(chosen)
  const next =
    typeof key === 'number'
      ? (items?.[key] ?? element)
      : shape !== undefined && Object.hasOwn(shape, key)
        ? shape[key]
        : undefined
  return next === undefined ? undefined : schemaAt(next, rest, valueAt(raw, [key]))
}

function alternative(schema: z.ZodType, raw: unknown): z.ZodType {
  const { options, discriminator } = definitionOf(schema)
  if (options === undefined) return schema
  const array = options.find((option) => definitionOf(bare(option)).type === 'array')
  if (discriminator === undefined) return (Array.isArray(raw) && array) || schema
  const word = valueAt(raw, [discriminator])
  const fits = options.find(
    (option) => definitionOf(option).shape?.[discriminator]?.safeParse(word).success === true,
  )
  return fits ?? options[0] ?? schema
}

const shapeAt = (schema: z.ZodType, keys: KeyPath, raw: unknown) => {
  const found = schemaAt(schema, keys, raw)
  return found === undefined
    ? undefined
    : definitionOf(alternative(bare(found), valueAt(raw, keys))).shape
}

/** The group one level down that a misplaced key belongs to: `actionHigh` written beside `limits`. */
function homeOf(entry: z.ZodType, key: string): string | undefined {
  for (const [name, schema] of Object.entries(definitionOf(entry).shape ?? {})) {
    const { shape } = definitionOf(bare(schema))
    if (shape !== undefined && Object.hasOwn(shape, key)) return name
  }
  return undefined
}

/** The description of the nearest schema around a value that has one. */
function describeAt(schema: z.ZodType, keys: KeyPath, raw: unknown): string {
  for (let length = keys.length; length >= 0; length--) {
    const found = schemaAt(schema, keys.slice(0, length), raw)
    const words = found === undefined ? undefined : describeThrough(found)
    if (words !== undefined) return words
  }
  return 'another value'
}

function describeThrough(schema: z.ZodType): string | undefined {
  if (schema.description !== undefined) return schema.description
  const { innerType, in: input } = definitionOf(schema)
  const inner = innerType ?? input
  return inner === undefined ? undefined : describeThrough(inner)
}
