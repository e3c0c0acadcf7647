// What a command says, kept apart: data and talk; and the commands in this process with it.

import type { Output } from '../../agent/cli/output.ts'

export interface Spoken {
  readonly output: Output
  data(): string
  talk(): string
  /** The one JSON document that was printed. */
  document(): Record<string, unknown>
}

export function spoken(): Spoken {
  const data: string[] = []
  const talk: string[] = []
  return {
    output: {
      data: (text) => void data.push(text),
      talk: (text) => void talk.push(text),
      style: (_style, text) => text,
    },
    data: () => data.join('\n'),
    talk: () => talk.join('\n'),
    document: () => {
      if (data.length !== 1) throw new Error(`${data.length} documents were printed`)
      return JSON.parse(data[0] ?? '') as Record<string, unknown>
    },
  }
}
