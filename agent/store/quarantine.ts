// A journal whose newest file cannot be gone on from is set aside whole and never deleted; a new one begins under a new
// epoch, whose first record names the old one (faults.md HO6). What was in alarm stays in alarm. It mends nothing.

import path from 'node:path'
import type { Head, Quarantined } from '#ports/store.ts'
import type { Db, Disk } from './disk.ts'
import { Journal, type JournalOptions, type JournalSeed, journalDirectory } from './journal.ts'
import { Packer } from './pack.ts'
import { endPosition, readBase, readCoverage, readTail } from './recover.ts'
import { segmentNames, type Tail } from './segment.ts'
import { StoreError, toStoreError } from './store-error.ts'

const QUARANTINE = 'quarantine'
/** What was found, written before anything is moved. */
const FOUND = 'found.json'
/** The new journal names this one in a record of its own. */
const BEGUN = 'begun'
/** Everything that could be got out was. */
const SALVAGED = 'salvaged.json'
/** The file where the salvaged records lie. */
export const SALVAGED_RECORDS = 'salvaged.ndjson'
/** Directories with the same moment in their name before it is a fault of the clock. */
const SAME_MOMENT_MAX = 1000

/** Faults of reading that are the file's, not the machine's: moving the file aside helps. */
const UNREADABLE = /^SQLITE_IOERR_(READ|SHORT_READ|CORRUPTFS|DATA)$/

type Damage = Pick<Quarantined, 'kind' | 'found'>

/** Whether an error of opening is damage of the newest file, which a new journal gets over. */
export function damageOf(thrown: unknown): Damage | undefined {
  // What was written as JSON and is none any more.
  if (thrown instanceof SyntaxError)
    return { kind: 'corrupt', found: `a record cannot be read: ${thrown.message}` }
  const error = toStoreError(thrown, 'open the journal')
  if (!(error instanceof StoreError)) return undefined
  const found = error.message
  if (error.kind === 'corrupt') return { kind: 'corrupt', found }
  if (error.kind === 'version' && error.file !== undefined) return { kind: 'version', found }
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return error.kind === 'io' && UNREADABLE.test(code) ? { kind: 'unreadable', found } : undefined
}

/** The journal opened, and what was set aside for it. */
export interface OpenedJournal {
  readonly journal: Journal
  readonly quarantined?: Quarantined
}

/**
 * Opens the journal of a data directory. Damage of its newest file sets the whole journal aside and begins a new epoch;
 * every other fault is thrown. Interrupted anywhere, the next start goes on from there.
 */
export function openJournal(options: JournalOptions): OpenedJournal {
  const { disk, dataDir } = options
  let unfinished = directoriesOf(disk, dataDir, BEGUN)
  if (unfinished.length === 0) {
    try {
      return { journal: Journal.open(options) }
    } catch (thrown) {
      const damage = damageOf(thrown)
      if (damage === undefined) throw thrown
      options.log.error('store_damaged', { ...damage })
      unfinished = [setAside(options, damage)]
    }
  }
  return beginAnew(options, unfinished.at(-1) ?? '')
}

/** Journals set aside that nothing was got out of yet; paths below the data directory, oldest first. */
export const unsalvaged = (disk: Disk, dataDir: string): string[] =>
  directoriesOf(disk, dataDir, SALVAGED)

/** Directories of quarantine that hold a journal and lack a mark, oldest first. */
function directoriesOf(disk: Disk, dataDir: string, mark: string): string[] {
  const quarantine = path.join(dataDir, QUARANTINE)
  if (disk.size(quarantine) === undefined) return []
  return disk
    .list(quarantine)
    .sort()
    .map((name) => path.join(QUARANTINE, name))
    .filter((directory) => {
      const at = (name: string) => disk.size(path.join(dataDir, directory, name)) !== undefined
      return at(FOUND) && at('journal') && !at(mark)
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
  const { disk, dataDir, wall } = options
  const at = path.join(dataDir, directory)
  const found = JSON.parse(disk.read(path.join(at, FOUND)) ?? '{}') as Quarantined
  const facts = factsOf(disk, path.join(at, 'journal'))
  const quarantined: Quarantined = { ...found, ...facts.known }
  const journal = Journal.open({ ...options, seed: facts.seed })
  try {
    if (journal.head.seq === 0) {
      const { mono = 0, bootId = '' } = options
      const moment = { at: { wall, mono }, bootId, tb: facts.seed.tb }
      const event = { type: 'store.quarantined', ts: Math.round(wall), body: { ...quarantined } }
      const packer = new Packer()
      journal.commit(
        packer.pack({ ...moment, first: 1, records: [{ kind: 'event', event }], state: [] }),
      )
      // Time since the old journal's last commit counts as downtime: the new one's last moment is the old one's.
      const { tail } = facts
      if (tail !== undefined)
        journal.commit(packer.pack({ ...moment, ...tail, first: 2, records: [], state: [] }))
    }
  } finally {
    journal.close()
  }
  disk.write(path.join(at, BEGUN), `${journal.recovered.epoch}\n`)
  return { journal: Journal.open(options), quarantined }
}

interface Facts {
  readonly known: Pick<Quarantined, 'epoch' | 'head' | 'lastSeen' | 'stateOf'>
  readonly seed: JournalSeed
  readonly tail: Tail | undefined
}

const attempt = <T>(call: () => T): T | undefined => {
  try {
    return call()
  } catch {
    return undefined
  }
}

/** What a file tells of itself, each part as far as it can be read. */
function readParts(disk: Disk, directory: string, name: string) {
  const db = attempt(() => disk.open(path.join(directory, name), 'read'))
  if (db === undefined) return {}
  try {
    const base = attempt(() => readBase(db, name))
    const end = base === undefined ? undefined : attempt(() => endPosition(db, base))
    const tail = attempt(() => readTail(db))
    const state = attempt(() => readState(db))
    const coverage =
      base === undefined || tail === undefined
        ? undefined
        : attempt(() => readCoverage(db, base, tail.tb).coverage)
    return { base, end, tail, state, coverage }
  } finally {
    attempt(() => db.close())
  }
}

/** The state rows of a file; throws when one of them is no JSON, since then none can be trusted. */
function readState(db: Db): Map<string, string> | undefined {
  const rows = db.prepare('SELECT key, value FROM state').raw().all() as [string, string][]
  for (const [, value] of rows) JSON.parse(value)
  return rows.length === 0 ? undefined : new Map(rows)
}

/** What the journal set aside tells, its newest file first; coverage only from the newest, since an earlier one ends too soon. */
function factsOf(disk: Disk, directory: string): Facts {
  const names = segmentNames(disk.list(directory)).reverse()
  let epoch: string | undefined
  let head: Head | undefined
  let newest: ReturnType<typeof readParts> = {}
  for (const [age, name] of names.entries()) {
    const parts = readParts(disk, directory, name)
    if (age === 0) newest = parts
    epoch ??= parts.base?.epoch
    if (parts.end !== undefined)
      head ??= { seq: parts.end.seq, hash: Buffer.from(parts.end.hash).toString('hex') }
    if (parts.state === undefined) continue
    const { tail } = newest
    return {
      known: {
        ...(epoch !== undefined && { epoch }),
        ...(head !== undefined && { head }),
        ...(tail !== undefined && { lastSeen: tail.at.wall }),
        stateOf: name,
      },
      seed: {
        tb: (tail ?? parts.tail)?.tb ?? 0,
        state: carriedOver(parts.state),
        coverage: age === 0 ? (parts.coverage ?? new Map()) : new Map(),
      },
      tail,
    }
  }
  const known = { ...(epoch !== undefined && { epoch }), ...(head !== undefined && { head }) }
  return { known, seed: { tb: 0, state: new Map(), coverage: new Map() }, tail: newest.tail }
}

/** Sequence number of the record that stands for the last transition of each alarm in the new epoch: the first one. */
const FIRST = 1

/** State for a new epoch: cursors of the old one mean nothing in it, and alarms stand as its first record found them. */
export function carriedOver(state: ReadonlyMap<string, string>): Map<string, string> {
  const kept = new Map<string, string>()
  for (const [key, value] of state) {
    if (key.startsWith('cursor/') || key.startsWith('confirm/')) continue
    kept.set(key, key.startsWith('alarm/') ? renumbered(value) : value)
  }
  return kept
}

function renumbered(value: string): string {
  const row = JSON.parse(value) as { state?: { seq?: number } }
  if (row.state?.seq === undefined || row.state.seq === 0) return value
  return JSON.stringify({ ...row, state: { ...row.state, seq: FIRST } })
}
