// A stand-in for the runtime's recorder: keeps notes and state rows as a store would after each commit.

import type { Note, RecordNote } from '#ports/people.ts'

export interface NoteJournal {
  readonly record: RecordNote
  readonly notes: Note[]
  /** State rows as a store gives them back at the next start. */
  readonly rows: Map<string, string>
  /** Makes every further commit fail with this error; undefined ends it. */
  fail(error: Error | undefined): void
  typed(type: string): readonly Readonly<Record<string, unknown>>[]
}

export function noteJournal(): NoteJournal {
  const notes: Note[] = []
  const rows = new Map<string, string>()
  let failure: Error | undefined
  return {
    notes,
    rows,
    fail: (error) => {
      failure = error
    },
    typed: (type) => notes.filter((note) => note.type === type).map(({ body }) => body),
    record: async (note, changes) => {
      if (failure !== undefined) throw failure
      notes.push(note)
      for (const [key, value] of changes) {
        if (value === undefined) rows.delete(key)
        else rows.set(key, JSON.stringify(value))
      }
    },
  }
}
