// The journal's thread: takes requests one after another and answers each. All disk waits happen here.
// After a failed write it refuses everything (fail-stop); it decides nothing else.

import path from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '#core/assert.ts'
import type { Log } from '#ports/log.ts'
import type { Journal } from './journal.ts'
import { acquireLock } from './lock.ts'
import type { Answer, ErrorMessage, Request, Response, WorkerStart } from './protocol.ts'
import { openJournal, unsalvaged } from './quarantine.ts'
import { StoreError, toStoreError } from './store-error.ts'
import { systemDisk } from './system-disk.ts'

assert(parentPort !== null, 'worker.ts runs as a worker thread')
const port = parentPort
const say = (response: Response): void => port.postMessage(response)

const relay =
  (level: keyof Log): Log['info'] =>
  (event, fields = {}) =>
    say({ kind: 'log', level, event, fields })
const log: Log = {
  debug: relay('debug'),
  info: relay('info'),
  warn: relay('warn'),
  error: relay('error'),
}

function errorMessage(thrown: unknown, doing: string): ErrorMessage {
  const error = toStoreError(thrown, doing)
  if (error instanceof StoreError) {
    const { kind, message, pid, damaged } = error
    return { kind, message, pid, damaged }
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { kind: 'bug', message: `${doing}: ${message}` }
}

const DOING: Readonly<Record<Request['kind'], string>> = {
  commit: 'commit to the journal',
  batches: 'read from the journal',
  count: 'count in the journal',
  sealed: 'note a sealed file',
  earlier: 'list earlier files',
  release: 'release a file of the journal',
  close: 'close the journal',
}

function answer(journal: Journal, release: () => void, request: Request): Answer {
  switch (request.kind) {
    case 'commit':
      return journal.commit(request.commit)
    case 'batches':
      return journal.batches(request.query)
    case 'count':
      return journal.count(request.stream, request.after)
    case 'sealed':
      journal.noteSealed(request.ordinal, request.sha256, request.bytes, request.wall)
      return undefined
    case 'earlier':
      return journal.earlier()
    case 'release':
      journal.release(request.ordinal)
      return undefined
    case 'close':
      journal.close()
      release()
      return undefined
  }
}

/** Serves until closed. After the first failed write nothing is tried again on these handles. */
function serve(journal: Journal, release: () => void): void {
  let failure: ErrorMessage | undefined
  let file = journal.hotName
  const housekeeping = (): void => {
    try {
      journal.idle()
    } catch (thrown) {
      failure = errorMessage(thrown, 'housekeeping of the journal')
      log.error('store_failed', { ...failure })
    }
    if (journal.hotName === file) return
    file = journal.hotName
    say({ kind: 'unsealed', unsealed: journal.unsealed() })
  }
  port.on('message', (request: Request) => {
    const { id, kind } = request
    if (failure !== undefined) return say({ kind: 'failed', id, error: failure })
    try {
      say({ kind: 'done', id, answer: answer(journal, release, request) })
    } catch (thrown) {
      const error = errorMessage(thrown, DOING[kind])
      if (kind === 'commit' || kind === 'sealed') failure = error
      return say({ kind: 'failed', id, error })
    }
    if (kind === 'close') port.close()
    else if (kind === 'commit') housekeeping()
  })
}

function start(): void {
  const options = workerData as WorkerStart
  let release = (): void => {}
  try {
    systemDisk.makeDirectory(options.dataDir)
    release = acquireLock(systemDisk, options.dataDir, process.pid)
    const { journal, ...found } = openJournal({ ...options, disk: systemDisk, log })
    const waiting = unsalvaged(systemDisk, options.dataDir, journal.recovered.state)
    const recovered = {
      ...{ ...journal.recovered, ...found },
      ...(waiting.length > 0 && { unsalvaged: waiting }),
    }
    const [unsealed, missing] = [journal.unsealed(), journal.missing()]
    say({ kind: 'ready', recovered, unsealed, missing })
    serve(journal, release)
  } catch (thrown) {
    release()
    say({ kind: 'refused', error: errorMessage(thrown, `open ${path.resolve(options.dataDir)}`) })
    port.close()
  }
}

start()
