// Whether another configuration asks for another way to the broker: another one is built then, and goes on at the same cursors. Compares
// everything that an uplink is built with and that does not change by itself.

import type { Configuration } from '#config/configuration.ts'
import { contactsOf } from '#core/reminder-contacts.ts'

const builtWith = ({ mqtt, plant }: Configuration): string =>
  // whether a test alarm comes back is a subscription; each contact has a topic from the start
  JSON.stringify([mqtt, plant.alarmPath !== undefined, contactsOf(plant)])

export const needsAnotherUplink = (now: Configuration, next: Configuration): boolean =>
  builtWith(now) !== builtWith(next)
