// Two instruments on a scripted Modbus TCP server, for tests of the driver on real sockets.

import type { InstrumentSettings } from '#drivers/profile.ts'
import type { BusDriver, LinkState } from '#ports/driver.ts'
import { driverOf, instrument, profileOf, signal, tcpBus } from './driver-rig.ts'
import { ModbusServer } from './modbus-server.ts'

const profile = profileOf([signal('a', 0), signal('b', 1), signal('c', 2, 'f32')])
export const one = instrument('one', 1, profile)
export const two = instrument('two', 2, profile)

/** A server that has both. */
export async function startPair(): Promise<ModbusServer> {
  const server = await ModbusServer.start()
  server.unit(1).set(3, 0, 11, 12).setF32(3, 2, 15.231)
  server.unit(2).set(3, 0, 21, 22).setF32(3, 2, 16.5)
  return server
}

export const driverAt = (
  { port }: ModbusServer,
  instruments: readonly InstrumentSettings[] = [one, two],
  over = {},
): BusDriver => driverOf(tcpBus(port, over), instruments)

/** Waits for a state of the link. */
export async function untilLink(driver: BusDriver, kind: LinkState['kind']): Promise<void> {
  if (driver.link().kind === kind) return
  await new Promise<void>((resolve) => {
    driver.onLink((state) => {
      if (state.kind === kind) resolve()
    })
  })
}
