// NE4 how long certificates last: when it is said, in which words, and when it is over.

import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { DAY, HOUR } from '#core/time.ts'
import { silentLog } from '#ports/log.ts'
import {
  type Certificate,
  CertificateWatch,
  judgeCertificates,
} from '../../../agent/runtime/certificate-watch.ts'
import { readCertificates } from '../../../agent/runtime/system-certificates.ts'
import { removeDirectory, temporaryDirectory } from '../../support/processes.ts'
import { noOpenssl } from '../../support/test-pki.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const NOW = Date.UTC(2026, 10, 30, 12)
const lasting = (days: number, file = 'pki/gw-01.pem'): Certificate => ({
  file,
  subject: 'CN=gw-01',
  notBefore: NOW - 300 * DAY,
  notAfter: NOW + days * DAY,
})

describe('NE4 URS-56 a certificate', () => {
  it.each<[days: number, level: number, words: string]>([
    [30.01, 0, ''],
    [30, 1, 'ends on 2026-12-30, in 30 days; put a new one there'],
    [14.01, 1, 'ends on 2026-12-14, in 14 days; put a new one there'],
    [14, 2, 'ends on 2026-12-14, in 14 days; put a new one there'],
    [7, 3, 'ends on 2026-12-07, in 7 days; put a new one there'],
    [1, 4, 'ends on 2026-12-01, in 1 day; put a new one there'],
    [0.5, 4, 'ends on 2026-12-01, within a day; put a new one there'],
    [0, 5, 'ended on 2026-11-30; put a new one there'],
    [-3, 5, 'ended on 2026-11-27; put a new one there'],
  ])('with %d days left is of level %d', (days, level, words) => {
    const verdict = judgeCertificates([lasting(days)], NOW)
    expect(verdict.level).toBe(level)
    expect(verdict.words).toBe(words === '' ? '' : `pki/gw-01.pem (CN=gw-01) ${words}`)
  })

  it('that is not valid yet is said too: one of both is wrong, the certificate or the clock', () => {
    const early = { ...lasting(400), notBefore: NOW + DAY }
    expect(judgeCertificates([early], NOW)).toEqual({
      level: 1,
      words: 'pki/gw-01.pem (CN=gw-01) is not valid before 2026-12-01; look at the clock',
    })
  })

  it('of several, those that end soon are named, the nearest first', () => {
    const all = [lasting(20, 'ca.pem'), lasting(5), lasting(300, 'other.pem')]
    const { level, words } = judgeCertificates(all, NOW)
    expect(level).toBe(3)
    expect(words).toMatch(/^pki\/gw-01\.pem .*; ca\.pem [^;]*; put a new one there$/)
  })
})

describe('NE4 the watch', () => {
  function setUp(days: number) {
    const clock = virtualClock(NOW)
    const said: [boolean, string?][] = []
    let certificates = [lasting(days)]
    let trusted = true
    const watch = new CertificateWatch({
      clock,
      log: silentLog,
      read: () => certificates,
      trusted: () => trusted,
      active: () => said.at(-1)?.[0] === true,
      condition: (active, detail) => said.push(detail === undefined ? [active] : [active, detail]),
    })
    return {
      ...{ clock, said, watch },
      renew: (next: number) => {
        certificates = [lasting(next)]
      },
      trust: (value: boolean) => {
        trusted = value
      },
    }
  }

  it('says it once at each mark, and that it is over with the new one', async () => {
    const rig = setUp(31)
    rig.watch.start()
    expect(rig.said).toEqual([])
    await rig.clock.advance(31 * DAY + HOUR)
    expect(
      rig.said.map(([, words]) => / (in \d+ days?|within a day|ended)/.exec(words ?? '')?.[1]),
    ).toEqual(['in 30 days', 'in 14 days', 'in 7 days', 'in 1 day', 'ended'])
    rig.renew(400)
    await rig.clock.advance(HOUR)
    expect(rig.said.at(-1)).toEqual([false])
    rig.watch.stop()
    rig.renew(3)
    await rig.clock.advance(DAY)
    expect(rig.said).toHaveLength(6)
  })

  it('says nothing by a clock that was never set', async () => {
    const rig = setUp(3)
    rig.trust(false)
    rig.watch.start()
    await rig.clock.advance(2 * HOUR)
    expect(rig.said).toEqual([])
    rig.trust(true)
    await rig.clock.advance(HOUR)
    expect(rig.said).toHaveLength(1)
    rig.watch.stop()
  })
})

describe.skipIf(noOpenssl)('NE4 certificate files (needs openssl)', () => {
  it('are read with their subject and dates; what is none is left to the uplink', () => {
    const directory = temporaryDirectory('certificates')
    try {
      const file = path.join(directory, 'gw.pem')
      const key = path.join(directory, 'gw.key')
      const made = [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
      ]
      execFileSync(
        'openssl',
        [...made, '-keyout', key, '-out', file, '-days', '9', '-subj', '/CN=gw-01'],
        {
          stdio: 'pipe',
        },
      )
      const [read, ...rest] = readCertificates([file, key, '/nowhere.pem'])
      expect(rest).toEqual([])
      expect(read).toMatchObject({ file, subject: 'CN=gw-01' })
      const days = ((read?.notAfter ?? 0) - Date.now()) / DAY
      expect(days).toBeGreaterThan(8.9)
      expect(days).toBeLessThanOrEqual(9)
    } finally {
      removeDirectory(directory)
    }
  })
})
