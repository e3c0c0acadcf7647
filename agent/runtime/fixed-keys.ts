// Which keys of the configuration say who the agent is: they name its records, its topics and the place of its data, so they stand
// for the life of the process. Decides what a reload refuses on that ground; never whether a configuration is valid.

import type { Configuration, Finding } from '#config/configuration.ts'

const FIXED: readonly (readonly [key: string, of: (it: Configuration) => string | boolean])[] = [
  ['site.org', ({ plant }) => plant.org],
  ['site.id', ({ plant }) => plant.site],
  ['gateway.id', ({ plant }) => plant.gateway],
  ['gateway.dataDir', ({ dataDir }) => dataDir],
  ['gateway.origin', ({ plant }) => plant.origin],
  ['mqtt.embedded', ({ mqtt }) => mqtt?.embedded === true],
]

/**
 * Faults of a configuration that is to follow the running one without a restart.
 * @param file the file that was changed
 */
export function fixedKeyFindings(
  running: Configuration,
  next: Configuration,
  file: string,
): readonly Finding[] {
  return FIXED.filter(([, of]) => of(running) !== of(next)).map(([key, of]) => ({
    severity: 'error',
    file,
    line: 1,
    column: 1,
    key,
    problem: `is now ${JSON.stringify(of(next))}, and the agent runs with ${JSON.stringify(of(running))}`,
    remedy: 'restart the agent to change it, or change it back',
  }))
}
