import type { Id } from '@plugboard/core'
import type { Model } from 'mongoose'
import type { ObjectId, StreamDoc } from './database/document-types.js'
import type { Models } from './database/schemas.js'
import { attemptsIn, attemptsOf } from './delivery/attempts.js'
import { idOf, oid } from './encoding.js'
import type { StreamCache } from './streams/stream-cache.js'

const FIRST = oid('0'.repeat(24) as Id)

type Named = { _id: ObjectId }
type Sorting = Record<string, 1 | -1>

/** Removes what is not needed any more, in slices: a call removes no more documents than it is told. */
export class Purge {
  readonly #models: Models
  readonly #streams: StreamCache

  constructor(models: Models, streams: StreamCache) {
    this.#models = models
    this.#streams = streams
  }

  /** Deleted users and conversations that owe nothing: their entries, and at last themselves. Answers how many went. */
  async deleted(limit: number): Promise<number> {
    let left = limit
    let after = FIRST
    while (left > 0) {
      const over = await this.#models.streams
        .findOne({ isOver: true, _id: { $gt: after } }, { clientId: 1, kind: 1 })
        .sort({ _id: 1 })
        .lean<StreamDoc>()
      if (!over) break
      const { _id, clientId, kind } = over
      // Readers of a pull webhook still wait for its end.
      const waiting = { clientId, streamId: _id, dueAt: { $gt: new Date(0) } }
      if (await this.#models.pulls.exists(waiting)) {
        after = _id
        continue
      }
      const history = attemptsIn({ clientId: idOf(clientId), streamId: idOf(_id) })
      left -= await this.#remove(this.#models.attempts, history, { _id: 1 }, left)
      const { deadLetters, entries } = this.#models
      left -= await this.#remove(deadLetters, { clientId, streamId: _id }, { seq: 1 }, left)
      left -= await this.#remove(entries, { clientId, streamId: _id }, { seq: -1 }, left)
      // Who deletes a user removes its addresses, unless the process died at that.
      if (kind === 'user')
        left -= await this.#remove(this.#models.addresses, { clientId, userId: _id }, {}, left)
      if (left > 0) left -= (await this.#models.streams.deleteOne({ _id, clientId })).deletedCount
    }
    if (left < limit) this.#streams.forgetAll()
    return limit - left
  }

  /** All of a client, and the client itself at last. True when nothing is left. */
  async client(id: Id, limit: number): Promise<boolean> {
    const clientId = oid(id)
    const { addresses, keys, clients, documents, counters, queued, pulls, attempts, deadLetters } =
      this.#models
    let left = limit - (await this.#remove(deadLetters, { clientId }, { at: -1 }, limit))
    left -= await this.#streamsOf(clientId, left)
    left -= await this.#remove(addresses, { clientId }, { address: 1 }, left)
    left -= await this.#remove(keys, { clientId }, { key: 1 }, left)
    left -= await this.#remove(documents, { clientId }, { kind: 1, documentId: 1 }, left)
    left -= await this.#remove(counters, { clientId }, { name: 1 }, left)
    left -= await this.#remove(queued, { clientId }, { queueId: 1, n: 1 }, left)
    left -= await this.#remove(pulls, { clientId }, { webhookId: 1 }, left)
    left -= await this.#remove(attempts, attemptsOf(id), { _id: 1 }, left)
    if (left > 0) await clients.deleteOne({ _id: clientId })
    this.#streams.forgetAll()
    return left > 0
  }

  /** Streams, each after its entries. Answers how many documents went. */
  async #streamsOf(clientId: ObjectId, limit: number): Promise<number> {
    const { streams, entries } = this.#models
    let left = limit
    while (left > 0) {
      const docs = await streams.find({ clientId }, { _id: 1 }).sort({ _id: -1 }).limit(left).lean<Named[]>()
      if (docs.length === 0) break
      const those = { $in: docs.map(({ _id }) => _id) }
      // Over, so that no reader puts back what they have kept.
      await streams.updateMany({ clientId, _id: those }, { $set: { isOver: true } })
      left -= await this.#remove(entries, { clientId, streamId: those }, { streamId: -1, seq: -1 }, left)
      if (left > 0) left -= await this.#remove(streams, { clientId, _id: those }, { _id: -1 }, left)
    }
    return limit - left
  }

  /** Idempotency keys. Answers how many went. */
  keys(before: Date, limit: number): Promise<number> {
    return this.#remove(this.#models.keys, { at: { $lt: before } }, { at: 1 }, limit)
  }

  async #remove<T>(model: Model<T>, filter: object, sort: Sorting, limit: number): Promise<number> {
    if (limit === 0) return 0
    const docs = await model.find(filter, { _id: 1 }).sort(sort).limit(limit).lean<Named[]>()
    if (docs.length === 0) return 0
    const those = { ...filter, _id: { $in: docs.map(({ _id }) => _id) } }
    const { deletedCount } = await model.deleteMany(those)
    return deletedCount
  }
}
