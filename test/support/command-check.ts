// A gateway's check with every kind of person on file: with keys, without, disabled, with keys of other kinds.

import { generateKeyPairSync } from 'node:crypto'
import type { ClockTrust, CommandVerdict } from '#ports/commands.ts'
import { createCommandCheck, type Signer } from '../../agent/access/signed-command.ts'
import { privateKeyOf, publicPemOf, SIGNED_AT } from './command-signer.ts'

const pemOf = (pair: {
  publicKey: { export(o: { type: 'spki'; format: 'pem' }): string | Buffer }
}) => pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()

const person = (name: string, changes: Partial<Signer> = {}): [string, Signer] => [
  name,
  { name, fullName: `Full ${name}`, role: 'technician', disabled: false, ...changes },
]

const people = new Map<string, Signer>([
  person('jdoe', { publicKey: publicPemOf('jdoe'), fullName: 'J. Doe' }),
  person('asmith', { publicKey: publicPemOf('asmith'), role: 'supervisor' }),
  person('gone', { publicKey: publicPemOf('jdoe'), disabled: true }),
  person('keyless'),
  person('p256', { publicKey: pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })) }),
  person('ed448', { publicKey: pemOf(generateKeyPairSync('ed448')) }),
  person('x25519', { publicKey: pemOf(generateKeyPairSync('x25519')) }),
  person('rsa', { publicKey: pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 })) }),
  person('private', {
    publicKey: privateKeyOf('jdoe').export({ type: 'pkcs8', format: 'pem' }).toString(),
  }),
  person('garbage', { publicKey: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n' }),
])

export interface Circumstances {
  readonly command?: string
  readonly user?: string
  readonly wall?: number
  readonly trust?: ClockTrust
  readonly gateway?: string
}

/** Judges a payload, half a second after it was signed unless told otherwise. */
export function check(payload: unknown, circumstances: Circumstances = {}): CommandVerdict {
  const { command = 'ack', user = 'jdoe', wall = SIGNED_AT + 500 } = circumstances
  const judge = createCommandCheck({
    gateway: circumstances.gateway ?? 'gw-01',
    person: (name) => people.get(name),
    clockTrust: () => circumstances.trust ?? 'synchronised',
  })
  return judge({ command, user, payload, retained: false }, { wall, mono: 1 })
}

/** `genuine`, or the code it is refused with. */
export const codeOf = (verdict: CommandVerdict): string =>
  verdict.ok ? 'genuine' : verdict.refusal.code
