// Verifies a whole journal offline, from its files alone: every commit of every file, and that the files follow one
// another (URS-46). It changes no record and mends nothing, but for a seal that was cut short, which SQLite takes back first.

import path from 'node:path'
import type { Head } from '#ports/store.ts'
import { auditCommits, type ChainFault, type ChainPosition } from './audit.ts'
import { genesisHash } from './chain.ts'
import type { Db, Disk } from './disk.ts'
import { type Gone, PRUNED_EVENT } from './pruning.ts'
import { readBase, readClosed } from './recover.ts'
import {
  type Base,
  type ClosedSegment,
  openForReading,
  segmentNames,
  segmentOrdinal,
} from './segment.ts'
import { systemDisk } from './system-disk.ts'

/** What was found wrong first. `seq` is the first record concerned, `through` the last. */
export interface JournalFault extends Omit<ChainFault, 'kind'> {
  readonly kind: ChainFault['kind'] | 'unreadable'
  /** Name of the file. */
  readonly file: string
}

export type Verified =
  | {
      readonly ok: true
      readonly epoch: string
      readonly origin: string
      readonly head: Head
      readonly files: number
      readonly readings: number
      readonly events: number
      /** Records before this one are no longer on file (retention); 0 when all are. */
      readonly startsAfter: number
      /** Records that retention removed, as events of the chain say. */
      readonly removed: number
    }
  | { readonly ok: false; readonly fault: JournalFault }

export interface VerifyOptions {
  /** A head known from elsewhere (published in `status`): what was cut off after the fact is found too. */
  readonly expected?: Head | undefined
  readonly disk?: Disk
  /** Told before each file: its name, how many are done, how many there are. */
  readonly visit?: (file: string, done: number, files: number) => void
}

class Found extends Error {
  readonly fault: JournalFault

  constructor(fault: JournalFault) {
    super(fault.message)
    this.fault = fault
  }
}

function stop(file: string, kind: JournalFault['kind'], seq: number, message: string): never {
  throw new Found({ file, kind, seq, through: seq, message })
}

const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex')

/** Records that are on no file, and the file that begins after them with its idea of the chain there. */
interface Hole {
  readonly file: string
  readonly from: number
  readonly base: Base
  /** Counts before the hole. */
  readonly before: Pick<ChainPosition, 'readings' | 'events'>
}

/** How far the walk has come. */
interface Walk {
  readonly directory: string
  readonly disk: Disk
  readonly expected: Head | undefined
  readonly visit: VerifyOptions['visit']
  /** Absent before the first file. */
  readonly before: { readonly base: Base; readonly end: ChainPosition } | undefined
  expectedSeen: boolean
  readonly holes: Hole[]
  /** What `store.pruned` events of the files name. */
  readonly gone: Gone[]
}

const GENESIS_ORDINAL = 1

function checkBeginning(walk: Walk, file: string, base: Base): void {
  const { before } = walk
  if (before === undefined) {
    if (base.seq > 0) walk.holes.push({ file, from: 1, base, before: { readings: 0, events: 0 } })
    if (base.ordinal !== GENESIS_ORDINAL) return
    const genesis = genesisHash(base.epoch, base.origin)
    if (base.seq !== 0 || Buffer.compare(genesis, base.hash) !== 0)
      stop(file, 'altered', 1, 'the beginning of the chain (epoch, origin) was altered')
    return
  }
  const { end } = before
  const next = end.seq + 1
  if (base.epoch !== before.base.epoch || base.origin !== before.base.origin)
    stop(file, 'altered', next, `epoch or origin of ${file} was altered`)
  if (base.seq > end.seq) {
    walk.holes.push({ file, from: next, base, before: end })
    return
  }
  const counts = base.readings === end.readings && base.events === end.events
  if (base.seq !== end.seq || Buffer.compare(base.hash, end.hash) !== 0 || !counts)
    stop(file, 'altered', next, `${file} does not go on where the file before it ends`)
  if (base.ordinal !== before.base.ordinal + 1)
    stop(file, 'altered', next, `the number of ${file} was altered`)
}

/** Every hole between files must be what retention removed, as an event of the chain says, head of the chain included. */
function checkHoles({ holes, gone }: Walk): void {
  for (const { file, from, base } of holes) {
    const through = base.seq
    const named = gone.some(([first, last]) => first <= from && through <= last)
    if (!named) {
      const message = `records ${from}–${through} removed by hand: no ${PRUNED_EVENT} event names them`
      throw new Found({ file, kind: 'removed', seq: from, through, message })
    }
    const ends = gone.filter(([, last]) => last === through)
    if (ends.some(([, , hash]) => hash !== hex(base.hash)))
      stop(
        file,
        'altered',
        through + 1,
        `${file} does not go on where the removed file before it ended`,
      )
  }
}

/** Takes what the events of a file say of removed ones; the chain has proven them. */
function readPruned(walk: Walk, db: Db): void {
  const rows = db.prepare('SELECT body FROM event WHERE type = ?').raw().all(PRUNED_EVENT)
  for (const [body] of rows as [string][]) {
    const { from, through, hash, gone } = JSON.parse(body) as GoneBody
    walk.gone.push([from, through, hash], ...gone)
  }
}

interface GoneBody {
  readonly from: number
  readonly through: number
  readonly hash: string
  readonly gone: readonly Gone[]
}

/** The time bases written down for cutting messages must be those of the commits. */
function checkTimeBases(db: Db, file: string): void {
  const [wrong] = db
    .prepare(
      `WITH change AS (
         SELECT first, tb FROM (SELECT first, tb, lag(tb) OVER (ORDER BY first) AS before FROM commits)
         WHERE before IS NULL OR before <> tb
       )
       SELECT min(first) FROM (
         SELECT * FROM (SELECT first, tb FROM change EXCEPT SELECT first, tb FROM timebase)
         UNION ALL SELECT * FROM (SELECT first, tb FROM timebase EXCEPT SELECT first, tb FROM change)
       )`,
    )
    .raw()
    .get() as [number | null]
  if (wrong !== null) stop(file, 'altered', wrong, `the time base at ${wrong} was altered`)
}

function verifyFile(walk: Walk, file: string): { base: Base; end: ChainPosition } {
  const full = path.join(walk.directory, file)
  const db = openForReading(walk.disk, full)
  try {
    const base = readBase(db, file)
    checkBeginning(walk, file, base)
    const end = auditCommits(db, base, ({ seq, hash }) => {
      if (seq !== walk.expected?.seq) return
      walk.expectedSeen = true
      if (hex(hash) !== walk.expected.hash)
        stop(
          file,
          'altered',
          seq,
          `the chain up to record ${seq} is not the one known from elsewhere`,
        )
    })
    if ('kind' in end) throw new Found({ file, ...end })
    checkTimeBases(db, file)
    readPruned(walk, db)
    return { base, end }
  } finally {
    db.close()
  }
}

/** Sealed files must be, byte for byte, what the register of the newest file says. */
function checkSeals(walk: Walk, newest: string): void {
  const db = openForReading(walk.disk, path.join(walk.directory, newest))
  let closed: ClosedSegment[]
  try {
    closed = readClosed(db)
  } finally {
    db.close()
  }
  for (const { name, sha256, first } of closed) {
    const full = path.join(walk.directory, name)
    if (sha256 === null || walk.disk.size(full) === undefined) continue
    if (walk.disk.digest(full).sha256 !== sha256)
      stop(name, 'altered', first, `${name} is not, byte for byte, the file that was sealed`)
  }
}

function checkExpected(walk: Walk, file: string, head: ChainPosition): void {
  const { expected } = walk
  if (expected === undefined || walk.expectedSeen) return
  if (expected.seq <= head.seq) {
    // Nothing on file ends there: it is empty (0), removed by retention, or the commit was cut differently.
    if (expected.seq === 0) return
    const hole = walk.holes.find(
      ({ from, base }) => from <= expected.seq && expected.seq <= base.seq,
    )
    const known = hole?.base.seq === expected.seq ? hex(hole.base.hash) : undefined
    if (hole !== undefined && (known ?? expected.hash) === expected.hash) return
    stop(
      file,
      'altered',
      expected.seq,
      `no commit ends at record ${expected.seq}, as one did before`,
    )
  }
  const seq = head.seq + 1
  const message = `records ${seq}–${expected.seq} removed`
  throw new Found({ file, kind: 'removed', seq, through: expected.seq, message })
}

function walkFiles(walk: Walk, names: readonly string[]): Verified {
  let at = walk
  let first: Base | undefined
  for (const [done, file] of names.entries()) {
    walk.visit?.(file, done, names.length)
    if (segmentOrdinal(file) <= 0) stop(file, 'unreadable', 0, `${file} has no number`)
    let before: Walk['before']
    try {
      before = verifyFile(at, file)
    } catch (thrown) {
      if (thrown instanceof Found) throw thrown
      const seq = (at.before?.end.seq ?? 0) + 1
      stop(file, 'unreadable', seq, `${file} cannot be read: ${String(thrown)}`)
    }
    first ??= before.base
    at = { ...at, before }
  }
  const newest = names.at(-1)
  if (newest === undefined || first === undefined || at.before === undefined)
    return stop('', 'unreadable', 0, `no journal in ${walk.directory}`)
  const { end } = at.before
  checkHoles(at)
  const removed = at.holes.reduce(
    (sum, { base, before }) => ({
      readings: sum.readings + base.readings - before.readings,
      events: sum.events + base.events - before.events,
    }),
    { readings: 0, events: 0 },
  )
  checkExpected(at, newest, end)
  checkSeals(at, newest)
  return {
    ...{ ok: true, epoch: first.epoch, origin: first.origin, files: names.length },
    head: { seq: end.seq, hash: hex(end.hash) },
    readings: end.readings - removed.readings,
    events: end.events - removed.events,
    startsAfter: first.seq,
    removed: removed.readings + removed.events,
  }
}

/** Verifies the journal of a data directory; it may be in use. Errors are values; the first fault is named. */
export function verifyJournal(dataDir: string, options: VerifyOptions = {}): Verified {
  const disk = options.disk ?? systemDisk
  const directory = path.join(dataDir, 'journal')
  const { expected, visit } = options
  try {
    const names = segmentNames(disk.list(directory))
    return walkFiles(
      {
        ...{ directory, disk, expected, visit, before: undefined, expectedSeen: false },
        ...{ holes: [], gone: [] },
      },
      names,
    )
  } catch (thrown) {
    if (thrown instanceof Found) return { ok: false, fault: thrown.fault }
    const message = `${directory} cannot be read: ${String(thrown)}`
    return { ok: false, fault: { file: '', kind: 'unreadable', seq: 0, through: 0, message } }
  }
}
