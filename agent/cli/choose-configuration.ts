// What a start runs on: the file when it is valid and needs nobody's agreement, else the configuration last accepted. Reads files
// and decides between the two; accepts nothing and starts nothing.

import path from 'node:path'
import { hashOf } from '#config/compile.ts'
import type { Configuration, Finding } from '#config/configuration.ts'
import { loadKept } from '#config/kept.ts'
import { loadConfiguration } from '#config/load.ts'
import { needsSecond } from '../compose-configuration.ts'
import { type Accepted, guessDataDir, readAccepted } from '../runtime/accepted.ts'

export type Chosen =
  /** The file as it stands, or the accepted one in place of a file with faults. */
  | {
      readonly kind: 'file' | 'accepted'
      readonly configuration: Configuration
      readonly findings: readonly Finding[]
    }
  /** The accepted one, while what the file says waits for a second person (URS-68). */
  | {
      readonly kind: 'candidate'
      readonly configuration: Configuration
      readonly candidate: Configuration
      readonly findings: readonly Finding[]
    }
  | { readonly kind: 'none'; readonly findings: readonly Finding[] }

/** Chooses what a start on this file (absolute path) runs on. */
export function chooseConfiguration(file: string): Chosen {
  const loaded = loadConfiguration(file)
  const { findings } = loaded
  if (loaded.ok) {
    const { configuration } = loaded
    const accepted = readAccepted(configuration.dataDir)
    if (accepted === undefined || accepted.hash === configuration.plant.hash)
      return { kind: 'file', configuration, findings }
    const running = loadAccepted(accepted, configuration.dataDir, file)
    if (running.ok && needsSecond(running.configuration, configuration)) {
      return {
        kind: 'candidate',
        configuration: running.configuration,
        candidate: configuration,
        findings,
      }
    }
    return { kind: 'file', configuration, findings }
  }
  const again = acceptedIn(guessDataDir(file), file)
  if (again === undefined) return { kind: 'none', findings }
  return again.ok
    ? { kind: 'accepted', configuration: again.configuration, findings }
    : { kind: 'none', findings: [...findings, ...again.findings] }
}

/** The configuration accepted in a data directory; undefined where none was. */
export function acceptedIn(dataDir: string, file: string): ReturnType<typeof loadKept> | undefined {
  const accepted = readAccepted(dataDir)
  return accepted === undefined ? undefined : loadAccepted(accepted, dataDir, file)
}

/**
 * Loaded as if it lay where it did, or, where its data directory would then be another one (the installation moved), where the file
 * lies now. It keeps the data directory it was found in either way.
 */
function loadAccepted(
  accepted: Accepted,
  dataDir: string,
  file: string,
): ReturnType<typeof loadKept> {
  if (hashOf(accepted.sources) !== accepted.hash) return { ok: false, findings: [altered(dataDir)] }
  const there = loadKept(accepted)
  if (!there.ok || there.configuration.dataDir === dataDir) return there
  const here = path.join(path.dirname(file), path.basename(accepted.file))
  const moved = loadKept(accepted, here)
  return moved.ok ? { ...moved, configuration: { ...moved.configuration, dataDir } } : there
}

/** What runs has to be what was accepted, to the byte (URS-68): a damaged or edited copy is neither. */
const altered = (dataDir: string): Finding => ({
  ...{
    severity: 'error',
    file: path.join(dataDir, 'accepted.json'),
    line: 1,
    column: 1,
    key: 'sources',
  },
  problem: 'the configuration kept here is not the one that was accepted: its hash differs',
  remedy: 'start with a valid configuration file, or restore the data directory from a backup',
})
