// Reads, judges and compiles a configuration: the one way from a file to what can run (URS-54).
// Reports every fault at once, each with file, line, column, key, what is wrong and what to do; never throws.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Origin } from '#core/point.ts'
import { builtInName, openCatalogue } from './catalogue.ts'
import { checkAnnunciator } from './check/annunciator.ts'
import { checkGuidance } from './check/guidance.ts'
import { checkLimits } from './check/limits.ts'
import { checkOccupancy } from './check/occupancy.ts'
import { checkPlant } from './check/plant.ts'
import { checkPoints } from './check/points.ts'
import { checkRetention } from './check/retention.ts'
import { checkTiming } from './check/timing.ts'
import { checkTrends } from './check/trends.ts'
import { compile } from './compile.ts'
import type { Loaded } from './configuration.ts'
import { collectFindings } from './findings.ts'
import { readModel } from './model.ts'
import { present } from './profile.ts'
import { resolve } from './resolve.ts'

export { formatFinding } from './findings.ts'

export interface LoadOptions {
  /** Where the readings of this configuration come from; what `gateway.origin` says where not given. */
  readonly origin?: Origin
}

const fromDisk = (file: string): string => readFileSync(file, 'utf8')

/**
 * Loads a configuration file with everything it includes and refers to.
 * `readFile` takes absolute paths and throws where there is nothing to read; the disk where not given.
 */
export function loadConfiguration(
  file: string,
  readFile: (path: string) => string = fromDisk,
  options: LoadOptions = {},
): Loaded {
  const findings = collectFindings()
  const model = readModel({ name: file, path: path.resolve(file) }, readFile, findings)
  const catalogue = openCatalogue(readFile, findings)
  const resolved = resolve(model, catalogue, findings)
  checkPlant(resolved, findings)
  checkRetention(resolved, findings)
  checkOccupancy(resolved, findings)
  checkTrends(resolved, findings)
  checkPoints(resolved, findings)
  checkLimits(resolved, findings)
  const annunciator = checkAnnunciator(resolved, catalogue, findings)
  const budgets = checkTiming(resolved, findings)
  if (!findings.clean()) return { ok: false, findings: findings.all() }
  const sources = [...model.documents, ...catalogue.documents()].map((document) => ({
    path: document.path,
    ...present('builtIn', builtInName(document.path)),
    text: document.text,
  }))
  const configuration = compile(
    { ...resolved, ...(annunciator && { annunciator }) },
    sources,
    options.origin,
  )
  if (configuration !== undefined) checkGuidance(model, configuration.plant, findings)
  return configuration === undefined || !findings.clean()
    ? { ok: false, findings: findings.all() }
    : { ok: true, configuration, findings: findings.all(), budgets }
}
