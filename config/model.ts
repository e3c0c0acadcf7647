// The configuration as written: all included files read, every entry judged by its schema and kept with its place.
// Decides what belongs together; never resolves a reference and never fills in a default.

import type { z } from 'zod'
import { type Place, readDocument, resolveFrom, type SourceDocument, under } from './document.ts'
import { readEntry } from './entry.ts'
import { type Findings, suggest } from './findings.ts'
import { type AnnunciatorInput, annunciatorSchema } from './schema/annunciator.ts'
import {
  type AlarmPathInput,
  alarmPathSchema,
  configurationSchema,
  consoleSchema,
  type GatewayInput,
  type GuidanceInput,
  gatewaySchema,
  guidanceSchema,
  includeSchema,
  type MqttInput,
  mqttSchema,
  type PhrasesInput,
  phrasesSchema,
  type RemindersInput,
  reasonCodesSchema,
  remindersSchema,
  type ShelvingInput,
  type SiteInput,
  shelvingSchema,
  siteSchema,
} from './schema/configuration.ts'
import {
  type BusInput,
  busSchema,
  type InstrumentInput,
  instrumentOwnSchema,
  limitSetReference,
  type PointInput,
  pointSchema,
  type ZoneInput,
  zoneSchema,
} from './schema/plant.ts'
import { codeOf, type WrittenReason } from './words.ts'

/** Most files one configuration is made of by include. */
const FILES_MAX = 64
/** Most entries of one list. */
const ENTRIES_MAX = 5000

/** Something written, with the place it stands at. */
export interface Written<T> {
  readonly value: T
  readonly place: Place
}

export interface WrittenInstrument {
  /** Undefined where the instrument's own keys cannot be used. */
  readonly own: InstrumentInput | undefined
  readonly place: Place
  readonly points: readonly Written<PointInput>[]
}

export interface Model {
  readonly documents: readonly SourceDocument[]
  readonly site?: Written<SiteInput>
  readonly gateway?: Written<GatewayInput>
  readonly limitSet?: Written<string>
  readonly mqtt?: Written<MqttInput>
  readonly reasonCodes?: readonly WrittenReason[]
  readonly phrases?: Written<PhrasesInput>
  readonly shelving?: Written<ShelvingInput>
  readonly alarmPath?: Written<AlarmPathInput>
  readonly reminders?: Written<RemindersInput>
  readonly guidance?: Written<GuidanceInput>
  readonly annunciator?: Written<AnnunciatorInput>
  readonly zones: readonly Written<ZoneInput>[]
  readonly buses: readonly Written<BusInput>[]
  readonly instruments: readonly WrittenInstrument[]
  /** Every id that was written in a list, also of entries that cannot be used, with its places. */
  readonly ids: Readonly<
    Record<'zones' | 'buses' | 'instruments' | 'points', ReadonlyMap<string, readonly Place[]>>
  >
}

type Raw = Readonly<Record<string, unknown>>
type File = { readonly name: string; readonly path: string }

const isGroup = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads a configuration file and what it includes, and judges every entry by itself. */
export function readModel(
  file: File,
  readFile: (path: string) => string,
  findings: Findings,
): Model {
  const documents = readDocuments(file, readFile, findings)
  const groups = documents.flatMap((document) => readGroup(document, findings))
  const section = <T>(key: string, schema: z.ZodType<T>): Written<T> | undefined =>
    readSection(groups, key, schema, findings)
  const list = (key: string) => readList(groups, key, findings)
  const points = new Map<string, readonly Place[]>()

  const site = section('site', siteSchema)
  const gateway = section('gateway', gatewaySchema)
  const limitSet = section('limitSet', limitSetReference)
  const mqtt = section('mqtt', mqttSchema)
  section('console', consoleSchema)
  const reasonCodes = readReasonCodes(groups, findings)
  const reminders = section('reminders', remindersSchema)
  const alarmPath = section('alarmPath', alarmPathSchema)
  const shelving = section('shelving', shelvingSchema)
  const phrases = section('phrases', phrasesSchema)
  const guidance = section('guidance', guidanceSchema)
  const annunciator = section('annunciator', annunciatorSchema)
  const zones = list('zones')
  const buses = list('buses')
  const instruments = list('instruments')
  if (groups.length > 0) requireSections(groups, documents[0], findings)
  return {
    documents,
    ...(site && { site }),
    ...(gateway && { gateway }),
    ...(limitSet && { limitSet }),
    ...(mqtt && { mqtt }),
    ...(reasonCodes && { reasonCodes }),
    ...(reminders && { reminders }),
    ...(phrases && { phrases }),
    ...(shelving && { shelving }),
    ...(alarmPath && { alarmPath }),
    ...(guidance && { guidance }),
    ...(annunciator && { annunciator }),
    zones: entries(zones, zoneSchema, findings),
    buses: entries(buses, busSchema, findings),
    instruments: instruments.map((item) => readInstrument(item, points, findings)),
    ids: { zones: idsOf(zones), buses: idsOf(buses), instruments: idsOf(instruments), points },
  }
}

/** The file and, in the order they are named, the files it includes, each once. */
function readDocuments(
  file: File,
  readFile: (path: string) => string,
  findings: Findings,
): SourceDocument[] {
  const documents: SourceDocument[] = []
  const read = (next: File, from?: Place): void => {
    if (documents.some(({ path }) => path === next.path)) {
      if (from)
        findings.error(from, { problem: 'includes a file a second time', remedy: 'remove it' })
      return
    }
    if (documents.length >= FILES_MAX) {
      const problem = `makes more than ${FILES_MAX} files`
      if (from) findings.error(from, { problem, remedy: 'join some of the files' })
      return
    }
    const document = readDocument(next, readFile)
    if (from && document.value === undefined && document.text === '') {
      const problem = `names ${next.name}, which ${document.faults[0]?.problem ?? 'is not usable'}`
      const remedy = document.faults[0]?.remedy ?? 'check the name'
      findings.error(from, { problem, remedy })
      return
    }
    findings.file(document)
    documents.push(document)
    for (const { reference, place } of includesOf(document))
      read(resolveFrom(next, reference), place)
  }
  read(file)
  return documents
}

function includesOf(document: SourceDocument): { reference: string; place: Place }[] {
  if (!isGroup(document.value)) return []
  const include = document.value['include']
  const place: Place = { document, path: ['include'] }
  if (typeof include === 'string') return [{ reference: include, place }]
  if (!Array.isArray(include)) return []
  return include.flatMap((reference, index) =>
    typeof reference === 'string' ? [{ reference, place: under(place, index) }] : [],
  )
}

const KEYS = Object.keys(configurationSchema.shape)

/** The top level of a file; unknown keys are faults, and a file that is no group of keys says nothing. */
function readGroup(document: SourceDocument, findings: Findings): { raw: Raw; place: Place }[] {
  const place: Place = { document, path: [] }
  if (document.value === undefined) return []
  if (!isGroup(document.value)) {
    if (document.value !== null || document.faults.length === 0) {
      findings.error(place, {
        problem: document.value === null ? 'is empty' : 'is not a group of keys',
        remedy: `begin with keys such as ${KEYS.slice(1).join(', ')}`,
      })
    }
    return []
  }
  for (const key of Object.keys(document.value)) {
    if (KEYS.includes(key)) continue
    findings.error(under(place, key), {
      problem: 'is not a key here',
      remedy: suggest(key, KEYS, 'known here'),
      at: 'key',
    })
  }
  if (Object.hasOwn(document.value, 'include')) {
    readEntry(includeSchema, document.value['include'], under(place, 'include'), findings)
  }
  return [{ raw: document.value, place }]
}

type Group = { readonly raw: Raw; readonly place: Place }

function readSection<T>(
  groups: readonly Group[],
  key: string,
  schema: z.ZodType<T>,
  findings: Findings,
): Written<T> | undefined {
  const given = groups.filter(({ raw }) => Object.hasOwn(raw, key))
  for (const { place } of given.slice(1)) {
    findings.error(under(place, key), {
      problem: `is given in ${given[0]?.place.document.name} already`,
      remedy: 'keep one of the two; only lists are joined',
      at: 'key',
    })
  }
  const [first] = given
  if (first === undefined) return undefined
  const place = under(first.place, key)
  const value = readEntry(schema, first.raw[key], place, findings)
  return value === undefined ? undefined : { value, place }
}

interface RawEntry {
  readonly raw: unknown
  readonly place: Place
}

/** The joined list of a key over all files. */
function readList(groups: readonly Group[], key: string, findings: Findings): RawEntry[] {
  return groups.flatMap(({ raw, place }) =>
    Object.hasOwn(raw, key) ? rawEntries(raw[key], under(place, key), findings) : [],
  )
}

function rawEntries(value: unknown, place: Place, findings: Findings): RawEntry[] {
  if (!Array.isArray(value)) {
    const problem = value === null ? 'is empty' : 'is not a list'
    findings.error(place, { problem, remedy: 'begin each entry with "- "' })
    return []
  }
  if (value.length > ENTRIES_MAX) {
    findings.error(place, {
      problem: `has ${value.length} entries, more than ${ENTRIES_MAX}`,
      remedy: 'share the work between several gateways',
    })
  }
  return value.slice(0, ENTRIES_MAX).map((raw, index) => ({ raw, place: under(place, index) }))
}

const entries = <T>(list: readonly RawEntry[], schema: z.ZodType<T>, findings: Findings) =>
  list.flatMap(({ raw, place }) => {
    const value = readEntry(schema, raw, place, findings)
    return value === undefined ? [] : [{ value, place }]
  })

function readInstrument(
  { raw, place }: RawEntry,
  ids: Map<string, readonly Place[]>,
  findings: Findings,
): WrittenInstrument {
  if (!isGroup(raw)) {
    readEntry(instrumentOwnSchema, raw, place, findings)
    return { own: undefined, place, points: [] }
  }
  const { points, ...ownKeys } = raw
  const own = readEntry(instrumentOwnSchema, ownKeys, place, findings)
  const at = under(place, 'points')
  if (points === undefined || (Array.isArray(points) && points.length === 0)) {
    findings.error(at, {
      problem: points === undefined ? 'is missing' : 'is empty',
      remedy: 'add what the instrument measures: - { id: …, signal: …, zone: … }',
    })
    return { own, place, points: [] }
  }
  const list = rawEntries(points, at, findings)
  for (const [name, places] of idsOf(list)) ids.set(name, [...(ids.get(name) ?? []), ...places])
  return { own, place, points: entries(list, pointSchema, findings) }
}

function idsOf(list: readonly RawEntry[]): Map<string, readonly Place[]> {
  const ids = new Map<string, readonly Place[]>()
  for (const { raw, place } of list) {
    if (!isGroup(raw) || typeof raw['id'] !== 'string') continue
    ids.set(raw['id'], [...(ids.get(raw['id']) ?? []), under(place, 'id')])
  }
  return ids
}

function readReasonCodes(
  groups: readonly Group[],
  findings: Findings,
): WrittenReason[] | undefined {
  const given = groups.filter(({ raw }) => Object.hasOwn(raw, 'reasonCodes'))
  if (given.length === 0) return undefined
  const codes = given.flatMap(
    ({ raw, place }) =>
      readEntry(reasonCodesSchema, raw['reasonCodes'], under(place, 'reasonCodes'), findings) ?? [],
  )
  return [...new Map(codes.map((reason) => [codeOf(reason), reason])).values()]
}

const REQUIRED: Readonly<Record<string, string>> = {
  site: 'site: { org: …, id: …, name: …, timezone: Europe/Rome }',
  gateway: 'gateway: { id: gw-01, dataDir: ./data }',
  limitSet: 'limitSet: annex1-2022, or annex1-2008, or a path to the site’s own',
  zones: 'zones: with one entry for each room and cabinet',
  buses: 'buses: with one entry for each line to instruments',
  instruments: 'instruments: with one entry for each instrument',
}

function requireSections(
  groups: readonly Group[],
  document: SourceDocument | undefined,
  findings: Findings,
): void {
  if (document === undefined) return
  for (const [key, example] of Object.entries(REQUIRED)) {
    const given = groups.filter(({ raw }) => Object.hasOwn(raw, key))
    const place: Place = { document, path: [key] }
    const source = key === 'limitSet' ? { source: 'Annex 1 9.9, URS-16' } : {}
    if (given.length === 0) {
      findings.error(place, { problem: 'is missing', remedy: `add ${example}`, ...source })
    } else if (given.every(({ raw }) => Array.isArray(raw[key]) && raw[key].length === 0)) {
      findings.error(place, { problem: 'is empty', remedy: `add ${example}` })
    }
  }
}
