// Words for times, spans and values; tables; what is printable; PIN files; exit codes.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { InvariantError } from '#core/assert.ts'
import { ACT_CODES } from '#core/input.ts'
import { endOfFailure, endOfStart } from '../../../agent/cli/end-of-run.ts'
import { CommandError, EXIT, EXIT_OF_ACT, EXIT_OF_CONTROL } from '../../../agent/cli/exit-code.ts'
import { printable, table, width } from '../../../agent/cli/output.ts'
import { type Keyboard, readPin } from '../../../agent/cli/secret.ts'
import { localTime, span, valueAgainst } from '../../../agent/cli/wording.ts'
import { StoreError } from '../../../agent/store/store-error.ts'

describe('localTime', () => {
  it.each([
    [1_763_806_500_000, 'Europe/Rome', '2025-11-22 11:15:00 +01:00'],
    [1_751_360_400_000, 'Europe/Rome', '2025-07-01 11:00:00 +02:00'],
    [1_763_806_500_000, 'UTC', '2025-11-22 10:15:00 +00:00'],
    [1_763_806_500_000, 'Asia/Kolkata', '2025-11-22 15:45:00 +05:30'],
    [1_763_806_500_000, 'No/Where', '2025-11-22 10:15:00 +00:00'],
    [0, 'UTC', '1970-01-01 00:00:00 +00:00'],
  ])('URS-32 shows %i in %s with its zone', (wall, zone, text) => {
    expect(localTime(wall, zone)).toBe(text)
  })
})

describe('span', () => {
  it.each([
    [-5, '0 s'],
    [999, '0 s'],
    [1000, '1 s'],
    [61_000, '1 min 1 s'],
    [3_600_000, '1 h'],
    [7_500_000, '2 h 5 min'],
    [356_400_000, '4 d 3 h'],
  ])('%i ms is %s', (ms, text) => expect(span(ms)).toBe(text))
})

describe('valueAgainst', () => {
  it.each([
    [706.713780918728, 3520, '706.7'],
    [3520.0001, 3520, '3520.0001'],
    [3519.9999, 3520, '3519.9999'],
    [3520, 3520, '3520'],
    [9.9999, 10, '9.9999'],
    [0.1 + 0.2, 0.3, '0.30000000000000004'],
    [15.231, undefined, '15.23'],
    [-2.5, 0, '-2.5'],
  ])('%d beside the limit %s is shown as %s', (value, limit, text) => {
    expect(valueAgainst(value, limit)).toBe(text)
  })

  it('never rounds across a limit', () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(number, number, (value, limit) => {
        const shown = Number(valueAgainst(value, limit))
        expect(shown > limit).toBe(value > limit)
        expect(shown < limit).toBe(value < limit)
      }),
    )
  })
})

describe('table', () => {
  it('aligns by characters as people count them, styled or not', () => {
    expect(
      table([
        ['A', 'B'],
        ['🇮🇹', 'x'],
        ['\u001b[1mé\u001b[22m', 'y'],
      ]),
    ).toBe('A  B\n🇮🇹  x\n\u001b[1mé\u001b[22m  y')
    expect(width('e\u0301')).toBe(1)
  })
})

describe('printable', () => {
  it('leaves nothing that acts on a terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u)
      }),
    )
    expect(printable('Tür °C ≥ 3 日本')).toBe('Tür °C ≥ 3 日本')
  })
})

describe('exit codes', () => {
  it('S4 are those of the contract', () => {
    expect(Object.values(EXIT)).toEqual([0, 1, 64, 65, 69, 70, 74, 75, 77, 78])
  })

  it.each<[what: string, error: unknown, start: number, later: number]>([
    ['another instance', new StoreError('locked', 'held'), 75, 74],
    ['data of another origin', new StoreError('origin', 'simulated'), 78, 74],
    ['a journal of another version', new StoreError('version', 'later'), 74, 74],
    ['a disk that is full', new StoreError('full', 'no room'), 74, 74],
    ['a disk that stopped answering', new StoreError('overload', 'waits'), 74, 74],
    ['what the system says', Object.assign(new Error('EACCES'), { code: 'EACCES' }), 74, 74],
    ['a task that stands still', new Error('the poll loop has not gone on'), 70, 74],
    ['a broken invariant', new InvariantError('seq'), 70, 70],
    ['wrong code', new TypeError('undefined'), 70, 70],
  ])('S4 say why the daemon ends: %s', (_what, error, start, later) => {
    expect([endOfStart(error).code, endOfFailure(error)]).toEqual([start, later])
  })

  it('S4 cover every answer to an act: 0 where it was done, 1 refused, 77 not permitted', () => {
    const codes = Object.fromEntries(ACT_CODES.map((code) => [code, EXIT_OF_ACT[code]]))
    expect(codes).toEqual({
      acknowledged: 0,
      reset: 0,
      done: 0,
      already_acknowledged: 1,
      stale_revision: 1,
      unknown_occurrence: 1,
      expired: 1,
      replayed: 1,
      bad_signature: 77,
      not_authorised: 77,
      identity_mismatch: 77,
      clock_unsynchronised: 75,
      store_failed: 74,
      invalid: 1,
    })
    expect(EXIT_OF_CONTROL).toMatchObject({ unreachable: 69, forbidden: 77, busy: 75 })
  })
})

describe('readPin', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'pin-'))
  afterAll(() => rmSync(directory, { recursive: true }))
  const talk: string[] = []
  const output = { data: () => {}, talk: (text: string) => void talk.push(text), style: String }
  const read = (
    file: string | undefined,
    keyboard: Keyboard = { all: () => '' },
  ): Promise<string> => readPin({ file, option: '--pin-file', prompt: 'PIN' }, keyboard, output)
  const file = (text: string, mode = 0o600): string => {
    const name = path.join(directory, `pin-${Math.abs(hash(text + mode))}`)
    writeFileSync(name, text)
    chmodSync(name, mode)
    return name
  }
  const hash = (text: string): number =>
    [...text].reduce((sum, character) => (Math.imul(sum, 31) + character.charCodeAt(0)) | 0, 7)

  it.each([
    ['4711', '4711'],
    ['4711\n', '4711'],
    ['4711\r\n', '4711'],
    ['4711\n\n  \n', '4711'],
    ['47 11\n', '47 11'],
  ])('takes the one line of %j', async (text, pin) => {
    expect(await read(file(text))).toBe(pin)
    expect(await read('-', { all: () => text })).toBe(pin)
  })

  it.each([
    ['', EXIT.badData, /holds no PIN/],
    ['\n4711', EXIT.badData, /holds no PIN/],
    ['4711\n4712\n', EXIT.badData, /more than one line/],
    ['x'.repeat(5000), EXIT.badData, /too long/],
  ])('refuses the content %j', async (text, exitCode, message) => {
    await expect(read(file(text))).rejects.toMatchObject({ exitCode })
    await expect(read(file(text))).rejects.toThrow(message)
  })

  it('says what is wrong with a missing file', async () => {
    const missing = read(path.join(directory, 'missing'))
    await expect(missing).rejects.toMatchObject({ exitCode: EXIT.io })
    await expect(missing).rejects.toThrow(/PIN file cannot be read/)
  })

  it('warns when others may read the file', async () => {
    talk.length = 0
    await read(file('4711', 0o600))
    expect(talk).toEqual([])
    await read(file('4711', 0o644))
    expect(talk.join()).toMatch(/others may read/)
  })

  it('asks a terminal, and tells how else where there is none', async () => {
    expect(await read(undefined, { all: () => '', typed: async () => '4711' })).toBe('4711')
    await expect(read(undefined)).rejects.toThrow(CommandError)
    await expect(read(undefined)).rejects.toThrow(/give --pin-file FILE or -/)
  })
})
