// The local socket, fuzzed: bytes into lines, lines into requests and replies, and the file that says where it is.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { expect, it } from 'vitest'
import { LineCutter } from '../../../agent/control/lines.ts'
import {
  parseReply,
  parseRequest,
  printReply,
  printRequest,
} from '../../../agent/control/protocol.ts'
import {
  findSocketPath,
  pointerPath,
  SOCKET_PATH_BYTES_MAX,
} from '../../../agent/control/socket-path.ts'
import { FUZZ_MS_MAX, fuzz, mutateBytes, mutatedJson, pick, whole } from '../../support/fuzz.ts'

const timeout = FUZZ_MS_MAX
const credentials = { user: 'jdoe', pin: '123456' }
const REQUESTS: readonly unknown[] = [
  { v: 1, id: 1, command: { op: 'status' } },
  { v: 1, id: 2, command: { op: 'alarms', all: true } },
  {
    v: 1,
    id: 3,
    command: {
      op: 'ack',
      occurrence: '01JD4A',
      reason: 'door_opened',
      comment: 'x',
      ...credentials,
    },
  },
  { v: 1, id: 4, command: { op: 'occupancy', zone: 'b101', state: 'at_rest', ...credentials } },
]

it('PE9 requests on the local socket: understood and printed back the same, or refused in words', {
  timeout,
}, () => {
  fuzz({
    name: 'socket request',
    accepted: [0.02, 0.9],
    input: (random) => {
      const line = mutatedJson(random, pick(random, REQUESTS))
      const parsed = parseRequest(line)
      if (!parsed.ok) {
        if (parsed.refusal.detail.length === 0) expect.fail(line.toString())
        return false
      }
      const again = parseRequest(Buffer.from(printRequest(parsed.request).trimEnd()))
      if (!isDeepStrictEqual(again, parsed)) expect.fail(line.toString())
      return true
    },
  })
})

it('replies on the local socket: understood, or none of this protocol', { timeout }, () => {
  const sound = [
    { v: 1, id: 1, ok: true, result: { alarms: [] } },
    { v: 1, id: null, ok: false, error: { code: 'busy', detail: 'later' } },
  ]
  fuzz({
    name: 'socket reply',
    accepted: [0.05, 0.95],
    input: (random) => {
      const line = mutatedJson(random, pick(random, sound))
      const reply = parseReply(line)
      if (reply === undefined) return false
      const again = parseReply(Buffer.from(printReply(reply).trimEnd()))
      if (!isDeepStrictEqual(again, reply)) expect.fail(line.toString())
      return true
    },
  })
})

it('lines: the same however the bytes are cut, and never more held than allowed', {
  timeout,
}, () => {
  const MAX = 18
  fuzz({
    name: 'lines',
    accepted: [0.2, 0.99],
    input: (random) => {
      const bytes = mutateBytes(random, Buffer.from('one\ntwo two\n\nthree three three\nfour\n'))
      const cutter = new LineCutter(MAX)
      const lines: string[] = []
      let ok = true
      for (let at = 0; at < bytes.length && ok; ) {
        const size = 1 + whole(random, 12)
        const cut = cutter.push(bytes.subarray(at, at + size))
        lines.push(...cut.lines.map((line) => Buffer.from(line).toString('latin1')))
        ok = cut.ok
        if (ok && cutter.heldBytes > MAX) expect.fail('too much held')
        at += size
      }
      const wanted = bytes.toString('latin1').split('\n').slice(0, -1)
      const short = wanted.findIndex((line) => line.length > MAX)
      const until = (short === -1 ? wanted : wanted.slice(0, short)).filter((line) => line !== '')
      if (!isDeepStrictEqual(lines, until)) expect.fail(bytes.toString('hex'))
      return ok
    },
  })
})

it('agent.sock.path: an absolute path that fits, or the usual place', { timeout }, () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'pointer-'))
  const pointer = pointerPath(directory)
  mkdirSync(path.dirname(pointer), { recursive: true })
  try {
    fuzz({
      name: 'agent.sock.path',
      slow: true,
      accepted: [0.1, 0.95],
      input: (random) => {
        writeFileSync(
          pointer,
          mutateBytes(random, Buffer.from('/run/user/1000/cleanroom-agent/a.sock\n')),
        )
        const found = findSocketPath(directory)
        if (
          !path.isAbsolute(found) ||
          Buffer.byteLength(found) > SOCKET_PATH_BYTES_MAX ||
          found.includes('\0')
        )
          expect.fail(found)
        return found !== path.join(directory, 'agent.sock')
      },
    })
  } finally {
    rmSync(directory, { recursive: true })
  }
})
