import type { Watcher } from '@plugboard/hub'
import { type Connection, mongo } from 'mongoose'
import { idOf } from '../encoding.js'
import { webhookOf } from '../pull-lanes.js'
import type { DatabaseClock } from './clock.js'
import type { ObjectId } from './document-types.js'

/** How long to wait before a stream of changes that broke is opened anew. */
const REOPEN_MS = 1000

/**
 * Codes of a server that has no change streams, or not for this user: unauthorized (13, and 8000 at Atlas), illegal
 * operation (20), command not found (59), not supported (115, and 303 at Amazon DocumentDB), `NotImplemented` (238), no
 * such stage (40324), only on replica sets (40573).
 */
const REFUSED: ReadonlySet<unknown> = new Set([13, 20, 59, 115, 238, 303, 8000, 40_324, 40_573])

const isRefused = (error: unknown): error is mongo.MongoServerError =>
  error instanceof mongo.MongoServerError && REFUSED.has(error.code)

/** The field that tells; anything else that happens to the collection is of no interest. */
const told = (coll: string, field: string) => ({
  'ns.coll': coll,
  $or: [
    { [`updateDescription.updatedFields.${field}`]: { $exists: true } },
    { operationType: 'insert', [`fullDocument.${field}`]: { $exists: true } },
  ],
})

const INSERTED = { 'ns.coll': 'queued', operationType: 'insert' }

interface Change {
  ns?: { coll: string }
  documentKey?: { _id: ObjectId | string }
  updateDescription?: { updatedFields?: { wakeAt?: Date } }
  fullDocument?: {
    wakeAt?: Date
    queueId?: ObjectId
    clientId?: ObjectId
    streamId?: ObjectId
    seq?: number
    text?: string
  }
}

/** Some of what happens to the database, and what the watcher hears of it. */
interface Subject {
  pipeline: readonly object[]
  tell(change: Change, watcher: Watcher, clock: DatabaseClock): void
}

/** What every process has to know. */
export const CHANGES: Subject = {
  pipeline: [
    {
      $match: {
        $or: [
          ...[{ 'ns.coll': 'clients' }, told('streams', 'wakeAt'), told('entries', 'turnEndedAt')],
          ...[told('pulls', 'wakeAt'), INSERTED],
        ],
      },
    },
    {
      $project: {
        ns: 1,
        documentKey: 1,
        operationType: 1,
        'updateDescription.updatedFields.wakeAt': 1,
        'fullDocument.wakeAt': 1,
        'fullDocument.queueId': 1,
      },
    },
  ],
  tell({ ns, documentKey, updateDescription, fullDocument }, watcher, clock) {
    const wakeAt = updateDescription?.updatedFields?.wakeAt ?? fullDocument?.wakeAt
    if (!documentKey) return watcher.missed()
    if (typeof documentKey._id === 'string') return watcher.queued(webhookOf(documentKey._id))
    if (fullDocument?.queueId) return watcher.queued(idOf(fullDocument.queueId))
    const id = idOf(documentKey._id)
    if (ns?.coll === 'clients') watcher.clientChanged(id)
    else if (ns?.coll === 'entries') watcher.turnEnded(id)
    else if (wakeAt) watcher.due(clock.fromDatabase(wakeAt))
  },
}

/** What only those have to know who follow conversations: it is as much as all processes append. */
export const APPENDS: Subject = {
  pipeline: [
    { $match: { operationType: 'insert', 'ns.coll': { $in: ['entries', 'signals'] } } },
    {
      $project: {
        ...{ ns: 1, documentKey: 1, operationType: 1, 'fullDocument.clientId': 1 },
        ...{ 'fullDocument.streamId': 1, 'fullDocument.seq': 1, 'fullDocument.text': 1 },
      },
    },
  ],
  tell({ fullDocument: { clientId, streamId, seq, text } = {} }, watcher) {
    if (!clientId || !streamId) return watcher.missed()
    const stream = { clientId: idOf(clientId), streamId: idOf(streamId) }
    if (text !== undefined) watcher.signalled(stream, text)
    else if (seq !== undefined) watcher.appended(stream, seq)
  },
}

/** Tells a watcher what change streams tell of a subject, which is one cursor for all of the database. */
export class ChangeStreams {
  readonly #connection: Connection
  readonly #clock: DatabaseClock
  readonly #watcher: Watcher
  readonly #subject: Subject
  #stream: mongo.ChangeStream | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(connection: Connection, clock: DatabaseClock, watcher: Watcher, subject: Subject) {
    this.#connection = connection
    this.#clock = clock
    this.#watcher = watcher
    this.#subject = subject
  }

  /** Resolves when it is told of all that happens from then on, or to why the server will never tell. */
  async open(): Promise<string | undefined> {
    const database = this.#connection.db
    if (!database || this.#isClosed) return undefined
    const stream = database.watch([...this.#subject.pipeline])
    this.#stream = stream
    try {
      // The server has made the cursor when its first batch is there.
      const first = await stream.tryNext()
      if (first) this.#tell(first as unknown as Change)
      void this.#follow(stream)
      return undefined
    } catch (error) {
      await stream.close().catch(() => undefined)
      if (isRefused(error)) return `it refuses change streams, with code ${error.code}`
      throw error
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#stream?.close().catch(() => undefined)
  }

  async #follow(stream: mongo.ChangeStream): Promise<void> {
    try {
      // The driver itself goes on after a lost connection, where it was.
      for await (const change of stream) this.#tell(change as unknown as Change)
    } catch {
      await stream.close().catch(() => undefined)
    }
    if (!this.#isClosed) this.#reopen()
  }

  /** What happened in between is not known; where they are refused by now, that goes on. */
  #reopen(): void {
    this.#timer = setTimeout(() => {
      this.open().then(
        (refusal) => {
          this.#watcher.missed()
          if (refusal !== undefined) this.#reopen()
        },
        () => this.#reopen(),
      )
    }, REOPEN_MS)
    this.#timer.unref()
  }

  #tell(change: Change): void {
    this.#subject.tell(change, this.#watcher, this.#clock)
  }
}
