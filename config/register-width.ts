// How many registers a data type takes up. Pure; decodes nothing.

/** Registers (or bits) that a type takes up. */
export function registerWidth(type: string): number {
  if (type.startsWith('string')) return Math.ceil(Number(type.slice('string'.length)) / 2)
  if (type.endsWith('32')) return 2
  return type.endsWith('64') ? 4 : 1
}
