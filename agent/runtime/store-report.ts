// What the store found at the start, told as events and as system.storage_fault: a journal set aside, damaged earlier files,
// what was salvaged. Decides when the alarm is over: once everything that can be got out has been.

import type { Instant } from '#core/time.ts'
import type { Log } from '#ports/log.ts'
import type { FileLoss, Salvaged, Store } from '#ports/store.ts'
import type { Loop } from './loop.ts'

export const STORAGE_FAULT = 'system.storage_fault'

export interface StoreReportOptions {
  readonly store: Store
  readonly loop: Pick<Loop, 'input' | 'changeState'>
  /** Keys of rows of the state that the start could not go on from; they are deleted with it. */
  readonly leftOut?: readonly string[]
  readonly log: Log
  readonly now: () => Instant
}

/** State row of the damaged files that have been told, so that each is told once. */
const TOLD = 'store/damaged'
/** Rows of the state that are named one by one. */
const ROWS_NAMED_MAX = 100

/** Tells what was found; the salvage goes on in the background. */
export function reportStore(options: StoreReportOptions): void {
  const { store, leftOut = [], loop, log, now } = options
  const condition = (active: boolean, detail?: string): void => {
    const given = detail === undefined ? {} : { detail }
    loop.input({ kind: 'condition', at: now(), alarm: STORAGE_FAULT, active, ...given })
  }
  const note = (type: string, body: Readonly<Record<string, unknown>>): void => {
    loop.input({ kind: 'note', at: now(), type, body, urgent: true })
  }
  const { quarantined, unsalvaged = [], lost, damaged = [], state } = store.recovered
  if (store.volatile === true) {
    condition(true, 'the disk is out of order: nothing is recorded until it is mended')
    return
  }
  const told = JSON.parse(state.get(TOLD) ?? '[]') as string[]
  const untold = damaged.filter(({ file }) => !told.includes(file))
  for (const { file, message } of untold) {
    log.error('store_file_damaged', { file, message })
    note('store.damaged', { file, found: message })
  }
  if (untold.length > 0) loop.changeState(new Map([[TOLD, damaged.map(({ file }) => file)]]))
  if (leftOut.length > 0) {
    const rows = leftOut.slice(0, ROWS_NAMED_MAX)
    log.error('state_left_out', { count: leftOut.length, rows })
    note('store.state_left_out', { count: leftOut.length, rows })
  }
  const words = [
    ...(leftOut.length === 0
      ? []
      : [`${leftOut.length} rows of the state could not be gone on from: ${leftOut[0]}`]),
    ...(quarantined === undefined
      ? []
      : [`${quarantined.found}; it lies in ${quarantined.directory}, a new journal was begun`]),
    // a start that ended too soon named it in a record, and raised nothing
    ...(quarantined === undefined
      ? unsalvaged.map((directory) => `a journal that was set aside lies in ${directory}`)
      : []),
    ...(lost === undefined ? [] : [lost]),
    ...untold.map(({ message }) => message),
  ]
  if (words.length > 0) condition(true, words.join('; '))
  store.onLoss?.(({ rows, ...loss }) => {
    const type = loss.lostRecords > 0 ? 'store.records_lost' : 'store.damaged'
    log.error('store_file_examined', { ...loss })
    condition(true, lossInWords(loss))
    loop.changeState(rows)
    note(type, loss)
    // What can still be had of it goes on with this commit; somebody has to have seen it.
    condition(false)
  })
  // it stands until a start has examined the file
  store.onUnreadable?.((found) =>
    condition(true, `${found}; what waits in that file is not sent until the agent starts again`),
  )
  void salvaged(store).then(
    (all) => {
      // given up: the store is being closed, and nothing is over
      if (all === undefined) return
      for (const { rows, ...each } of all) {
        if (each.skipped === undefined) loop.changeState(rows)
        tellSalvaged(each, note, log)
      }
      condition(false)
    },
    (error: unknown) => log.error('salvage_not_told', { error: String(error) }),
  )
}

const lossInWords = ({ file, missing, lostRecords, from, through }: Omit<FileLoss, 'rows'>) =>
  missing
    ? `${file} with records ${from} to ${through} is not there any more`
    : `${lostRecords} of the records ${from} to ${through} in ${file} cannot be read any more`

/** What was got out of journals set aside; undefined where a stop came first. */
const salvaged = async (store: Store): Promise<readonly Salvaged[] | undefined> =>
  store.salvage === undefined ? [] : store.salvage()

function tellSalvaged(
  { skipped, epoch, ...rest }: Omit<Salvaged, 'rows'>,
  note: (type: string, body: Readonly<Record<string, unknown>>) => void,
  log: Log,
): void {
  if (skipped !== undefined) {
    return log.warn('salvage_skipped', { directory: rest.directory, cause: skipped })
  }
  // `epoch` is that of the message
  const result = { ...rest, ...(epoch !== undefined && { oldEpoch: epoch }) }
  log.info('salvaged', result)
  note('store.salvaged', result)
}
