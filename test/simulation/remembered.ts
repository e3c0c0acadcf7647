// What is remembered in a run that may last for years: the newest so many of whatever came one after the other.

interface Remembered<Key> {
  readonly size: number
  keys(): Iterable<Key>
  delete(key: Key): boolean
}

/** Forgets the oldest where there is one more than so many; the newest are what is asked for next. */
export function forgetOldest<Key>(remembered: Remembered<Key>, most: number): void {
  if (remembered.size <= most) return
  const [oldest] = remembered.keys()
  if (oldest !== undefined) remembered.delete(oldest)
}
