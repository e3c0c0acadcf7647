// `users add` while no agent runs: the person goes straight into the store, as one event with one state row.
// The store's lock keeps it from an agent that does run; what the agent last knew of time and alarms stays untouched.

import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Origin } from '#core/point.ts'
import { ulid } from '#core/random.ts'
import type { Clock } from '#ports/clock.ts'
import { silentLog } from '#ports/log.ts'
import type { Adder, Addition, NewPerson, RecordNote } from '#ports/people.ts'
import type { Store } from '#ports/store.ts'
import { People } from '../access/people.ts'
import { systemClock } from '../runtime/system-clock.ts'
import { makeDirectory } from '../runtime/system-directory.ts'
import { openStore } from '../store/sqlite-store.ts'
import { StoreError, type StoreErrorKind } from '../store/store-error.ts'
import { CommandError, EXIT, type ExitCode } from './exit-code.ts'

export interface OfflineOptions {
  readonly dataDir: string
  /** The configuration that named the directory; only then a new store may be begun. */
  readonly config: string | undefined
  readonly osUser: string
}

/** Adds a person to the store of a data directory that no agent holds. Throws CommandError in words. */
export async function addToStore(
  person: NewPerson,
  login: { readonly user: string; readonly pin: string } | undefined,
  options: OfflineOptions,
): Promise<Addition> {
  const { dataDir, osUser } = options
  const clock = systemClock()
  const origin = await originOf(options)
  requireOwner(dataDir)
  try {
    const store = await openStore({
      dataDir,
      origin,
      log: silentLog,
      wall: () => clock.now().wall,
      newEpoch: () => ulid(clock.now().wall, () => randomBytes(4).readUInt32BE() / 2 ** 32),
    })
    try {
      const record = recorderOf(store, clock)
      const people = new People({ rows: store.recovered.state, now: clock.now(), record })
      const by = await adderOf(people, login, { osUser, clock })
      return 'code' in by ? by : await people.add(person, by, clock.now())
    } finally {
      await store.close()
    }
  } catch (fault) {
    if (!(fault instanceof StoreError)) throw fault
    throw new CommandError(EXIT_OF_STORE[fault.kind], fault.message, { cause: fault })
  }
}

const EXIT_OF_STORE: Readonly<Record<StoreErrorKind, ExitCode>> = {
  locked: EXIT.tryLater,
  overload: EXIT.tryLater,
  origin: EXIT.configuration,
  corrupt: EXIT.io,
  version: EXIT.io,
  full: EXIT.io,
  io: EXIT.io,
  closed: EXIT.io,
}

/**
 * Commits notes as the agent would. The commit keeps the moment and boot of the one before it: a start takes those for
 * the last moment the agent ran, and what was pending then must not be counted from the moment somebody was added.
 */
function recorderOf(store: Store, clock: Clock): RecordNote {
  const { head, tb, lastCommit } = store.recovered
  let seq = head.seq
  return async ({ type, body }, changes) => {
    const now = clock.now()
    const rows = new Map(changes)
    // A store that was never run on was never stopped uncleanly either.
    if (lastCommit === undefined) rows.set('run', { clean: true })
    const committed = await store.commit({
      at: lastCommit?.at ?? now,
      bootId: lastCommit?.bootId ?? clock.bootId,
      tb,
      first: seq + 1,
      records: [{ kind: 'event', event: { type, ts: now.wall, body } }],
      state: [...rows].map(([key, value]) => ({
        key,
        value: value === undefined ? undefined : JSON.stringify(value),
      })),
    })
    seq = committed.seq
  }
}

async function adderOf(
  people: People,
  login: { readonly user: string; readonly pin: string } | undefined,
  { osUser, clock }: { readonly osUser: string; readonly clock: Clock },
): Promise<Adder | Exclude<Addition, { ok: true }>> {
  if (login === undefined) return { kind: 'box', osUser }
  const verdict = await people.authenticate(login, {
    at: clock.now(),
    via: 'local',
    about: { act: 'users.add' },
  })
  if (verdict.ok) return { kind: 'person', actor: verdict.actor }
  const code = verdict.code === 'busy' ? 'busy' : 'not_authorised'
  return { ok: false, code, detail: verdict.detail }
}

/** Real or simulated: as the directory is marked; a new one as its configuration says (URS-69). */
async function originOf({ dataDir, config }: OfflineOptions): Promise<Origin> {
  const marker = path.join(dataDir, 'origin')
  if (existsSync(marker))
    return readFileSync(marker, 'utf8').trim() === 'simulated' ? 'simulated' : 'instrument'
  if (config === undefined)
    throw new CommandError(
      EXIT.notReachable,
      `no agent ever ran in ${dataDir}, and none runs now; start one with: cleanroom-agent run --config FILE, ` +
        'or name its configuration with --config FILE to begin',
    )
  const { loadConfiguration } = await import('#config/load.ts')
  const loaded = loadConfiguration(config)
  if (!loaded.ok)
    throw new CommandError(
      EXIT.configuration,
      `${config} is not valid, and nothing ran in ${dataDir} yet; see: cleanroom-agent check-config ${config}`,
    )
  makeDirectory(dataDir)
  return loaded.configuration.plant.origin
}

/** Files written by somebody else would lock the agent out of its own store. */
function requireOwner(dataDir: string): void {
  const { uid } = statSync(dataDir)
  if (process.geteuid === undefined || process.geteuid() === uid) return
  throw new CommandError(
    EXIT.notPermitted,
    `${dataDir} belongs to user id ${uid}; run this as that user (sudo -u '#${uid}' cleanroom-agent users add …), or start the agent first`,
  )
}
