// Generates, from the schemas that validate, the JSON Schemas of the three file formats and the tables of keys in the
// handbook. `--check` reports drift and writes nothing. The JSON Schema tells the shape; what values mean together only check-config tells.

import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { outputProfileSchema } from './annunciator.ts'
import { configurationSchema } from './configuration.ts'
import { keyTable, type SchemaNode } from './key-table.ts'
import { limitSetSchema } from './limit-set.ts'
import { profileSchema } from './profile.ts'

const SCHEMAS = {
  configuration: configurationSchema,
  profile: profileSchema,
  'limit-set': limitSetSchema,
  'output-profile': outputProfileSchema,
} as const

export type SchemaName = keyof typeof SCHEMAS
export const SCHEMA_NAMES = Object.keys(SCHEMAS) as readonly SchemaName[]

const JSON_SCHEMA_DIR = path.resolve(import.meta.dirname, '../json-schema')
const HANDBOOK = path.resolve(import.meta.dirname, '../../docs/configuration.md')

/** The JSON Schema (draft 2020-12) of a file format, as text with a final newline. */
export function jsonSchemaOf(name: SchemaName): string {
  const schema = z.toJSONSchema(SCHEMAS[name], { io: 'input' })
  return `${JSON.stringify({ ...schema, title: `cleanroom-agent ${name}` }, undefined, 2)}\n`
}

/** Content of every generated file, by its path: the JSON Schemas, and the handbook with its tables of keys. */
function generated(): Map<string, string> {
  const files = new Map<string, string>()
  for (const name of SCHEMA_NAMES) {
    files.set(path.join(JSON_SCHEMA_DIR, `${name}.json`), jsonSchemaOf(name))
  }
  return files.set(HANDBOOK, withTables(readFileSync(HANDBOOK, 'utf8')))
}

/** The handbook with what stands between `<!-- keys: NAME -->` and `<!-- end -->` replaced. */
function withTables(handbook: string): string {
  return handbook.replaceAll(
    /(<!-- keys: (\S+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (whole, begin: string, name: string, end: string) => {
      const known = SCHEMA_NAMES.find((candidate) => candidate === name)
      if (known === undefined) return whole
      return `${begin}${keyTable(JSON.parse(jsonSchemaOf(known)) as SchemaNode)}\n${end}`
    },
  )
}

/** Paths of generated files whose content differs from what the schemas give. */
export function drift(): string[] {
  return [...generated()].flatMap(([file, content]) => {
    try {
      return readFileSync(file, 'utf8') === content ? [] : [file]
    } catch {
      return [file]
    }
  })
}

/** Writes the files, or with `--check` only compares them; returns the exit code. */
function generate(args: readonly string[]): number {
  if (!args.includes('--check')) {
    for (const [file, content] of generated()) writeFileSync(file, content)
    return 0
  }
  const different = drift()
  for (const file of different) {
    process.stderr.write(`${file} is not what the schemas give; run npm run schema\n`)
  }
  return different.length === 0 ? 0 : 1
}

const calledAs = process.argv[1]
if (calledAs !== undefined && import.meta.url === pathToFileURL(calledAs).href) {
  process.exitCode = generate(process.argv.slice(2))
}
