// The outbox by itself: what may be offered, what an answer does to the cursor, and what it takes to be set aside.

import { describe, expect, it } from 'vitest'
import {
  type Answer,
  answer,
  goesAlone,
  type Loss,
  lost,
  nothingBeyond,
  type Outbox,
  type OutboxStep,
  type OutboxVerdict,
  offer,
  openOutbox,
  type Piece,
  poke,
  readAfter,
  recordsMax,
  room,
} from '#core/outbox.ts'

const piece = (first: number, last = first + 9): Piece => ({
  first,
  last,
  records: last - first + 1,
})
const single = (first: number): Piece => piece(first, first)
const delivered: Answer = { kind: 'delivered' }
const unheard: Answer = { kind: 'unheard' }
const denied: Answer = { kind: 'refused', code: 0x87 }

/** Delivers one message so that the window opens, and offers the given ones. */
function flowing(...pieces: readonly Piece[]): Outbox {
  const first = answer(offer(openOutbox(0), single(1)), 1, delivered, 0).box
  return pieces.reduce((box, each) => offer(box, each), first)
}

/** Offers one message after the other and gives each the answer. */
function rounds(
  box: Outbox,
  mono: number,
  ...given: readonly [readonly Piece[], readonly Answer[]][]
): { box: Outbox; verdicts: OutboxVerdict[]; mono: number } {
  const verdicts: OutboxVerdict[] = []
  let now = mono
  let state = box
  for (const [pieces, answers] of given) {
    now = Math.max(now, state.resumeAt)
    for (const each of pieces) {
      expect(room(state, now)).toBeGreaterThan(0)
      state = offer(state, each)
    }
    pieces.forEach((each, index) => {
      const step = answer(state, each.first, answers[index] ?? delivered, now)
      state = step.box
      verdicts.push(...step.verdicts)
    })
  }
  return { box: state, verdicts, mono: now }
}

describe('URS-48 the cursor moves over the contiguous acknowledged prefix only', () => {
  it.each([
    ['in order', [2, 12, 22], 31],
    ['the last one first', [22, 12], 1],
    ['a hole in the middle', [2, 22], 11],
    ['the hole filled last', [22, 2, 12], 31],
    ['nothing', [], 1],
  ])('%s', (_name, acked, cursor) => {
    let box = flowing(piece(2), piece(12), piece(22))
    for (const first of acked) box = answer(box, first, delivered, 0).box
    expect(box.cursor).toBe(cursor)
  })

  it('ignores an answer to a message that is not in flight', () => {
    const box = flowing(piece(2))
    expect(answer(box, 99, delivered, 0)).toEqual({ box, verdicts: [] })
  })

  it('offers everything above the cursor again when the connection is lost', () => {
    let box = flowing(piece(2), piece(12), piece(22))
    box = answer(box, 22, delivered, 0).box
    box = lost(box, 'unblamed', 0).box
    expect(readAfter(box)).toBe(1)
    expect(box.flights).toEqual([])
  })

  it('begins after a loss with one message, and opens the window with its delivery', () => {
    let box = lost(flowing(piece(2)), 'unblamed', 0).box
    expect(room(box, 0)).toBe(1)
    box = offer(box, piece(2))
    expect(room(box, 0)).toBe(0)
    box = answer(box, 2, delivered, 0).box
    expect(room(box, 0)).toBe(Number.POSITIVE_INFINITY)
  })

  it('refuses to be offered out of order', () => {
    expect(() => offer(flowing(piece(12)), piece(2))).toThrow(/in order/)
  })
})

describe('NE7 nobody listens: PUBACK 0x10 is undelivered', () => {
  it('keeps the cursor, waits 5, 10, 20, 40, 60, 60 s, says so once, and once when somebody does', () => {
    let box = openOutbox(0)
    const verdicts: OutboxVerdict[] = []
    const waits: number[] = []
    let now = 0
    for (let attempt = 0; attempt < 6; attempt++) {
      const step = answer(offer(box, piece(1)), 1, unheard, now)
      box = step.box
      verdicts.push(...step.verdicts)
      expect(room(box, box.resumeAt - 1)).toBe(0)
      waits.push(box.resumeAt - now)
      now = box.resumeAt
    }
    expect(waits).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000])
    expect(verdicts).toEqual([{ kind: 'unheard', active: true }])
    const heard = answer(offer(box, piece(1)), 1, delivered, now)
    expect(heard.verdicts).toEqual([
      { kind: 'cursor', sent: 10 },
      { kind: 'unheard', active: false },
    ])
    expect(heard.box.waits).toBe(0)
  })

  it('is tried at once after a poke or a reconnection', () => {
    const waiting = answer(offer(openOutbox(0), piece(1)), 1, unheard, 0).box
    expect(room(waiting, 1)).toBe(0)
    expect(room(poke(waiting), 1)).toBe(1)
    expect(room(lost(waiting, 'unblamed', 1).box, 1)).toBe(1)
  })

  it('in the middle of a window waits for the other answers, then goes back', () => {
    let box = flowing(piece(2), piece(12), piece(22))
    box = answer(box, 12, unheard, 0).box
    expect(room(box, 0)).toBe(0)
    box = answer(box, 22, delivered, 0).box
    expect(box.resumeAt).toBe(0)
    box = answer(box, 2, delivered, 0).box
    expect(box.cursor).toBe(11)
    expect(readAfter(box)).toBe(11)
    expect(box.resumeAt).toBe(5000)
  })
})

describe('NE9 refused by the broker (≥ 0x80)', () => {
  const refused = (each: Piece): [readonly Piece[], readonly Answer[]] => [[each], [denied]]
  const passes = (each: Piece): [readonly Piece[], readonly Answer[]] => [[each], [delivered]]

  it('sets a record aside after three refusals when the message after it passes', () => {
    const { box, verdicts } = rounds(
      flowing(),
      0,
      ...[refused(single(2)), refused(single(2)), refused(single(2)), passes(single(3))],
    )
    expect(verdicts).toEqual([
      { kind: 'set_aside', piece: single(2), code: 0x87 },
      { kind: 'cursor', sent: 2 },
    ])
    expect(readAfter(box)).toBe(2)
  })

  it('looks for the bad record of a batch one by one before it sets anything aside', () => {
    const whole = refused(piece(2, 4))
    const batch = rounds(flowing(), 0, whole, whole, whole, passes(piece(5)))
    expect(batch.verdicts).toEqual([])
    expect(batch.box.cursor).toBe(1)
    expect(recordsMax(batch.box)).toBe(1)
    const bad = refused(single(3))
    const found = rounds(
      batch.box,
      batch.mono,
      ...[passes(single(2)), bad, bad, bad, passes(single(4))],
    )
    expect(found.verdicts).toEqual([
      { kind: 'cursor', sent: 2 },
      { kind: 'set_aside', piece: single(3), code: 0x87 },
      { kind: 'cursor', sent: 3 },
    ])
    expect(recordsMax(offer(found.box, single(4)))).toBe(Number.POSITIVE_INFINITY)
  })

  it('holds the stream where the next message is refused too: nothing is set aside, it goes on when let through', () => {
    const both = (probe: number) => [refused(single(2)), refused(single(probe))]
    const all = rounds(
      flowing(),
      0,
      ...[refused(single(2)), refused(single(2)), ...both(3), ...both(4), ...both(5), ...both(6)],
    )
    expect(all.verdicts).toEqual([{ kind: 'held', piece: single(2), code: 0x87 }])
    expect(all.box.cursor).toBe(1)
    expect(all.box.resumeAt - all.mono).toBe(40_000)
    expect(poke(all.box)).toBe(all.box)
    const allowed = rounds(all.box, all.mono, passes(single(2)), passes(single(3)))
    expect(allowed.box.cursor).toBe(3)
    expect(allowed.verdicts).toEqual([
      { kind: 'cursor', sent: 2 },
      { kind: 'cursor', sent: 3 },
    ])
  })

  it('is not misled by a neighbour with the same fault: each time it looks one message further', () => {
    const bad = refused(single(2))
    const first = rounds(flowing(), 0, bad, bad, bad, refused(single(3)), bad)
    expect(readAfter(first.box)).toBe(3)
    const both = rounds(first.box, first.mono, passes(single(4)))
    expect(both.verdicts).toEqual([
      { kind: 'set_aside', piece: single(2), code: 0x87 },
      { kind: 'cursor', sent: 2 },
    ])
    expect(readAfter(both.box)).toBe(2)
    expect(both.box.published).toBe(2)
  })

  it('holds it as well while there is no message after it to compare with', () => {
    const twice = rounds(flowing(), 0, refused(single(2)), refused(single(2)), refused(single(2)))
    expect(twice.verdicts).toEqual([])
    const step = nothingBeyond(twice.box, twice.mono)
    expect(step.verdicts).toEqual([{ kind: 'held', piece: single(2), code: 0x87 }])
    expect(readAfter(step.box)).toBe(1)
    expect(step.box.resumeAt - twice.mono).toBe(5000)
  })

  it('backs off on quota (0x97) without a strike', () => {
    const busy: Answer = { kind: 'busy' }
    const { box, verdicts } = rounds(
      flowing(),
      0,
      ...Array.from({ length: 8 }, (): [Piece[], Answer[]] => [[single(2)], [busy]]),
    )
    expect(verdicts).toEqual([])
    expect(box.suspect).toBeUndefined()
    expect(box.cursor).toBe(1)
  })

  it('passes a record that cannot be sent at all in its turn', () => {
    let step: OutboxStep = { box: flowing(single(2), single(3)), verdicts: [] }
    step = answer(step.box, 3, { kind: 'unsendable', code: 0x95 }, 0)
    expect(step).toMatchObject({ box: { cursor: 1 }, verdicts: [] })
    step = answer(step.box, 2, delivered, 0)
    expect(step.verdicts).toEqual([
      { kind: 'set_aside', piece: single(3), code: 0x95 },
      { kind: 'cursor', sent: 3 },
    ])
  })
})

describe('NE10 poison: the broker hangs up on a message', () => {
  /** Offers what comes next alone and loses the connection on it. */
  const hangUp = (box: Outbox, next: Piece, mono: number, loss: Loss = 'alone'): OutboxStep =>
    lost(offer(box, next), loss, mono)

  it('is set aside after three times alone, once the message after it was delivered', () => {
    let { box } = hangUp(flowing(), single(2), 0)
    box = hangUp(box, single(2), 0).box
    box = hangUp(box, single(2), 0).box
    expect(readAfter(box)).toBe(2)
    const step = answer(offer(box, single(3)), 3, delivered, 0)
    expect(step.verdicts).toEqual([
      { kind: 'set_aside', piece: single(2), code: 0 },
      { kind: 'cursor', sent: 2 },
    ])
  })

  it('goes alone after the first time, with whatever else was in flight', () => {
    const { box } = lost(flowing(piece(2), piece(12)), 'crowd', 0)
    expect(goesAlone(box, piece(2))).toBe(true)
    expect(goesAlone(box, piece(12))).toBe(true)
    expect(goesAlone(box, piece(22))).toBe(false)
  })

  it('is not looked past while others were in flight: any of them may be it', () => {
    let box = flowing()
    for (let time = 0; time < 5; time++) box = hangUp(box, single(2), 0, 'crowd').box
    expect(readAfter(box)).toBe(1)
  })

  it('holds the stream when the broker hangs up on the next message as well', () => {
    let box = flowing()
    for (let time = 0; time < 3; time++) box = hangUp(box, single(2), 0).box
    const step = hangUp(box, single(3), 1000)
    expect(step.verdicts).toEqual([{ kind: 'held', piece: single(2), code: 0 }])
    expect(step.box.cursor).toBe(1)
    expect(readAfter(step.box)).toBe(1)
    expect(step.box.resumeAt).toBe(61_000)
    expect(lost(step.box, 'unblamed', 2000).box.resumeAt).toBe(61_000)
  })

  it('is tried again when there is nothing after it to compare with', () => {
    let box = flowing()
    for (let time = 0; time < 3; time++) box = hangUp(box, single(2), 0).box
    const step = nothingBeyond(box, 0)
    expect(readAfter(step.box)).toBe(1)
    expect(step.box.resumeAt).toBe(60_000)
    expect(step.verdicts).toMatchObject([{ kind: 'held' }])
  })

  it('is not condemned by a message that could not be sent at all, only by one that was delivered', () => {
    let box = flowing()
    for (let time = 0; time < 3; time++) box = hangUp(box, single(2), 0).box
    const passed = answer(offer(box, single(3)), 3, { kind: 'unsendable', code: 0x95 }, 0)
    expect(passed.verdicts).toEqual([])
    expect(passed.box.cursor).toBe(1)
    const proof = answer(offer(passed.box, single(4)), 4, delivered, 0)
    expect(proof.verdicts).toMatchObject([{ kind: 'set_aside' }, { kind: 'cursor', sent: 2 }])
  })

  it('a connection that fails for its own reasons blames nobody', () => {
    let box = flowing()
    for (let time = 0; time < 9; time++) box = hangUp(box, single(2), 0, 'unblamed').box
    expect(box.suspect).toBeUndefined()
    expect(goesAlone(box, single(2))).toBe(false)
  })

  it('a delivery clears the suspicion', () => {
    let box = hangUp(hangUp(flowing(), single(2), 0).box, single(2), 0).box
    box = answer(offer(box, single(2)), 2, delivered, 0).box
    expect(box.suspect).toBeUndefined()
    expect(hangUp(box, single(3), 0).box.suspect?.strikes).toBe(1)
  })
})
