// The fault of a bus (faults.md FB3, FB16): its link has been down for longer than a quick reconnect takes, or an instrument on it is lost
// meanwhile, so that the cause is said before what follows from it (S7); or it is noisy. Says what the field side tells of links.

import { setFault } from './fault.ts'
import type { Input } from './input.ts'
import type { CoreState } from './state.ts'
import type { Millis } from './time.ts'
import type { Turn } from './turn.ts'

/** How long a link may be down before it is a bus fault: one quick reconnect is none. */
const BUS_FAULT_AFTER_MS: Millis = 3000

/** What is wrong with the link of a bus; not persisted: a start is told anew. */
export interface LinkTrouble {
  /** Monotonic moment since which it is down; undefined where it works, badly. */
  readonly downSince: Millis | undefined
  readonly detail: string
  /** What the fault of the bus was raised for. */
  readonly raised: 'down' | 'noisy' | undefined
}

/** Takes what the field side tells of the link of a bus. */
export function takeLink(turn: Turn, { bus, link }: Extract<Input, { kind: 'link' }>): void {
  const { links } = turn.state
  const known = links.get(bus)
  switch (link.is) {
    case 'down': {
      const downSince = known?.downSince ?? turn.at.mono
      links.set(bus, { downSince, detail: link.detail, raised: known?.raised })
      return
    }
    case 'noisy':
      // it has been watched for a while already
      if (known?.raised === undefined) setFaultOf(turn, bus, { detail: link.detail })
      links.set(bus, {
        downSince: undefined,
        detail: link.detail,
        raised: known?.raised ?? 'noisy',
      })
      return
    case 'open':
    case 'sound':
      links.delete(bus)
      // one from before a restart stands until something comes over the open link
      if (link.is === 'sound' || known?.raised !== undefined) setFaultOf(turn, bus, undefined)
  }
}

/** Raises what has been down for long enough. */
export function passLinks(turn: Turn): void {
  for (const [bus, { downSince, raised }] of turn.state.links) {
    if (downSince === undefined || raised === 'down') continue
    if (turn.at.mono >= downSince + BUS_FAULT_AFTER_MS) raiseWhileDown(turn, bus)
  }
}

/** The earliest of these moments (monotonic). */
export function nextLink({ links }: CoreState): Millis {
  let next = Number.POSITIVE_INFINITY
  for (const { downSince, raised } of links.values())
    if (downSince !== undefined && raised !== 'down')
      next = Math.min(next, downSince + BUS_FAULT_AFTER_MS)
  return next
}

/** Raises the fault of a bus whose link is down, at once: as urgent as the loss of the most urgent instrument on it. */
export function raiseWhileDown(turn: Turn, bus: string): void {
  const { links } = turn.state
  const known = links.get(bus)
  if (known?.downSince === undefined || known.raised === 'down') return
  links.set(bus, { ...known, raised: 'down' })
  setFaultOf(turn, bus, { detail: known.detail, ...(isVital(turn.state, bus) && { priority: 1 }) })
}

const isVital = ({ instruments }: CoreState, bus: string): boolean =>
  [...instruments.values()].some(
    ({ instrument, commFail }) => instrument.bus === bus && commFail.definition.priority === 1,
  )

/** A bus that the present configuration no longer has may still report, while its driver closes. */
function setFaultOf(
  turn: Turn,
  bus: string,
  found: { readonly detail: string; readonly priority?: 1 } | undefined,
): void {
  const unit = turn.state.alarms.get(`${bus}.bus_fault`)
  if (unit !== undefined) setFault(turn, unit, found !== undefined, found)
}
