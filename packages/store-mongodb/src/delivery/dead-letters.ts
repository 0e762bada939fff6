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
import { type PlacedDoc, WITH_STREAM } from '../streams/entries.js'
import { isMissing, waking } from './leases.js'

type EntryName = Pick<EntryDoc, '_id' | 'clientId' | 'streamId'>

/** How long a replay that was begun keeps others from doing it again: the time of its three writes, by far. */
const REPLAY_MS = 10_000

/** Deliveries that were given up. They stand in their entries. */
export class DeadLetters {
  readonly #models: Models
  readonly #clock: DatabaseClock

  constructor(models: Models, clock: DatabaseClock) {
    this.#models = models
    this.#clock = clock
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
    await this.#models.entries.updateOne(filter, { $set: { [`dead.${target}`]: dead, isDead: true } })
  }

  /**
   * A read and three writes, since the entry and its stream are two documents: it is taken in hand, so that of many one does it;
   * its lane is made; the mark of death goes. Whoever dies in between leaves it dead, to be replayed again.
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
    if (!entry || !dead) return undefined
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
    return { clientId, streamId: idOf(entry.streamId), key, lane }
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
            isDead: { $cond: [isLast, '$$REMOVE', true] },
            dead: { $cond: [isLast, '$$REMOVE', '$dead'] },
          },
        },
      ] as never,
      options,
    )
    await this.#models.entries.updateOne(id, { $unset: { [`replaying.${target}`]: 1 } })
  }
}
