// URS-28: every golden run once more, with a restart after each of its steps: no delay, shelf, clean-up, reminder or trend starts over, and
// none is skipped. Each step gets one kind of restart in turn; GOLDEN_RESTARTS=all gives each step every kind.

import { describe, expect, it } from 'vitest'
import type { AlarmUnit } from '#core/state.ts'
import { alarmPayload } from '#core/step.ts'
import type { Millis } from '#core/time.ts'
import { type CoreRig, START } from '../../support/core-rig.ts'
import { type GoldenCase, goldenCases, play, type Restart } from '../../support/golden.ts'
import { wordsOf } from '../../support/script.ts'
import { time } from '../../support/timeline.ts'

/** What is watched anew from each start (docs/alarms.md), and therefore may differ: a watch that is not begun yet finds nothing. */
const ANEW = ['data-loss', 'frozen', 'rate-of-change']
const ANEW_KINDS = ['comm_fail', 'frozen']
const ANEW_RUNS = ['exception 4 three times']

const KINDS: readonly Omit<Restart, 'after'>[] = [
  { atShare: 0, downMs: 0, reboot: false },
  { atShare: 0.5, downMs: 0, reboot: true },
  { atShare: 0.5, downMs: 1500, reboot: false },
  { atShare: 0.9, downMs: 900, reboot: true },
]

/** A counter's first polls after a start are waited for. */
const QUIET_MS = 5000

interface Move {
  readonly ts: Millis
  readonly what: string
  readonly onset: Millis
}

/** What became of each alarm, and what else is on record, in order. */
function movesOf({ events }: CoreRig): Map<string, Move[]> {
  const moves = new Map<string, Move[]>()
  for (const { type, ts, body } of events) {
    const whose = String(body['alarm'] ?? body['zone'] ?? body['target'] ?? type)
    const what = [type, body['from'], body['to'], body['step'], body['code'], body['reached']]
    const list = moves.get(whose) ?? []
    list.push({ ts, what: what.filter(Boolean).join(' '), onset: Number(body['onset'] ?? ts) })
    moves.set(whose, list)
  }
  return moves
}

/** What comes and is gone within so long may be missed by a delay that stood still: it lasted no longer than nobody looked. */
function withoutFleeting(moves: readonly Move[], longest: Millis, from: Millis): Move[] {
  const kept: Move[] = []
  for (const move of moves) {
    const begun = kept.at(-1)
    const fleeting =
      begun !== undefined &&
      begun.ts >= from &&
      move.ts - begun.ts <= longest &&
      isActivation(begun) !== isActivation(move)
    if (fleeting) kept.pop()
    else if (!move.what.startsWith('alarm.superseded')) kept.push(move)
  }
  return kept
}

const isActivation = ({ what }: Move): boolean => what.startsWith('alarm.activated')

const isAnew = (unit: AlarmUnit | undefined): boolean =>
  unit !== undefined && ANEW_KINDS.includes(unit.definition.kind)

/** Holds a run with a restart against the one without. */
function compare(without: CoreRig, played: CoreRig, restart: Restart, since: Millis): void {
  const longestInterval = Math.max(...without.plant.points.map(({ intervalMs }) => intervalMs))
  const [before, after] = [movesOf(without), movesOf(played)]
  for (const whose of new Set([...before.keys(), ...after.keys()])) {
    const unit = without.state.alarms.get(whose)
    if (isAnew(unit)) continue
    const { onDelayMs = 0, offDelayMs = 0 } = unit?.definition ?? {}
    const delayed = onDelayMs + offDelayMs > 0
    const sampled = unit?.definition.instrument?.sampled === true
    // a delay stands still from the last commit to the first sample after the start
    const shift = restart.downMs + (delayed ? 2 * longestInterval : 0) + (sampled ? QUIET_MS : 0)
    let [old, now] = [before.get(whose) ?? [], after.get(whose) ?? []]
    if (delayed && old.length !== now.length) {
      old = withoutFleeting(old, shift, since)
      now = withoutFleeting(now, shift, since)
    }
    expect(
      now.map(({ what }) => what),
      whose,
    ).toEqual(old.map(({ what }) => what))
    for (const [index, move] of now.entries()) {
      const expected = old[index]?.ts ?? 0
      expect(move.ts, `${whose} ${move.what}, not too late`).toBeLessThanOrEqual(expected + shift)
      // standing still, a delay may run out unconfirmed sooner than it would have by samples, never before its time
      const earliest = isActivation(move) ? Math.min(expected, move.onset + onDelayMs) : expected
      expect(move.ts, `${whose} ${move.what}, not too early`).toBeGreaterThanOrEqual(
        earliest - (delayed ? shift : 0),
      )
    }
  }
}

/** Every restart of a run: after each step one kind in turn, or all. */
function restartsOf({ plant }: GoldenCase, script: string, turn: number): Restart[] {
  return wordsOf(plant, script).flatMap((_, after) => {
    const kinds =
      process.env['GOLDEN_RESTARTS'] === 'all' ? KINDS : [KINDS[(after + turn) % KINDS.length]]
    return kinds.flatMap((kind) => (kind === undefined ? [] : [{ ...kind, after }]))
  })
}

const cases = goldenCases().filter(({ name }) => !ANEW.includes(name))

describe('URS-28 a restart after each step', () => {
  it.each(cases.map((it) => [it.name, it] as const))('%s', (_, golden) => {
    for (const [turn, { run, script }] of golden.runs.entries()) {
      const { core, words } = play(golden.plant, script)
      if (ANEW_RUNS.includes(run)) continue
      for (const restart of restartsOf(golden, script, turn)) {
        const played = play(golden.plant, script, restart).core
        const at = words[restart.after]?.at ?? 0
        try {
          compare(core, played, restart, START + at)
        } catch (error) {
          const where = `${run}: ${JSON.stringify(restart)} after ${time(START + at)}`
          throw new Error(`${where}\n${String(error)}`, { cause: error })
        }
      }
    }
  })

  it('keeps what is published of every alarm, byte by byte, where no time passes', () => {
    for (const { plant, runs } of cases) {
      for (const { script } of runs) {
        const { core } = play(plant, script)
        core.input({ kind: 'note', at: core.at, type: 'test.note', body: {} })
        // which alarms chatter is found anew after a start
        const all = () =>
          [...core.state.alarms.keys()].map((id) =>
            alarmPayload(core.state, id).replace('"chattering":true,', ''),
          )
        const before = all()
        core.restart(0)
        expect(all()).toEqual(before)
      }
    }
  })
})
