// A journal whose newest file cannot be gone on from is set aside whole and never deleted; a new one begins under a new
// epoch, whose first record names the old one (faults.md HO6). What was in alarm stays in alarm. It mends nothing.

import path from 'node:path'
import type { Head, Quarantined } from '#ports/store.ts'
import type { ChainPosition } from './audit.ts'
import { attempt, type Damage, damageOf } from './damage.ts'
import type { Db, Disk } from './disk.ts'
import { type HeadMarker, readHeadMarker, shortfall } from './head-marker.ts'
import { Journal, type JournalOptions, type JournalSeed, journalDirectory } from './journal.ts'
import { Packer } from './pack.ts'
import {
  plausibleBase,
  plausibleCoverage,
  plausibleEpoch,
  plausiblePosition,
  plausibleState,
  plausibleTail,
} from './plausible.ts'
import { endPosition, readBase, readCoverage, readTail, recordedCoverage } from './recover.ts'
import { type Base, type Covered, segmentNames, type Tail } from './segment.ts'
import { STATE_SUM_ROW } from './state-sum.ts'
import { StoreError } from './store-error.ts'

const QUARANTINE = 'quarantine'
/** What was found, written before anything is moved. */
const FOUND = 'found.json'
/** The new journal names this one in a record of its own. */
const BEGUN = 'begun'
/** Everything that could be got out was, with the figures of it. */
export const SALVAGED = 'salvaged.json'
/** The file where the salvaged records lie. */
export const SALVAGED_RECORDS = 'salvaged.ndjson'
/** Directories with the same moment in their name before it is a fault of the clock. */
const SAME_MOMENT_MAX = 1000

/** The journal opened, and what was set aside for it. */
export interface OpenedJournal {
  readonly journal: Journal
  readonly quarantined?: Quarantined
  /** What is not there any more, in words. */
  readonly lost?: string
}

/**
 * Opens the journal of a data directory. Damage of its newest file sets the whole journal aside and begins a new epoch;
 * every other fault is thrown. Interrupted anywhere, the next start goes on from there.
 */
export function openJournal(options: JournalOptions): OpenedJournal {
  const { disk, dataDir } = options
  const unfinished = directoriesOf(disk, dataDir, BEGUN).at(-1)
  if (unfinished !== undefined) return beginAnew(options, unfinished)
  let damage: Damage | undefined
  try {
    const journal = Journal.open(options)
    const marker = readHeadMarker(disk, dataDir)
    const { epoch, created } = journal.recovered
    const short = shortfall(marker, epoch, journal.head)
    if (short === undefined) {
      if (!created || marker === undefined) return { journal }
      return { journal: recordLoss(options, journal, marker), lost: LOST }
    }
    journal.close()
    // Records that were durable are gone: going on would give their numbers to others.
    damage = { kind: 'rolled_back', found: short }
  } catch (thrown) {
    damage = damageOf(thrown)
    if (damage === undefined) throw thrown
  }
  options.log.error('store_damaged', { ...damage })
  return beginAnew(options, setAside(options, damage))
}

const LOST = 'the journal that was here is not there any more'

/** A journal was known here and none is there any more: the new one says so in its first record. */
function recordLoss(options: JournalOptions, journal: Journal, marker: HeadMarker): Journal {
  const { epoch, seq, hash, wall } = marker
  const body = { oldEpoch: epoch, known: { seq, hash, ts: wall }, found: LOST }
  try {
    commitFirst(options, journal, 0, [{ type: 'store.rolled_back', body }])
  } finally {
    journal.close()
  }
  return Journal.open(options)
}

interface FirstEvent {
  readonly type: string
  readonly body: Readonly<Record<string, unknown>>
}

/** The first records of a new journal; what is given of `tail` becomes its last moment. */
function commitFirst(
  { wall, mono = 0, bootId = '' }: JournalOptions,
  journal: Journal,
  tb: number,
  events: readonly FirstEvent[],
  tail?: Tail,
): void {
  const moment = { at: { wall, mono }, bootId, tb }
  const records = events.map(({ type, body }) => ({
    kind: 'event' as const,
    event: { type, ts: Math.round(wall), body },
  }))
  const packer = new Packer()
  journal.commit(packer.pack({ ...moment, first: FIRST, records, state: [] }))
  if (tail === undefined) return
  const { at, bootId: boot } = tail
  const first = FIRST + records.length
  journal.commit(packer.pack({ at, bootId: boot, tb, first, records: [], state: [] }))
}

/** State row of the directories of which a record tells what was got out. */
export const SALVAGED_ROW = 'store/salvaged'

/** The row of directories that were told, with more of them. */
export const toldSalvages = (row: string | undefined, ...more: readonly string[]): string[] => [
  ...(attempt(() => JSON.parse(row ?? '[]') as string[]) ?? []),
  ...more,
]

/** Journals set aside of which no record tells what was got out; paths below the data directory, oldest first. */
export function unsalvaged(
  disk: Disk,
  dataDir: string,
  state: ReadonlyMap<string, string>,
): string[] {
  const told = toldSalvages(state.get(SALVAGED_ROW))
  return directoriesOf(disk, dataDir).filter((directory) => !told.includes(directory))
}

/** Directories of quarantine that hold a journal and lack a mark, oldest first. */
function directoriesOf(disk: Disk, dataDir: string, mark?: string): string[] {
  const quarantine = path.join(dataDir, QUARANTINE)
  if (disk.size(quarantine) === undefined) return []
  return disk
    .list(quarantine)
    .sort()
    .map((name) => path.join(QUARANTINE, name))
    .filter((directory) => {
      const at = (name: string) => disk.size(path.join(dataDir, directory, name)) !== undefined
      return at(FOUND) && at('journal') && (mark === undefined || !at(mark))
    })
}

/** Moves the whole journal (with every -wal and -shm) in one step; says what was found before. */
function setAside({ disk, dataDir, wall }: JournalOptions, damage: Damage): string {
  const from = journalDirectory(dataDir)
  const file = segmentNames(disk.list(from)).at(-1) ?? ''
  const moment = new Date(wall).toISOString().replaceAll(':', '-')
  let directory = path.join(QUARANTINE, moment)
  for (let n = 2; disk.size(path.join(dataDir, directory)) !== undefined; n++) {
    if (n > SAME_MOMENT_MAX) throw new StoreError('io', `${dataDir}/${directory} exists already`)
    directory = path.join(QUARANTINE, `${moment}-${n}`)
  }
  const to = path.join(dataDir, directory)
  disk.makeDirectory(to)
  disk.write(path.join(to, FOUND), `${JSON.stringify({ directory, file, ...damage })}\n`)
  disk.rename(from, path.join(to, 'journal'))
  disk.syncDirectory(to)
  disk.syncDirectory(dataDir)
  return directory
}

/** Begins the new epoch, where it is not begun yet, and names what was set aside in its first record. */
function beginAnew(options: JournalOptions, directory: string): OpenedJournal {
  const { disk, dataDir } = options
  const at = path.join(dataDir, directory)
  const found = JSON.parse(disk.read(path.join(at, FOUND)) ?? '{}') as Quarantined
  const readable = factsOf(disk, path.join(at, 'journal'))
  const facts = found.kind === 'rolled_back' ? withoutTime(readable) : readable
  const quarantined: Quarantined = { ...found, ...facts.known }
  const journal = Journal.open({ ...options, seed: facts.seed })
  try {
    if (journal.head.seq === 0) {
      const { epoch: oldEpoch, ...rest } = quarantined
      const body = { ...rest, ...(oldEpoch !== undefined && { oldEpoch }) }
      const named: FirstEvent = { type: 'store.quarantined', body }
      // Time since the old journal's last commit counts as downtime: the new one's last moment is the old one's.
      const events = [named, ...rolledBack(disk, dataDir, quarantined)]
      commitFirst(options, journal, facts.seed.tb, events, facts.tail)
    }
  } finally {
    journal.close()
  }
  disk.write(path.join(at, BEGUN), `${journal.recovered.epoch}\n`)
  return { journal: Journal.open(options), quarantined }
}

/** A journal that lost its end does not tell which slots were covered: no downtime is claimed from it. */
const withoutTime = ({ known, seed }: Facts): Facts => ({
  known,
  seed: { ...seed, ...covering(seed.state, undefined) },
  tail: undefined,
})

/** What is told of a journal that ends before a head that was known. */
function rolledBack(disk: Disk, dataDir: string, { kind, found, head }: Quarantined): FirstEvent[] {
  const marker = readHeadMarker(disk, dataDir)
  if (kind !== 'rolled_back' || marker === undefined) return []
  const { epoch, seq, hash, wall } = marker
  return [
    {
      type: 'store.rolled_back',
      body: { oldEpoch: epoch, known: { seq, hash, ts: wall }, head, found },
    },
  ]
}

interface Facts {
  readonly known: Pick<Quarantined, 'epoch' | 'head' | 'lastSeen' | 'stateOf'>
  readonly seed: JournalSeed
  readonly tail: Tail | undefined
}

/** What a file tells of itself, each part as far as it can be read. */
export interface FileParts {
  readonly epoch?: string | undefined
  readonly base?: Base | undefined
  readonly end?: ChainPosition | undefined
  readonly tail?: Tail | undefined
  readonly state?: Map<string, string> | undefined
  readonly coverage?: Map<string, Covered> | undefined
  /** The same by its newest records alone. */
  readonly recorded?: Map<string, Covered> | undefined
}

/** Reads what a file tells of itself; it may be damaged anywhere. */
export function readParts(disk: Disk, directory: string, name: string): FileParts {
  const db = attempt(() => disk.open(path.join(directory, name), 'read'))
  if (db === undefined) return {}
  try {
    const epoch = attempt(() => plausibleEpoch(db.prepare('SELECT epoch FROM base').get() as Base))
    const base = attempt(() => plausibleBase(readBase(db, name)))
    const end = attempt(() => {
      const position = endPosition(db, base)
      return position === undefined ? undefined : plausiblePosition(position)
    })
    const tail = attempt(() => plausibleTail(readTail(db)))
    const state = attempt(() => readState(db))
    const coverage =
      base === undefined || tail === undefined
        ? undefined
        : attempt(() => plausibleCoverage(readCoverage(db, base, tail.tb).coverage))
    const recorded =
      base === undefined || tail === undefined
        ? undefined
        : attempt(() => {
            const found = recordedCoverage(db, base)
            return found && plausibleCoverage(found)
          })
    return { epoch, base, end, tail, state, coverage, recorded }
  } finally {
    attempt(() => db.close())
  }
}

/** The state rows of a file; throws when one of them is none, since then none can be trusted. */
function readState(db: Db): Map<string, string> | undefined {
  const rows = db.prepare('SELECT key, value FROM state').raw().all() as [string, string][]
  if (rows.length === 0) return undefined
  const state = plausibleState(rows)
  state.delete(STATE_SUM_ROW)
  return state
}

/** What the journal set aside tells, its newest file first; coverage only from the newest, since an earlier one ends too soon. */
function factsOf(disk: Disk, directory: string): Facts {
  const names = segmentNames(disk.list(directory)).reverse()
  let epoch: string | undefined
  let head: Head | undefined
  let newest: FileParts = {}
  for (const [age, name] of names.entries()) {
    const parts = readParts(disk, directory, name)
    if (age === 0) newest = parts
    epoch ??= parts.epoch
    if (parts.end !== undefined)
      head ??= { seq: parts.end.seq, hash: Buffer.from(parts.end.hash).toString('hex') }
    if (parts.state === undefined) continue
    const { tail } = newest
    const recorded = age === 0 ? parts.recorded : undefined
    return {
      known: {
        ...(epoch !== undefined && { epoch }),
        ...(head !== undefined && { head }),
        ...(tail !== undefined && { lastSeen: tail.at.wall }),
        stateOf: name,
      },
      seed: {
        tb: (tail ?? parts.tail)?.tb ?? 0,
        ...covering(begunIn(carriedOver(parts.state), recorded), recorded),
      },
      tail,
    }
  }
  const known = { ...(epoch !== undefined && { epoch }), ...(head !== undefined && { head }) }
  return { known, seed: { tb: 0, state: new Map(), coverage: new Map() }, tail: newest.tail }
}

/** State row of where the account of each point's slots begins. */
const BEGINNINGS = 'slots_begin'

/**
 * State with the coverage that goes with it. Where it is not known which slots were covered, the beginnings of the accounts go too:
 * with them, a start would take everything since for owed.
 */
export function covering(
  state: ReadonlyMap<string, string>,
  coverage: Map<string, Covered> | undefined,
): Pick<JournalSeed, 'state' | 'coverage'> {
  if (coverage !== undefined) return { state, coverage }
  const rows = new Map(state)
  rows.delete(BEGINNINGS)
  return { state: rows, coverage: new Map() }
}

/** State without the beginnings of accounts of which a damaged file holds no record. */
function begunIn(
  state: ReadonlyMap<string, string>,
  coverage: ReadonlyMap<string, Covered> | undefined,
): ReadonlyMap<string, string> {
  const row = state.get(BEGINNINGS)
  if (row === undefined || coverage === undefined) return state
  const begun = Object.entries(JSON.parse(row) as Record<string, unknown>)
  const known = begun.filter(([point]) => coverage.has(point))
  return new Map([...state, [BEGINNINGS, JSON.stringify(Object.fromEntries(known))]])
}

/** Sequence number of the record that stands for the last transition of each alarm in the new epoch: the first one. */
const FIRST = 1

/** State for a new epoch: cursors of the old one mean nothing in it, and alarms stand as its first record found them. */
export function carriedOver(state: ReadonlyMap<string, string>): Map<string, string> {
  const kept = new Map<string, string>()
  for (const [key, value] of state) {
    if (/^(cursor|confirm|store)\//.test(key) && key !== SALVAGED_ROW) continue
    kept.set(key, key.startsWith('alarm/') ? renumberAlarm(value, FIRST) : value)
  }
  return kept
}

/** The row of an alarm with its last transition told by another record: the one that carried it over. */
export function renumberAlarm(value: string, seq: number): string {
  const row = JSON.parse(value) as { state?: { seq?: number } }
  if (row.state?.seq === undefined || row.state.seq === 0) return value
  return JSON.stringify({ ...row, state: { ...row.state, seq } })
}
