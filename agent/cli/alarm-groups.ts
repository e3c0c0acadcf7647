// In a flood the list of alarms is read by cause: of each, the heaviest alarm stands for those that follow from it, and says how many.
// Groups rows of a display. No alarm of priority 1 is ever folded into another's row, and `--all` and `--json` show each one.

import type { AlarmView } from '../control/view.ts'

/** An alarm that is shown, and those that it stands for. */
export interface AlarmGroup {
  readonly alarm: AlarmView
  readonly others: readonly AlarmView[]
}

/** What an alarm is a consequence of, else what it may follow from, else where it is. */
export const causeOf = ({ alarm, parent, firstOut, zone, bus, instrument }: AlarmView): string =>
  parent ?? firstOut?.alarm ?? zone ?? bus ?? instrument ?? alarm

/** Alarms in the order in which they are to be shown, those of one cause behind the first of them. */
export function groupByCause(alarms: readonly AlarmView[]): AlarmGroup[] {
  const heads = new Map<string, { alarm: AlarmView; others: AlarmView[] }>()
  const groups: AlarmGroup[] = []
  const causes = new Set(alarms.flatMap(({ parent, firstOut }) => parent ?? firstOut?.alarm ?? []))
  for (const alarm of alarms) {
    // the cause itself leads its consequences, wherever it lies
    const cause = causes.has(alarm.alarm) ? alarm.alarm : causeOf(alarm)
    const head = heads.get(cause)
    if (head !== undefined && alarm.priority > 1) {
      head.others.push(alarm)
      continue
    }
    const group = { alarm, others: [] }
    if (head === undefined) heads.set(cause, group)
    groups.push(group)
  }
  return groups
}
