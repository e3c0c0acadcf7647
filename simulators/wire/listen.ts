// A TCP port of the simulators: opened, or refused with the system's error; what goes wrong later with a port that listens is no
// matter of the simulator.

import type { Server } from 'node:net'

export interface Address {
  readonly host: string
  readonly port: number
}

/** Listens; rejects with the system's error (EADDRINUSE, EACCES …) when it cannot. Port 0 lets the system choose. */
export async function listenOn(server: Server, { host, port }: Address): Promise<Address> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.removeListener('error', reject)
      server.on('error', () => {})
      resolve()
    })
  })
  const bound = server.address()
  return { host, port: typeof bound === 'object' && bound !== null ? bound.port : port }
}
