// The real journal on the simulated disk: the store's own code, its SQL and its chain, over files that a power loss tears.

import { createHash } from 'node:crypto'
import type { Instant } from '#core/time.ts'
import { silentLog } from '#ports/log.ts'
import type { BatchQuery, Head, Recovered, StreamBatch } from '#ports/store.ts'
import { attempt } from '../../agent/store/damage.ts'
import type { Disk } from '../../agent/store/disk.ts'
import { examine } from '../../agent/store/examine.ts'
import { type Journal, journalDirectory } from '../../agent/store/journal.ts'
import { heldJournal, readLastKnown } from '../../agent/store/last-known.ts'
import { Packer } from '../../agent/store/pack.ts'
import { PRUNED_ROW, removalOf } from '../../agent/store/pruning.ts'
import { openJournal, unsalvaged } from '../../agent/store/quarantine.ts'
import type { PackedBatch } from '../../agent/store/reader.ts'
import { type Lines, salvage } from '../../agent/store/salvage.ts'
import { sealFile } from '../../agent/store/seal.ts'
import { segmentNames } from '../../agent/store/segment.ts'
import { type Verified, verifyJournal } from '../../agent/store/verify.ts'
import type { RemovalChecks } from './checks/removals.ts'
import type { RotChecks } from './checks/rot.ts'
import type { Dice } from './dice.ts'
import { FileError, SimFiles } from './sim-files.ts'
import { DATA_DIR } from './site.ts'
import {
  type Aside,
  MachineGone,
  type Platter,
  type PlatterFiles,
  type SimulatedDisk,
} from './store.ts'
import { type DiskFault, diskRefuses } from './survival.ts'
import { openDatabase, sqliteOn } from './wasm-sqlite.ts'

export interface JournalDiskOptions {
  /** The epoch of the n-th opening, where it begins one. */
  readonly epochOf: (opening: number) => string
  readonly dice: Dice
  readonly now: () => Instant
  readonly bootId: () => string
  readonly wall: () => number
  readonly seen: (what: string) => void
  readonly removals: RemovalChecks
  readonly rot: RotChecks
  /** Whether process or machine may end in the middle of an operation. */
  readonly mayGo: () => boolean
  /** A planted bug between the journal and its disk. */
  readonly tamper: ((disk: Disk) => Disk) | undefined
  /** What a file holds at most before the next is begun. */
  readonly segmentRecords: number | undefined
}

export class JournalDisk implements SimulatedDisk {
  /** Of the newest opening; before the first, the one that it will have. */
  epoch: string
  fault: DiskFault | undefined
  isRotten = false
  readonly files: SimFiles
  readonly #dice: Dice
  readonly #seen: (what: string) => void
  /** Operations until the machine is gone in the middle of one; infinite while nothing is planned. */
  #left = Number.POSITIVE_INFINITY
  #gone = false
  /** An operation was refused since the store was last called. */
  #refused = false
  operations = 0
  #openings = 0
  /** Sequence number with which each file of the present epoch began. */
  #begins = new Map<string, number>()

  readonly #options: JournalDiskOptions
  readonly removals: RemovalChecks

  constructor(options: JournalDiskOptions) {
    this.#options = options
    this.epoch = options.epochOf(0)
    this.#dice = options.dice
    this.#seen = options.seen
    this.removals = options.removals
    this.files = new SimFiles({
      before: (operation, path) => {
        this.#before(operation)
        if (operation === 'unlink') this.removals.unlinked(path)
      },
    })
  }

  /** The machine or the process will be gone after so many more operations of the disk. */
  goAfter(operations: number): void {
    this.#left = operations
  }

  processDied(): void {
    this.#revive()
    this.files.processDied()
  }

  losePower(): void {
    this.#revive()
    this.files.losePower(this.#dice)
  }

  /** Rot in an earlier file, in the newest of them as often as in any. */
  rot(dice: Dice): void {
    const earlier = this.journalFiles()
      .slice(0, -1)
      .filter((name) => this.files.isAtRest(pathOf(name)))
    const name = dice.chance(0.5) ? earlier.at(-1) : earlier[dice.whole(0, earlier.length - 1)]
    if (name === undefined) return
    for (let places = dice.whole(1, 3); places > 0; places--) this.files.rot(pathOf(name), dice)
    this.#options.rot.struck(name)
  }

  /** Rot in the file that is written. */
  hotRot(dice: Dice): void {
    const name = this.journalFiles().at(-1)
    if (name === undefined || !this.files.isAtRest(pathOf(name))) return
    for (let places = dice.whole(1, 3); places > 0; places--) this.files.rot(pathOf(name), dice)
    this.isRotten = true
    this.#options.rot.struck(name, true)
  }

  holds(...asked: Parameters<SimulatedDisk['holds']>): boolean {
    return this.removals.holds(...asked)
  }

  /** What is found by whoever looks at the whole journal, beside a head that is known. */
  verify(expected: Head): Verified {
    return verifyJournal(DATA_DIR, { disk: seamOn(this.files.copy(), this.#dice), expected })
  }

  /** Names of the files, oldest first. */
  journalFiles(): string[] {
    return segmentNames(this.files.list(journalDirectory(DATA_DIR)))
  }

  /** Read from a copy, as the agent does where SQLite cannot read in place. */
  lastKnown(): Recovered | undefined {
    const disk = seamOn(this.files.copy(), this.#dice)
    if (!heldJournal(disk, DATA_DIR)) return undefined
    const known = readLastKnown(disk, DATA_DIR, this.epoch)
    return known.created ? undefined : known
  }

  open(): Platter {
    // the lock of the directory is written before anything is opened
    if (this.fault !== undefined) throw diskRefuses(this.fault)
    const disk = seamOn(this.files, this.#dice)
    const { tamper, segmentRecords, mayGo, epochOf, now, bootId } = this.#options
    const seam = tamper?.(disk) ?? disk
    this.removals.opening()
    const { journal, ...found } = this.#honestly('opening', () =>
      openJournal({
        ...{ disk: seam, dataDir: DATA_DIR, origin: 'simulated', log: silentLog, ...now() },
        ...{
          bootId: bootId(),
          newEpoch: epochOf(this.#openings),
          segmentRecordsMax: segmentRecords,
        },
      }),
    )
    this.#openings++
    const aside = this.epoch === journal.recovered.epoch ? undefined : this.#asideOf(journal)
    this.removals.opened(journal.head.seq)
    const waiting = unsalvaged(seam, DATA_DIR, journal.recovered.state)
    const packer = new Packer()
    return {
      recovered: {
        ...{ ...copyOf(journal.recovered), ...found },
        ...(waiting.length > 0 && { unsalvaged: waiting }),
      },
      ...(aside !== undefined && { aside }),
      commit: (commit) => {
        const packed = packer.pack(commit)
        this.removals.committing(commit)
        const head = this.#honestly('committing', () => journal.commit(packed))
        const known = this.#begins.has(journal.hotName)
        if (!known && packed.count > 0) this.#begins.set(journal.hotName, packed.first)
        // between the event and the unlink is where a power loss is worth most
        if (this.removals.durable() && mayGo() && this.#dice.chance(0.3)) this.goAfter(1)
        this.#honestly('tidying', () => journal.idle())
        return head
      },
      batches: (query) => this.#honestly('reading', () => batchesOf(journal, query)),
      count: (stream, after) => this.#honestly('counting', () => journal.count(stream, after)),
      close: () => this.#honestly('closing', () => journal.close()),
      files: this.#filesOf(journal, seam),
    }
  }

  /** Another epoch has begun: what lies there of the one before, read from a copy with nothing but SQL. */
  #asideOf(journal: Journal): Aside {
    const events = journal
      .batches({ stream: 'event', after: 0, batches: 10 })
      .map(({ text }) => text)
    const { directory = '' } = JSON.parse(events[0] ?? '{}') as { readonly directory?: string }
    const old = `${DATA_DIR}/${directory}/journal`
    const copy = this.files.copy((name) => name.startsWith(`${old}/`))
    const [name = ''] = segmentNames(copy.list(old)).reverse()
    const from = this.#begins.get(name) ?? 1
    this.epoch = journal.recovered.epoch
    this.isRotten = false
    this.#begins = new Map()
    this.removals.epochBegan(events.length)
    this.#seen('epoch bump')
    return { ...readAside(seamOn(copy, this.#dice), `${old}/${name}`), from, events }
  }

  /** The lines that were got out of a journal set aside. */
  salvaged(directory: string): readonly string[] {
    const text = this.files.read(`${DATA_DIR}/${directory}/salvaged.ndjson`) ?? ''
    return text.split('\n').filter((line) => line !== '')
  }

  #filesOf(journal: Journal, disk: Disk): PlatterFiles {
    let row = journal.recovered.state.get(PRUNED_ROW)
    const tried = new Set<number>()
    return {
      seal: () =>
        this.#honestly('sealing', () => {
          const next = journal.unsealed().find(({ ordinal }) => !tried.has(ordinal))
          if (next === undefined) return false
          const { ordinal, file } = next
          journal.release(ordinal)
          const result = sealFile(disk, file)
          if (result.kind !== 'busy') tried.add(ordinal)
          if (this.#gone || result.kind !== 'sealed') return false
          journal.noteSealed(ordinal, result.sha256, result.bytes, this.#options.wall())
          this.#options.rot.sealed(nameOf(file))
          this.#seen('file sealed')
          return true
        }),
      earlier: () => this.#honestly('listing', () => journal.earlier()),
      removal: (file, why) => {
        const removal = removalOf(row, file, why)
        row = JSON.stringify(removal.rows.get(PRUNED_ROW))
        return removal
      },
      missing: () => journal.missing(),
      // of a copy, since the journal reads on meanwhile and this SQLite lets one in at a time
      examine: (damaged) => {
        const its = this.files.copy((name) => name.startsWith(pathOf(damaged.file)))
        return examine(seamOn(its, this.#dice), journalDirectory(DATA_DIR), damaged)
      },
      salvage: (directory) =>
        this.#honestly('salvaging', () =>
          salvage(disk, `${DATA_DIR}/${directory}`, {
            room: () => Number.POSITIVE_INFINITY,
            open: (name) => linesInto(disk, name),
          }),
        ),
    }
  }

  /** Rows stay where they are: nothing is purged here. */
  purge(): void {}

  #before(operation: string): void {
    this.operations++
    if (this.fault !== undefined) {
      this.#refused = true
      throw new FileError(this.fault, operation)
    }
    if (this.#gone) throw new MachineGone('gone')
    if (--this.#left > 0) return
    this.#gone = true
    this.#seen(`gone at a ${operation}`)
    throw new MachineGone('gone')
  }

  #revive(): void {
    this.#gone = false
    this.#left = Number.POSITIVE_INFINITY
  }

  /** SQLite turns what a dead machine throws into an error of its own: it is said as what it was. */
  #honestly<T>(doing: string, call: () => T): T {
    let result: T
    try {
      this.#refused = false
      result = call()
    } catch (thrown) {
      if (!this.#gone && this.#refused) {
        this.#seen(`refused while ${doing}`)
        throw diskRefuses(this.fault ?? 'EIO')
      }
      if (!this.#gone) throw thrown
      this.#seen(`gone while ${doing}`)
      throw new MachineGone('gone')
    }
    if (!this.#gone) return result
    this.#seen(`gone while ${doing}`)
    throw new MachineGone('gone')
  }
}

/** The store's disk seam over simulated files, with an SQLite of its own. */
export function seamOn(files: SimFiles, dice: Dice): Disk {
  const sqlite = sqliteOn(files, dice)
  return {
    list: (directory) => files.list(directory),
    makeDirectory: () => {},
    size: (path) => files.size(path),
    read: (path) => files.read(path),
    write: (path, text) => files.write(path, text),
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.remove(path),
    syncFile: (path) => files.syncFile(path),
    syncDirectory: () => files.syncDirectory(),
    digest: (path) => digestOf(files.bytes(path)),
    open: (path, mode) => openDatabase(sqlite, path, mode === 'create'),
    lock: () => ({ release: () => {} }),
  }
}

const pathOf = (name: string): string => `${journalDirectory(DATA_DIR)}/${name}`
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** As the store gives them: asked on where the journal paused so that commits get their turn. */
function batchesOf(journal: Journal, query: BatchQuery): StreamBatch[] {
  const found: PackedBatch[] = []
  for (let { after } = query; ; ) {
    const batches = query.batches - found.length
    const packed = journal.batches({ ...query, after, batches })
    found.push(...packed.filter(({ text }) => text !== ''))
    const last = packed.at(-1)
    if (last?.text !== '') break
    after = last.last
  }
  return found.map(({ text, ...batch }) => ({ ...batch, records: text.split('\n') }))
}

/** Lines kept until they are whole. */
function linesInto(disk: Disk, name: string): Lines {
  const lines: string[] = []
  return {
    write: (line) => void lines.push(line),
    finish: () => disk.write(name, `${lines.join('\n')}\n`),
    abandon: () => {},
  }
}

/** What a file says that may be damaged anywhere; each part undefined where it cannot be read. */
function readAside(disk: Disk, file: string): Omit<Aside, 'from' | 'events'> {
  const db = attempt(() => disk.open(file, 'read'))
  const rows = (sql: string): unknown[][] =>
    attempt(() => db?.prepare(sql).raw().all() as unknown[][]) ?? []
  const [[epoch] = []] = rows('SELECT epoch FROM base')
  const end = 'FROM commits WHERE first = (SELECT max(first) FROM commits)'
  const [[head, hash] = []] = rows(`SELECT last, lower(hex(hash)), readings, events ${end}`)
  const state = rows('SELECT key, value FROM state') as [string, string][]
  attempt(() => db?.close())
  return {
    epoch: typeof epoch === 'string' ? epoch : undefined,
    head: typeof head === 'number' ? head : undefined,
    hash: typeof hash === 'string' ? hash : undefined,
    state: state.length === 0 ? undefined : new Map(state),
  }
}

const digestOf = (bytes: Uint8Array): { sha256: string; bytes: number } => ({
  sha256: createHash('sha256').update(bytes).digest('hex'),
  bytes: bytes.length,
})

const copyOf = (recovered: Recovered): Recovered => ({
  ...recovered,
  state: new Map(recovered.state),
  coverage: new Map([...recovered.coverage].map(([point, run]) => [point, { ...run }])),
})
