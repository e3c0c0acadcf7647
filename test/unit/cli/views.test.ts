// What people read: alarm list, status, people; in words, in order of urgency, never misleading.

import { describe, expect, it } from 'vitest'
import { alarmsText } from '../../../agent/cli/alarms.ts'
import { statusText } from '../../../agent/cli/status.ts'
import { peopleText } from '../../../agent/cli/users.ts'
import type { AlarmsView, AlarmView, StatusView } from '../../../agent/control/view.ts'
import { ALARM, AT, STATUS } from '../../support/control-agent.ts'

const plain = { style: (_: unknown, text: string) => text }
const marked = { style: (_: unknown, text: string) => `<${text}>` }

const view = (alarms: readonly AlarmView[], change: Partial<AlarmsView> = {}): string =>
  alarmsText(
    {
      at: AT,
      timezone: 'Europe/Rome',
      origin: 'instrument',
      lastReadingAt: AT - 1000,
      alarms,
      ...change,
    },
    plain,
  )

describe('alarms', () => {
  it('reads like this', () => {
    const acked: AlarmView = {
      ...ALARM,
      alarm: 'b101-t.alert_high',
      occ: '01JD4B00000000000000000001',
      state: 'acknowledged',
      priority: 2,
      limit: { kind: 'alert_high', value: 22, unit: '°C', set: 'site' },
      value: 22.6312,
      activated: AT - 3_600_000,
      ack: {
        user: 'jdoe',
        name: 'J. Doe',
        role: 'technician',
        ts: AT - 60_000,
        reason: 'known_fault',
        comment: 'chiller',
      },
    }
    const latched: AlarmView = {
      ...ALARM,
      alarm: 'bsc1-p05.action_high',
      occ: '01JD4B00000000000000000002',
      state: 'latched_acknowledged',
      limit: { kind: 'action_high', value: 3520, unit: '/m³', set: 'annex1-2022' },
      value: 706.713780918728,
      peak: 9540.6,
      superseded: ['x', 'y'],
      unconfirmed: true,
    }
    expect(`\n${view([acked, latched, ALARM])}\n`).toMatchInlineSnapshot(`
      "
      To acknowledge (1)
      STATE  PRIO  ALARM               VALUE   LIMIT    SINCE                  OCCURRENCE
      NEW    1     b101-dp.action_low  8.7 Pa  ≥ 10 Pa  11:13:50 (1 min 10 s)  01JD4AZ6N3QK8W5T9XV2B7CDEF

      Acknowledged, still going on (1)
      STATE         PRIO  ALARM              VALUE     LIMIT    SINCE           OCCURRENCE                  ACKNOWLEDGED BY
      acknowledged  2     b101-t.alert_high  22.63 °C  ≤ 22 °C  10:15:00 (1 h)  01JD4B00000000000000000001  J. Doe, 11:14:00, known_fault, chiller

      To reset (1)
      STATE    PRIO  ALARM                                                   VALUE                   LIMIT       SINCE                  OCCURRENCE
      latched  1     bsc1-p05.action_high (unconfirmed, and 2 earlier ones)  706.7 /m³ (worst 9541)  ≤ 3520 /m³  11:13:50 (1 min 10 s)  01JD4B00000000000000000002

      Last reading 2025-11-22 11:14:59 +01:00 (1 s ago).
      "
    `)
  })

  it('says that there are none, and that this is fresh', () => {
    expect(view([])).toBe('No alarms. Last reading 2025-11-22 11:14:59 +01:00 (1 s ago).')
    expect(view([], { lastReadingAt: undefined as never })).toMatch(/No alarms. No reading yet/)
  })

  it('URS-69 says so when the instruments are simulated', () => {
    expect(view([], { origin: 'simulated' })).toMatch(/^SIMULATED instruments\n/)
    expect(view([ALARM], { origin: 'simulated' })).toMatch(/^SIMULATED instruments\n/)
  })

  it('shows what needs somebody first, urgent before less urgent, newest first', () => {
    const rows: readonly (readonly [string, string, number, number])[] = [
      ['n.normal', 'normal', 1, 0],
      ['s.shelved', 'shelved', 1, 0],
      ['l.latched', 'latched_acknowledged', 1, 0],
      ['a.acked', 'acknowledged', 1, 0],
      ['u3', 'unacknowledged', 3, 100],
      ['u1-old', 'rtn_unacknowledged', 1, 10],
      ['u1-new', 'latched_unacknowledged', 1, 20],
    ]
    const text = view(
      rows.map(([alarm, state, priority, activated]) => ({
        ...ALARM,
        alarm,
        state,
        priority,
        activated,
      })),
    )
    const order = [...text.matchAll(/(u1-new|u1-old|u3|a\.acked|l\.latched|s\.shelved|n\.normal)/g)]
    expect(order.map(([name]) => name)).toEqual([
      'u1-new',
      'u1-old',
      'u3',
      'a.acked',
      'l.latched',
      's.shelved',
      'n.normal',
    ])
  })

  it('shows an alarm in a state it does not know among the first', () => {
    expect(view([{ ...ALARM, state: 'novel' }])).toMatch(/^To acknowledge \(1\)[\s\S]*novel/)
  })

  it('does not let a name or comment steer the terminal', () => {
    const ack = { user: 'x', name: 'A\u001b[2J\u202eB', ts: AT, comment: 'one\ntwo' }
    const text = view([{ ...ALARM, state: 'acknowledged', ack }])
    for (const character of ['\u001b', '\u202e']) expect(text).not.toContain(character)
    expect(text).toContain('A\\u{1b}[2J\\u{202e}B')
    expect(text).toContain('one\\u{a}two')
  })

  it.each([
    ['action_low', '≥ 10 Pa'],
    ['alert_low', '≥ 10 Pa'],
    ['inversion', '≥ 10 Pa'],
    ['action_high', '≤ 10 Pa'],
    ['rolling', '≤ 10 Pa'],
    ['consecutive', '< 10 Pa'],
    ['x_of_y', '< 10 Pa'],
  ])('shows the limit of %s as what is wanted', (kind, words) => {
    expect(view([{ ...ALARM, limit: { kind, value: 10, unit: 'Pa', set: 'site' } }])).toContain(
      words,
    )
  })

  it('shows a number of samples without a unit', () => {
    const limit = { kind: 'x_of_y', value: 5, unit: '1', set: 'site' }
    const text = view([{ ...ALARM, value: 5, peak: 5, limit }])
    expect(text).toMatch(/ {2}5 {2,}< 5 {2,}/)
  })

  it('shows an alarm without value and limit by its detail', () => {
    const { value: _, limit: __, ...rest } = ALARM
    expect(view([{ ...rest, alarm: 'net-1.bus_fault', detail: 'connection refused' }])).toContain(
      'connection refused',
    )
  })
})

describe('status', () => {
  it('keeps a long detail out of the list, so that the occurrence stays on the screen, and says it in full below', () => {
    const { value: _value, limit: _limit, unit: _unit, peak: _peak, ...rest } = ALARM
    const detail = `10.0.0.12:4001 refused the connection; ${'check the port, '.repeat(12)}`
    const text = view([{ ...rest, alarm: 'net1.bus_fault', detail }, ALARM])
    const [, ...rows] = text.split('\n').filter((line) => /^(NEW|STATE)/.test(line))
    for (const row of rows) expect(row.length, row).toBeLessThan(140)
    expect(text).toContain(`In full\n  net1.bus_fault: ${detail}`)
    expect(view([{ ...rest, detail: 'short' }])).not.toContain('In full')
  })

  it('URS-18 URS-67 says what goes on in each zone, and until when where that is soon', () => {
    const zones = [
      { id: 'bsc-1', occupancy: 'in_operation' as const, leftMs: 86_000_000 },
      { id: 'bsc-2', occupancy: 'in_operation' as const, leftMs: 3_540_000 },
      { id: 'b101', occupancy: 'clean_up' as const, leftMs: 724_000 },
      { id: 'c102', occupancy: null },
    ]
    const rows = statusText({ ...STATUS, zones }, marked).split('\n')
    const at = rows.findIndex((row) => row.startsWith('zones'))
    expect(rows.slice(at, at + 3)).toEqual([
      'zones      in_operation  bsc-1, bsc-2 (59 min left)',
      '           clean_up      b101 (12 min 4 s left)',
      '           <unknown       c102: the strictest limits apply>',
    ])
  })

  it('reads like this when all is well', () => {
    expect(`\n${statusText(STATUS, plain)}\n`).toMatchInlineSnapshot(`
      "
      Cell Factory Milano  lombardia/milano-cf/gw-01
      agent      0.1.0, process 4711, data from instruments
      since      2025-11-21 10:15:00 +01:00 (1 d 1 h)
      config     sha256:abc  /etc/cleanroom-agent/config.yaml
      limits     annex1-2022 (2022)
      alarms     none
      points     12 of 12 good
      buses      net-1  up  modbus-tcp 10.0.0.11:502
      broker     connected  mqtts://broker.example:8883
      backlog    0 events, 0 readings
      clock      synchronised, off by 3 ms
      commit     2025-11-22 11:14:59 +01:00 (0 s ago)
      head       123503  0123456789abcdef  epoch 01JD3Z8Q5K, time base 0
      data       /var/lib/cleanroom-agent
      "
    `)
  })

  const bad: StatusView = {
    ...STATUS,
    origin: 'simulated',
    config: {
      hash: 'sha256:abc',
      rejected: Array.from({ length: 7 }, (_, n) => `plant.yaml:${n}:1  zones  bad`).join('\n'),
    },
    points: { total: 12, good: 7, uncertain: 1, bad: 3, silent: 1 },
    alarms: { unacknowledged: 2, others: 1 },
    buses: [
      { id: 'net-1', link: { kind: 'down', cause: 'ECONNREFUSED', since: AT - 60_000 } },
      { id: 'net-2', link: { kind: 'connecting' }, parked: ['dp-1'], utilisation: 0.417 },
    ],
    recorder: { skipped: 12 },
    broker: { connected: false, address: 'mqtt://b', lastError: 'ECONNREFUSED' },
    clock: { synchronised: false },
  }

  it('marks everything that is not as it should be, and nothing else', () => {
    expect(`\n${statusText(bad, marked)}\n`).toMatchInlineSnapshot(`
      "
      <Cell Factory Milano  lombardia/milano-cf/gw-01>
      agent      0.1.0, process 4711, data from SIMULATED instruments
      since      2025-11-21 10:15:00 +01:00 (1 d 1 h)
      config     sha256:abc
                 <the file as it stands is refused:>
                 <plant.yaml:0:1  zones  bad>
                 <plant.yaml:1:1  zones  bad>
                 <plant.yaml:2:1  zones  bad>
                 <plant.yaml:3:1  zones  bad>
                 <plant.yaml:4:1  zones  bad>
                 <and 2 more faults>
      limits     annex1-2022 (2022)
      alarms     <2> to acknowledge, 1 other
      points     7 of 12 good, <3 bad, 1 uncertain, 1 without a reading yet>
      buses      net-1  <down for 1 min: ECONNREFUSED>
                 net-2  connecting  42 % busy  <silent: dp-1>
      recorder   <12 flight records left out, as they were too many>
      broker     <not connected: ECONNREFUSED>  mqtt://b
      backlog    0 events, 0 readings
      clock      <not synchronised>
      commit     2025-11-22 11:14:59 +01:00 (0 s ago)
      head       123503  0123456789abcdef  epoch 01JD3Z8Q5K, time base 0
      data       /var/lib/cleanroom-agent
      "
    `)
  })

  it('says when there is no broker and no commit yet', () => {
    const { broker: _, lastCommitAt: __, ...rest } = STATUS
    expect(statusText(rest, plain)).toMatch(/broker +none configured[\s\S]*commit +none yet/)
  })
})

describe('people', () => {
  it('reads like this', () => {
    const text = peopleText([
      {
        user: 'admin',
        name: 'A. Dmin',
        role: 'administrator',
        disabled: false,
        publicKey: false,
        createdAt: 0,
      },
      {
        user: 'jdoe',
        name: 'J. Doe',
        role: 'technician',
        disabled: false,
        lockedForMs: 61_000,
        publicKey: true,
        createdAt: 0,
      },
      { user: 'old', name: 'O. Ld', role: 'qa', disabled: true, publicKey: false, createdAt: 0 },
    ])
    expect(`\n${text}\n`).toMatchInlineSnapshot(`
      "
      USER   NAME     ROLE           STATE              KEY
      admin  A. Dmin  administrator  active             -
      jdoe   J. Doe   technician     locked, 1 min 1 s  yes
      old    O. Ld    qa             disabled           -
      "
    `)
  })

  it('says how to add the first', () => {
    expect(peopleText([])).toMatch(/users add/)
  })
})
