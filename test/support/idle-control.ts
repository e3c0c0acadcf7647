// Parts of the local socket that a case does not use: asked all the same, they fail it.

import type { PeoplePort } from '#ports/people.ts'
import type { ControlHandlers } from '../../agent/control/context.ts'

const unasked = (): Promise<never> => Promise.reject(new Error('nobody was to ask for this'))

/** People nobody may ask for. */
export const IDLE_PEOPLE: PeoplePort = {
  authenticate: unasked,
  add: unasked,
  change: unasked,
  setPin: unasked,
  addFirst: unasked,
  list: () => [],
}

/** A configuration that nobody signs, an empty trail. */
export const IDLE_HANDLERS: Pick<ControlHandlers, 'audit' | 'configuration'> = {
  audit: async () => ({ timezone: 'UTC', records: [] }),
  configuration: {
    view: () => ({ hash: 'sha256:abc', file: '/etc/config.yaml', acceptedAt: 0 }),
    sign: unasked,
    decline: unasked,
  },
}
