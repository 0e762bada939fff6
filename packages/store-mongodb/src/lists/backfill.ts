import { setTimeout } from 'node:timers/promises'
import { type Id, PlugboardError } from '@plugboard/core'
import { listedDeaths } from '@plugboard/hub'
import type { Connection } from 'mongoose'
import type { ClientDoc, EntryDoc, ObjectId, StreamDoc } from '../database/document-types.js'
import { renewStreamLists } from '../database/migrations.js'
import type { Models } from '../database/schemas.js'
import { oid } from '../encoding.js'
import { toDeadDoc } from './dead-letter-index.js'

interface ListsDoc {
  _id: 'lists'
  /** `none`: the indexes are being built. `indexed`: they are there, and older conversations are being added. */
  state: 'none' | 'indexed' | 'whole'
  /** Those of later versions are there as well, and what they replace is not. */
  isRenewed: boolean
}

const FIRST = oid('0'.repeat(24) as Id)
const PAGE = 500
/** Between two steps, and after one that failed or while another process does it. */
const PAUSE_MS = 20
const AGAIN_MS = 5_000

/**
 * Prepares a database of an earlier version for the lists of operators while it is in use, since that takes minutes where
 * there is much in it: it builds indexes, and then adds what is there. Each step may be done again, and by several
 * replicas at once. A replica may end at any time; the next one begins anew.
 */
export class Backfill {
  readonly #schema
  readonly #models: Models
  #state: ListsDoc['state'] | undefined
  #isClosed = false
  #underway: Promise<void> | undefined

  constructor(connection: Connection, models: Models) {
    this.#schema = connection.collection<ListsDoc>('schema')
    this.#models = models
  }

  /** @throws UNAVAILABLE until the indexes of lists are there, since a query would look at everything */
  assertReady(): void {
    if (this.#state === 'indexed' || this.#state === 'whole') return
    throw new PlugboardError(
      'UNAVAILABLE',
      'the indexes of this list are being built, since the database is of an earlier version',
      { retryAfterMs: AGAIN_MS },
    )
  }

  /** Resolves when it is known whether there is something to do. `mayChange`: this process does it. */
  async start(mayChange: boolean): Promise<void> {
    const isRenewed = await this.#read()
    if (this.#state !== 'whole' || (mayChange && !isRenewed)) this.#underway = this.#run(mayChange)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#underway
  }

  /** Resolves to whether the indexes are of this version. */
  async #read(): Promise<boolean> {
    const lists = await this.#schema.findOne({ _id: 'lists' })
    this.#state = lists?.state ?? 'none'
    return lists?.isRenewed ?? false
  }

  async #run(mayChange: boolean): Promise<void> {
    while (!this.#isClosed) {
      try {
        if (mayChange) await this.#prepare()
        await this.#read()
        if (this.#state === 'whole') return
      } catch {
        // For instance, the database is unreachable. Its callers get the error.
      }
      await this.#pause(AGAIN_MS)
    }
  }

  /** Short ones, so that a store that is closed does not wait for them. */
  async #pause(ms: number): Promise<void> {
    for (let left = ms; left > 0 && !this.#isClosed; left -= 100)
      await setTimeout(Math.min(100, left), undefined, { ref: false })
  }

  async #prepare(): Promise<void> {
    await renewStreamLists(this.#models.streams.collection)
    await this.#schema.updateOne({ _id: 'lists' }, { $set: { isRenewed: true } })
    if (this.#state === 'whole') return
    await this.#reach('indexed')
    for (let after = FIRST; !this.#isClosed; ) {
      const clients = await this.#models.clients
        .find({ _id: { $gt: after } }, { _id: 1 })
        .sort({ _id: 1 })
        .limit(PAGE)
        .lean<Pick<ClientDoc, '_id'>[]>()
      for (const { _id } of clients) {
        await this.#addConversations(_id)
        await this.#addDead(_id)
      }
      const last = clients.at(-1)
      if (!last) return this.#reach('whole')
      after = last._id
    }
  }

  async #reach(state: ListsDoc['state']): Promise<void> {
    if (this.#isClosed) return
    await this.#schema.updateOne({ _id: 'lists' }, { $set: { state } })
    this.#state = state
  }

  async #addConversations(clientId: ObjectId): Promise<void> {
    const { streams } = this.#models
    const listed = { listAt: { $exists: true } } as const
    for (let after = FIRST; !this.#isClosed; ) {
      const docs = await streams
        .find({ clientId, kind: 'conversation', ...listed, _id: { $gt: after } }, { _id: 1 })
        .sort({ _id: 1 })
        .limit(PAGE)
        .lean<Pick<StreamDoc, '_id'>[]>()
      const last = docs.at(-1)
      if (!last) return
      const those = { _id: { $in: docs.map(({ _id }) => _id) }, clientId }
      const activeAt = { $ifNull: ['$lastMessageAt', '$createdAt'] }
      const filter = { ...those, ...listed, activeAt: { $exists: false } }
      await streams.updateMany(filter, [{ $set: { activeAt } }] as never, { updatePipeline: true })
      after = last._id
      await this.#pause(PAUSE_MS)
    }
  }

  /** What died again since is there already. */
  async #addDead(clientId: ObjectId): Promise<void> {
    const { entries, deadLetters } = this.#models
    const projection = { clientId: 1, streamId: 1, seq: 1, type: 1, dead: 1 } as const
    for (let before: ObjectId | undefined; !this.#isClosed; ) {
      const docs = await entries
        .find({ clientId, isDead: true, ...(before && { _id: { $lt: before } }) }, projection)
        .sort({ _id: -1 })
        .limit(PAGE)
        .lean<EntryDoc[]>()
      const last = docs.at(-1)
      if (!last) return
      const writes = docs.flatMap((entry) =>
        listedDeaths(entry).map(([target, dead]) => {
          const { _id, clientId: client, ...fields } = toDeadDoc(entry, target, dead)
          const filter = { _id, clientId: client }
          return { updateOne: { filter, update: { $setOnInsert: fields }, upsert: true } }
        }),
      )
      await deadLetters.bulkWrite(writes as never, { ordered: false, timestamps: false })
      before = last._id
      await this.#pause(PAUSE_MS)
    }
  }
}
