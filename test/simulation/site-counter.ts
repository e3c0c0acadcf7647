// The particle counter of a site, as its file and its profile say it.

import { CHANNELS, type CounterDraw, FLOW_LPM } from './counter.ts'

export const COUNTER_BUS = { id: 'bc', protocol: 'modbus-tcp', host: '10.0.1.1', port: 502 }
export const COUNTER_ZONE = { id: 'core', name: 'Core', grade: 'A', occupancy: 'in_operation' }
export const COUNTER_PROFILE = './counter.json'

export const counterEntry = ({ id, pollMs }: CounterDraw) => ({
  ...{ id, profile: COUNTER_PROFILE, bus: COUNTER_BUS.id, unitId: 99, flow: FLOW_LPM },
  points: CHANNELS.map(({ name, sizeUm, actionHigh, alertHigh }, index) => ({
    ...{ id: `${id}-${index + 1}`, signal: name, zone: 'core', interval: `${pollMs}ms` },
    limits: { actionHigh, alertHigh, onDelay: '0s', offDelay: '0s', justification: 'SIM-002' },
    ...(sizeUm === 5 && { rules: { rollingCubicMetre: true, justification: 'SIM-003' } }),
  })),
})

const at = (address: number, type: string) => ({
  ...{ table: 'holding_register', address, type, byteOrder: 'ABCD' },
})

export const counterProfile = ({ periodMs }: CounterDraw) => ({
  id: 'p-counter',
  protocol: 'modbus',
  source: { document: 'simulated counter', confirmedOnHardware: false },
  interval: '5s',
  signals: CHANNELS.map(({ name, address }) => ({
    ...{ name, quantity: 'particle_concentration', unit: '/m³', ...at(address, 'u32') },
  })),
  sample: {
    identity: { kind: 'instrument_time', ...at(0, 'u32') },
    duration: { ...at(2, 'u32'), scale: 1 },
    volume: { ...at(4, 'f32'), scale: 1 },
    status: [{ ...at(6, 'u32'), bits: [{ bit: 0, faultWhen: 1, reason: 'laser_fault' }] }],
    clock: at(12, 'u32'),
    defaultDuration: `${periodMs}ms`,
    counts: 'cumulative',
    content: 'counts',
  },
})
