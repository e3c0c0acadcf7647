// Out of service (alarms.md row 16, URS-36, Annex 1 5.6): a point or an instrument is taken out under a work order, and returned with
// the approval of a second person. It goes on being measured, recorded and evaluated; its alarms are listed apart meanwhile.

import { actFields, type Named, personOf, type Refusal, refuse, roleFault } from './act-reply.ts'
import { hiddenList, settleService, tellHolds } from './hold-set.ts'
import type { ActReply, Role } from './input.ts'
import { type CoreState, type PointUnit, type ServiceOut, serviceKey } from './state.ts'
import { noteHappening } from './trend-watch.ts'
import type { Turn } from './turn.ts'
import { isBusy } from './zone-state.ts'

/** Who may take out what is critical, and who may approve a return. */
const APPROVERS: readonly Role[] = ['supervisor', 'qa']

/** Takes a point or an instrument out of service. */
export function takeOut(turn: Turn, act: Named<'out_of_service'>): ActReply {
  const { state } = turn
  const { target, workOrder, reason, comment } = act
  const fault = targetFault(state, target) ?? outFault(state, act)
  if (fault !== undefined) return refuse(turn, act, fault)
  const out: ServiceOut = {
    target,
    since: Math.round(turn.at.wall),
    actor: personOf(act.actor),
    workOrder,
    ...(reason !== undefined && { reason }),
    ...(comment !== undefined && { comment }),
  }
  state.service.set(target, out)
  turn.changes.set(serviceKey(target), out)
  settleService(turn)
  const units = [...state.alarms.values()].filter(
    ({ definition }) => definition.point?.id === target || definition.instrument?.id === target,
  )
  tellHolds(turn, 'out_of_service.started', { target, workOrder, ...actFields(act) }, units)
  noteService(turn, target)
  return { ok: true, code: 'done' }
}

/** Returns it; what was hidden is listed, and what nobody acknowledged is there to be acknowledged. */
export function returnToService(turn: Turn, act: Named<'return_to_service'>): ActReply {
  const { state } = turn
  const { target } = act
  const out = state.service.get(target)
  const fault =
    out === undefined
      ? invalid(`${target} is not out of service`)
      : (roleFault(act.actor, APPROVERS) ?? secondFault(out, act))
  if (out === undefined || fault !== undefined)
    return refuse(turn, act, fault ?? invalid(`${target} is not out of service`))
  state.service.delete(target)
  turn.changes.set(serviceKey(target), undefined)
  const ended = settleService(turn)
  const { since, workOrder } = out
  const body = { target, workOrder, since, ...actFields(act), ...hiddenList(ended) }
  const units = ended.map(({ unit }) => unit)
  tellHolds(turn, 'out_of_service.ended', body, units)
  noteService(turn, target)
  return { ok: true, code: 'done' }
}

/** Single excursions that always follow maintenance are a trend (Annex 1 9.11 iii). */
function noteService(turn: Turn, target: string): void {
  const zones = pointsOf(turn.state, target).map(({ zone }) => zone.zone.id)
  for (const zone of new Set(zones)) noteHappening(turn, zone, `service ${target}`)
}

const invalid = (detail: string): Refusal => ({ code: 'invalid', detail })

const targetFault = ({ points, instruments }: CoreState, target: string): Refusal | undefined =>
  points.has(target) || instruments.has(target)
    ? undefined
    : invalid(`no point or instrument "${target}"; see the configuration`)

function outFault(
  state: CoreState,
  { target, workOrder, actor }: Named<'out_of_service'>,
): Refusal | undefined {
  if (state.service.has(target)) return invalid(`${target} is out of service already`)
  if (workOrder.trim() === '') return invalid('a work order is needed')
  const critical = [...state.alarms.values()].find(
    ({ definition }) =>
      definition.critical === true &&
      (definition.point?.id === target || definition.instrument?.id === target),
  )
  if (critical === undefined) return undefined
  const busy = busyZoneOf(state, target)
  if (busy !== undefined) {
    return invalid(
      `${busy} is being worked in and ${target} is critical; end operation there first`,
    )
  }
  return roleFault(actor, APPROVERS)
}

/** What is out of service and critical in a zone: nobody begins to work there without it. */
export function criticalOutIn(
  { service, alarms }: CoreState,
  zone: string,
): ServiceOut | undefined {
  const points = [...alarms.values()].flatMap(({ definition: { critical, point } }) =>
    critical === true && point?.zone === zone ? [point] : [],
  )
  return [...service.values()].find(({ target }) =>
    points.some(({ id, instrument }) => target === id || target === instrument),
  )
}

/** The points of a target: itself, or those of an instrument. */
function pointsOf({ points, instruments }: CoreState, target: string): readonly PointUnit[] {
  const point = points.get(target)
  return point === undefined ? (instruments.get(target)?.points ?? []) : [point]
}

/** The first zone in operation or clean-up that is measured by a point or instrument. */
const busyZoneOf = (state: CoreState, target: string): string | undefined =>
  pointsOf(state, target).find(({ zone }) => isBusy(zone))?.zone.zone.id

/** The one who took it out does not approve its return. */
const secondFault = (
  { actor }: ServiceOut,
  act: Named<'return_to_service'>,
): Refusal | undefined =>
  actor.user === act.actor.user
    ? {
        code: 'not_authorised',
        detail: 'you took it out of service; somebody else approves its return',
      }
    : undefined
