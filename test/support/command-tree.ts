// The tree of commands as data: every command's full name with its help text, as it is printed.

import type { Command } from 'commander'
import { buildProgram } from '../../agent/cli/program.ts'

export interface CommandHelp {
  /** `cleanroom-agent users add` */
  readonly name: string
  readonly help: string
  readonly options: readonly string[]
  readonly leaf: boolean
}

/** Help of the whole tree, in its order. */
export function commandTree(): CommandHelp[] {
  const written: string[] = []
  const program = buildProgram({
    io: {
      output: { data: (text) => void written.push(text), talk: () => {}, style: (_, text) => text },
      keyboard: { all: () => '' },
    },
    exit: () => {},
  })
  const walk = (command: Command, prefix: string): CommandHelp[] => {
    const name = `${prefix}${command.name()}`
    written.length = 0
    command.outputHelp()
    const here = {
      name,
      help: written.join('\n'),
      options: command.options.map(({ long }) => long ?? ''),
      leaf: command.commands.length === 0,
    }
    return [here, ...command.commands.flatMap((child) => walk(child, `${name} `))]
  }
  return walk(program, '')
}
