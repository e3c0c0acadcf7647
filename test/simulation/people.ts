// The people of the site: they see an alarm and acknowledge it — rightly, with the wrong occurrence, with an old revision, twice,
// late, without a comment — at the box or as signed commands over MQTT, sometimes the same command again. Keeps account of what
// each act was answered, for A6.

import type { Act, Actor, ActReply } from '#core/input.ts'
import { alarmList } from '#core/step.ts'
import type { Signer } from '../../agent/access/signed-command.ts'
import { privateKeyOf, publicPemOf, type SignerName, signed } from '../support/command-signer.ts'
import { BASE } from './consumer.ts'
import type { Dice } from './dice.ts'
import type { World } from './world.ts'

const MINUTE = 60_000

const PEOPLE: Readonly<Record<SignerName, Omit<Signer, 'publicKey'>>> = {
  jdoe: { name: 'jdoe', fullName: 'J. Doe', role: 'technician', disabled: false },
  asmith: { name: 'asmith', fullName: 'A. Smith', role: 'supervisor', disabled: false },
  mallory: { name: 'mallory', fullName: 'M. Allory', role: 'administrator', disabled: false },
}

const isSigner = (user: string): user is SignerName => Object.hasOwn(PEOPLE, user)
const KEYS = new Map<SignerName, string>()
const PRIVATE = new Map(
  (['jdoe', 'asmith', 'mallory'] as const).map((name) => [name, privateKeyOf(name)] as const),
)

/** The agent's record of a person, as its accounts would hold it. */
export function signerOf(user: string): Signer | undefined {
  if (!isSigner(user)) return undefined
  const publicKey = KEYS.get(user) ?? publicPemOf(user)
  KEYS.set(user, publicKey)
  return { ...PEOPLE[user], publicKey }
}

export const roleOf = (user: string): string | undefined =>
  isSigner(user) ? PEOPLE[user].role : undefined

interface Seen {
  readonly alarm: string
  readonly occ: string
  readonly rev: number
  readonly state: string
}

export class People {
  readonly #world: World
  readonly #dice: Dice
  #ids = 0
  /** Commands that were sent, to be sent again. */
  #sent: { topic: string; payload: string }[] = []

  constructor(world: World) {
    this.#world = world
    this.#dice = world.dice.stream('people')
    this.#later()
  }

  #later(): void {
    const { timeline, scenario } = this.#world
    timeline.after(this.#dice.about(2 * MINUTE) + 100, () => {
      if (this.#world.now >= scenario.safetyMs) return
      this.#look()
      this.#later()
    })
  }

  /** Somebody looks at the alarms and, a moment later, acts on what was seen then. */
  #look(): void {
    const { host, timeline } = this.#world
    const { agent } = host
    const dice = this.#dice
    if (agent === undefined) return
    if (dice.chance(0.05)) this.#changeOccupancy()
    const open = alarmList(agent.loop.state).flatMap(({ alarm, state }): Seen[] => {
      const occurrence = agent.loop.state.alarms.get(alarm)?.state.occurrence
      return occurrence == null ? [] : [{ alarm, occ: occurrence.occ, rev: occurrence.rev, state }]
    })
    if (open.length === 0) return
    const seen = dice.pick(open)
    const late = dice.chance(0.3) ? dice.about(3 * MINUTE) : dice.about(4000)
    timeline.after(late, () => this.#act(seen))
    if (dice.chance(0.2)) timeline.after(late + dice.between(0, 40), () => this.#act(seen))
  }

  #act(seen: Seen): void {
    const dice = this.#dice
    const mistaken = dice.chance(0.2)
    const wrong = dice.whole(0, 3)
    const occ = mistaken && wrong === 0 ? `${seen.occ.slice(0, -3)}ZZZ` : seen.occ
    const alarm = mistaken && wrong === 1 ? 'i9-9-9.action_high' : seen.alarm
    const rev = mistaken && wrong === 2 ? seen.rev + 5 : seen.rev
    const comment = mistaken && wrong === 3 ? undefined : 'seen'
    const reset = seen.state.startsWith('latched_ack') || dice.chance(0.1)
    const fields = {
      alarm,
      occ,
      rev,
      reason: 'door_opened',
      ...(comment !== undefined && { comment }),
    }
    if (dice.chance(0.5)) this.#send(reset ? 'reset' : 'ack', fields)
    else this.carryOut({ kind: reset ? 'reset' : 'ack', actor: this.actor(this.#dice), ...fields })
  }

  /** Somebody, at the box. */
  actor(dice: Dice): Actor {
    const { name, fullName, role } =
      PEOPLE[dice.pick(['jdoe', 'jdoe', 'asmith', 'mallory'] as const)]
    return { user: name, name: fullName, role, via: 'local' }
  }

  #changeOccupancy(): void {
    const state = this.#dice.pick(['at_rest', 'in_operation', 'clean_up'] as const)
    this.carryOut({ kind: 'occupancy', actor: this.actor(this.#dice), zone: 'room', state })
  }

  /** An act at the box, now. */
  carryOut(act: Act): void {
    const { host, seen, acts } = this.#world
    const { agent, process } = host
    if (agent === undefined || process === undefined) return
    process.post(() => {
      if (host.agent !== agent) return
      agent.act(act).then(
        (reply: ActReply) => {
          if (!process.alive) return
          seen.call(this.#world, `act ${act.kind}: ${reply.code}`)
          acts.answered(act, reply)
        },
        () => {},
      )
    })
  }

  /** A signed command over MQTT; now and then one that was sent before, as it was. */
  #send(kind: 'ack' | 'reset', fields: Readonly<Record<string, unknown>>): void {
    const { broker, host, timeline } = this.#world
    const dice = this.#dice
    const by = dice.pick(['jdoe', 'asmith', 'mallory'] as const)
    const wall = host.boot.wall(host.boot.mono(timeline.now))
    const id = `cmd-${++this.#ids}-${Math.floor(dice.random() * 1e9)}`
    const command = { v: 1, id, aud: 'gw-01', ...fields, by, iat: wall - 500, exp: wall + 30_000 }
    const key = PRIVATE.get(by)
    const message = {
      topic: `${BASE}cmd/${kind}/${by}`,
      payload: JSON.stringify(signed(command, by, key && { key })),
    }
    this.#sent.push(message)
    if (this.#sent.length > 20) this.#sent.shift()
    broker.publish(message.topic, message.payload, false)
    if (!dice.chance(0.4)) return
    const again = dice.pick(this.#sent)
    timeline.after(dice.about(MINUTE), () => broker.publish(again.topic, again.payload, false))
  }
}
