import { type Id, PlugboardError } from '@plugboard/core'
import type { QueuedItem, QueueEnds, QueueItem, QueuePage } from '@plugboard/hub'
import type { QueuedDoc } from './database/document-types.js'
import { isTaken } from './database/failure.js'
import type { Models } from './database/schemas.js'
import { idOf, oid } from './encoding.js'

/** Queues whose newest number is kept in memory. */
const MAX_KNOWN = 1000
/** Each round that fails has given a number to somebody else, so that many rounds mean that something is wrong. */
const MAX_ROUNDS = 1000

/**
 * Numbered queues of clients. An item gets the number after the newest one, and the unique index decides between
 * processes that add at once. They insert in order, so that no number stays free, or is taken after a later one.
 */
export class Queues {
  readonly #queued: Models['queued']
  /** The newest number of a queue, as far as it is known. */
  readonly #newest = new Map<string, number>()
  /** The last call of each queue: those of one process would only get into each other's way. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor({ queued }: Models) {
    this.#queued = queued
  }

  async add(clientId: Id, queueId: Id, items: readonly QueueItem[]): Promise<void> {
    if (items.length === 0) return
    const queue = `${clientId} ${queueId}`
    const before = this.#turns.get(queue)
    const turn = (before ?? Promise.resolve()).then(
      () => this.#add(clientId, queueId, items),
      () => this.#add(clientId, queueId, items),
    )
    this.#turns.set(queue, turn)
    try {
      await turn
    } finally {
      if (this.#turns.get(queue) === turn) this.#turns.delete(queue)
    }
  }

  async #add(clientId: Id, queueId: Id, items: readonly QueueItem[]): Promise<void> {
    const queue = `${clientId} ${queueId}`
    let left = [...new Map(items.map((item) => [placeOf(item), item])).values()]
    for (let round = 0; left.length > 0; round += 1) {
      if (round === MAX_ROUNDS) throw new PlugboardError('UNAVAILABLE', 'a queue does not take items now')
      const newest = this.#newest.get(queue) ?? (await this.#readNewest(clientId, queueId))
      const docs = left.map((item, index) =>
        toQueuedDoc(clientId, queueId, { ...item, n: newest + index + 1 }),
      )
      this.#newest.delete(queue)
      try {
        await this.#queued.collection.insertMany(docs as never, { ordered: true })
        this.#remember(queue, newest + docs.length)
        left = []
      } catch (error) {
        if (!isTaken(error)) throw error
        const there = await this.#placesOf(clientId, queueId, left)
        left = left.filter((item) => !there.has(placeOf(item)))
      }
    }
  }

  /** Which of these items are in the queue. */
  async #placesOf(clientId: Id, queueId: Id, items: readonly QueueItem[]): Promise<Set<string>> {
    const places = items.map(({ streamId, seq }) => ({ streamId: oid(streamId), seq }))
    const docs = await this.#queued
      .find({ clientId: oid(clientId), queueId: oid(queueId), $or: places }, { streamId: 1, seq: 1 })
      .lean<Pick<QueuedDoc, 'streamId' | 'seq'>[]>()
    return new Set(docs.map(({ streamId, seq }) => placeOf({ streamId: idOf(streamId), seq })))
  }

  #remember(queue: string, n: number): void {
    if (this.#newest.size >= MAX_KNOWN) this.#newest.clear()
    this.#newest.set(queue, n)
  }

  async #readNewest(clientId: Id, queueId: Id): Promise<number> {
    return (await this.#end(clientId, queueId, -1)) ?? 0
  }

  async #end(clientId: Id, queueId: Id, order: 1 | -1): Promise<number | undefined> {
    const doc = await this.#queued
      .findOne({ clientId: oid(clientId), queueId: oid(queueId) }, { _id: 0, n: 1 })
      .sort({ n: order })
      .lean<Pick<QueuedDoc, 'n'>>()
    return doc?.n
  }

  async read(clientId: Id, queueId: Id, { after, limit, userId }: QueuePage): Promise<QueuedItem[]> {
    const of = userId === undefined ? {} : { userId: oid(userId) }
    const docs = await this.#queued
      .find({ clientId: oid(clientId), queueId: oid(queueId), ...of, n: { $gt: after } })
      .sort({ n: 1 })
      .limit(limit)
      .lean<QueuedDoc[]>()
    return docs.map(toQueued)
  }

  async ends(clientId: Id, queueId: Id): Promise<QueueEnds | undefined> {
    const [first, last] = await Promise.all([
      this.#end(clientId, queueId, 1),
      this.#end(clientId, queueId, -1),
    ])
    return first === undefined || last === undefined ? undefined : { first, last }
  }

  async purge(clientId: Id, queueId: Id, before: Date, limit: number): Promise<number> {
    const queue = { clientId: oid(clientId), queueId: oid(queueId) }
    const docs = await this.#queued
      .find(queue, { n: 1, at: 1 })
      .sort({ n: 1 })
      .limit(limit + 1)
      .lean<Pick<QueuedDoc, 'n' | 'at'>[]>()
    const kept = docs.find(({ at }) => at >= before) ?? docs.at(-1)
    if (!kept || kept === docs[0]) return 0
    return (await this.#queued.deleteMany({ ...queue, n: { $lt: kept.n } })).deletedCount
  }
}

const placeOf = ({ streamId, seq }: Pick<QueueItem, 'streamId' | 'seq'>): string => `${streamId} ${seq}`

export const toQueuedDoc = (
  clientId: Id,
  queueId: Id,
  { n, streamId, seq, userId, at }: QueuedItem,
): Omit<QueuedDoc, '_id'> => ({
  ...{ clientId: oid(clientId), queueId: oid(queueId), n, streamId: oid(streamId), seq, at },
  ...(userId !== undefined && { userId: oid(userId) }),
})

export const toQueued = ({ n, streamId, seq, userId, at }: QueuedDoc): QueuedItem => ({
  ...{ n, streamId: idOf(streamId), seq, at },
  ...(userId && { userId: idOf(userId) }),
})
