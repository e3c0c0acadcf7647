// `check-config FILE`: says all faults of a configuration at once, or what would run and on which arithmetic.
// Reads and reports; starts nothing, accepts nothing, writes nothing.

import type { Configuration, Finding, Loaded } from '#config/configuration.ts'
import { formatFinding, loadConfiguration } from '#config/load.ts'
import type { LimitColumns, PointLimits } from '#core/limit.ts'
import { LIMIT_KINDS } from '#core/limit.ts'
import type { Point } from '#core/point.ts'
import { formatDuration } from '#core/time.ts'
import { EXIT } from './exit-code.ts'
import { type Output, printable, printJson, processOutput, table } from './output.ts'
import { replyLengthFindings } from './reply-length-check.ts'

export interface CheckConfigOptions {
  /** One JSON document on stdout in place of words. */
  readonly json: boolean
  /** Another file, or `accepted`: shows what the file would change of it, in place of what would run. */
  readonly against?: string
}

/** Checks a configuration; 0 when it may run, 78 when it may not. Warnings refuse nothing. */
export async function checkConfig(
  file: string,
  options: CheckConfigOptions,
  output: Output = processOutput(),
): Promise<number> {
  const loaded = withWireWarnings(loadConfiguration(file))
  const code = loaded.ok ? EXIT.ok : EXIT.configuration
  if (loaded.ok && options.against !== undefined) {
    const { compareConfig } = await import('./config-difference.ts')
    return compareConfig(file, loaded.configuration, options.against, options, output)
  }
  if (options.json) {
    printJson(output, documentOf(file, loaded))
    return code
  }
  for (const finding of loaded.findings) output.talk(printable(formatFinding(finding)))
  const errors = count(loaded.findings, 'error')
  const warnings = count(loaded.findings, 'warning')
  if (!loaded.ok) {
    output.talk(
      `${printable(file)}: ${plural(errors, 'fault')}, ${plural(warnings, 'warning')}; refused`,
    )
    return code
  }
  output.data(summaryOf(loaded))
  const verdict = warnings === 0 ? 'no faults' : `no faults, ${plural(warnings, 'warning')}`
  output.talk(`${printable(file)}: ${verdict}; accepted`)
  return code
}

/** What the drivers know of a configuration that may run, added to what its checks found. */
const withWireWarnings = (loaded: Loaded): Loaded =>
  loaded.ok
    ? { ...loaded, findings: [...loaded.findings, ...replyLengthFindings(loaded.configuration)] }
    : loaded

const count = (findings: readonly Finding[], severity: Finding['severity']): number =>
  findings.filter((finding) => finding.severity === severity).length

const plural = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? '' : 's'}`

type Accepted = Extract<Loaded, { ok: true }>

/** The document of `--json`: the findings, and what would run. */
function documentOf(file: string, loaded: Loaded): Readonly<Record<string, unknown>> {
  const base = { file, ok: loaded.ok, findings: loaded.findings }
  if (!loaded.ok) return base
  const { plant, sources } = loaded.configuration
  return {
    ...base,
    config: plant.hash,
    limitSet: plant.limitSet,
    zones: plant.zones,
    buses: loaded.configuration.buses.map((bus) => ({
      ...bus,
      budget: loaded.budgets?.find((budget) => budget.bus === bus.id),
    })),
    instruments: loaded.configuration.instruments.map(({ profile, ...own }) => ({
      ...plant.instruments.find(({ id }) => id === own.id),
      ...own,
      profile: profile.id,
    })),
    points: plant.points,
    sources: sources.map((source) => source.path),
  }
}

function summaryOf({ configuration, budgets }: Accepted): string {
  const { plant } = configuration
  return [
    `${plant.siteName} (${plant.org}/${plant.site}/${plant.gateway}), times shown in ${plant.timezone}`,
    `limit set ${plant.limitSet.id}, version ${plant.limitSet.version}, chosen by the site`,
    ...section('zones', zoneRows(configuration)),
    ...section('instruments', instrumentRows(configuration)),
    ...section('points', plant.points.map(pointRow), POINT_HEADS),
    ...section('limits in force', plant.points.flatMap(limitRows), LIMIT_HEADS),
    '',
    'bus budgets (URS-24)',
    ...(budgets ?? []).map(({ bus, words }) => `${bus}: ${words}`),
    '',
    `files ${configuration.sources.map(({ path }) => path).join('\n      ')}`,
    `config ${plant.hash}`,
  ].join('\n')
}

const section = (title: string, rows: string[][], heads?: readonly string[]): string[] => [
  '',
  `${title}: ${rows.length}`,
  table(heads === undefined ? rows : [[...heads], ...rows]),
]

const zoneRows = ({ plant }: Configuration): string[][] =>
  plant.zones.map((zone) => [
    zone.id,
    `grade ${zone.grade}`,
    zone.name,
    zone.occupancy ?? 'occupancy unknown: strictest limits',
    zone.within === undefined ? '' : `within ${zone.within}`,
  ])

const instrumentRows = ({ plant, instruments }: Configuration): string[][] =>
  instruments.map(({ id, bus, unitId, profile }) => {
    const instrument = plant.instruments.find((candidate) => candidate.id === id)
    const due = instrument?.calibrationDue
    return [
      id,
      profile.id,
      `${bus} unit ${unitId}`,
      instrument?.serial === undefined ? '' : `serial ${instrument.serial}`,
      instrument?.flowLpm === undefined ? '' : `${instrument.flowLpm} L/min`,
      due === undefined ? '' : `calibrated to ${due}`,
    ]
  })

const POINT_HEADS = ['point', 'zone', 'grade', 'quantity', 'interval', 'data loss after', '']

const pointRow = (point: Point): string[] => [
  point.id,
  point.against === undefined ? point.zone : `${point.zone} against ${point.against}`,
  point.grade,
  `${point.quantity} ${point.unit}`,
  formatDuration(point.intervalMs),
  formatDuration(point.commFailMs),
  point.critical ? 'critical' : '',
]

const LIMIT_HEADS = ['point', 'limit', 'at rest', 'in operation', 'from']

function limitRows(point: Point): string[][] {
  const { limits, rules } = point
  const rows = LIMIT_KINDS.flatMap((kind) => {
    const columns = limits[kind]
    return columns === undefined ? [] : [[point.id, kind, ...columnCells(columns, point.unit)]]
  })
  if (limits.inversion !== undefined) {
    rows.push([point.id, 'inversion', `${limits.inversion} ${point.unit}`, '', 'site'])
  }
  const delays = delayWords(limits, point.unit)
  if (delays !== '') rows.push([point.id, 'delays', delays, '', limits.justification ?? ''])
  if (rules !== undefined) {
    const words = [
      rules.rollingCubicMetre ? 'rolling cubic metre' : '',
      rules.consecutive === undefined ? '' : `${rules.consecutive} consecutive`,
      rules.xOfY === undefined ? '' : `${rules.xOfY[0]} of ${rules.xOfY[1]}`,
      rules.singleHigh === undefined ? '' : `single ≥ ${rules.singleHigh}`,
    ].filter((word) => word !== '')
    rows.push([point.id, 'rules', words.join(', '), '', rules.justification ?? ''])
  }
  return rows
}

function columnCells({ atRest, inOperation }: LimitColumns, unit: string): string[] {
  const cell = (limit: LimitColumns['atRest']): string =>
    limit === undefined ? '–' : `${limit.value} ${unit}`
  const origins = new Set(
    [atRest, inOperation].flatMap((limit) => limit?.clause ?? limit?.set ?? []),
  )
  return [cell(atRest), cell(inOperation), [...origins].join('; ')]
}

const delayWords = ({ onDelayMs, offDelayMs, deadband }: PointLimits, unit: string): string =>
  [
    onDelayMs === 0 ? '' : `on-delay ${formatDuration(onDelayMs)}`,
    offDelayMs === 0 ? '' : `off-delay ${formatDuration(offDelayMs)}`,
    deadband === 0 ? '' : `deadband ${deadband} ${unit}`,
  ]
    .filter((word) => word !== '')
    .join(', ')
