// `check-config FILE --against accepted|OTHER`: what a file would change of what runs, or of another file, limits first (URS-54).
// Reads and shows; accepts nothing.

import path from 'node:path'
import type { Configuration } from '#config/configuration.ts'
import { differences } from '#config/differences.ts'
import { formatFinding, loadConfiguration } from '#config/load.ts'
import { changesText } from './changes-text.ts'
import { acceptedIn } from './choose-configuration.ts'
import { CommandError, EXIT } from './exit-code.ts'
import { type Output, printable, printJson } from './output.ts'

/** Prints the difference; the file is valid either way. */
export function compareConfig(
  file: string,
  next: Configuration,
  against: string,
  { json }: { readonly json: boolean },
  output: Output,
): number {
  const before = beforeOf(file, next, against)
  const changes = differences(before, next)
  const hashes = { before: before.plant.hash, after: next.plant.hash }
  if (json) printJson(output, { file, against, ...hashes, changes })
  else {
    output.data(changesText(changes))
    if (before.approval === 'second_person' && changes.some(({ second }) => second))
      output.talk('2 = needs a second person before it is in force')
  }
  output.talk(printable(`${against} ${hashes.before}`))
  output.talk(printable(`${file} ${hashes.after}`))
  return EXIT.ok
}

function beforeOf(file: string, next: Configuration, against: string): Configuration {
  const loaded =
    against === 'accepted'
      ? acceptedIn(next.dataDir, path.resolve(file))
      : loadConfiguration(against)
  if (loaded === undefined)
    throw new CommandError(EXIT.io, `nothing was ever accepted in ${next.dataDir}`)
  if (loaded.ok) return loaded.configuration
  const [first] = loaded.findings
  const why = first === undefined ? '' : `: ${formatFinding(first)}`
  throw new CommandError(EXIT.configuration, `${against} is not valid itself${why}`)
}
