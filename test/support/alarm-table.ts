// The truth table of the alarm machine, read off the code that runs: every state, everything that can happen, and what comes of it.

import { stepAlarm } from '#core/alarm.ts'
import { ALARM_STATES, type AlarmStateName, stateName } from '#core/alarm-state.ts'
import { definition, INPUTS, type InputName, newId, reach } from './one-alarm.ts'

const HAPPENS: readonly (readonly [InputName, string])[] = [
  ['violated', 'violated, good'],
  ['violated?', 'violated, uncertain'],
  ['normal', 'normal, good'],
  ['normal?', 'normal, uncertain'],
  ['bad', 'bad or missing'],
  ['acknowledge', 'acknowledged'],
  ['reset', 'reset'],
]

const LATCHED: readonly AlarmStateName[] = ['latched_unacknowledged', 'latched_acknowledged']

/** As Markdown: a row for each state, a column for each thing that happens; · where the state stays as it is. */
export function alarmTable(): string {
  const head = ['state', ...HAPPENS.map(([, words]) => words)]
  const rows = [false, true].flatMap((latching) =>
    ALARM_STATES.filter((name) =>
      latching ? name !== 'rtn_unacknowledged' && name !== 'normal' : !LATCHED.includes(name),
    ).map((name) => rowOf(name, latching)),
  )
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

function rowOf(name: AlarmStateName, latching: boolean): string[] {
  const of = definition({ latching })
  const cells = HAPPENS.map(([input]) => {
    const { state, transitions } = stepAlarm(of, reach(name, of), INPUTS[input], newId)
    if (transitions.length === 0) return '·'
    const ended = transitions.some(({ to }) => to === 'superseded')
    return `${stateName(state, latching)}${ended ? ', a new occurrence' : ''}`
  })
  return [latching ? `${name} (latching)` : name, ...cells]
}
