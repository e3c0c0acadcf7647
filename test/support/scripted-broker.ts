// A broker that does exactly what a test says, packet by packet: for what real brokers do only now and then.

import { createServer, type Socket } from 'node:net'
import {
  generate,
  type IConnackPacket,
  type IPublishPacket,
  type Packet,
  parser as packetParser,
} from 'mqtt-packet'

export interface Peer {
  readonly socket: Socket
  readonly session: number
  readonly protocolVersion: number
  send(...packets: Packet[]): void
}

export interface ScriptedBroker {
  readonly port: number
  readonly url: string
  /** Packets of each connection, in order. */
  readonly sessions: Packet[][]
  readonly publishes: (IPublishPacket & { session: number; text: string })[]
  readonly peers: Peer[]
  /** Most messages without an answer at once. */
  readonly unansweredMax: number
  close(): Promise<void>
}

export interface Script {
  /** CONNACK to send; none: silence. */
  connack?: (peer: Peer, session: number) => Partial<IConnackPacket> | undefined
  /** Further packets sent in the same segment as the CONNACK. */
  beside?: (session: number) => Packet[]
  /** Reason code of the PUBACK after `delayMs`; undefined: no answer. */
  puback?: (packet: IPublishPacket, peer: Peer) => number | undefined
  delayMs?: number
}

export async function scriptedBroker(script: Script = {}): Promise<ScriptedBroker> {
  const sessions: Packet[][] = []
  const publishes: (IPublishPacket & { session: number; text: string })[] = []
  const peers: Peer[] = []
  let unansweredMax = 0
  const server = createServer((socket) => {
    const session = sessions.length
    const seen: Packet[] = []
    sessions.push(seen)
    let protocolVersion = 4
    let unanswered = 0
    const parser = packetParser({ protocolVersion: 5 })
    const send = (...packets: Packet[]): void => {
      if (socket.destroyed) return
      socket.write(Buffer.concat(packets.map((each) => generate(each, { protocolVersion }))))
    }
    const peer: Peer = {
      socket,
      session,
      send,
      get protocolVersion() {
        return protocolVersion
      },
    }
    peers.push(peer)
    const answer = (packet: IPublishPacket): void => {
      unanswered++
      unansweredMax = Math.max(unansweredMax, unanswered)
      const reply = (): void => {
        const reasonCode = (script.puback ?? (() => 0))(packet, peer)
        if (reasonCode === undefined) return
        unanswered--
        send({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode })
      }
      if (script.delayMs === undefined) reply()
      else setTimeout(reply, script.delayMs)
    }
    parser.on('packet', (packet: Packet) => {
      seen.push(packet)
      if (packet.cmd === 'connect') {
        protocolVersion = packet.protocolVersion ?? 4
        const connack = (script.connack ?? (() => ({})))(peer, session)
        if (connack === undefined) return
        const base = {
          cmd: 'connack',
          sessionPresent: false,
          reasonCode: 0,
          returnCode: 0,
        } as const
        send({ ...base, ...connack }, ...(script.beside?.(session) ?? []))
      } else if (packet.cmd === 'publish') {
        publishes.push({ ...packet, session, text: packet.payload.toString() })
        if (packet.qos === 1) answer(packet)
      } else if (packet.cmd === 'subscribe') {
        const granted = packet.subscriptions.map(() => 1)
        send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted })
      } else if (packet.cmd === 'pingreq') send({ cmd: 'pingresp' })
    })
    parser.on('error', () => socket.destroy())
    socket.on('data', (bytes) => parser.parse(bytes))
    socket.on('error', () => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    sessions,
    publishes,
    peers,
    get unansweredMax() {
      return unansweredMax
    },
    close: () =>
      new Promise((resolve) => {
        for (const { socket } of peers) socket.destroy()
        server.close(() => resolve())
      }),
  }
}
