// docs/signed-commands.md tells clients how to sign: its test vector is computed anew from its text, and its code is run.

import { createPublicKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { canonicalJson } from '../../../agent/access/canonical-json.ts'
import { parseDetachedJws, verifyDetachedJws } from '../../../agent/access/detached-jws.ts'
import { createCommandCheck } from '../../../agent/access/signed-command.ts'
import { privateKeyOf, SIGNED_AT, signed } from '../../support/command-signer.ts'

const text = readFileSync(
  path.resolve(import.meta.dirname, '../../../docs/signed-commands.md'),
  'utf8',
)

/** The fenced blocks whose info string is this one, in order. */
const blocks = (info: string): string[] =>
  [...text.matchAll(/^```(.*)\n([\s\S]*?)\n```$/gm)]
    .filter((match) => match[1] === info)
    .map((match) => match[2] ?? '')

const block = (info: string, index = 0): string => {
  const found = blocks(info)[index]
  if (found === undefined)
    throw new Error(`docs/signed-commands.md has no block "${info}" ${index}`)
  return found
}

const directory = mkdtempSync(path.join(tmpdir(), 'signed-commands-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const command = JSON.parse(block('json command')) as Record<string, unknown>
const { sig, ...unsigned } = command
const [privatePem, publicPem] = [block('pem', 0), block('pem', 1)]

describe('URS-33 the test vector of the documentation', () => {
  it('has a key pair that belongs together', () => {
    const derived = createPublicKey(privatePem).export({ type: 'spki', format: 'pem' })
    expect(derived.toString().trim()).toBe(publicPem)
    expect(derived).toBe(
      createPublicKey(privateKeyOf('jdoe')).export({ type: 'spki', format: 'pem' }),
    )
  })

  it('has the canonical form, header, signing input and signature that follow from command and key', () => {
    const header = Buffer.from(block('text header-json')).toString('base64url')
    expect(canonicalJson(unsigned)).toBe(block('text canonical'))
    expect(header).toBe(block('text header'))
    expect(`${header}.${Buffer.from(canonicalJson(unsigned)).toString('base64url')}`).toBe(
      block('text input'),
    )
    expect(sig).toBe(`${header}..${block('text signature')}`)
    expect(signed(unsigned, 'jdoe').sig).toBe(sig)
  })

  it('is a command the agent takes', () => {
    const check = createCommandCheck({
      gateway: 'gw-01',
      person: (user) =>
        user === 'jdoe'
          ? {
              name: user,
              fullName: 'J. Doe',
              role: 'technician',
              disabled: false,
              publicKey: publicPem,
            }
          : undefined,
      clockTrust: () => 'unknown',
    })
    const incoming = { command: 'ack', user: 'jdoe', payload: command, retained: false }
    expect(check(incoming, { wall: SIGNED_AT + 1000, mono: 0 })).toMatchObject({
      ok: true,
      command: {
        id: command['id'],
        act: { kind: 'ack', occ: command['occ'], comment: command['comment'] },
      },
    })
  })

  it('has code that signs like the vector', async () => {
    const file = path.join(directory, 'client.mjs')
    writeFileSync(file, block('js'))
    const client = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      signCommand(command: unknown, pem: string): unknown
      envelope(gateway: string, user: string, now: number): Record<string, unknown>
    }
    expect(client.signCommand(unsigned, privatePem)).toEqual(command)
    expect(client.envelope('gw-01', 'jdoe', SIGNED_AT)).toEqual({
      v: 1,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      aud: 'gw-01',
      by: 'jdoe',
      iat: SIGNED_AT,
      exp: SIGNED_AT + 60_000,
    })
  })
})

describe('the JWS primitive', () => {
  it('verifies the published example of RFC 8037 appendix A.4', () => {
    const jws = {
      header: 'eyJhbGciOiJFZERTQSJ9',
      kid: '',
      signature: Buffer.from(
        'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
        'base64url',
      ),
    }
    const key = createPublicKey(publicPem)
    expect(verifyDetachedJws(jws, 'Example of Ed25519 signing', key)).toBe(true)
    expect(verifyDetachedJws(jws, 'Example of Ed25519 signinG', key)).toBe(false)
  })

  it('reads the header of the contract’s example, whose signature is none', () => {
    const example = 'eyJhbGciOiJFZERTQSIsImtpZCI6Impkb2UifQ..c2lnbmF0dXJl'
    expect(parseDetachedJws(example)).toMatchObject({ ok: false })
    const long = `${example.split('..')[0]}..${'A'.repeat(86)}`
    expect(parseDetachedJws(long)).toMatchObject({ ok: true, jws: { kid: 'jdoe' } })
  })
})
