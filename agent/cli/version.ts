// `version`: which agent this is and what it runs on.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { EXIT } from './exit-code.ts'
import { type Output, printJson } from './output.ts'

const PACKAGE_FILE = path.join(import.meta.dirname, '../../package.json')

/** The version of the agent, as in package.json. */
export function agentVersion(): string {
  return (JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')) as { readonly version: string }).version
}

/** Prints the versions; the exit code. */
export function version(options: { readonly json?: boolean }, output: Output): number {
  const view = {
    agent: agentVersion(),
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
  }
  if (options.json === true) printJson(output, view)
  else
    output.data(`cleanroom-agent ${view.agent}  node ${view.node}  ${view.platform}-${view.arch}`)
  return EXIT.ok
}
