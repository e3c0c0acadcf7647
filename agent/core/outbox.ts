// What of one durable stream goes out next, and how far it has got: the cursor moves only over the contiguous prefix that
// the broker took over for somebody. Pure: batches and answers come in, verdicts go out; it never reads the store, never
// sends, and never skips a message on its own authority without saying so (URS-48, faults.md NE7, NE9, NE10).
//
// A message is offered, is in flight, and is answered. Anything but "delivered" ends the round: nothing more is offered
// until all that is in flight is answered, then everything above the cursor is offered again (go-back-N), at first one
// message at a time. So a consumer sees duplicates, never a hole that the cursor has passed.
//
// A message that fails three times is skipped for one: only when a message after it is delivered is it set aside. What
// fails for every message (an access rule that denies the topic) must not empty the journal into the void. Such a stream
// is held: the cursor stays, it is tried again slowly, and goes on where it stopped.

import { assert } from './assert.ts'
import { backoffCeiling } from './backoff.ts'
import type { Millis } from './time.ts'

/** Attempts after which a message is a suspect to be looked past. */
export const STRIKES_MAX = 3

const REFUSAL_RETRY_MS: Millis = 1000
const SLOW_RETRY = { firstMsMax: 5000, msMax: 60_000 } as const
/** Trying a message on which brokers hang up costs a connection each time. */
const POISON_RETRY = { firstMsMax: 60_000, msMax: 600_000 } as const

/** A run of consecutive records of the stream, as far as the outbox needs to know it. */
export interface Piece {
  readonly first: number
  readonly last: number
  readonly records: number
}

/**
 * What became of a message: taken over for somebody; taken, but nobody listens (PUBACK 0x10); not now (quota);
 * refused (≥ 0x80); or impossible to send on this connection at all (larger than the server's Maximum Packet Size).
 */
export type Answer =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'unheard' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'refused'; readonly code: number }
  | { readonly kind: 'unsendable'; readonly code: number }

/** How a connection ended for what was in flight: nobody's fault, or the peer hung up with this one alone, or in a crowd. */
export type Loss = 'unblamed' | 'crowd' | 'alone'

interface Flight extends Piece {
  readonly answer?: Answer
}

interface Suspect extends Piece {
  readonly how: 'refused' | 'lost'
  readonly code: number
  readonly strikes: number
  /** A message after the suspect is being tried: does the stream as a whole pass? */
  readonly skipped: boolean
  /** That message lies after this number; further on each time, lest a neighbour with the same fault decides. */
  readonly probeAfter: number
  readonly held: boolean
}

export interface Outbox {
  /** Everything up to here is delivered or set aside. */
  readonly cursor: number
  /** Everything up to here was offered in this life of the process. */
  readonly published: number
  readonly flights: readonly Flight[]
  /** No delivery since trouble: few at a time. */
  readonly probing: boolean
  /** Monotonic moment before which nothing is offered. */
  readonly resumeAt: Millis
  /** Paused rounds in a row, for the back-off. */
  readonly waits: number
  readonly unheard: boolean
  readonly suspect?: Suspect
  /** Records up to here go one by one, to find the one that is refused. */
  readonly singlesThrough: number
  /** Records up to here were in flight when a peer hung up: each goes alone until answered. */
  readonly cautiousThrough: number
}

/** What the caller has to report or persist. */
export type OutboxVerdict =
  | { readonly kind: 'cursor'; readonly sent: number }
  | { readonly kind: 'unheard'; readonly active: boolean }
  | { readonly kind: 'set_aside'; readonly piece: Piece; readonly code: number }
  | { readonly kind: 'held'; readonly piece: Piece; readonly code: number }

export interface OutboxStep {
  readonly box: Outbox
  readonly verdicts: readonly OutboxVerdict[]
}

/** An outbox whose stream is delivered up to `cursor`. */
export const openOutbox = (cursor: number): Outbox => ({
  cursor,
  published: cursor,
  flights: [],
  probing: true,
  resumeAt: 0,
  waits: 0,
  unheard: false,
  singlesThrough: 0,
  cautiousThrough: 0,
})

/** The sequence number after which the next piece has to be read. */
export function readAfter(box: Outbox): number {
  const newest = box.flights.at(-1)
  if (newest !== undefined) return newest.last
  return box.suspect?.skipped === true ? box.suspect.probeAfter : box.cursor
}

/** How many more messages may be offered now (Infinity: as many as the window holds). */
export function room(box: Outbox, mono: Millis): number {
  if (mono < box.resumeAt || box.flights.some(isBad)) return 0
  if (!box.probing) return Number.POSITIVE_INFINITY
  return box.flights.some((flight) => flight.answer === undefined) ? 0 : 1
}

/** True when the piece must be the only message in flight on the connection. */
export const goesAlone = (box: Outbox, piece: Piece): boolean => piece.first <= box.cautiousThrough

/** Most records the next piece may hold. */
export const recordsMax = (box: Outbox): number =>
  readAfter(box) < box.singlesThrough ? 1 : Number.POSITIVE_INFINITY

/** Puts a piece in flight. */
export function offer(box: Outbox, piece: Piece): Outbox {
  assert(piece.first > readAfter(box), 'a piece is offered in order')
  assert(piece.last >= piece.first && piece.records >= 1, 'a piece holds records')
  return {
    ...box,
    flights: [...box.flights, piece],
    ...(box.suspect?.skipped !== true && { published: Math.max(box.published, piece.last) }),
  }
}

/** The broker answered the piece that starts at `first`; an answer to one no longer in flight is ignored. */
export function answer(box: Outbox, first: number, given: Answer, mono: Millis): OutboxStep {
  const index = box.flights.findIndex((flight) => flight.first === first)
  if (index === -1) return { box, verdicts: [] }
  const flights = box.flights.with(index, { ...(box.flights[index] as Flight), answer: given })
  const advanced = advance({ ...box, flights })
  const rest = advanced.box.flights
  if (!rest.some(isBad) || rest.some((flight) => flight.answer === undefined)) return advanced
  const settled = settle(advanced.box, mono)
  return { box: settled.box, verdicts: [...advanced.verdicts, ...settled.verdicts] }
}

/** The connection is gone: whatever was in flight will be offered again. */
export function lost(box: Outbox, loss: Loss, mono: Millis): OutboxStep {
  const culprit = box.flights.find((flight) => flight.answer === undefined)
  const cautiousThrough =
    loss === 'unblamed' || culprit === undefined
      ? box.cautiousThrough
      : Math.max(box.cautiousThrough, box.flights.at(-1)?.last ?? 0)
  const dropped: Outbox = {
    ...box,
    flights: [],
    probing: true,
    cautiousThrough,
    resumeAt: box.suspect?.held === true ? box.resumeAt : 0,
  }
  if (loss === 'unblamed' || culprit === undefined) return { box: dropped, verdicts: [] }
  const { suspect } = dropped
  if (suspect?.skipped === true && loss === 'alone') return hold(dropped, suspect, mono, culprit)
  const next = strike(dropped, culprit, 'lost', 0)
  const skipped = next.strikes >= STRIKES_MAX && loss === 'alone'
  return { box: { ...dropped, suspect: { ...next, skipped } }, verdicts: [] }
}

/** There is nothing after the skipped suspect that could show whether the stream is let through: back to it. */
export function nothingBeyond(box: Outbox, mono: Millis): OutboxStep {
  const { suspect } = box
  if (suspect?.skipped !== true || box.flights.length > 0) return { box, verdicts: [] }
  return hold(box, suspect, mono)
}

/** Somebody has shown signs of life: what waits for a subscriber or a quota is tried at once. */
export const poke = (box: Outbox): Outbox =>
  box.suspect?.held === true ? box : { ...box, resumeAt: 0 }

const isBad = ({ answer: given }: Flight): boolean =>
  given !== undefined && given.kind !== 'delivered' && given.kind !== 'unsendable'

/** Moves the cursor over the contiguous prefix of answered flights. */
function advance(box: Outbox): OutboxStep {
  const { flights, suspect } = box
  let count = 0
  while (count < flights.length && isDone(flights[count])) count++
  if (count === 0) return { box, verdicts: [] }
  const done = flights.slice(0, count)
  const heard = done.some((flight) => flight.answer?.kind === 'delivered')
  const skipped = suspect?.skipped === true ? suspect : undefined
  // Only a delivery proves that later messages fare better than the skipped suspect.
  if (skipped !== undefined && !heard) return { box, verdicts: [] }
  const { suspect: _, ...rest } = box
  if (skipped !== undefined) return conclude({ ...rest, flights: [], waits: 0 }, skipped)
  const verdicts: OutboxVerdict[] = []
  for (const { answer: given, ...piece } of done) {
    if (given?.kind === 'unsendable') verdicts.push({ kind: 'set_aside', piece, code: given.code })
  }
  const sent = done.at(-1)?.last ?? box.cursor
  verdicts.push({ kind: 'cursor', sent })
  if (heard && box.unheard) verdicts.push({ kind: 'unheard', active: false })
  return {
    box: {
      ...rest,
      cursor: sent,
      flights: flights.slice(count),
      ...(heard && { probing: false, waits: 0, unheard: false }),
      ...(suspect !== undefined && suspect.first > sent && { suspect }),
    },
    verdicts,
  }
}

/**
 * A message after the skipped suspect was delivered: the fault is the suspect's own. A batch is taken apart to find the
 * record; a record is set aside. What was delivered meanwhile comes again in its turn.
 */
function conclude(box: Outbox, suspect: Suspect): OutboxStep {
  if (suspect.records > 1) return { box: { ...box, singlesThrough: suspect.last }, verdicts: [] }
  return {
    box: { ...box, cursor: suspect.last, published: Math.max(box.published, suspect.last) },
    verdicts: [
      { kind: 'set_aside', piece: pieceOf(suspect), code: suspect.code },
      { kind: 'cursor', sent: suspect.last },
    ],
  }
}

const isDone = (flight: Flight | undefined): boolean =>
  flight?.answer?.kind === 'delivered' || flight?.answer?.kind === 'unsendable'

/** All flights are answered and the first of them badly: decides how the next round begins. */
function settle(box: Outbox, mono: Millis): OutboxStep {
  const worst = box.flights.find(isBad)
  assert(worst?.answer !== undefined, 'a round settles at its first bad answer')
  const again: Outbox = { ...box, flights: [], probing: true }
  if (worst.answer.kind === 'refused') return refuse(again, worst, worst.answer.code, mono)
  const paused = {
    ...again,
    resumeAt: mono + backoffCeiling(SLOW_RETRY, box.waits),
    waits: box.waits + 1,
  }
  if (worst.answer.kind === 'busy') return { box: paused, verdicts: [] }
  return {
    box: { ...paused, unheard: true },
    verdicts: box.unheard ? [] : [{ kind: 'unheard', active: true }],
  }
}

function refuse(again: Outbox, worst: Piece, code: number, mono: Millis): OutboxStep {
  const { suspect } = again
  if (suspect?.skipped === true && worst.first > suspect.first) {
    return hold(again, suspect, mono, worst)
  }
  const next = strike(again, worst, 'refused', code)
  const skipped = next.strikes >= STRIKES_MAX
  const resumeAt = skipped ? again.resumeAt : mono + REFUSAL_RETRY_MS
  return { box: { ...again, suspect: { ...next, skipped }, resumeAt }, verdicts: [] }
}

/** One more failure of a piece; the first failure of another one starts anew. */
function strike(box: Outbox, piece: Piece, how: Suspect['how'], code: number): Suspect {
  const known = box.suspect?.first === piece.first ? box.suspect : undefined
  return {
    ...pieceOf(piece),
    how,
    code,
    strikes: (known?.strikes ?? 0) + 1,
    skipped: false,
    probeAfter: Math.max(known?.probeAfter ?? 0, piece.last),
    held: known?.held === true,
  }
}

/** Keeps the cursor before a message while nothing shows that later ones would fare better. */
function hold(box: Outbox, suspect: Suspect, mono: Millis, probed?: Piece): OutboxStep {
  const limits = suspect.how === 'lost' ? POISON_RETRY : SLOW_RETRY
  return {
    box: {
      ...box,
      suspect: { ...suspect, skipped: false, held: true, probeAfter: (probed ?? suspect).last },
      resumeAt: mono + backoffCeiling(limits, box.waits),
      waits: box.waits + 1,
    },
    verdicts: suspect.held ? [] : [{ kind: 'held', piece: pieceOf(suspect), code: suspect.code }],
  }
}

const pieceOf = ({ first, last, records }: Piece): Piece => ({ first, last, records })
