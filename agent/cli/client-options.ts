// How a client command finds the agent it talks to (contract §1): --socket, --data, --config, then the environment's
// configuration, then the installed one, then a running demo. Reads as little of a configuration as finding takes:
// a file that is wrong elsewhere must not keep anybody from acknowledging an alarm.

import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { ControlError, request } from '../control/client.ts'
import type { Command, Results } from '../control/protocol.ts'
import { findRunningDemo } from '../control/running-demo.ts'
import { findSocketPath } from '../control/socket-path.ts'
import { CommandError, EXIT, EXIT_OF_CONTROL } from './exit-code.ts'

export const INSTALLED_CONFIG = '/etc/cleanroom-agent/config.yaml'
const CONFIG_VARIABLE = 'CLEANROOM_AGENT_CONFIG'
const INCLUDES_MAX = 100

/** The options every client command has. */
export interface ClientOptions {
  readonly config?: string
  readonly data?: string
  readonly socket?: string
  readonly json?: boolean
}

/** The agent a command talks to. */
export interface Target {
  readonly socketPath: string
  /** Absent when only a socket was named. */
  readonly dataDir?: string
  /** Configuration file it was found by. */
  readonly config?: string
  /** How to start it, in words. */
  readonly start: string
}

/** Where the agent is. Throws CommandError when nothing says so, or the configuration does not tell its data directory. */
export function findTarget(
  options: ClientOptions,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Target {
  if (options.socket !== undefined)
    return { socketPath: path.resolve(options.socket), start: 'start the agent that owns it' }
  if (options.data !== undefined) {
    const dataDir = path.resolve(options.data)
    const start = 'start it with: cleanroom-agent run --config FILE'
    return { socketPath: findSocketPath(dataDir), dataDir, start }
  }
  const config = options.config ?? (environment[CONFIG_VARIABLE] || undefined)
  if (config !== undefined) return targetOfConfig(config)
  if (existsSync(INSTALLED_CONFIG)) return targetOfConfig(INSTALLED_CONFIG)
  const demo = findRunningDemo()
  if (demo !== undefined) {
    const { dataDir } = demo
    const start = 'start it with: cleanroom-agent demo'
    return { socketPath: findSocketPath(dataDir), dataDir, start }
  }
  throw new CommandError(
    EXIT.notReachable,
    `no agent found: there is no ${INSTALLED_CONFIG}, and no demo runs; name one with --config FILE, ` +
      '--data DIR or --socket PATH, or start one with: cleanroom-agent demo',
  )
}

/** Asks the agent; what goes wrong becomes a CommandError that says how to go on. */
export async function ask<Name extends Command['op']>(
  target: Target,
  command: Extract<Command, { op: Name }>,
): Promise<Results[Name]> {
  try {
    return await request<Name>(target.socketPath, command)
  } catch (fault) {
    if (!(fault instanceof ControlError)) throw fault
    const hint = fault.code === 'unreachable' ? `; ${target.start}` : ''
    throw new CommandError(EXIT_OF_CONTROL[fault.code], `${fault.message}${hint}`, { cause: fault })
  }
}

function targetOfConfig(file: string): Target {
  const config = path.resolve(file)
  const dataDir = dataDirOf(config, { seen: new Set() })
  if (dataDir === undefined)
    throw new CommandError(
      EXIT.configuration,
      `${config} names no gateway.dataDir; mend it (cleanroom-agent check-config ${config}) or name the data directory with --data DIR`,
    )
  const start = `start it with: cleanroom-agent run --config ${config}`
  return { socketPath: findSocketPath(dataDir), dataDir, config, start }
}

const finding = z.looseObject({
  gateway: z
    .looseObject({ dataDir: z.string().min(1).optional() })
    .optional()
    .catch(undefined),
  include: z.array(z.string()).optional().catch(undefined),
})

/** `gateway.dataDir` of a file or of what it includes, absolute; paths are relative to the file they stand in. */
function dataDirOf(file: string, visit: { readonly seen: Set<string> }): string | undefined {
  if (visit.seen.has(file) || visit.seen.size > INCLUDES_MAX) return undefined
  visit.seen.add(file)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (fault) {
    const why =
      (fault as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : String(fault)
    throw new CommandError(EXIT.configuration, `the configuration ${file} cannot be read: ${why}`)
  }
  const parsed = finding.safeParse(readYaml(text))
  if (!parsed.success) return undefined
  const { gateway, include } = parsed.data
  const here = path.dirname(file)
  if (gateway?.dataDir !== undefined) return path.resolve(here, gateway.dataDir)
  for (const included of include ?? []) {
    const found = dataDirOf(path.resolve(here, included), visit)
    if (found !== undefined) return found
  }
  return undefined
}

function readYaml(text: string): unknown {
  try {
    return parseDocument(text, { uniqueKeys: false }).toJS({ maxAliasCount: 100 })
  } catch {
    return undefined
  }
}
