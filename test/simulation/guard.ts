// While a simulation runs, what nobody handled is a finding of that simulation (S3), and a look at the machine's own clock or dice
// from the parts under test is one too (S6): such a run could not be repeated.

type Handler = (error: unknown) => void

const WATCHED = /[\\/](agent|drivers)[\\/](?!access[\\/])/

/** Sets both watches; returns how to lift them. */
export function guard(found: (invariant: string, words: string) => void): () => void {
  const before = process.listeners('unhandledRejection')
  const handler: Handler = (error) =>
    found(
      'S3',
      `unhandled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', handler)
  const lift = [
    watch(Date, 'now', found),
    watch(Math, 'random', found),
    watch(performance, 'now', found),
  ]
  return () => {
    process.removeListener('unhandledRejection', handler)
    for (const listener of before) process.on('unhandledRejection', listener)
    for (const each of lift) each()
  }
}

/** Replaces a function by one that tells when the parts under test call it. */
function watch<Name extends string>(
  owner: Record<Name, () => number>,
  name: Name,
  found: (invariant: string, words: string) => void,
): () => void {
  const original = owner[name]
  owner[name] = () => {
    const { stack = '' } = new Error('called')
    const [, , caller = ''] = stack.split('\n')
    if (WATCHED.test(caller)) found('S6', `${name} was called from ${caller.trim()}`)
    return original.call(owner)
  }
  return () => {
    owner[name] = original
  }
}
