// The real journal on the simulated disk: the store's own code, its SQL and its chain, over files that a power loss tears.

import { silentLog } from '#ports/log.ts'
import type { Recovered } from '#ports/store.ts'
import type { Disk } from '../../agent/store/disk.ts'
import { Journal } from '../../agent/store/journal.ts'
import { heldJournal, readLastKnown } from '../../agent/store/last-known.ts'
import { Packer } from '../../agent/store/pack.ts'
import type { Dice } from './dice.ts'
import { FileError, SimFiles } from './sim-files.ts'
import { DATA_DIR } from './site.ts'
import { MachineGone, type Platter, type SimulatedDisk } from './store.ts'
import { type DiskFault, diskRefuses } from './survival.ts'
import { openDatabase, sqliteOn } from './wasm-sqlite.ts'

export class JournalDisk implements SimulatedDisk {
  readonly epoch: string
  fault: DiskFault | undefined
  readonly files: SimFiles
  readonly #dice: Dice
  readonly #wall: () => number
  readonly #seen: (what: string) => void
  /** Operations until the machine is gone in the middle of one; infinite while nothing is planned. */
  #left = Number.POSITIVE_INFINITY
  #gone = false
  /** An operation was refused since the store was last called. */
  #refused = false
  operations = 0

  readonly #tamper: (disk: Disk) => Disk

  constructor(
    epoch: string,
    dice: Dice,
    wall: () => number,
    seen: (what: string) => void,
    tamper: (disk: Disk) => Disk = (disk) => disk,
  ) {
    this.#tamper = tamper
    this.epoch = epoch
    this.#dice = dice
    this.#wall = wall
    this.#seen = seen
    this.files = new SimFiles({ before: (operation) => this.#before(operation) })
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

  /** Read from a copy, as the agent does where SQLite cannot read in place. */
  lastKnown(): Recovered | undefined {
    const disk = this.#seam(this.files.copy())
    if (!heldJournal(disk, DATA_DIR)) return undefined
    const known = readLastKnown(disk, DATA_DIR, this.epoch)
    return known.created ? undefined : known
  }

  #seam(files: SimFiles): Disk {
    const sqlite = sqliteOn(files, this.#dice)
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
      open: (path, mode) => openDatabase(sqlite, path, mode === 'create'),
      lock: () => ({ release: () => {} }),
    }
  }

  open(): Platter {
    // the lock of the directory is written before anything is opened
    if (this.fault !== undefined) throw diskRefuses(this.fault)
    const disk = this.#seam(this.files)
    const journal = this.#honestly('opening', () =>
      Journal.open({
        ...{ disk: this.#tamper(disk), dataDir: DATA_DIR, origin: 'simulated', log: silentLog },
        ...{ wall: this.#wall(), newEpoch: this.epoch },
      }),
    )
    const packer = new Packer()
    return {
      recovered: copyOf(journal.recovered),
      commit: (commit) => {
        const packed = packer.pack(commit)
        const head = this.#honestly('committing', () => journal.commit(packed))
        this.#honestly('tidying', () => journal.idle())
        return head
      },
      batches: (query) =>
        this.#honestly('reading', () => journal.batches(query)).map(({ text, ...batch }) => ({
          ...batch,
          records: text.split('\n'),
        })),
      count: (stream, after) => this.#honestly('counting', () => journal.count(stream, after)),
      close: () => this.#honestly('closing', () => journal.close()),
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

const copyOf = (recovered: Recovered): Recovered => ({
  ...recovered,
  state: new Map(recovered.state),
  coverage: new Map([...recovered.coverage].map(([point, run]) => [point, { ...run }])),
})
