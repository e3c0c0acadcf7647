// Generates the JSON Schemas of the three file formats from the schemas that validate them. `--check` reports drift and
// writes nothing. The JSON Schema tells the shape; what values mean together only check-config tells.

import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { configurationSchema } from './configuration.ts'
import { limitSetSchema } from './limit-set.ts'
import { profileSchema } from './profile.ts'

const SCHEMAS = {
  configuration: configurationSchema,
  profile: profileSchema,
  'limit-set': limitSetSchema,
} as const

export type SchemaName = keyof typeof SCHEMAS
export const SCHEMA_NAMES = Object.keys(SCHEMAS) as readonly SchemaName[]

export const JSON_SCHEMA_DIR = path.resolve(import.meta.dirname, '../json-schema')

/** The JSON Schema (draft 2020-12) of a file format, as text with a final newline. */
export function jsonSchemaOf(name: SchemaName): string {
  const schema = z.toJSONSchema(SCHEMAS[name], { io: 'input' })
  return `${JSON.stringify({ ...schema, title: `cleanroom-agent ${name}` }, undefined, 2)}\n`
}

/** File names whose content differs from what the schemas give. */
export function drift(): string[] {
  return SCHEMA_NAMES.filter((name) => {
    try {
      return readFileSync(fileOf(name), 'utf8') !== jsonSchemaOf(name)
    } catch {
      return true
    }
  }).map(fileOf)
}

const fileOf = (name: SchemaName): string => path.join(JSON_SCHEMA_DIR, `${name}.json`)

/** Writes the files, or with `--check` only compares them; returns the exit code. */
function generate(args: readonly string[]): number {
  if (!args.includes('--check')) {
    for (const name of SCHEMA_NAMES) writeFileSync(fileOf(name), jsonSchemaOf(name))
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
