// Read Device Identification (function 43, MEI type 14; Modbus Application Protocol V1.1b3 §6.21): how long a reply is, what is
// in it, and how objects are collected over as many replies as the instrument needs. Asks through a function it is given.

import { putCrc } from './crc.ts'
import type { Fault } from './exception.ts'
import type { IdentificationRequest } from './request.ts'

export const IDENTIFICATION = 43
const MEI_TYPE = 14
/** Function, MEI type, code, conformity level, more follows, next object, number of objects. */
const HEAD_LENGTH = 7
const PDU_LENGTH_MAX = 253
const MORE_FOLLOWS = 0xff
/** Replies taken for one question; an instrument that goes on for ever is not listened to. */
const PAGES_MAX = 16

/**
 * Lengths that the PDU at a position may have as a reply to the request, in rising order; those beyond `end` are not whole yet, and
 * none means that no such reply begins there. More than one where more follows: some instruments then tell the number of all objects
 * in place of those in this reply, as an example of the standard does.
 */
export function identificationLengths(
  bytes: Uint8Array,
  at: number,
  end: number,
  code?: number,
): readonly number[] {
  const begins =
    (at >= end || bytes[at] === IDENTIFICATION) &&
    (at + 1 >= end || bytes[at + 1] === MEI_TYPE) &&
    (at + 2 >= end || code === undefined || bytes[at + 2] === code)
  if (!begins) return []
  if (at + HEAD_LENGTH > end) return [HEAD_LENGTH]
  const count = bytes[at + 6] ?? 0
  const lengths: number[] = []
  let length = HEAD_LENGTH
  for (let index = 0; index < count; index++) {
    if (bytes[at + 4] === MORE_FOLLOWS && index > 0) lengths.push(length)
    if (at + length + 2 > end) return [...lengths, length + 2]
    length += 2 + (bytes[at + length + 1] ?? 0)
    if (length > PDU_LENGTH_MAX) return lengths
  }
  return [...lengths, length]
}

/** The request as a client of RTU writes it: unit, PDU, CRC. */
export function identificationFrame({ unitId, code, objectId }: IdentificationRequest): Uint8Array {
  const frame = Uint8Array.of(unitId, IDENTIFICATION, MEI_TYPE, code, objectId, 0, 0)
  putCrc(frame, 0, frame.length - 2)
  return frame
}

/** What came of one request: as an answer of a conversation. */
export type ObjectAnswer =
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | { readonly kind: 'refused'; readonly code: number }
  | { readonly kind: 'fault'; readonly fault: Fault }

export type AskObjects = (request: IdentificationRequest) => Promise<ObjectAnswer>

/** Objects that were told, by id, and why others were not. */
export interface FoundObjects {
  readonly texts: ReadonlyMap<number, string>
  readonly failures: ReadonlyMap<number, Fault>
}

/** Reads objects, each category as a stream; where an instrument does not stream, each object by itself. */
export async function readObjects(
  unitId: number,
  ids: readonly number[],
  ask: AskObjects,
): Promise<FoundObjects> {
  const texts = new Map<number, string>()
  const failures = new Map<number, Fault>()
  for (const code of [3, 2, 1] as const) {
    const wanted = ids.filter((id) => codeOf(id) === code)
    const first = Math.min(...wanted)
    if (wanted.length === 0) continue
    const request = { unitId, functionCode: IDENTIFICATION, code, objectId: first } as const
    let failure = await readStream(request, wanted, ask, texts)
    for (const objectId of wanted) {
      if (failure?.reason === 'exception' && !texts.has(objectId)) {
        failure = await readOne({ ...request, code: 4, objectId }, ask, texts)
      }
      if (failure !== undefined && !texts.has(objectId)) failures.set(objectId, failure)
    }
  }
  return { texts, failures }
}

/** Which stream an object belongs to: basic 0–2, regular 3–127, extended 128–255. */
const codeOf = (objectId: number): 1 | 2 | 3 => (objectId <= 2 ? 1 : objectId < 0x80 ? 2 : 3)

/** Follows a stream until all that is wanted has come, or it ends. */
async function readStream(
  first: IdentificationRequest,
  wanted: readonly number[],
  ask: AskObjects,
  texts: Map<number, string>,
): Promise<Fault | undefined> {
  let request = first
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = await ask(request)
    if (answer.kind !== 'data') return faultOf(answer)
    const { objects, next } = pageOf(answer.data)
    const begins = objects[0]?.id
    // An instrument that does not know the first object begins at 0; a later page of another question is none of this.
    const fits =
      begins === request.objectId || (page === 0 && (begins === 0 || begins === undefined))
    if (!fits) return FRAME
    for (const { id, text } of objects) texts.set(id, text)
    const last = objects.at(-1)?.id ?? 0
    if (next === undefined || wanted.every((id) => texts.has(id))) return undefined
    if (next <= last) return FRAME
    request = { ...request, objectId: next }
  }
  return FRAME
}

async function readOne(
  request: IdentificationRequest,
  ask: AskObjects,
  texts: Map<number, string>,
): Promise<Fault | undefined> {
  const answer = await ask(request)
  if (answer.kind !== 'data') return faultOf(answer)
  const object = pageOf(answer.data).objects.find(({ id }) => id === request.objectId)
  if (object === undefined) return FRAME
  texts.set(object.id, object.text)
  return undefined
}

const FRAME: Fault = { kind: 'fault', reason: 'frame' }

const faultOf = (answer: Exclude<ObjectAnswer, { kind: 'data' }>): Fault =>
  answer.kind === 'fault'
    ? answer.fault
    : { kind: 'fault', reason: 'exception', exceptionCode: answer.code }

interface Page {
  readonly objects: readonly { readonly id: number; readonly text: string }[]
  readonly next?: number
}

/** One reply, from the code on; the framing has checked that it is whole. */
function pageOf(data: Uint8Array): Page {
  const objects: { id: number; text: string }[] = []
  const count = data[4] ?? 0
  for (let index = 0, at = 5; index < count && at + 2 <= data.length; index++) {
    const end = at + 2 + (data[at + 1] ?? 0)
    const text = Buffer.from(data.subarray(at + 2, end)).toString('latin1')
    objects.push({ id: data[at] ?? 0, text })
    at = end
  }
  return { objects, ...(data[2] === MORE_FOLLOWS && { next: data[3] ?? 0 }) }
}
