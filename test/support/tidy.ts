// The architecture rules as a function over file texts, so that the rules themselves can be tested.
// The table is the one of the design: who may import what. Biome repeats part of it in the editor.

import { builtinModules } from 'node:module'
import path from 'node:path'

export interface SourceText {
  /** Path relative to the repository root, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** What a layer may import: `own` = its own folder, layer prefixes, `node:`, or npm package names. */
interface Layer {
  readonly files: RegExp
  readonly allow: readonly string[]
}

const LINES_MAX = 400
const LINE_LENGTH_MAX = 140

/** First match wins. `types:x` allows `import type` from x only. */
const LAYERS: readonly Layer[] = [
  { files: /^agent\/core\//, allow: ['own'] },
  { files: /^agent\/ports\//, allow: ['own', 'types:#core/'] },
  { files: /^agent\/store\//, allow: ['own', '#core/', '#ports/', 'node:', 'better-sqlite3'] },
  {
    files: /^agent\/uplink\//,
    allow: ['own', '#core/', '#ports/', 'types:#config/', 'node:', 'mqtt', 'aedes'],
  },
  { files: /^agent\/access\//, allow: ['own', '#core/', '#ports/', 'node:', 'zod'] },
  {
    files: /^agent\/control\//,
    allow: ['own', '#core/', '#ports/', 'agent/access/', 'node:', 'zod'],
  },
  { files: /^agent\/annunciator\//, allow: ['own', '#core/', '#ports/', 'node:'] },
  {
    files: /^agent\/runtime\/(system-|pino-|health|accepted|machine)/,
    allow: ['own', '#core/', '#ports/', 'types:#config/', 'node:', 'pino'],
  },
  { files: /^agent\/runtime\//, allow: ['own', '#core/', '#ports/', 'types:#config/'] },
  { files: /^agent\/(main|compose)\.ts$/, allow: ['any'] },
  { files: /^agent\/cli\//, allow: ['any'] },
  {
    files: /^drivers\/link\//,
    allow: ['own', '#core/', '#ports/', 'types:drivers/', 'node:', 'serialport'],
  },
  {
    files: /^drivers\//,
    allow: ['own', 'drivers/', '#core/', '#ports/', 'node:', 'modbus-serial', 'serialport'],
  },
  {
    files: /^config\//,
    allow: ['own', 'config/', '#core/', '#config/', '#drivers/profile.ts', 'node:', 'zod', 'yaml'],
  },
  {
    files: /^simulators\//,
    allow: [
      'own',
      'simulators/',
      '#core/time.ts',
      '#core/quantity.ts',
      '#core/random.ts',
      '#ports/clock.ts',
      '#ports/log.ts',
      'node:',
    ],
  },
  { files: /^(test|bench)\//, allow: ['any'] },
]

/** Things that reach around a seam; each with what to use instead. Comments are not searched. */
const BANNED: readonly { files: RegExp; pattern: RegExp; instead: string }[] = [
  {
    files: /^agent\/(core|runtime|uplink|control|access)\/(?!system-|pino-)|^drivers\/(?!link\/)/,
    pattern: /\b(Date\.now|new Date\(\)|performance\.now|process\.hrtime|setTimeout|setInterval)\b/,
    instead: 'the injected Clock (#ports/clock.ts)',
  },
  {
    files: /^agent\/(core|runtime|uplink|control)\/(?!system-)|^drivers\//,
    pattern: /\bMath\.random\b/,
    instead: 'the injected Random (#core/random.ts)',
  },
  {
    files: /^agent\/core\//,
    pattern: /\b(Promise|async|await|process\.)\b/,
    instead: 'a value: the core is pure',
  },
  {
    files: /^(agent|drivers|config|simulators)\//,
    pattern: /\bconsole\.(log|error|warn|info|debug)\b/,
    instead: 'the log seam, or process.stdout in agent/cli',
  },
  {
    files: /./,
    pattern: /\b(it|test|describe)\.(skip|only|todo)\b/,
    instead: 'a test that runs, or skipIf with the missing package named',
  },
  {
    files: /^(agent|drivers|config|simulators)\//,
    pattern: /\bexport default\b/,
    instead: 'a named export',
  },
  {
    files: /^(agent|drivers|config|simulators)\//,
    pattern: /:\s*any\b|\bas any\b/,
    instead: 'unknown and a check',
  },
]

const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config|d))?\.ts$/

/** One import of a file: the specifier, whether it is type-only, and where. */
interface Import {
  readonly specifier: string
  readonly typeOnly: boolean
  readonly line: number
}

function importsOf(text: string): Import[] {
  const found: Import[] = []
  const pattern =
    /^(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm
  for (const match of text.matchAll(pattern)) {
    const specifier = match[2] ?? match[3]
    if (specifier === undefined) continue
    const line = text.slice(0, match.index).split('\n').length
    found.push({ specifier, typeOnly: match[1] !== undefined, line })
  }
  return found
}

/** Where a specifier leads: `own` folder, a repository path, a `#layer/` path, `node:`, or a package name. */
function targetOf(from: string, specifier: string): string {
  if (specifier.startsWith('.')) {
    const resolved = path.posix.join(path.posix.dirname(from), specifier)
    const folder = path.posix.dirname(from)
    return resolved.startsWith(`${folder}/`) ? 'own' : resolved
  }
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) return 'node:'
  return specifier
}

function allowed(layer: Layer, target: string, typeOnly: boolean): boolean {
  return layer.allow.some((rule) => {
    if (rule === 'any') return true
    const typesOnly = rule.startsWith('types:')
    const prefix = typesOnly ? rule.slice('types:'.length) : rule
    if (typesOnly && !typeOnly) return false
    return prefix.endsWith('/') ? target.startsWith(prefix) : target === prefix
  })
}

function importViolations(file: SourceText): string[] {
  const layer = LAYERS.find((candidate) => candidate.files.test(file.path))
  if (layer === undefined) return []
  const violations: string[] = []
  for (const { specifier, typeOnly, line } of importsOf(file.text)) {
    const target = targetOf(file.path, specifier)
    if (!allowed(layer, target, typeOnly)) {
      violations.push(
        `${file.path}:${line} may not import ${typeOnly ? 'types of ' : ''}"${specifier}"; ` +
          `its layer may import ${layer.allow.join(', ')}`,
      )
    }
  }
  return violations
}

const withoutComments = (text: string): string =>
  text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
    .replaceAll(/(^|\s)\/\/.*$/gm, '$1')

function textViolations(file: SourceText): string[] {
  const violations: string[] = []
  const lines = file.text.split('\n')
  if (lines.length - 1 > LINES_MAX) {
    violations.push(`${file.path} has ${lines.length - 1} lines; split it (at most ${LINES_MAX})`)
  }
  lines.forEach((line, index) => {
    if (line.length > LINE_LENGTH_MAX && !/^test\//.test(file.path)) {
      violations.push(
        `${file.path}:${index + 1} is ${line.length} characters long (at most ${LINE_LENGTH_MAX})`,
      )
    }
  })
  const code = withoutComments(file.text)
  for (const { files, pattern, instead } of BANNED) {
    if (
      !files.test(file.path) ||
      file.path.endsWith('tidy.ts') ||
      file.path.endsWith('tidy.test.ts')
    )
      continue
    code.split('\n').forEach((line, index) => {
      const match = pattern.exec(line)
      if (match) violations.push(`${file.path}:${index + 1} uses ${match[0]}; use ${instead}`)
    })
  }
  if (!KEBAB_CASE.test(path.posix.basename(file.path)))
    violations.push(`${file.path} is not kebab-case`)
  if (/^(agent|drivers|config|simulators)\//.test(file.path) && !/^(#!.*\n)?\/\//.test(file.text)) {
    violations.push(
      `${file.path} has no header comment saying what it decides and what it never does`,
    )
  }
  return violations
}

/** All violations of the architecture rules, each `FILE:LINE what; what instead`. */
export const violationsOf = (files: readonly SourceText[]): string[] =>
  files.flatMap((file) => [...importViolations(file), ...textViolations(file)])
