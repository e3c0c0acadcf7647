// Ids, references, buses, broker and the time a bus needs.

import { expect, it } from 'vitest'
import { instrumentAt, loadChanged, type Plain } from './support.ts'
import { type Case, dp, grade, judge, p05, T, t } from './verdicts.ts'

/** The third instrument is of a model that tells no serial number, by register or by function 43/14. */
const mute = (p: Plain) =>
  void Object.assign(p.instruments[2] ?? {}, { profile: 'ee310', unitId: 240 })

/** An instrument on the first bus. */
const twin = (id: string, profile: string, unitId: number, zone: string) => ({
  id,
  profile,
  unitId,
  bus: 'net-1',
  points: [{ id: `${id}-t`, signal: 'temperature', zone, limits: { alertHigh: 30 } }],
})

const PLANT: Case[] = [
  ['an id used twice', (p) => Object.assign(t(p), { id: 'net-1' }), 'refused', `${T}.id`],
  ['the reserved id', (p) => Object.assign(t(p), { id: 'system' }), 'refused', `${T}.id`],
  ['an id in capitals', (p) => Object.assign(t(p), { id: 'B-T' }), 'refused', `${T}.id`],
  [
    'an id of 33 characters',
    (p) => Object.assign(t(p), { id: 'x'.repeat(33) }),
    'refused',
    `${T}.id`,
  ],
  [
    'an unknown signal',
    (p) => Object.assign(t(p), { signal: 'humidity' }),
    'refused',
    `${T}.signal`,
  ],
  [
    'a zone within itself',
    (p) => Object.assign(p.zones[1] ?? {}, { within: 'bsc-1' }),
    'refused',
    'zones[0].within',
  ],
  [
    'a zone within a zone that is not',
    (p) => Object.assign(p.zones[1] ?? {}, { within: 'hall' }),
    'refused',
    'zones[1].within',
  ],
  [
    'instruments of different factory settings on a serial bus without settings',
    (p) => Object.assign(instrumentAt(p, 2), { bus: 'rs485-1' }),
    'warned',
    'buses[1].baudRate',
  ],
  [
    'the same with settings',
    (p) => {
      Object.assign(instrumentAt(p, 2), { bus: 'rs485-1' })
      Object.assign(p.buses[1] ?? {}, { baudRate: 19_200, parity: 'even', stopBits: 1 })
    },
    'accepted',
  ],
  [
    'one unit twice on a bus',
    (p) =>
      void p.instruments.push({
        id: 'th-2',
        profile: 'vaisala-hmp',
        bus: 'conv-1',
        points: [{ id: 'x', signal: 'dew_point', zone: 'b101', limits: { alertHigh: 9 } }],
      }),
    'refused',
    'instruments[3].unitId',
  ],
  [
    'URS-14 a grade B instrument without a serial number to read, its unit id on another bus too',
    (p) => {
      mute(p)
      p.instruments.push(twin('th-2', 'ee310', 240, 'd103'))
    },
    'refused',
    'instruments[2].unitId',
    /URS-14/,
  ],
  [
    'URS-14 the same, the other one alone at a network address',
    (p) => {
      mute(p)
      p.buses.push({ id: 'net-2', protocol: 'modbus-tcp', host: '10.0.0.13' })
      p.instruments.push({ ...twin('th-2', 'ee310', 240, 'd103'), bus: 'net-2' })
    },
    'accepted',
  ],
  [
    'URS-14 the same with a unit id of its own',
    (p) => {
      mute(p)
      p.instruments.push(twin('th-2', 'ee310', 241, 'd103'))
    },
    'accepted',
  ],
  [
    'URS-14 the same in grade C and D only',
    (p) => {
      mute(p)
      Object.assign(t(p), { zone: 'c102' })
      p.instruments.push(twin('th-2', 'ee310', 240, 'd103'))
    },
    'accepted',
  ],
  [
    'URS-14 the same in grade C and D, critical',
    (p) => {
      mute(p)
      Object.assign(t(p), { zone: 'c102', critical: true, commFail: '20s' })
      p.instruments.push(twin('th-2', 'ee310', 240, 'd103'))
    },
    'refused',
    'instruments[2].unitId',
    /URS-14/,
  ],
  [
    'URS-14 a grade B instrument that tells its serial number by function 43/14, its unit id on another bus too',
    (p) => {
      Object.assign(instrumentAt(p, 2), { serial: 'R4120001' })
      p.instruments.push(twin('th-2', 'vaisala-hmp', 240, 'd103'))
    },
    'accepted',
  ],
  [
    'URS-14 the same whose serial number nobody has given',
    (p) => void p.instruments.push(twin('th-2', 'vaisala-hmp', 240, 'd103')),
    'warned',
    'instruments[2].unitId',
    /URS-14/,
  ],
  [
    'URS-14 two of one profile with the same serial number',
    (p) => {
      Object.assign(instrumentAt(p, 2), { serial: 'R4120001' })
      p.instruments.push({ ...twin('th-2', 'vaisala-hmp', 241, 'd103'), serial: 'R4120001' })
    },
    'warned',
    'instruments[3].serial',
    /URS-14/,
  ],
  [
    'two of different makers with the same serial number',
    (p) => {
      Object.assign(instrumentAt(p, 1), { serial: '1' })
      Object.assign(instrumentAt(p, 2), { serial: '1' })
    },
    'accepted',
  ],
  [
    'unit id 0 on a serial line',
    (p) => Object.assign(instrumentAt(p, 1), { unitId: 0 }),
    'refused',
    'instruments[1].unitId',
  ],
  ['unit id 0 on Modbus TCP', (p) => Object.assign(instrumentAt(p, 0), { unitId: 0 }), 'accepted'],
  [
    'a reserved unit id on a serial line',
    (p) => Object.assign(instrumentAt(p, 2), { unitId: 248 }),
    'warned',
    'instruments[2].unitId',
  ],
  [
    'the last unit id of a serial line',
    (p) => Object.assign(instrumentAt(p, 2), { unitId: 247 }),
    'accepted',
  ],
  [
    'URS-10 no quarantine on a serial line',
    (p) => Object.assign(p.buses[1] ?? {}, { lateReply: '0s' }),
    'refused',
    'buses[1].lateReply',
    /URS-10/,
  ],
  [
    'URS-10 no quarantine behind a converter',
    (p) => Object.assign(p.buses[2] ?? {}, { lateReply: '0s' }),
    'refused',
    'buses[2].lateReply',
    /URS-10/,
  ],
  [
    'URS-14 the unit id of one that tells its serial number, on another bus too',
    (p) => {
      Object.assign(instrumentAt(p, 1), { serial: 'E4711' })
      p.instruments.push(twin('th-2', 'vaisala-hmp', 43, 'd103'))
    },
    'accepted',
  ],
  [
    'one serial port for two buses',
    (p) => void p.buses.push({ ...p.buses[1], id: 'rs485-2' }),
    'refused',
    'buses[3].path',
  ],
  [
    'one converter for two buses',
    (p) => void p.buses.push({ ...p.buses[2], id: 'conv-2' }),
    'refused',
    'buses[3].host',
  ],
  [
    'one Modbus gateway for two buses',
    (p) => void p.buses.push({ ...p.buses[0], id: 'net-2' }),
    'warned',
    'buses[3].host',
  ],
  [
    'a port that may be renumbered',
    (p) => Object.assign(p.buses[1] ?? {}, { path: '/dev/ttyUSB0' }),
    'refused',
    'buses[1].path',
  ],
  [
    'a port that may be renumbered, allowed',
    (p) => Object.assign(p.buses[1] ?? {}, { path: '/dev/ttyUSB0', allowUnstablePath: true }),
    'accepted',
  ],
  [
    'lateReply on modbus-tcp',
    (p) => Object.assign(p.buses[0] ?? {}, { lateReply: '1s' }),
    'refused',
    'buses[0].lateReply',
  ],
  [
    'an unknown protocol',
    (p) => Object.assign(p.buses[0] ?? {}, { protocol: 'modbus-ascii' }),
    'refused',
    'buses[0].protocol',
  ],
  [
    'a console, which only later listens',
    (p) => Object.assign(p, { console: { host: '127.0.0.1', port: 8080, open: true } }),
    'accepted',
  ],
  [
    'plaintext on loopback',
    (p) => Object.assign(p, { mqtt: { url: 'mqtt://127.0.0.1:1883' } }),
    'accepted',
  ],
  [
    'plaintext to another machine',
    (p) => Object.assign(p, { mqtt: { url: 'mqtt://10.0.0.9' } }),
    'refused',
    'mqtt.url',
  ],
  [
    'plaintext to another machine, allowed',
    (p) => Object.assign(p, { mqtt: { url: 'mqtt://10.0.0.9', allowPlaintext: true } }),
    'accepted',
  ],
  [
    'a password in the url',
    (p) => Object.assign(p, { mqtt: { url: 'mqtts://a:b@broker' } }),
    'refused',
    'mqtt.url',
  ],
  [
    'neither url nor embedded',
    (p) => Object.assign(p, { mqtt: { live: true } }),
    'refused',
    'mqtt.url',
  ],
  [
    'both url and embedded',
    (p) => Object.assign(p, { mqtt: { url: 'mqtts://b', embedded: true } }),
    'refused',
    'mqtt.url',
  ],
  [
    'a certificate without its key',
    (p) => Object.assign(p, { mqtt: { url: 'mqtts://b', certFile: 'c.pem' } }),
    'refused',
    'mqtt.keyFile',
  ],
  [
    'a day that is none',
    (p) => Object.assign(instrumentAt(p, 0), { calibrationDue: '2027-02-30' }),
    'refused',
    'instruments[0].calibrationDue',
  ],
  [
    'a clean-up over the guidance',
    (p) => Object.assign(p.zones[1] ?? {}, { cleanUp: '25min' }),
    'warned',
    'zones[1].cleanUp',
    /4\.29/,
  ],
]

const TIMING: Case[] = [
  [
    'URS-24 a counter polled faster than a dead unit permits',
    (p) => Object.assign(p05(p), { interval: '600ms' }),
    'refused',
    'buses[0]',
    /URS-24/,
  ],
  [
    'URS-24 a longer timeout than the cadence bears',
    (p) => Object.assign(p.buses[0] ?? {}, { timeout: '600ms' }),
    'refused',
    'buses[0]',
    /URS-24/,
  ],
  [
    'URS-24 the same with fewer retries',
    (p) => Object.assign(p.buses[0] ?? {}, { timeout: '600ms', retries: 0 }),
    'accepted',
  ],
  [
    'URS-24 the same in grade C',
    (p) => {
      grade(p, 'C')
      Object.assign(p.buses[0] ?? {}, { timeout: '600ms' })
    },
    'accepted',
  ],
  [
    'URS-66 a critical pressure behind a slow quarantine',
    (p) => Object.assign(p.buses[1] ?? {}, { lateReply: '5s' }),
    'refused',
    'buses[1].lateReply',
    /URS-66/,
  ],
  [
    'URS-66 the same with a longer commFail',
    (p) => {
      Object.assign(p.buses[1] ?? {}, { lateReply: '5s' })
      dp(p)['commFail'] = '10500ms'
    },
    'accepted',
  ],
  [
    'URS-66 data loss before the next slot',
    (p) => Object.assign(t(p), { commFail: '9s' }),
    'refused',
    `${T}.commFail`,
  ],
]

judge([
  ['the plant', PLANT],
  ['timing', TIMING],
])

it('URS-24 shows the arithmetic', () => {
  const loaded = loadChanged((plain) => Object.assign(p05(plain), { interval: '600ms' }))
  const finding = loaded.findings.find(({ key }) => key === 'buses[0]')
  expect(finding?.problem).toContain(
    '6 requests × 10 ms = 60 ms + timeout 300ms × (1 + 1 retries) = 600 ms for one dead unit = 660 ms',
  )
})
