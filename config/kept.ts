// A configuration that was kept with every file it was made of, read again from what was kept and not from the disk, so that it is
// the same to the byte after an upgrade brought other profiles, or the installation moved. Reads nothing else, decides nothing.

import path from 'node:path'
import { builtInName } from './catalogue.ts'
import type { Loaded, SourceFile } from './configuration.ts'
import { loadConfiguration } from './load.ts'

/** What was kept of a configuration. */
export interface Kept {
  /** The file that was named, absolute as it was then. */
  readonly file: string
  readonly sources: readonly SourceFile[]
}

/**
 * Loads what was kept as if it lay at `file`: relative paths of certificates and data resolve against that place.
 * Files that come with the agent are found by name, the site's own by where they lay from the configuration.
 */
export function loadKept(kept: Kept, file: string = kept.file): Loaded {
  return loadConfiguration(file, (wanted) => {
    const source = kept.sources.find((candidate) => isIt(kept, candidate, file, wanted))
    if (source === undefined) throw new Error(`${wanted} is not part of the accepted configuration`)
    return source.text
  })
}

function isIt(kept: Kept, source: SourceFile, file: string, wanted: string): boolean {
  const builtIn = builtInName(wanted)
  if (builtIn !== undefined) return source.builtIn === builtIn
  if (source.builtIn !== undefined) return false
  const lay = path.relative(path.dirname(kept.file), source.path)
  return source.path === wanted || path.relative(path.dirname(file), wanted) === lay
}
