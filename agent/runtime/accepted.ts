// The accepted configuration: what runs, kept in the data directory with its hash and every file it was made of,
// so that a restart does not depend on files somebody is editing (URS-68, contract §2).

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import path from 'node:path'
import type { SourceFile } from '#config/configuration.ts'
import { makeDirectory } from './system-directory.ts'

const FILE = 'accepted.json'

export interface Accepted {
  readonly hash: string
  /** Wall ms UTC. */
  readonly acceptedAt: number
  /** The file that was named, absolute as it was then (config/kept.ts finds the others from it). */
  readonly file: string
  readonly sources: readonly SourceFile[]
}

/** The accepted configuration of a data directory, if one was ever accepted and it can be read. */
export function readAccepted(dataDir: string): Accepted | undefined {
  try {
    const kept = JSON.parse(readFileSync(path.join(dataDir, FILE), 'utf8')) as Accepted | null
    return kept !== null && isWhole(kept) ? kept : undefined
  } catch {
    return undefined
  }
}

/** A damaged file is none: what is missing of it is not made up. */
const isWhole = ({ hash, acceptedAt, file, sources }: Accepted): boolean =>
  typeof hash === 'string' &&
  Number.isSafeInteger(acceptedAt) &&
  typeof file === 'string' &&
  path.isAbsolute(file) &&
  Array.isArray(sources) &&
  sources.every(
    (source) =>
      typeof source?.path === 'string' &&
      typeof source.text === 'string' &&
      ['string', 'undefined'].includes(typeof source.builtIn),
  )

/** Replaces the accepted configuration; after a power loss either the old or the new one is there, whole. */
export function writeAccepted(dataDir: string, accepted: Accepted): void {
  makeDirectory(dataDir)
  const target = path.join(dataDir, FILE)
  const descriptor = openSync(`${target}.new`, 'w', 0o640)
  writeSync(descriptor, JSON.stringify(accepted, null, 1))
  fsyncSync(descriptor)
  closeSync(descriptor)
  renameSync(`${target}.new`, target)
  const directory = openSync(dataDir, 'r')
  fsyncSync(directory)
  closeSync(directory)
}

/**
 * Where an invalid configuration most likely wanted its data: its `dataDir` line, else ./data beside it.
 * Only used to find the accepted configuration that goes on in its place.
 */
export function guessDataDir(file: string): string {
  let text = ''
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    // an unreadable file says nothing; the default place remains
  }
  const named = /\bdataDir:\s*["']?([^\s"',}]+)/.exec(text)?.[1] ?? './data'
  return path.resolve(path.dirname(file), named)
}
