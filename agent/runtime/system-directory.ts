// Makes the data directory. One level at a time: Node's own recursive mkdir never returns where a parent takes no entries
// (/proc/x), and a daemon that cannot begin has to say so.

import { mkdirSync, statSync } from 'node:fs'
import path from 'node:path'

const MODE = 0o750

/** Makes a directory and those above it that are missing. Throws the system's error, in words, with its `code`. */
export function makeDirectory(directory: string): void {
  const stats = statSync(directory, { throwIfNoEntry: false })
  if (stats?.isDirectory() === true) return
  if (stats === undefined && path.dirname(directory) !== directory)
    makeDirectory(path.dirname(directory))
  try {
    mkdirSync(directory, { mode: MODE })
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const what = stats === undefined ? error.message : 'something that is no directory stands there'
    throw Object.assign(
      new Error(`the directory ${directory} cannot be made: ${what}; see gateway.dataDir`),
      {
        code: 'code' in error ? error.code : undefined,
      },
    )
  }
}
