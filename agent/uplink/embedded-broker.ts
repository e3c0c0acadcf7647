// The built-in broker for `mqtt.embedded: true` and the demo: aedes (MQTT 3.1.1) on the loopback interface, in memory.
// Never a broker for records: what it holds is gone with the process, and its PUBACK says "received", not "stored".

import { createServer, type Socket } from 'node:net'
import { Aedes } from 'aedes'
import { type Log, silentLog } from '#ports/log.ts'

const HOST = '127.0.0.1'
/** A subscriber that takes nothing is dropped after this long; aedes's 60 s would hold up everybody else. */
const DRAIN_MS_MAX = 5000
const CONNECTIONS_MAX = 64

export interface EmbeddedBroker {
  readonly host: string
  readonly port: number
  /** `mqtt://127.0.0.1:1883` */
  readonly url: string
  close(): Promise<void>
}

/** Starts the broker; port 0 lets the system choose. Rejects in words when the port is in use. */
export async function startEmbeddedBroker(
  { port }: { readonly port: number },
  log: Log = silentLog,
): Promise<EmbeddedBroker> {
  const broker = await Aedes.createBroker({
    drainTimeout: DRAIN_MS_MAX,
    authorizePublish: (_client, packet, done) =>
      done(packet.topic.startsWith('$') ? new Error('$ topics are the broker’s own') : null),
  })
  broker.on('clientError', (client, error) =>
    log.debug('broker_client_error', { client: client.id, error: error.message }),
  )
  broker.on('connectionError', (_client, error) =>
    log.debug('broker_connection_error', { error: error.message }),
  )
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    broker.handle(socket)
  })
  server.maxConnections = CONNECTIONS_MAX
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: HOST, port }, resolve)
    })
  } catch (error) {
    await closeAedes(broker)
    throw new Error(listenFault(error as NodeJS.ErrnoException, port), { cause: error })
  }
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return {
    host: HOST,
    port: bound,
    url: `mqtt://${HOST}:${bound}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await closeAedes(broker)
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

const closeAedes = (broker: Aedes): Promise<void> =>
  new Promise((resolve) => broker.close(() => resolve()))

function listenFault({ code, message }: NodeJS.ErrnoException, port: number): string {
  if (code === 'EADDRINUSE') {
    return `port ${port} on ${HOST} is in use by another program; stop it, or choose another port for the built-in broker (--mqtt-port)`
  }
  if (code === 'EACCES')
    return `port ${port} needs more rights; choose one above 1023 (--mqtt-port)`
  return `the built-in broker cannot listen on ${HOST}:${port}: ${message}`
}
