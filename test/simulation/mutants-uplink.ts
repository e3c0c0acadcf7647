// Planted bugs of the way out.

import type { OpenSession, SessionEvents } from '../../agent/uplink/session.ts'
import type { PlantedBug } from './mutant.ts'

const MINUTE = 60_000

const hearing =
  (open: OpenSession, change: (events: SessionEvents) => SessionEvents): OpenSession =>
  (request, events) =>
    open(request, change(events))

export const uplinkMutants: readonly PlantedBug[] = [
  {
    name: 'sent counts as delivered, without waiting for the PUBACK',
    caughtBy: ['D4', 'S1'],
    force: { brokerCut: MINUTE },
    session: (open) => (request, events) => {
      const session = open(request, { ...events, answered: () => {} })
      return {
        ...session,
        publish: (publication) => {
          const id = session.publish(publication)
          if (id !== 0) queueMicrotask(() => events.answered(id, 0))
          return id
        },
      }
    },
  },
  {
    name: 'nobody listening counts as delivered',
    caughtBy: ['D4'],
    force: { deaf: 4 * MINUTE },
    session: (open) =>
      hearing(open, (events) => ({
        ...events,
        answered: (id, code) => events.answered(id, code === 0x10 ? 0 : code),
      })),
  },
  {
    name: 'a refusal counts as delivered',
    caughtBy: ['D4'],
    force: { brokerDeny: 4 * MINUTE },
    session: (open) =>
      hearing(open, (events) => ({
        ...events,
        answered: (id, code) => events.answered(id, code >= 0x80 ? 0 : code),
      })),
  },
  {
    name: 'the server’s receive maximum is ignored',
    caughtBy: ['S1'],
    force: { smallWindow: 1, brokerDown: 5 * MINUTE },
    session: (open) =>
      hearing(open, (events) => ({
        ...events,
        opened: (grant) => events.opened({ ...grant, receiveMaximum: 65_535 }),
      })),
  },
  {
    name: 'some alarm states are never published',
    caughtBy: ['A8', 'A2'],
    uplink: (uplink) => {
      let count = 0
      return new Proxy(uplink, {
        get: (target, key) => {
          if (key === 'alarmStates') {
            return (states: Parameters<typeof uplink.alarmStates>[0]) => {
              target.alarmStates(states.filter(() => ++count % 3 !== 0))
            }
          }
          const member = Reflect.get(target, key, target) as unknown
          return typeof member === 'function' ? member.bind(target) : member
        },
      })
    },
  },
  {
    name: 'no rebirth on a broker that forgot everything',
    caughtBy: ['A8', 'A2'],
    force: { brokerForget: 10 * MINUTE },
    session: (open) => {
      let sessions = 0
      return (request, events) => {
        const again = sessions++ > 0
        const session = open(request, events)
        return {
          ...session,
          publish: (publication) =>
            session.publish(
              again &&
                publication.topic.includes('/alarm/') &&
                publication.payload.includes('"state":"normal"')
                ? {
                    ...publication,
                    retain: false,
                    topic: publication.topic.replace('/alarm/', '/lost/'),
                  }
                : publication,
            ),
        }
      }
    },
  },
  {
    name: 'alarms wait behind the backlog',
    caughtBy: ['A2'],
    uplink: (uplink) =>
      new Proxy(uplink, {
        get: (target, key) => {
          if (key === 'alarmStates') return () => {}
          const member = Reflect.get(target, key, target) as unknown
          return typeof member === 'function' ? member.bind(target) : member
        },
      }),
  },
  {
    name: 'reconnecting does not wait',
    caughtBy: ['S2'],
    force: { brokerDown: 5 * MINUTE },
    random: () => () => 0,
  },
  {
    name: 'a record on which the broker hangs up is set aside without a word',
    caughtBy: ['D4'],
    force: { poison: 8 * MINUTE },
    started: ({ loop }) => {
      const input = loop.input.bind(loop)
      loop.input = (given) =>
        given.kind === 'note' && given.type === 'uplink.rejected'
          ? input({ ...given, type: 'uplink.other' })
          : input(given)
    },
  },
  {
    name: 'what waited through a long outage is dropped',
    caughtBy: ['D4', 'S3'],
    force: { brokerDown: 6 * MINUTE },
    store: (store) => {
      let head = store.recovered.head.seq
      return {
        recovered: store.recovered,
        commit: async (commit) => {
          const reached = await store.commit(commit)
          head = reached.seq
          return reached
        },
        batches: (query) => store.batches({ ...query, after: Math.max(query.after, head - 200) }),
        count: (stream, after) => store.count(stream, after),
        close: () => store.close(),
      }
    },
  },
]
