// Which configuration is in force, and what a changed one needs before it is (URS-54, URS-68): accepted at once with what changed
// on record, or, where the site wants a second person, kept as a candidate until two people have signed it or one declines it.
// What was signed is a state row of the journal, so that a restart changes nothing. Judges no configuration (config/load.ts).

import { createHash } from 'node:crypto'
import type { Configuration, Finding } from '#config/configuration.ts'
import { type Change, differences } from '#config/differences.ts'
import { loadKept } from '#config/kept.ts'
import { formatFinding } from '#config/load.ts'
import type { ActReply } from '#core/input.ts'
import type { Instant } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { Store } from '#ports/store.ts'
import { type Accepted, readAccepted, writeAccepted } from './runtime/accepted.ts'
import type { Agent } from './runtime/agent.ts'
import {
  CANDIDATE_KEY,
  type CandidateRow,
  decline,
  type Signature,
  type Signed,
  sign,
} from './runtime/approval.ts'
import { fixedKeyFindings } from './runtime/fixed-keys.ts'

/** Values that one record of a change names; the rest is counted, and `check-config --against` shows all. */
const CHANGES_RECORDED_MAX = 200
const FAULTS_RECORDED_MAX = 20

export interface InForceOptions {
  readonly agent: Agent
  readonly store: Store
  /** The file that was named, absolute. */
  readonly file: string
  readonly clock: Clock
  /** Told of every configuration that comes into force, and of the one that waits (undefined: none does). */
  readonly changed: (inForce: Configuration, candidate: Configuration | undefined) => void
}

/** What is in force, what waits, and who has signed it. */
export interface ConfigurationView {
  readonly hash: string
  readonly file: string
  readonly acceptedAt: number
  /** Why the file as it stands is not what runs. */
  readonly rejected?: string
  readonly candidate?: CandidateRow & { readonly changes: readonly Change[] }
}

/** Keeps account of the configuration in force. */
export class ConfigurationInForce {
  readonly #options: InForceOptions
  #accepted: Accepted | undefined
  #rejected: string | undefined
  #candidate: Configuration | undefined
  #row: CandidateRow | undefined
  /** One change of what is in force at a time. */
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(options: InForceOptions) {
    this.#options = options
    const { store, agent } = options
    this.#accepted = readAccepted(agent.configuration.dataDir)
    const text = store.recovered.state.get(CANDIDATE_KEY)
    this.#row = text === undefined ? undefined : (JSON.parse(text) as CandidateRow)
  }

  /** Accepts what the agent started with, where it came from the file, or takes up the candidate beside it. */
  static async start(
    options: InForceOptions,
    given: { readonly accept: boolean; readonly candidate: Configuration | undefined },
  ): Promise<ConfigurationInForce> {
    const it = new ConfigurationInForce(options)
    if (given.candidate !== undefined) await it.offer(given.candidate, options.file)
    else if (given.accept) {
      await it.#accept(options.agent.configuration)
      await it.#withdraw()
    }
    return it
  }

  view(): ConfigurationView {
    const { agent, file } = this.#options
    const { configuration } = agent
    const changes = this.#candidate === undefined ? [] : differences(configuration, this.#candidate)
    return {
      hash: configuration.plant.hash,
      file,
      acceptedAt: this.#accepted?.acceptedAt ?? 0,
      ...(this.#rejected !== undefined && { rejected: this.#rejected }),
      ...(this.#row !== undefined && { candidate: { ...this.#row, changes } }),
    }
  }

  /** A valid configuration that differs from what runs: in force at once, or a candidate. */
  offer(next: Configuration, by: string): Promise<void> {
    return this.#inTurn(async () => {
      const running = this.#options.agent.configuration
      if (next.plant.hash !== running.plant.hash && needsSecond(running, next)) {
        return this.#propose(next, by)
      }
      await this.#withdraw()
      await this.#bringIntoForce(next, by)
    })
  }

  /** Records that the file is refused, and raises `system.config_rejected`. */
  refuse(findings: readonly Finding[]): void {
    const errors = findings.filter(({ severity }) => severity === 'error').map(formatFinding)
    const [first] = findings.filter(({ severity }) => severity === 'error')
    this.#rejected = errors.join('\n')
    const detail = `${errors.length} fault(s), first: ${first?.key}: ${first?.problem}`
    this.#condition('config_rejected', true, detail)
    const { agent, file } = this.#options
    void agent.loop.note('config.rejected', { file, faults: errors.slice(0, FAULTS_RECORDED_MAX) })
  }

  /** Somebody signs the candidate; with the second signature it comes into force. Rejects when it cannot be recorded. */
  sign(hash: string, by: Signature): Promise<ActReply> {
    return this.#inTurn(async () => {
      const signed = sign(this.#row, hash, by)
      if (!signed.ok || this.#candidate === undefined)
        return this.#refused('config.approve', hash, by, signed)
      await this.#keep(signed.row, 'config.signed', {
        ...named(by),
        signatures: signed.row.signatures.length,
      })
      if (!signed.complete) {
        const detail = 'signed as the first; it comes into force when somebody else signs it too'
        return { ok: true, code: 'done', detail }
      }
      const detail = await this.#approved(this.#candidate, signed.row)
      return { ok: true, code: 'done', detail }
    })
  }

  /** Somebody turns the candidate down: it is not taken up again until the file changes. */
  decline(hash: string, by: Signature): Promise<ActReply> {
    return this.#inTurn(async () => {
      const declined = decline(this.#row, hash, by)
      if (!declined.ok) return this.#refused('config.reject', hash, by, declined)
      await this.#keep(declined.row, 'config.declined', named(by))
      this.#showDeclined(declined.row)
      return {
        ok: true,
        code: 'done',
        detail: 'what runs goes on; change the file, then reload or restart',
      }
    })
  }

  /** Takes up a candidate as far as it was signed before; another one than before starts without a signature. */
  async #propose(next: Configuration, by: string): Promise<void> {
    const { agent, changed } = this.#options
    const { plant } = next
    this.#candidate = next
    changed(agent.configuration, next)
    if (this.#row?.hash !== plant.hash) {
      const row = { hash: plant.hash, since: Math.round(this.#now().wall), signatures: [] }
      await this.#keep(row, 'config.candidate', {
        before: agent.configuration.plant.hash,
        by,
        ...changesBody(differences(agent.configuration, next)),
      })
    }
    const row = this.#row
    if (row === undefined) return
    if (row.declined !== undefined) return this.#showDeclined(row)
    if (row.signatures.length >= 2) {
      await this.#approved(next, row)
      return
    }
    this.#showFile(undefined)
    this.#condition('config_pending', true, `${plant.hash.slice(0, 15)}… waits for two signatures`)
  }

  /** Both have signed. What names the agent itself waits for a restart, which then finds it accepted. */
  async #approved(next: Configuration, row: CandidateRow): Promise<string> {
    const { agent, file } = this.#options
    const fixed = fixedKeyFindings(agent.configuration, next, file)
    const by = row.signatures.map(({ actor }) => actor)
    await this.#withdraw(false)
    if (fixed.length === 0) {
      await this.#bringIntoForce(next, 'approval', by)
      return 'signed by two people; it is in force'
    }
    await this.#accept(next, by)
    return `signed by two people; restart the agent to put it in force (${fixed.map(({ key }) => key).join(', ')})`
  }

  async #bringIntoForce(
    next: Configuration,
    by: string,
    signed?: readonly unknown[],
  ): Promise<void> {
    const { agent, store, changed } = this.#options
    await agent.apply(next, by)
    changed(next, undefined)
    if (store.volatile !== true) await this.#accept(next, signed)
    this.#showFile(undefined)
  }

  /** Keeps a configuration as the accepted one, and records what changed where it is another than before. */
  async #accept(configuration: Configuration, signed?: readonly unknown[]): Promise<void> {
    const { agent, store, file } = this.#options
    const { dataDir } = agent.configuration
    const { plant, sources } = configuration
    if (store.volatile === true) return
    const before = readAccepted(dataDir)
    const same = before?.hash === plant.hash
    const acceptedAt = same ? before.acceptedAt : Math.round(this.#now().wall)
    const accepted = { hash: plant.hash, acceptedAt, file, sources }
    if (!same) {
      await agent.loop.note('config.accepted', {
        config: plant.hash,
        before: before?.hash ?? null,
        file,
        ...(signed !== undefined && { signed }),
        ...changesBody(changesSince(before, configuration)),
        files: sources.map((source) => ({
          path: source.builtIn ?? source.path,
          sha256: createHash('sha256').update(source.text).digest('hex'),
        })),
      })
    }
    // also where only the place changed: relative paths go on from where the file lies now
    if (!same || before.file !== file) writeAccepted(dataDir, accepted)
    this.#accepted = accepted
  }

  /** No candidate waits any more. `told`: because the file changed back or was replaced, which is an event of its own. */
  async #withdraw(told = true): Promise<void> {
    const { agent, changed } = this.#options
    this.#candidate = undefined
    changed(agent.configuration, undefined)
    this.#condition('config_pending', false)
    const row = this.#row
    if (row === undefined) return
    this.#row = undefined
    const gone = new Map([[CANDIDATE_KEY, undefined]])
    if (told) await agent.loop.note('config.withdrawn', { config: row.hash }, gone)
    else agent.loop.changeState(gone)
  }

  async #keep(
    row: CandidateRow,
    type: string,
    body: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const { agent, file } = this.#options
    const changes = new Map([[CANDIDATE_KEY, row]])
    await agent.loop.note(type, { config: row.hash, file, ...body }, changes)
    this.#row = row
  }

  async #refused(act: string, hash: string, by: Signature, verdict: Signed): Promise<ActReply> {
    const why = verdict.ok
      ? { code: 'invalid' as const, detail: 'the file was not read yet; reload the agent first' }
      : { code: verdict.code, detail: verdict.detail }
    await this.#options.agent.loop.note('act.refused', { act, config: hash, ...why, ...named(by) })
    return { ok: false, ...why }
  }

  #showDeclined({ hash, declined }: CandidateRow): void {
    this.#condition('config_pending', false)
    const who = declined?.actor.name ?? 'somebody'
    this.#showFile(`${hash} was declined by ${who}: ${declined?.comment ?? declined?.reason ?? ''}`)
  }

  /** Why the file is not what runs, as alarm and in the status; undefined where nothing speaks against it. */
  #showFile(rejected: string | undefined): void {
    this.#rejected = rejected
    this.#condition('config_rejected', rejected !== undefined, rejected)
  }

  #condition(name: string, active: boolean, detail?: string): void {
    const at = this.#now()
    const more = detail === undefined ? {} : { detail }
    this.#options.agent.input({ kind: 'condition', at, alarm: `system.${name}`, active, ...more })
  }

  #now(): Instant {
    return this.#options.clock.now()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work, work)
    this.#turn = mine
    return mine
  }
}

/** Whether a change waits for two signatures: as the configuration wants it that would be replaced. */
export const needsSecond = (running: Configuration, next: Configuration): boolean =>
  running.approval === 'second_person' && differences(running, next).some(({ second }) => second)

const named = ({ actor, reason, comment }: Signature): Readonly<Record<string, unknown>> => ({
  actor,
  ...(reason !== undefined && { reason }),
  ...(comment !== undefined && { comment }),
})

/** What changed since the accepted one; undefined where there was none, or it cannot be read any more. */
function changesSince(
  before: Accepted | undefined,
  now: Configuration,
): readonly Change[] | undefined {
  if (before === undefined) return undefined
  const kept = loadKept(before)
  return kept.ok ? differences(kept.configuration, now) : undefined
}

function changesBody(changes: readonly Change[] | undefined): Readonly<Record<string, unknown>> {
  if (changes === undefined) return {}
  const more = changes.length - CHANGES_RECORDED_MAX
  return {
    changes: changes.slice(0, CHANGES_RECORDED_MAX).map(({ second: _, ...change }) => change),
    ...(more > 0 && { more }),
  }
}
