// Why a request got no data, in words for somebody at the line: what was seen, what it means, what to do. Pure; judges by
// the outcome and by the bytes that came, and says nothing that they do not show.

import type { BusSettings } from '../profile.ts'
import { exceptionWords } from './exception-words.ts'
import type { Asked } from './line.ts'
import { looksLikeMbap, rtuReplies } from './overheard.ts'
import type { Passage } from './tap.ts'

type Protocol = BusSettings['protocol']

/** Everything received in some passages, as one piece. */
export function receivedBytes(passages: readonly Passage[]): Uint8Array {
  const received = passages.filter(({ direction }) => direction === 'received')
  const bytes = new Uint8Array(
    received.reduce((length, passage) => length + passage.bytes.length, 0),
  )
  let at = 0
  for (const passage of received) {
    bytes.set(passage.bytes, at)
    at += passage.bytes.length
  }
  return bytes
}

/** What went wrong and what to do; undefined when data came. */
export function diagnose(asked: Asked, protocol: Protocol, timeoutMs: number): string | undefined {
  const { outcome, passages } = asked
  const bytes = receivedBytes(passages)
  switch (outcome.kind) {
    case 'data':
      return undefined
    case 'exception': {
      const { code, name, remedy } = exceptionWords(outcome.code)
      return `refused with exception ${code} (${name}): ${remedy}`
    }
    case 'unreachable':
      return asked.sentMono === undefined
        ? outcome.cause
        : `${outcome.cause.split(';')[0]}${hungUpHint(protocol)}`
    case 'timeout':
      return `no answer within ${timeoutMs} ms: ${silenceWords(asked, bytes, protocol)}`
    case 'crc':
      return (
        'something answered, damaged (its CRC is wrong): two units with the same id, noise, missing termination, or a ' +
        'second master on the line'
      )
    case 'torn':
      return `bytes came that make no reply: ${garbleWords(bytes, protocol)}`
    case 'frame':
      return frameWords(bytes, protocol)
  }
}

/** What a connection that is closed in place of an answer may mean. */
function hungUpHint(protocol: Protocol): string {
  switch (protocol) {
    case 'modbus-tcp':
      return ' in place of an answer; another client may hold the only connection, or this is a transparent converter'
    case 'modbus-rtu-over-tcp':
      return ' in place of an answer; another client may hold the converter, or it speaks Modbus TCP (protocol modbus-tcp)'
    case 'modbus-rtu':
      return ''
  }
}

function silenceWords({ request }: Asked, bytes: Uint8Array, protocol: Protocol): string {
  if (protocol === 'modbus-tcp') {
    if (bytes.length > 0) {
      return `${bytes.length} bytes came that answer something else; another client may share the connection, or the unit id differs`
    }
    return (
      `connected, but unit ${request.unitId} says nothing; correct the unit id (scan finds it), and if this is a ` +
      'transparent converter use the protocol modbus-rtu-over-tcp'
    )
  }
  const strangers = rtuReplies(bytes).filter(({ unitId }) => unitId !== request.unitId)
  if (strangers.length > 0) {
    const ids = [...new Set(strangers.map(({ unitId }) => unitId))].join(', ')
    return `only unit ${ids} was heard; another master asks on this line, or a late answer came`
  }
  const through = protocol === 'modbus-rtu' ? '' : ' of the converter'
  return `check the power of the instrument, A and B (swap them), the unit id, and the baud rate and parity${through}`
}

function garbleWords(bytes: Uint8Array, protocol: Protocol): string {
  if (protocol !== 'modbus-tcp' && looksLikeMbap(bytes)) {
    return 'they are Modbus TCP; use the protocol modbus-tcp'
  }
  if (protocol === 'modbus-tcp')
    return 'the reply broke off; the network or the instrument lost the rest'
  return (
    'the baud rate or parity differs, A and B are swapped, two units share the id, or a second master talks; compare the ' +
    'settings on the instrument with those given'
  )
}

function frameWords(bytes: Uint8Array, protocol: Protocol): string {
  if (protocol === 'modbus-tcp') {
    if (rtuReplies(bytes).length > 0) {
      return 'what answered is Modbus RTU, not Modbus TCP: a transparent converter; use the protocol modbus-rtu-over-tcp'
    }
    return 'what answered is no Modbus TCP; check the port number, and whether this is a transparent converter'
  }
  if (looksLikeMbap(bytes)) return 'what answered is Modbus TCP; use the protocol modbus-tcp'
  return 'the unit answered something that does not fit the request; see the frames'
}
