// Physical quantities the agent knows and the units it accepts for them (contract §2).

export const QUANTITIES = [
  'particle_concentration',
  'differential_pressure',
  'temperature',
  'relative_humidity',
  'co2',
  'air_velocity',
  'flow',
  'contact',
  'count',
] as const
export type Quantity = (typeof QUANTITIES)[number]

/** Accepted units of each quantity; the first is the usual one. A point keeps the unit of its signal. */
export const UNITS_OF: Readonly<Record<Quantity, readonly string[]>> = {
  particle_concentration: ['/m³'],
  differential_pressure: ['Pa'],
  temperature: ['°C'],
  relative_humidity: ['%'],
  co2: ['%', 'ppm'],
  air_velocity: ['m/s'],
  flow: ['L/min'],
  contact: ['0/1'],
  count: ['1'],
}
