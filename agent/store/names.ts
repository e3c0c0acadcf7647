// The small tables of a journal file that give names (points, qualities, boots) numbers.
// It never renames: a name has its number as long as the file lives.

import type { Db, Statement } from './disk.ts'

type NameTable = 'point' | 'quality' | 'boot'

/** All names of a table by their number. */
export function readNames(db: Db, table: NameTable): Map<number, string> {
  const rows = db.prepare(`SELECT id, name FROM ${table}`).raw().all() as [number, string][]
  return new Map(rows)
}

/** The names of one table of the file being written; new ones are added within the running transaction. */
export class FileNames {
  readonly #ids = new Map<string, number>()
  readonly #insert: Statement
  #greatest = 0

  constructor(db: Db, table: NameTable) {
    this.#insert = db.prepare(`INSERT INTO ${table} (id, name) VALUES (?, ?)`)
    for (const [id, name] of readNames(db, table)) {
      this.#ids.set(name, id)
      this.#greatest = Math.max(this.#greatest, id)
    }
  }

  /** The number of a name, given to it now where it has none. */
  id(name: string): number {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const id = ++this.#greatest
    this.#insert.run(id, name)
    this.#ids.set(name, id)
    return id
  }
}
