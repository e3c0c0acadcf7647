// Pressure cascade: each room gets a surplus of supply air that leaves through leaks to its neighbours, and through open
// doors. Decides pressures and the air flows between rooms; never what those flows carry (particles.ts).

import type { Random } from '#core/random.ts'
import { type Fluctuation, fluctuate } from './chance.ts'
import type { Room } from './rooms.ts'

/** The name of everything that is not a zone; its pressure is 0. */
export const OUTSIDE = 'outside'

/** m³/s per Pa through the cracks of a shut door (15 Pa drive some 60 L/s). */
const LEAK = 0.004
/** m³/s per Pa through the cracks to the outside. */
const LEAK_OUTSIDE = 0.001
/** m³/s per Pa through an open door: nearly the same pressure on both sides. */
const OPEN_DOOR = 0.3
/** Air exchanged both ways through an open door by the difference in temperature and by walking, m³/s. */
const DOOR_MIXING = 0.15
/** How fast room and air handling together follow a change, s. */
const SETTLING_SECONDS = 2
/** Rounds of the implicit solution of one step; rooms are few and the equations dominated by their diagonal. */
const ROUNDS = 24
/** Unsteadiness of the air handling in Pa of the room's own pressure, and its correlation time in s. */
const UNSTEADY_PA = 0.15
const UNSTEADY_SECONDS = 20

interface Edge {
  readonly a: string
  readonly b: string
  readonly leak: number
  doors: number
}

interface Node {
  readonly room: Room
  /** Supply minus return, m³/s, that holds the nominal pressure with all doors shut. */
  supply: number
  /** The room a cabinet takes its air from. */
  host: Node | undefined
  readonly conductance: number
  readonly unsteady: Fluctuation
  pressurePa: number
  offsetPa: number
  fan: boolean
}

/** Air moving between two rooms, m³/s, `net` from `from` to `to`, and `mixing` both ways. */
export interface AirFlow {
  readonly from: string
  readonly to: string
  readonly net: number
  readonly mixing: number
}

/** The air of all rooms. Lives as long as the plant and moves only when advanced. */
export class Air {
  readonly #nodes = new Map<string, Node>()
  readonly #edges: Edge[] = []
  readonly #random: Random

  constructor(
    rooms: readonly Room[],
    pairs: readonly (readonly [string, string])[],
    random: Random,
  ) {
    this.#random = random
    const zones = rooms.filter((room) => room.kind !== 'incubator')
    const known = new Map(zones.map((room) => [room.id, room.pressurePa]))
    for (const [a, b] of pairs) {
      if (known.has(a) && known.has(b)) this.#edges.push({ a, b, leak: LEAK, doors: 0 })
    }
    for (const room of zones) {
      // A cabinet has no wall to the outside.
      const leak = room.kind === 'cabinet' ? 0 : LEAK_OUTSIDE
      this.#edges.push({ a: room.id, b: OUTSIDE, leak, doors: 0 })
    }
    for (const room of zones) this.#nodes.set(room.id, this.#nodeOf(room, known))
    for (const node of this.#nodes.values()) {
      // A cabinet blows out the air of its room, which the room's supply makes up for.
      if (node.room.kind === 'cabinet') node.host = this.#nodes.get(node.room.within ?? '')
      if (node.host !== undefined) node.host.supply += node.supply
    }
  }

  #nodeOf(room: Room, pressures: ReadonlyMap<string, number>): Node {
    const edges = this.#edges.filter((edge) => edge.a === room.id || edge.b === room.id)
    const other = (edge: Edge): number => pressures.get(edge.a === room.id ? edge.b : edge.a) ?? 0
    return {
      room,
      supply: edges.reduce((sum, edge) => sum + edge.leak * (room.pressurePa - other(edge)), 0),
      host: undefined,
      conductance: edges.reduce((sum, edge) => sum + edge.leak, 0),
      unsteady: { deviation: UNSTEADY_PA, seconds: UNSTEADY_SECONDS, value: 0 },
      pressurePa: room.pressurePa,
      offsetPa: 0,
      fan: true,
    }
  }

  /** Pressure above the outside; an incubator has its room's, a name that is no zone has none. */
  pressure(zone: string): number {
    return this.#nodes.get(zone)?.pressurePa ?? 0
  }

  /** Whether the zone's supply fan runs. */
  fanRuns(zone: string): boolean {
    return this.#nodes.get(zone)?.fan ?? true
  }

  setFan(zone: string, runs: boolean): void {
    const node = this.#nodes.get(zone)
    if (node !== undefined) node.fan = runs
  }

  /** Shifts the pressure the air handling aims at, for a while, by so many Pa. */
  setOffset(zone: string, offsetPa: number): void {
    const node = this.#nodes.get(zone)
    if (node !== undefined) node.offsetPa = offsetPa
  }

  /** Opens or shuts a door between two zones, or between a zone and its neighbour of lowest pressure. */
  moveDoor(zone: string, to: string | undefined, open: boolean): void {
    const edge = this.#edgeOf(zone, to ?? this.neighbourBelow(zone))
    edge.doors = Math.max(0, edge.doors + (open ? 1 : -1))
  }

  /** Whether any door of the zone stands open. */
  doorOpen(zone: string): boolean {
    return this.#edges.some((edge) => edge.doors > 0 && (edge.a === zone || edge.b === zone))
  }

  /** The neighbour a zone's door leads to when nothing else is said: the one held at the lowest pressure. */
  neighbourBelow(zone: string): string {
    let lowest = { name: OUTSIDE, pressurePa: Number.POSITIVE_INFINITY }
    for (const edge of this.#edges) {
      if (edge.a !== zone && edge.b !== zone) continue
      const name = edge.a === zone ? edge.b : edge.a
      const pressurePa = this.#nodes.get(name)?.room.pressurePa ?? Number.POSITIVE_INFINITY
      if (pressurePa < lowest.pressurePa) lowest = { name, pressurePa }
    }
    return lowest.name
  }

  #edgeOf(a: string, b: string): Edge {
    const found = this.#edges.find(
      (edge) => (edge.a === a && edge.b === b) || (edge.a === b && edge.b === a),
    )
    if (found !== undefined) return found
    const edge: Edge = { a, b, leak: 0, doors: 0 }
    this.#edges.push(edge)
    return edge
  }

  /** Lets so many seconds pass, at most a few tenths at a time. */
  advance(seconds: number): void {
    const nodes = [...this.#nodes.values()]
    const start = new Map(nodes.map((node) => [node.room.id, node.pressurePa]))
    const supply = nodes.map((node) => this.#supply(node, seconds))
    const inertia = nodes.map((node) => (node.conductance * SETTLING_SECONDS) / seconds)
    for (let round = 0; round < ROUNDS; round++) {
      nodes.forEach((node, index) => {
        const own = inertia[index] ?? 0
        let weight = own
        let push = own * (start.get(node.room.id) ?? 0) + (supply[index] ?? 0)
        for (const edge of this.#edges) {
          if (edge.a !== node.room.id && edge.b !== node.room.id) continue
          const conductance = edge.leak + edge.doors * OPEN_DOOR
          weight += conductance
          push += conductance * this.pressure(edge.a === node.room.id ? edge.b : edge.a)
        }
        if (weight > 0) node.pressurePa = push / weight
      })
    }
  }

  #supply(node: Node, seconds: number): number {
    const unsteady = fluctuate(node.unsteady, seconds, this.#random)
    const own = node.fan ? node.supply + node.conductance * (node.offsetPa + unsteady) : 0
    let drawn = 0
    for (const guest of this.#nodes.values()) {
      if (guest.host === node && guest.fan) drawn += guest.supply
    }
    return own - drawn
  }

  /** What moves between the zones now. */
  flows(): AirFlow[] {
    return this.#edges.map((edge) => {
      const conductance = edge.leak + edge.doors * OPEN_DOOR
      const net = conductance * (this.pressure(edge.a) - this.pressure(edge.b))
      const mixing = edge.doors * DOOR_MIXING
      return net >= 0
        ? { from: edge.a, to: edge.b, net, mixing }
        : { from: edge.b, to: edge.a, net: -net, mixing }
    })
  }
}
