// A day at the plant as text: a script of what instruments and people do goes in, what the core records comes out, a line each.
// For tests that a person of QA can read; times are MM:SS (or H:MM:SS) after the start.
//
//   00:00 b101-dp 15 9 ?9 timeout       values one interval apart; ? uncertain, a word is the reason of a bad one
//   01:00 pc-bsc1 particles_5um=1 …     a sample that ends now; further words are its faults
//   01:05 ack ALARM REASON [comment]    also: reset ALARM, occupancy ZONE STATE, condition ALARM on|off
//   01:10 down 30s                      the process is away; reboot 30s: the whole box; wall -1h: somebody sets the clock
//   02:00 end                           time passes until then

import type { Plant } from '#core/point.ts'
import type { Millis } from '#core/time.ts'
import { CoreRig, type RigEvent, START } from './core-rig.ts'
import { carryOut, wordsOf } from './script.ts'

/** Runs the script; the lines of what was recorded. */
export function timeline(plant: Plant, script: string): string {
  const core = new CoreRig(plant)
  const line = new Line(core)
  for (const word of wordsOf(plant, script)) {
    core.advance(Math.max(0, word.at - line.elapsedMono()))
    carryOut(core, word, (ms) => line.away(ms))
    line.write()
  }
  return line.text()
}

/** What has been recorded so far, as text. */
class Line {
  readonly #core: CoreRig
  readonly #lines: string[] = []
  readonly #quality = new Map<string, string>()
  readonly #start: Millis
  #events = 0
  #readings = 0
  /** What the wall clock was moved by, and the time away, are no time that passed for the core. */
  #moved = 0

  constructor(core: CoreRig) {
    this.#core = core
    this.#start = core.wall
  }

  /** Time since the start as the script counts it. */
  elapsedMono(): Millis {
    return this.#core.wall - this.#start - this.#moved
  }

  /** The wall is about to move by this much without the script's time moving on. */
  away(ms: Millis): void {
    this.#moved += ms
  }

  /** Writes what is new, readings and events in the order of their sequence numbers. */
  write(): void {
    const { events, readings } = this.#core
    const news = [
      ...readings.slice(this.#readings).flatMap(({ seq, reading }) => {
        const { point, q, qc, t, slots, late } = reading
        const words = [q, qc, slots === undefined ? '' : `× ${slots}`, late === true ? 'late' : '']
        const quality = words.filter(Boolean).join(' ')
        const before = this.#quality.get(point) ?? 'good'
        this.#quality.set(point, quality)
        return quality === before ? [] : [{ seq, text: `${time(t)} ${point} ${quality}` }]
      }),
      ...events.slice(this.#events).map((event) => ({ seq: event.seq, text: eventText(event) })),
    ]
    this.#events = events.length
    this.#readings = readings.length
    for (const { text } of news.sort((one, other) => one.seq - other.seq)) this.#lines.push(text)
  }

  text(): string {
    this.write()
    return this.#lines.join('\n')
  }
}

function eventText({ type, ts, body }: RigEvent): string {
  const field = (key: string): string | undefined =>
    body[key] === undefined || body[key] === null ? undefined : String(body[key])
  const onset = body['onset'] === undefined ? undefined : Number(body['onset'])
  const words: (string | undefined)[] = [time(ts)]
  if (type.startsWith('alarm.')) {
    words.push(field('alarm'), field('from'), '→', field('to'))
    if (type === 'alarm.activated') {
      words.push(
        field('value'),
        onset !== undefined && onset !== ts ? `onset ${time(onset)}` : undefined,
      )
      if (body['peak'] !== body['value']) words.push(`peak ${field('peak')}`)
      if (body['unconfirmed'] === true) words.push('unconfirmed')
      if (body['detectedLate'] === true) words.push('detected late')
    }
    if (type === 'alarm.acknowledged' || type === 'alarm.closed') words.push(field('reason'))
  } else words.push(type, field('zone'), field('from'), field('to'), field('code'), field('stepMs'))
  return words.filter((word) => word !== undefined).join(' ')
}

/** MM:SS or H:MM:SS after the start, with milliseconds where there are any. */
export function time(wall: Millis): string {
  const total = wall - START
  const seconds = Math.floor(Math.abs(total) / 1000)
  const two = (part: number): string => String(part).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const clock = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`
  const fraction =
    Math.abs(total) % 1000 === 0 ? '' : `.${String(Math.abs(total) % 1000).padStart(3, '0')}`
  return `${total < 0 ? '-' : ''}${hours > 0 ? `${hours}:` : ''}${clock}${fraction}`
}
