// The keys of a file format as a table for the handbook, from the same JSON Schema that editors use. Pure.

/** The part of a JSON Schema that the table shows. */
export interface SchemaNode {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly items?: SchemaNode | boolean
  readonly prefixItems?: readonly SchemaNode[]
  readonly anyOf?: readonly SchemaNode[]
  readonly oneOf?: readonly SchemaNode[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
}

interface Row {
  readonly key: string
  readonly required: boolean
  readonly node: SchemaNode
}

/** A Markdown table with one row for each key: key, whether it must be given, accepted words, meaning. */
export function keyTable(schema: SchemaNode): string {
  const rows = new Map<string, Row>()
  for (const row of rowsOf(schema, '', true)) {
    const known = rows.get(row.key)
    rows.set(row.key, known === undefined ? row : merged(known, row))
  }
  const cells = [...rows.values()].map(({ key, required, node }) => [
    `\`${key}\``,
    required ? 'yes' : '',
    cell(wordsOf(node)),
    cell(node.description ?? ''),
  ])
  return aligned([HEADS, ...cells])
}

const HEADS = ['Key', 'Needed', 'Accepted', 'Meaning']

/** Rows as a Markdown table with columns of even width, as the formatter of the repository wants it. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [heads = HEADS, ...others] = rows
  return [heads, widths.map((width) => '-'.repeat(width)), ...others].map(line).join('\n')
}

/** A key of several alternatives is needed only where each needs it; accepted words add up. */
function merged(a: Row, b: Row): Row {
  const words = [...new Set([...choicesOf(a.node), ...choicesOf(b.node)])]
  return {
    key: a.key,
    required: a.required && b.required,
    node: words.length === 0 ? a.node : { ...a.node, enum: words },
  }
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

function rowsOf(schema: SchemaNode, at: string, inEvery: boolean): Row[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, node]) => {
    const key = at === '' ? name : `${at}.${name}`
    const required = inEvery && (schema.required ?? []).includes(name)
    return [{ key, required, node }, ...rowsOf(node, key, true)]
  })
  const items = typeof schema.items === 'object' ? rowsOf(schema.items, `${at}[]`, true) : []
  const alternatives = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
  const shared = (name: string): boolean =>
    alternatives.every(({ properties }) => properties !== undefined && name in properties)
  const others = alternatives.flatMap((one) =>
    rowsOf(one, at, true).map((row) => ({
      ...row,
      required: row.required && shared(row.key.slice(at.length + 1)),
    })),
  )
  return [...own, ...items, ...others]
}

const choicesOf = (node: SchemaNode): readonly unknown[] =>
  node.enum ?? (node.const === undefined ? [] : [node.const])

function wordsOf(node: SchemaNode): string {
  const choices = choicesOf(node)
  if (choices.length > 0) return choices.map((choice) => `\`${String(choice)}\``).join(' ')
  if (node.prefixItems !== undefined) return `[${node.prefixItems.map(wordsOf).join(', ')}]`
  if (node.type === 'array') return 'list'
  if (node.type === 'object') return 'group'
  if (node.type === 'string') return 'text'
  if (node.type === 'boolean') return '`true` `false`'
  const parts = [...(node.anyOf ?? []), ...(node.oneOf ?? [])].map(wordsOf)
  if (parts.length > 0) return [...new Set(parts)].join(' or ')
  return typeof node.type === 'string' ? node.type : (node.type ?? []).join(' or ')
}
