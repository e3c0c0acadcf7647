// The core as the journal left it, at a start. A row of the state that it cannot go on from is left out and said: one that a bad sector
// has altered may still be JSON, is carried over into a new epoch as it is (decision 0033), and would else end every start.

import type { Plant } from '#core/point.ts'
import type { TimeBase } from '#core/schedule.ts'
import { alarmPayload, createState } from '#core/step.ts'
import type { Instant } from '#core/time.ts'
import type { ClockTrust } from '#ports/commands.ts'
import type { Recovered } from '#ports/store.ts'
import { SlotLedger } from './slot-ledger.ts'
import { doubtOf, resumeTimeBase } from './time-base.ts'

type Rows = ReadonlyMap<string, string>

export interface Resumed extends ReturnType<typeof createState> {
  /** The rows that are gone on from, and the keys of those that are not. */
  readonly rows: Rows
  readonly leftOut: readonly string[]
  readonly base: TimeBase
  /** The time base goes on. */
  readonly sameBase: boolean
}

/** Takes up what the store holds, under the given plant. */
export function resumeCore(
  recovered: Recovered,
  plant: Plant,
  {
    at,
    bootId,
    trust,
  }: { readonly at: Instant; readonly bootId: string; readonly trust: ClockTrust },
): Resumed {
  const { epoch, head, tb, lastCommit, coverage } = recovered
  const { stepMs } = resumeTimeBase(recovered, at, bootId)
  const doubt = doubtOf(trust, at, recovered)
  const create = (persisted: Rows) =>
    createState({
      ...{ plant, epoch, seq: head.seq, tb, at, persisted },
      ...(doubt !== undefined && { doubt }),
      ...(stepMs !== undefined && { stepMs: Math.round(stepMs) }),
      ...(lastCommit !== undefined && {
        lastCommit: { at: lastCommit.at, sameBoot: lastCommit.bootId === bootId },
      }),
    })
  const offsetMs = at.wall - at.mono
  const { rows, leftOut } = soundRows(recovered.state, (some) => {
    const { state } = create(some)
    for (const alarm of state.alarms.keys()) alarmPayload(state, alarm)
    new SlotLedger(some).start(plant, coverage, { tb: state.tb, offsetMs }, at)
  })
  const created = create(rows)
  const base = { tb: created.state.tb, offsetMs }
  return { ...created, rows, leftOut, base, sameBase: stepMs === undefined }
}

type Row = readonly [key: string, value: string]

/** All rows where `take` does not throw on them; else those that it takes together, found by halves. */
export function soundRows(
  rows: Rows,
  take: (rows: Rows) => void,
): Pick<Resumed, 'rows' | 'leftOut'> {
  let sound: readonly Row[] = []
  const leftOut: string[] = []
  const add = (some: readonly Row[]): void => {
    const more = [...sound, ...some]
    try {
      take(new Map(more))
      sound = more
    } catch (thrown) {
      const [first] = some
      // without any row it cannot be the rows
      if (first === undefined) throw thrown
      if (some.length === 1) return void leftOut.push(first[0])
      const half = some.length >> 1
      add(some.slice(0, half))
      add(some.slice(half))
    }
  }
  add([...rows])
  if (sound.length === 0) add([])
  return { rows: new Map(sound), leftOut }
}
