// The simulated output module of horn and light on a real Modbus TCP port.

import { systemClock } from '../../agent/runtime/system-clock.ts'
import { type Simulation, startSimulation } from '../../simulators/main.ts'

/** Outputs of the module in the order of its coils, as its profile has them. */
export const OUTPUTS = ['red', 'amber', 'green', 'horn', 'healthy', 'pulse'] as const

export interface OutputModule {
  readonly simulation: Simulation
  readonly port: number
  coil(name: (typeof OUTPUTS)[number]): boolean
}

/** Starts the module; stop its simulation at the end. */
export async function outputModule(): Promise<OutputModule> {
  const unit = { instrument: 'annunciator', unitId: 1, model: 'moxa-iologik-e1214' } as const
  const simulation = await startSimulation(
    {
      zones: [{ id: 'room-b', grade: 'B' }],
      buses: [{ id: 'net-horn', host: '127.0.0.1', port: 0, units: [{ ...unit, zone: 'room-b' }] }],
    },
    { clock: systemClock() },
  )
  return {
    simulation,
    port: simulation.addresses.get('net-horn')?.port ?? 0,
    coil: (name) =>
      simulation.snapshot().instruments['annunciator']?.[`DO${OUTPUTS.indexOf(name)}`] === true,
  }
}
