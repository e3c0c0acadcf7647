// The topic tree of contract §3: names of what goes out, meaning of what comes in. Pure; no leaf is also a parent.

import { STREAMS, type Stream } from '#core/record.ts'

export interface Place {
  readonly org: string
  readonly site: string
  readonly gateway: string
}

/** `cr/v1/{org}/{site}/{gateway}/` */
export const baseTopic = ({ org, site, gateway }: Place): string =>
  `cr/v1/${org}/${site}/${gateway}/`

/** `cr-{org}-{site}-{gateway}` */
export const clientIdOf = ({ org, site, gateway }: Place): string => `cr-${org}-${site}-${gateway}`

/**
 * What is subscribed to: commands must never be retained, watermarks always are. The own status shows whether the broker
 * still remembers what was said before; it comes before the birth is written, since the broker works in order.
 */
export const subscriptionsOf = (base: string, echoed?: string) =>
  [
    { filter: `${base}status`, qos: 0, retainAsPublished: false, noLocal: true },
    { filter: `${base}cmd/+/+`, qos: 1, retainAsPublished: true, noLocal: false },
    { filter: `${base}confirm/+/+`, qos: 1, retainAsPublished: false, noLocal: false },
    ...(echoed === undefined
      ? []
      : ([{ filter: base + echoed, qos: 1, retainAsPublished: false, noLocal: false }] as const)),
  ] as const

/** A user or consumer as the last level of a topic: what may be published back under `reply/`. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/

/** True when the name can stand as one topic level: no separator, no wildcard, no control character. */
export const isTopicName = (name: string): boolean => NAME.test(name)

export type InboundTopic =
  | { readonly kind: 'command'; readonly command: string; readonly user: string }
  | { readonly kind: 'confirm'; readonly stream: string; readonly consumer: string }

/** What a topic below the base asks for; undefined when it is none of ours. */
export function parseInbound(base: string, topic: string): InboundTopic | undefined {
  if (!topic.startsWith(base)) return undefined
  const [leaf, name, who, ...rest] = topic.slice(base.length).split('/')
  if (rest.length > 0 || name === undefined || who === undefined) return undefined
  if (!isTopicName(name) || !isTopicName(who)) return undefined
  if (leaf === 'cmd') return { kind: 'command', command: name, user: who }
  if (leaf === 'confirm') return { kind: 'confirm', stream: name, consumer: who }
  return undefined
}

export const isStream = (name: unknown): name is Stream => STREAMS.some((stream) => stream === name)
