import type { Id } from '@plugboard/core'
import {
  type Dead,
  type DeadEntry,
  type Page,
  type Replay,
  type Replayed,
  replayLane,
  type StreamRef,
  type Target,
} from '@plugboard/hub'
import type { DatabaseClock } from '../database/clock.js'
import type { EntryDoc } from '../database/document-types.js'
import type { Models } from '../database/schemas.js'
import { idOf, oid, toEntry } from '../encoding.js'
import type { DeadIndex } from '../lists/dead-letter-index.js'
import { type PlacedDoc, WITH_STREAM } from '../streams/entries.js'
import { isMissing, waking } from './leases.js'

type EntryName = Pick<EntryDoc, '_id' | 'clientId' | 'streamId'>

/** How long a replay that was begun keeps others from doing it again: the time of its three writes, by far. */
const REPLAY_MS = 10_000

/** Deliveries that were given up. They stand in their entries. */
export class DeadLetters {
  readonly #models: Models
  readonly #clock: DatabaseClock
  readonly #index: DeadIndex

  constructor(models: Models, clock: DatabaseClock, index: DeadIndex) {
    this.#models = models
    this.#clock = clock
    this.#index = index
  }

  async list(clientId: Id, { before, limit }: Page): Promise<DeadEntry[]> {
    const client = oid(clientId)
    const docs = await this.#models.entries.aggregate<PlacedDoc>([
      { $match: { clientId: client, isDead: true, ...(before && { _id: { $lt: oid(before) } }) } },
      { $sort: { _id: -1 } },
      { $limit: limit },
      { $unset: ['payload', 'details'] },
      WITH_STREAM(client),
    ])
    return docs.map((doc) => {
      const { payload: _, ...entry } = toEntry(doc, doc.stream[0])
      return entry
    })
  }

  async bury({ clientId, streamId }: StreamRef, seq: number, target: Target, dead: Dead): Promise<void> {
    const filter = { clientId: oid(clientId), streamId: oid(streamId), seq }
    const update = { $set: { [`dead.${target}`]: dead, isDead: true } } as const
    const projection = { clientId: 1, streamId: 1, seq: 1, type: 1 } as const
    const entry = await this.#models.entries
      .findOneAndUpdate(filter, update as never, { projection })
      .lean<EntryDoc>()
    if (entry) await this.#index.put(entry, target, dead)
  }

  /**
   * A read and four writes, since the entry and its stream are two documents: it is taken in hand, so that of many one does it;
   * its lane is made; the mark of death goes, and then it goes from the index. Whoever dies in between leaves it dead, to be replayed again.
   */
  async replay({ clientId, entryId, target, to, now }: Replay): Promise<Replayed | undefined> {
    const known = await this.#models.entries
      .findOne({ _id: oid(entryId), clientId: oid(clientId) }, { clientId: 1, streamId: 1 })
      .lean<EntryName>()
    if (!known) return undefined
    // With its stream, which is a part of the shard key.
    const id = { _id: known._id, clientId: known.clientId, streamId: known.streamId }
    const entry = await this.#takeInHand(id, target)
    const dead = entry?.dead?.[target]
    if (!entry || !dead) {
      await this.#forget(id, target)
      return undefined
    }
    const key = replayLane(entry.seq, dead.at, to)
    const lane = { done: entry.seq - 1, since: now }
    const stream = { clientId: id.clientId, _id: entry.streamId }
    const update = {
      [`lanes.${key}`]: { $literal: lane },
      ...waking(this.#clock.toDatabase(now)),
      owedAt: { $min: ['$owedAt', entry.at] },
      woken: { $cond: [isMissing('$owner'), '$$REMOVE', true] },
      isOver: '$$REMOVE',
    }
    const options = { updatePipeline: true }
    await this.#models.streams.updateOne(stream, [{ $set: update }] as never, options)
    await this.#revive(id, target, dead)
    await this.#index.remove(clientId, entryId, target, dead.at)
    return { clientId, streamId: idOf(entry.streamId), key, lane }
  }

  async discard(clientId: Id, entryId: Id, target: Target): Promise<boolean> {
    const known = await this.#models.entries
      .findOne({ _id: oid(entryId), clientId: oid(clientId) }, { clientId: 1, streamId: 1 })
      .lean<EntryName>()
    if (!known) return false
    const id = { _id: known._id, clientId: known.clientId, streamId: known.streamId }
    const filter = {
      ...id,
      [`dead.${target}`]: { $exists: true },
      [`dead.${target}.isDiscarded`]: { $exists: false },
    }
    const entry = await this.#models.entries
      .findOneAndUpdate(
        filter as never,
        [{ $set: { [`dead.${target}.isDiscarded`]: true } }, { $set: { isDead: IS_LISTED } }] as never,
        { projection: { dead: 1 }, updatePipeline: true },
      )
      .lean<EntryDoc>()
    const dead = entry?.dead?.[target]
    if (!dead) return false
    await this.#index.remove(clientId, entryId, target, dead.at)
    return true
  }

  /** A process that died while it replayed a dead letter may have left it in the index. */
  async #forget(id: EntryName, target: Target): Promise<void> {
    const [clientId, entryId] = [idOf(id.clientId), idOf(id._id)]
    // Read first: a death that comes meanwhile is in the entry before it is in the index, with a later time.
    const diedAt = await this.#index.diedAt(clientId, entryId, target)
    if (!diedAt) return
    const isDead = await this.#models.entries.exists({ ...id, [`dead.${target}`]: { $exists: true } })
    if (!isDead) await this.#index.remove(clientId, entryId, target, diedAt)
  }

  #takeInHand(id: EntryName, target: Target): Promise<EntryDoc | null> {
    const now = this.#clock.now()
    const earlier = new Date(now.getTime() - REPLAY_MS)
    const begun = `replaying.${target}`
    const filter = {
      ...id,
      [`dead.${target}`]: { $exists: true },
      $or: [{ [begun]: { $exists: false } }, { [begun]: { $lt: earlier } }],
    }
    const projection = { clientId: 1, streamId: 1, seq: 1, at: 1, dead: 1 }
    return this.#models.entries
      .findOneAndUpdate(filter as never, { $set: { [begun]: now } }, { projection, returnDocument: 'after' })
      .lean<EntryDoc>()
      .exec()
  }

  /** Unless it died again meanwhile. */
  async #revive(id: EntryName, target: Target, { at }: Dead): Promise<void> {
    const options = { updatePipeline: true }
    const isLast = { $eq: ['$dead', { $literal: {} }] }
    await this.#models.entries.updateOne(
      { ...id, [`dead.${target}.at`]: at },
      [
        { $unset: [`dead.${target}`, `replaying.${target}`] },
        {
          $set: {
            isDead: IS_LISTED,
            dead: { $cond: [isLast, '$$REMOVE', '$dead'] },
          },
        },
      ] as never,
      options,
    )
    await this.#models.entries.updateOne(id, { $unset: { [`replaying.${target}`]: 1 } })
  }
}

/** Whether a death of the entry is listed, for an update. Absent where none is. */
const IS_LISTED = {
  $cond: [
    {
      $anyElementTrue: {
        $map: {
          input: { $objectToArray: { $ifNull: ['$dead', { $literal: {} }] } },
          as: 'each',
          in: { $ne: ['$$each.v.isDiscarded', true] },
        },
      },
    },
    true,
    '$$REMOVE',
  ],
}
