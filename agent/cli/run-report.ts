// What `run` tells whoever started it: words on standard error, or with --json one document a line on standard output. The log is
// another matter and stays on standard error. Decides no more than the form.

import type { Finding } from '#config/configuration.ts'
import { formatFinding } from '#config/load.ts'
import { type Output, printJson } from './output.ts'

/** The moments in the life of a run that its starter hears of. */
export interface RunReport {
  findings(findings: readonly Finding[]): void
  /** In words, with what they are about; `fields` only stand in the document. */
  tell(event: RunEvent, words: string, fields?: Readonly<Record<string, unknown>>): void
}

/**
 * `finding` one fault or warning of the configuration; `refused` it does not run, another one or none does; `pending` it waits for
 * signatures; `first_run` nobody may act yet; `running`; `reloaded`; `failed`; `stopped`.
 */
type RunEvent = 'refused' | 'pending' | 'first_run' | 'running' | 'reloaded' | 'failed' | 'stopped'

export function runReport(json: boolean, output: Output): RunReport {
  if (json) {
    return {
      findings: (findings) => {
        for (const finding of findings) printJson(output, { event: 'finding', ...finding })
      },
      tell: (event, words, fields = {}) => printJson(output, { event, words, ...fields }),
    }
  }
  return {
    findings: (findings) => {
      for (const finding of findings) output.talk(formatFinding(finding))
    },
    tell: (event, words) => {
      // What went well is in the log.
      if (!QUIET.includes(event)) output.talk(words)
    },
  }
}

const QUIET: readonly RunEvent[] = ['running', 'reloaded', 'stopped']
