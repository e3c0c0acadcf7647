// The schemas as documentation: a description on every key, generated files without drift, tables in the handbook.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { configurationSchema } from '#config/schema/configuration.ts'
import { drift, jsonSchemaOf, SCHEMA_NAMES } from '#config/schema/generate.ts'
import { EXAMPLES, sound } from './support.ts'

interface JsonSchema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema | boolean
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly additionalProperties?: boolean
}

/** Every key with its path and schema, however deep. */
function keysIn(schema: JsonSchema, at = ''): [key: string, schema: JsonSchema][] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const key = at === '' ? name : `${at}.${name}`
    return [[key, child], ...keysIn(child, key)] as [string, JsonSchema][]
  })
  const items = typeof schema.items === 'object' ? keysIn(schema.items, `${at}[]`) : []
  const others = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap((one) =>
    keysIn(one, at),
  )
  return [...own, ...items, ...others]
}

describe.each(SCHEMA_NAMES)('the JSON Schema of the %s', (name) => {
  const schema = JSON.parse(jsonSchemaOf(name)) as JsonSchema
  const keys = keysIn(schema)

  it('describes every key', () => {
    expect(keys.length).toBeGreaterThan(10)
    expect(keys.filter(([, { description }]) => !description).map(([key]) => key)).toEqual([])
  })

  it('accepts no unknown key anywhere', () => {
    const open = keys.filter(
      ([, child]) => child.properties && child.additionalProperties !== false,
    )
    expect(open.map(([key]) => key)).toEqual([])
  })

  it('stands in the handbook, key by key', () => {
    const handbook = readFileSync(path.join(EXAMPLES, '../../docs/configuration.md'), 'utf8')
    const lacking = keys.map(([key]) => key).filter((key) => !handbook.includes(`| \`${key}\` `))
    expect([...new Set(lacking)]).toEqual([])
  })
})

it('the generated files are what the schemas give', () => {
  expect(drift()).toEqual([])
})

describe('the whole schema', () => {
  it('accepts what loading accepts', () => {
    for (const name of ['contract.yaml', 'demo.yaml']) {
      const value: unknown = parse(readFileSync(path.join(EXAMPLES, name), 'utf8'))
      expect(configurationSchema.safeParse(value).success).toBe(true)
    }
    expect(configurationSchema.safeParse(sound()).success).toBe(true)
  })

  it('knows every key that the contract names', () => {
    const keys = keysIn(JSON.parse(jsonSchemaOf('configuration')) as JsonSchema).map(([key]) => key)
    const named = [
      'site.timezone',
      'gateway.dataDir',
      'limitSet',
      'include',
      'console.port',
      'reasonCodes',
      'reminders.action.escalate',
      'reminders.alert.reAlarm',
      'mqtt.embedded',
      'mqtt.live',
      'mqtt.commands',
      'mqtt.allowPlaintext',
      'mqtt.usernameFile',
      'zones[].cleanUp',
      'buses[].timeout',
      'buses[].retries',
      'buses[].lateReply',
      'buses[].turnaround',
      'buses[].dataBits',
      'buses[].stopBits',
      'buses[].allowUnstablePath',
      'buses[].interval',
      'instruments[].interval',
      'instruments[].flow',
      'instruments[].samplingTube.length',
      'instruments[].points[].polarity',
      'instruments[].points[].range',
      'instruments[].points[].stuckAfter',
      'instruments[].points[].commFail',
      'instruments[].points[].limits.inversion',
      'instruments[].points[].limits.atRest.actionLow',
      'instruments[].points[].rules.singleHigh',
    ]
    expect(named.filter((key) => !keys.includes(key))).toEqual([])
  })
})
