// Read Device Identification as a server answers it (Modbus Application Protocol V1.1b3 §6.21): three streams of objects, each cut
// into as many replies as it takes, and access to one object. From the standard alone; shares no code with the drivers.

import { EXCEPTION, type Refusal, refuse } from './refusal.ts'

const FUNCTION = 43
const MEI_TYPE = 0x0e
/** Basic, regular and extended objects, as a stream and one by one. */
const CONFORMITY = 0x83
/** Last object of the basic and of the regular stream. */
const LAST_OF = { 1: 0x02, 2: 0x7f, 3: 0xff } as const
const INDIVIDUAL = 4
/** A PDU has 253 bytes, seven of which are this reply's head. */
const OBJECT_BYTES_MAX = 246

/** The answer of a device that has these objects, in order of their ids; `bytesMax`: objects of one reply. */
export function identify(
  objects: readonly (readonly [number, string])[],
  pdu: Buffer,
  bytesMax = OBJECT_BYTES_MAX,
): Buffer | Refusal {
  if (pdu.length !== 4 || pdu[1] !== MEI_TYPE) return refuse(EXCEPTION.illegalFunction)
  const [, , code = 0, wanted = 0] = pdu
  if (code === INDIVIDUAL) {
    const one = objects.filter(([id]) => id === wanted)
    return one.length === 0 ? refuse(EXCEPTION.illegalAddress) : reply(code, one)
  }
  if (code !== 1 && code !== 2 && code !== 3) return refuse(EXCEPTION.illegalValue)
  const stream = objects.filter(([id]) => id <= LAST_OF[code])
  // An id that is not there: the stream begins anew.
  const known = stream.some(([id]) => id === wanted)
  const rest = known ? stream.filter(([id]) => id >= wanted) : stream
  let bytes = 0
  const fitting = rest.findIndex(([, text]) => {
    bytes += 2 + text.length
    return bytes > bytesMax
  })
  const sent = fitting === -1 ? rest : rest.slice(0, Math.max(1, fitting))
  return reply(code, sent, rest[sent.length]?.[0])
}

function reply(
  code: number,
  objects: readonly (readonly [number, string])[],
  next?: number,
): Buffer {
  const more = next === undefined ? 0 : 0xff
  const head = [FUNCTION, MEI_TYPE, code, CONFORMITY, more, next ?? 0, objects.length]
  const parts = objects.map(([id, text]) =>
    Buffer.concat([Buffer.of(id, text.length), Buffer.from(text, 'latin1')]),
  )
  return Buffer.concat([Buffer.from(head), ...parts])
}
