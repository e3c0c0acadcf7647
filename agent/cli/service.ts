// `out-of-service` and `return-to-service`: a point or an instrument under a work order, and its approved return (URS-36).

import { type ActOptions, doAct, type Io, wordsOf } from './act.ts'

export interface OutOfServiceOptions extends ActOptions {
  readonly workOrder: string
}

/** Takes a point or an instrument out of service; the exit code. */
export async function outOfService(
  target: string,
  options: OutOfServiceOptions,
  io: Io,
): Promise<number> {
  const { workOrder } = options
  return doAct({ op: 'out_of_service', target, workOrder, ...wordsOf(options) }, options, io)
}

/** Approves its return; the exit code. */
export async function returnToService(
  target: string,
  options: ActOptions,
  io: Io,
): Promise<number> {
  return doAct({ op: 'return_to_service', target, ...wordsOf(options) }, options, io)
}
