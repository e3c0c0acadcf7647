// `schema`: prints the JSON Schema of a file format, for editors and for tools of others. Decides nothing.

import { jsonSchemaOf, SCHEMA_NAMES, type SchemaName } from '#config/schema/generate.ts'
import { EXIT } from './exit-code.ts'
import { type Output, processOutput } from './output.ts'

/** Prints one JSON Schema document: `configuration` where no name is given. */
export async function schema(
  name = 'configuration',
  output: Output = processOutput(),
): Promise<number> {
  const known: readonly string[] = SCHEMA_NAMES
  if (!known.includes(name)) {
    output.talk(`there is no schema "${name}"; name one of ${known.join(', ')}`)
    return EXIT.usage
  }
  output.data(jsonSchemaOf(name as SchemaName).trimEnd())
  return EXIT.ok
}
