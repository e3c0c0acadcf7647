// The one canonical text of a JSON value (RFC 8785, JSON Canonicalization Scheme), so that both ends sign the same bytes.
// Decides the text only; never parses, never signs, and refuses what has no canonical form instead of approximating it.

/** Nesting beyond which a value is refused; commands have one level, the uplink lets at most 16 in. */
const DEPTH_MAX = 64

/** Thrown when a value has no canonical form: a number that is not finite, a lone surrogate, something that is no JSON. */
export class NotCanonicalError extends Error {
  override readonly name = 'NotCanonicalError'
}

/**
 * The canonical text: members sorted by UTF-16 code units (§3.2.3), numbers as ECMAScript prints them (§3.2.2.3), strings
 * with the shortest escapes (§3.2.2.2), no white space. Throws NotCanonicalError when there is none.
 */
export function canonicalJson(value: unknown): string {
  return print(value, 1)
}

function print(value: unknown, depth: number): string {
  if (depth > DEPTH_MAX) throw new NotCanonicalError(`nested deeper than ${DEPTH_MAX} levels`)
  switch (typeof value) {
    case 'string':
      return printString(value)
    case 'number':
      return printNumber(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value) ? printArray(value, depth) : printObject(value, depth)
    default:
      throw new NotCanonicalError(`a ${typeof value} is no JSON`)
  }
}

/** JSON.stringify escapes exactly as the scheme asks, except that it escapes lone surrogates, which the scheme refuses. */
function printString(text: string): string {
  if (!text.isWellFormed()) throw new NotCanonicalError('a text holds a lone surrogate')
  return JSON.stringify(text)
}

/** ECMAScript's Number::toString is what the scheme prescribes; -0 prints as 0. */
function printNumber(value: number): string {
  if (!Number.isFinite(value)) throw new NotCanonicalError(`${value} is no JSON number`)
  return JSON.stringify(value)
}

/** Array.from rather than map, so that a hole is seen and refused. */
function printArray(values: readonly unknown[], depth: number): string {
  return `[${Array.from(values, (value) => print(value, depth + 1)).join(',')}]`
}

/** The default order of sort() is by UTF-16 code units. Only own enumerable members are seen; nothing is called. */
function printObject(value: object, depth: number): string {
  const members = value as Readonly<Record<string, unknown>>
  const printed = Object.keys(members)
    .sort()
    .map((key) => `${printString(key)}:${print(members[key], depth + 1)}`)
  return `{${printed.join(',')}}`
}
