// Watches the room on the disk of the data directory: how full it is, and for how many hours it lasts (URS-49). Raises
// system.storage_low early, in words; when nothing is left it gives up the ballast, then asks for what everybody has to go. It
// deletes no record itself.

import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import { hoursOf, type Room } from './machine.ts'

const LOOK_MS: Millis = 30_000
/** Share of the file system in use, and hours of autonomy left, from which on the alarm is raised … */
const SOFT = { used: 0.8, hours: 72 }
/** … and from which on it is said to be urgent. */
const HARD = { used: 0.9, hours: 24 }
/** A level is left again only with this much less in use, and this much more time. */
const RETURN_SHARE = 0.02
const RETURN_HOURS = 1.1

export const DISK_LEVELS = ['ok', 'low', 'critical'] as const
export type DiskLevel = (typeof DISK_LEVELS)[number]

/** The level of a disk and what it says to people. */
export interface DiskVerdict {
  readonly level: DiskLevel
  readonly words: string
}

/** Judges the room; `before` is the level so far, which is left with some distance only. */
export function judgeRoom(room: Room, recordsPerSecond: number, before: DiskLevel): DiskVerdict {
  const used = room.total > 0 ? 1 - room.free / room.total : 1
  const hours = hoursOf(room, recordsPerSecond)
  const reaches = (mark: typeof SOFT, level: DiskLevel): boolean => {
    const there = DISK_LEVELS.indexOf(before) >= DISK_LEVELS.indexOf(level)
    const share = there ? mark.used - RETURN_SHARE : mark.used
    return used >= share || hours < (there ? mark.hours * RETURN_HOURS : mark.hours)
  }
  const level = reaches(HARD, 'critical') ? 'critical' : reaches(SOFT, 'low') ? 'low' : 'ok'
  const megabytes = Math.floor(room.free / 1e6)
  const words = `${Math.floor(used * 100)} % of the disk is in use; ${megabytes} MB are left, enough for ${hours} h`
  const urge = level === 'critical' ? '; free space now' : level === 'low' ? '; free space' : ''
  return { level, words: `${words}${urge}` }
}

/** What holds room for an emergency (agent/store/ballast.ts). */
export interface HeldRoom {
  readonly bytes: number
  held(): boolean
  release(): boolean
  make(): Promise<boolean>
}

export interface DiskWatchOptions {
  readonly clock: Clock
  readonly log: Log
  /** Reads the room; throws when the system cannot tell. */
  readonly room: () => Room
  readonly recordsPerSecond: () => number
  readonly ballast: HeldRoom
  /** Frees room with records that everybody has, where the site lets any go; the last resort before the disk is full. */
  readonly reclaim?: () => Promise<boolean>
  readonly condition: (active: boolean, detail?: string) => void
  readonly note: (type: string, body: Readonly<Record<string, unknown>>) => void
}

/** Looks every half minute until it is stopped. */
export class DiskWatch {
  readonly #options: DiskWatchOptions
  #level: DiskLevel = 'ok'
  #cancel: (() => void) | undefined
  #making = false
  #stopped = false

  constructor(options: DiskWatchOptions) {
    this.#options = options
  }

  get level(): DiskLevel {
    return this.#level
  }

  /** Looks at once, and says what it finds also where nothing is wrong: an alarm from before the start may be over. */
  start(): void {
    this.#look(true)
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  #look(first: boolean): void {
    const { clock, log, room: read, recordsPerSecond, condition, note } = this.#options
    this.#cancel = clock.at(clock.now().mono + LOOK_MS, () => this.#look(false))
    let room: Room
    try {
      room = read()
    } catch (thrown) {
      log.warn('disk_room_unknown', { cause: String(thrown) })
      return
    }
    const { level, words } = judgeRoom(room, recordsPerSecond(), this.#level)
    if (level !== this.#level || first) {
      const body = { level, freeBytes: room.free, totalBytes: room.total, words }
      if (level !== this.#level) note('store.room', body)
      if (level !== 'ok') log.warn('disk_room', body)
      // A level that rises is a new detail of the same alarm.
      condition(level !== 'ok', level === 'ok' ? undefined : words)
    }
    this.#level = level
    this.#keepBallast(room, first)
  }

  /**
   * Gives the ballast up when less than its own size is left, then records; takes it again when four times that is free, not at the
   * start. Room is made at once also at the start: on a disk that is nearly full there may be no second look.
   */
  #keepBallast(room: Room, first: boolean): void {
    const { ballast, note, log } = this.#options
    if (ballast.held()) {
      if (room.free >= ballast.bytes || !ballast.release()) return
      log.warn('ballast_released', { bytes: ballast.bytes })
      note('store.ballast', { released: ballast.bytes, freeBytes: room.free })
    } else if (room.free < ballast.bytes) {
      void this.#options.reclaim?.().then((freed) => {
        if (freed) log.warn('room_reclaimed', { freeBytesBefore: room.free })
      })
    } else if (room.free >= ballast.bytes * 4 && !this.#making && !first) {
      this.#making = true
      void ballast.make().then((made) => {
        this.#making = false
        if (this.#stopped) return
        log.info(made ? 'ballast_made' : 'ballast_not_made', { bytes: ballast.bytes })
      })
    }
  }
}
