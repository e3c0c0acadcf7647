// The outbox under any order of answers, losses and waits: nothing is passed unseen, and it always gets to the end.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Answer,
  answer,
  type Loss,
  lost,
  nothingBeyond,
  type OutboxStep,
  offer,
  openOutbox,
  type Piece,
  poke,
  readAfter,
  recordsMax,
  room,
} from '#core/outbox.ts'

const delivered: Answer = { kind: 'delivered' }
const unheard: Answer = { kind: 'unheard' }
const denied: Answer = { kind: 'refused', code: 0x87 }

type Command =
  | { readonly do: 'offer'; readonly size: number }
  | { readonly do: 'answer'; readonly which: number; readonly given: Answer }
  | { readonly do: 'lose'; readonly loss: Loss; readonly reached: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'poke' }

const commands = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('offer'), size: fc.integer({ min: 1, max: 7 }) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('answer'),
        which: fc.nat(20),
        given: fc.oneof(
          { weight: 6, arbitrary: fc.constant(delivered) },
          fc.constantFrom<Answer>(
            unheard,
            denied,
            { kind: 'busy' },
            { kind: 'unsendable', code: 0x95 },
          ),
        ),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('lose'),
        loss: fc.constantFrom<Loss>('unblamed', 'crowd', 'alone'),
        reached: fc.nat(20),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.integer({ min: 1, max: 90_000 }) }),
    },
    fc.record({ do: fc.constant('poke') }),
  ),
  { maxLength: 120 },
) as fc.Arbitrary<Command[]>

/** A stream of 60 records on the sequence numbers 2, 4, 6 …, and a consumer that sees what is delivered. */
class World {
  box = openOutbox(0)
  mono = 0
  readonly received = new Set<number>()
  readonly setAside = new Set<number>()
  readonly #last = 120

  get finished(): boolean {
    return this.box.cursor >= this.#last
  }

  run(command: Command): void {
    const before = this.box.cursor
    switch (command.do) {
      case 'offer':
        return this.#offer(command.size)
      case 'answer': {
        const open = this.box.flights.filter((flight) => flight.answer === undefined)
        const flight = open[command.which % Math.max(1, open.length)]
        if (flight === undefined) return
        if (command.given.kind === 'delivered') this.#receive(flight)
        this.#apply(answer(this.box, flight.first, command.given, this.mono), before)
        return
      }
      case 'lose': {
        for (const flight of this.box.flights.slice(0, command.reached)) this.#receive(flight)
        const loss =
          command.loss === 'alone' && this.box.flights.length > 1 ? 'crowd' : command.loss
        this.#apply(lost(this.box, loss, this.mono), before)
        return
      }
      case 'wait':
        this.mono += command.ms
        return
      case 'poke':
        this.box = poke(this.box)
    }
  }

  #offer(size: number): void {
    if (room(this.box, this.mono) <= 0) return
    const first = readAfter(this.box) - (readAfter(this.box) % 2) + 2
    if (first > this.#last) {
      this.#apply(nothingBeyond(this.box, this.mono), this.box.cursor)
      return
    }
    const records = Math.min(size, recordsMax(this.box), (this.#last - first) / 2 + 1)
    this.box = offer(this.box, { first, last: first + 2 * (records - 1), records })
  }

  #receive({ first, last }: Piece): void {
    for (let seq = first; seq <= last; seq += 2) this.received.add(seq)
  }

  #apply({ box, verdicts }: OutboxStep, before: number): void {
    this.box = box
    for (const verdict of verdicts) {
      if (verdict.kind !== 'set_aside') continue
      expect(verdict.piece.records).toBeGreaterThan(0)
      for (let seq = verdict.piece.first; seq <= verdict.piece.last; seq += 2)
        this.setAside.add(seq)
    }
    expect(box.cursor).toBeGreaterThanOrEqual(before)
    for (let seq = 2; seq <= box.cursor; seq += 2) {
      expect(this.received.has(seq) || this.setAside.has(seq), `record ${seq} was passed`).toBe(
        true,
      )
    }
  }
}

describe('URS-48 whatever happens on the way', () => {
  it('the cursor passes no record that was neither delivered nor reported, and never goes back', () => {
    fc.assert(
      fc.property(commands, (list) => {
        const world = new World()
        for (const command of list) world.run(command)
      }),
      { numRuns: 2000 },
    )
  })

  it('once the broker takes everything, the stream drains to its end', () => {
    fc.assert(
      fc.property(commands, (list) => {
        const world = new World()
        for (const command of list) world.run(command)
        for (let step = 0; step < 600 && !world.finished; step++) {
          world.run({ do: 'wait', ms: 60_000 })
          world.run({ do: 'offer', size: 5 })
          world.run({ do: 'answer', which: 0, given: delivered })
        }
        expect(world.finished).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('nothing is set aside by refusals or hang-ups alone, without a later delivery', () => {
    const hostile = commands.map((list) =>
      list.filter(
        (command) =>
          command.do !== 'answer' ||
          command.given.kind === 'refused' ||
          command.given.kind === 'unheard',
      ),
    )
    fc.assert(
      fc.property(hostile, (list) => {
        const world = new World()
        for (const command of list) world.run(command)
        expect(world.setAside.size).toBe(0)
        expect(world.box.cursor).toBe(0)
      }),
      { numRuns: 1000 },
    )
  })
})
