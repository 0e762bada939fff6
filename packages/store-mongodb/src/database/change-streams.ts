import type { Watcher } from '@plugboard/hub'
import { type Connection, mongo } from 'mongoose'
import { idOf } from '../encoding.js'
import type { DatabaseClock } from './clock.js'
import type { ObjectId } from './document-types.js'

/** How long to wait before a stream of changes that broke is opened anew. */
const REOPEN_MS = 1000

/**
 * Codes of a server that has no change streams, or not for this user: unauthorized (13, and 8000 at Atlas), illegal
 * operation (20), command not found (59), not supported (115, and 303 at Amazon DocumentDB), not implemented (238), no
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

const PIPELINE = [
  {
    $match: {
      $or: [{ 'ns.coll': 'clients' }, told('streams', 'wakeAt'), told('entries', 'turnEndedAt')],
    },
  },
  {
    $project: {
      ns: 1,
      documentKey: 1,
      operationType: 1,
      'updateDescription.updatedFields.wakeAt': 1,
      'fullDocument.wakeAt': 1,
    },
  },
]

interface Change {
  ns?: { coll: string }
  documentKey?: { _id: ObjectId }
  updateDescription?: { updatedFields?: { wakeAt?: Date } }
  fullDocument?: { wakeAt?: Date }
}

/** Tells a watcher what change streams tell of this database, which is one cursor for all of it. */
export class ChangeStreams {
  readonly #connection: Connection
  readonly #clock: DatabaseClock
  readonly #watcher: Watcher
  #stream: mongo.ChangeStream | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(connection: Connection, clock: DatabaseClock, watcher: Watcher) {
    this.#connection = connection
    this.#clock = clock
    this.#watcher = watcher
  }

  /** Resolves when it is told of all that happens from then on, or to why the server will never tell. */
  async open(): Promise<string | undefined> {
    const database = this.#connection.db
    if (!database || this.#isClosed) return undefined
    const stream = database.watch(PIPELINE)
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

  #tell({ ns, documentKey, updateDescription, fullDocument }: Change): void {
    const wakeAt = updateDescription?.updatedFields?.wakeAt ?? fullDocument?.wakeAt
    if (!documentKey) return this.#watcher.missed()
    const id = idOf(documentKey._id)
    if (ns?.coll === 'clients') this.#watcher.clientChanged(id)
    else if (ns?.coll === 'entries') this.#watcher.turnEnded(id)
    else if (wakeAt) this.#watcher.due(this.#clock.fromDatabase(wakeAt))
  }
}
