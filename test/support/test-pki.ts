// A certificate authority for one test, made by openssl: good, wrong-name, expired and too young server certificates, and clients.

import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'

/** True where openssl is missing on a developer's machine; on CI its absence is a failure, not a skip. */
export const noOpenssl =
  spawnSync('openssl', ['version']).error !== undefined && process.env['CI'] !== 'true'

export interface TestPki {
  readonly ca: string
  /** Certificate and key files of a name. */
  files(name: string): { readonly cert: string; readonly key: string }
}

/** Writes `ca.pem`, `good`, `wrong-name`, `expired`, `not-yet` (servers), `gw-01` and `gw-01-expired` (clients) into the directory. */
export function testPki(directory: string): TestPki {
  const at = (name: string): string => path.join(directory, name)
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
  }
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '30',
    '-subj',
    '/CN=test ca',
  )
  writeFileSync(at('index.txt'), '')
  writeFileSync(at('serial'), '01\n')
  writeFileSync(at('ca.cnf'), CA_CONFIGURATION)
  const issue = (name: string, subject: string, alternative: string, dates: string[]): void => {
    openssl(
      'req',
      ...newKey,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${subject}`,
    )
    writeFileSync(at(`${name}.ext`), `subjectAltName=${alternative}\n`)
    openssl(
      ...['ca', '-batch', '-config', 'ca.cnf', '-in', `${name}.csr`, '-out', `${name}.pem`],
      ...['-extfile', `${name}.ext`, '-notext', ...dates],
    )
  }
  const month = ['-days', '30']
  issue('good', 'good', 'IP:127.0.0.1,DNS:localhost', month)
  issue('wrong-name', 'wrong-name', 'DNS:other.example', month)
  const past = ['-startdate', '20200101000000Z', '-enddate', '20200201000000Z']
  issue('expired', 'expired', 'IP:127.0.0.1,DNS:localhost', past)
  const yet = ['-startdate', '20900101000000Z', '-enddate', '20910101000000Z']
  issue('not-yet', 'not-yet', 'IP:127.0.0.1,DNS:localhost', yet)
  issue('gw-01', 'gw-01', 'DNS:gw-01', month)
  issue('gw-01-expired', 'gw-01', 'DNS:gw-01', past)
  return {
    ca: at('ca.pem'),
    files: (name) => ({ cert: at(`${name}.pem`), key: at(`${name}.key`) }),
  }
}

const CA_CONFIGURATION = `
[ca]
default_ca = test
[test]
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
`
