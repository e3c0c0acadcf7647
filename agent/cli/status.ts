// `status`: what runs, since when, and whether anything of it needs somebody. Shows what the agent says, judges nothing.

import { HOUR, type Millis } from '#core/time.ts'
import type { BusView, StatusView } from '../control/view.ts'
import { ask, type ClientOptions, findTarget } from './client-options.ts'
import { EXIT } from './exit-code.ts'
import { indicationWords } from './horn.ts'
import { type Output, printable, printJson } from './output.ts'
import { counted, floodWords, localTime, span } from './wording.ts'

/** Prints the state of the agent; the exit code. */
export async function status(options: ClientOptions, output: Output): Promise<number> {
  const view = await ask<'status'>(findTarget(options), { op: 'status' })
  if (options.json === true) printJson(output, view)
  else output.data(statusText(view, output))
  return EXIT.ok
}

/** The status as a screenful of text. */
export function statusText(view: StatusView, output: Pick<Output, 'style'>): string {
  const width = 11
  const lines = rows(view, output).map(([label, text]) => `${label.padEnd(width)}${text}`)
  const title = `${printable(view.siteName)}  ${view.org}/${view.site}/${view.gateway}`
  return [output.style('bold', title), ...lines].join('\n')
}

type Row = readonly [label: string, text: string]

function rows(view: StatusView, output: Pick<Output, 'style'>): Row[] {
  const warn = (text: string): string => output.style(['bold', 'yellow'], text)
  const time = (wall: Millis): string => localTime(wall, view.timezone)
  const { points, alarms, config, head, clock } = view
  return [
    ['agent', `${view.agent}, process ${view.pid}, data from ${originWords(view)}`],
    ['since', `${time(view.startedAt)} (${span(view.at - view.startedAt)})`],
    ['config', `${config.hash}${config.file === undefined ? '' : `  ${printable(config.file)}`}`],
    ...rejectedWords(config.rejected).map((words): Row => ['', warn(words)]),
    ...(view.limitSet === undefined ? [] : [['limits', view.limitSet] as const]),
    ['alarms', alarmWords(alarms, warn)],
    ...floodRows(view, warn),
    ['points', pointWords(points, warn)],
    ...zoneRows(view, warn),
    ...view.buses.map((bus, index): Row => [index === 0 ? 'buses' : '', busWords(bus, view, warn)]),
    ...recorderRows(view, warn),
    ['broker', brokerWords(view, warn)],
    ...alarmPathRows(view),
    ...annunciatorRows(view, warn),
    [
      'backlog',
      `${counted(view.backlog.event, 'event')}, ${counted(view.backlog.readings, 'reading')}`,
    ],
    ['clock', clock.synchronised ? clockWords(clock.offsetMs) : warn('not synchronised')],
    ...(clock.doubtful === true
      ? [['', warn('not to be believed since the start: readings are flagged')] as const]
      : []),
    ['commit', commitWords(view, time, warn)],
    ['head', `${head.seq}  ${head.hash.slice(0, 16)}  epoch ${view.epoch}, time base ${view.tb}`],
    ['data', printable(view.dataDir)],
  ]
}

type Warn = (text: string) => string

const FAULTS_SHOWN_MAX = 5

/** Why the file is not what runs, fault by fault. */
function rejectedWords(rejected: string | undefined): string[] {
  if (rejected === undefined) return []
  const faults = rejected.split('\n').map(printable)
  const more = faults.length - FAULTS_SHOWN_MAX
  return [
    'the file as it stands is refused:',
    ...faults.slice(0, FAULTS_SHOWN_MAX),
    ...(more > 0 ? [`and ${counted(more, 'more fault')}`] : []),
  ]
}

/** The zones by what goes on in them; a clean-up, and a stay that ends within the hour, with the time left. */
function zoneRows({ zones = [] }: StatusView, warn: Warn): Row[] {
  const states = new Map<string, string[]>()
  for (const { id, occupancy, leftMs } of zones) {
    const soon = leftMs !== undefined && (occupancy === 'clean_up' || leftMs < HOUR)
    const words = soon ? `${id} (${span(leftMs)} left)` : id
    const state = occupancy ?? 'unknown'
    states.set(state, [...(states.get(state) ?? []), words])
  }
  return [...states].map(([state, ids], index): Row => {
    const text = `${state.padEnd(12)}  ${ids.join(', ')}`
    const label = index === 0 ? 'zones' : ''
    return [label, state === 'unknown' ? warn(`${text}: the strictest limits apply`) : text]
  })
}

const originWords = ({ origin }: StatusView): string =>
  origin === 'simulated' ? 'SIMULATED instruments' : 'instruments'

function alarmWords({ unacknowledged, others }: StatusView['alarms'], warn: Warn): string {
  if (unacknowledged + others === 0) return 'none'
  const shown = unacknowledged === 0 ? 'none' : warn(String(unacknowledged))
  return `${shown} to acknowledge, ${others} other`
}

/** That alarms come too fast, or come and go. */
function floodRows({ alarms: { flood, chattering }, at, timezone }: StatusView, warn: Warn): Row[] {
  const words = [
    ...(flood === undefined ? [] : [floodWords(flood, at, timezone)]),
    ...(chattering === undefined ? [] : [`${counted(chattering, 'alarm')} chattering`]),
  ]
  return words.map((text): Row => ['', warn(text)])
}

/** When a test alarm last came back; that it is too long ago is an alarm. */
function alarmPathRows({ alarmPath, timezone }: StatusView): Row[] {
  if (alarmPath === undefined) return []
  const { provedAt, ageMs, tookMs, testing } = alarmPath
  const proved =
    provedAt === undefined
      ? `not proved yet, for ${span(ageMs)}`
      : `proved ${localTime(provedAt, timezone)} (${span(ageMs)} ago)`
  const took = tookMs === undefined ? '' : `, there and back in ${tookMs} ms`
  return [['alarm path', `${proved}${took}${testing ? '; a test is on its way' : ''}`]]
}

function pointWords(points: StatusView['points'], warn: Warn): string {
  const { total, good, uncertain, bad, silent } = points
  const off = [
    [bad, 'bad'],
    [uncertain, 'uncertain'],
    [silent, 'without a reading yet'],
  ] as const
  const words = off.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`)
  const good_ = `${good} of ${total} good`
  return words.length === 0 ? good_ : `${good_}, ${warn(words.join(', '))}`
}

function busWords(bus: BusView, view: StatusView, warn: Warn): string {
  const where = [bus.protocol, bus.address].filter((part) => part !== undefined).join(' ')
  const parked = bus.parked ?? []
  const longest = Math.max(...view.buses.map(({ id }) => id.length))
  const words = [
    `${bus.id.padEnd(longest)}  ${linkWords(bus, view, warn)}`,
    ...(where === '' ? [] : [printable(where)]),
    ...(bus.utilisation === undefined ? [] : [`${Math.round(bus.utilisation * 100)} % busy`]),
    ...(parked.length === 0 ? [] : [warn(`silent: ${parked.join(', ')}`)]),
    ...(bus.counters === undefined ? [] : [counterWords(bus.counters)]),
  ]
  return words.join('  ')
}

/** Only where something is missing. */
const recorderRows = ({ recorder }: StatusView, warn: Warn): Row[] =>
  recorder === undefined || recorder.skipped === 0
    ? []
    : [
        [
          'recorder',
          warn(`${counted(recorder.skipped, 'flight record')} left out, as they were too many`),
        ],
      ]

function linkWords({ link }: BusView, { at }: StatusView, warn: Warn): string {
  if (link.kind === 'up' && link.noise !== undefined) return warn(`noisy: ${printable(link.noise)}`)
  if (link.kind !== 'down') return link.kind
  return warn(`down for ${span(at - link.since)}: ${printable(link.cause)}`)
}

function counterWords(counters: NonNullable<BusView['counters']>): string {
  const { requests, timeouts, reconnects } = counters
  return `${counted(requests, 'request')}, ${counted(timeouts, 'timeout')}, ${counted(reconnects, 'reconnect')}`
}

function brokerWords({ broker }: StatusView, warn: Warn): string {
  if (broker === undefined) return 'none configured'
  const address = printable(broker.address)
  if (broker.connected) return `connected  ${address}`
  const cause = broker.lastError === undefined ? '' : `: ${printable(broker.lastError)}`
  return `${warn(`not connected${cause}`)}  ${address}`
}

/** Horn and light, as they are to be seen and heard. */
function annunciatorRows({ annunciator, timezone }: StatusView, warn: Warn): Row[] {
  if (annunciator === undefined) return []
  const { driven, cause, silence, lastTest, testing } = annunciator
  const words = [
    driven
      ? indicationWords(annunciator.shown)
      : warn(`not driven: ${printable(cause ?? 'not yet')}`),
    ...(silence === undefined
      ? []
      : [warn(`silenced until ${localTime(silence.until, timezone)} by ${printable(silence.by)}`)]),
    ...(testing ? ['self-test'] : []),
    lastTest === undefined
      ? 'never tried'
      : `${lastTest.passed ? 'tried' : warn('failed its self-test')} ${localTime(lastTest.at, timezone)}`,
  ]
  return [['horn', words.join(', ')]]
}

const clockWords = (offsetMs: Millis | undefined): string =>
  offsetMs === undefined ? 'synchronised' : `synchronised, off by ${Math.round(offsetMs)} ms`

function commitWords(view: StatusView, time: (wall: Millis) => string, warn: Warn): string {
  if (view.lastCommitAt === undefined) return warn('none yet')
  return `${time(view.lastCommitAt)} (${span(view.at - view.lastCommitAt)} ago)`
}
