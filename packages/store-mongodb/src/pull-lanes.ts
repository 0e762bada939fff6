import type { Id } from '@plugboard/core'
import type { DuePulls, PullLane, PullLaneRef, PullOffer } from '@plugboard/hub'
import { type mongo, Types } from 'mongoose'
import type { DatabaseClock } from './database/clock.js'
import type { PullDoc } from './database/document-types.js'
import { isTaken } from './database/failure.js'
import type { Models } from './database/schemas.js'
import { idOf, oid } from './encoding.js'

type Bulk = mongo.AnyBulkWriteOperation<PullDoc>[]

const OPTIONAL = ['dueAt', 'wakeAt', 'idleAt', 'heldTo'] as const

/** What waits for the readers of pull webhooks, a document for each lane. */
export class Pulls {
  readonly #pulls: Models['pulls']
  readonly #clock: DatabaseClock

  constructor({ pulls }: Models, clock: DatabaseClock) {
    this.#pulls = pulls
    this.#clock = clock
  }

  /** One round trip: what an offer leads to is decided where the document is. */
  async offer(clientId: Id, offers: readonly PullOffer[], now: Date): Promise<void> {
    if (offers.length === 0) return
    const dueAt = this.#clock.toDatabase(now)
    const writes = offers.map((offer) => ({
      updateOne: {
        filter: { _id: idOfLane(offer), clientId: oid(clientId) },
        update: offering(offer, dueAt),
        upsert: true,
      },
    }))
    // In order, since a lane may have several.
    for (let made = 0; ; made += 1) {
      try {
        await this.#collection.bulkWrite(writes as Bulk, { ordered: true })
        return
      } catch (error) {
        // Another process made one of the lanes at the same time. None of the offers counts twice.
        if (!isTaken(error) || made === offers.length) throw error
      }
    }
  }

  async due(clientId: Id, webhookId: Id, { now, limit }: { now: Date; limit: number }): Promise<DuePulls> {
    const docs = await this.#pulls
      .find({ clientId: oid(clientId), webhookId: oid(webhookId), dueAt: { $gt: new Date(0) } })
      .sort({ dueAt: 1 })
      .limit(limit + 1)
      .lean<PullDoc[]>()
    const waiting = docs.map((doc) => this.toLane(doc))
    const lanes = waiting.slice(0, limit).filter(({ dueAt }) => dueAt && dueAt <= now)
    const next = waiting[lanes.length]?.dueAt
    return { lanes, ...(next && next > now && { nextAt: next }) }
  }

  async find(clientId: Id, lanes: readonly PullLaneRef[]): Promise<PullLane[]> {
    if (lanes.length === 0) return []
    const docs = await this.#pulls
      .find({ _id: { $in: lanes.map(idOfLane) }, clientId: oid(clientId) })
      .lean<PullDoc[]>()
    return docs.map((doc) => this.toLane(doc))
  }

  async list(clientId: Id, webhookId: Id, waiting: { before: Date; limit: number }): Promise<PullLane[]> {
    const { before, limit } = waiting
    const docs = await this.#pulls
      .find({ ...isWaiting(clientId, webhookId), since: { $lt: before } })
      .sort({ since: 1 })
      .limit(limit)
      .lean<PullDoc[]>()
    return docs.map((doc) => this.toLane(doc))
  }

  /** One round trip, unless somebody else has changed one of them. */
  async replace(lanes: readonly PullLane[]): Promise<boolean[]> {
    if (lanes.length === 0) return []
    const by = new Types.ObjectId()
    const writes = lanes.map((lane) => ({ updateOne: this.#replacing(lane, by) }))
    const { matchedCount } = await this.#collection.bulkWrite(writes as Bulk, { ordered: false })
    if (matchedCount === lanes.length) return lanes.map(() => true)
    const mine = await this.#pulls
      .find({ _id: { $in: lanes.map(idOfLane) }, by }, { version: 1 })
      .lean<Pick<PullDoc, '_id' | 'version'>[]>()
    const written = new Map(mine.map(({ _id, version }) => [_id, version]))
    return lanes.map((lane) => written.get(idOfLane(lane)) === lane.version)
  }

  async backlog(
    clientId: Id,
    webhookId: Id,
    limit: number,
  ): Promise<{ lanes: number; isMore: boolean; oldest?: Date }> {
    const waiting = isWaiting(clientId, webhookId)
    const [found, first] = await Promise.all([
      this.#pulls.countDocuments(waiting, { limit: limit + 1 }),
      this.#pulls.findOne(waiting, { since: 1 }).sort({ since: 1 }).lean<Pick<PullDoc, 'since'>>(),
    ])
    return { lanes: Math.min(found, limit), isMore: found > limit, ...(first && { oldest: first.since }) }
  }

  async purge(before: Date, limit: number): Promise<number> {
    const idle = { idleAt: { $lt: before } }
    const docs = await this.#pulls
      .find(idle, { _id: 1 })
      .sort({ idleAt: 1 })
      .limit(limit)
      .lean<Pick<PullDoc, '_id'>[]>()
    if (docs.length === 0) return 0
    const those = { ...idle, _id: { $in: docs.map(({ _id }) => _id) } }
    return (await this.#pulls.deleteMany(those)).deletedCount
  }

  #replacing(lane: PullLane, by: PullDoc['by']) {
    const { _id, clientId, ...fields } = this.toDoc(lane)
    const absent = OPTIONAL.filter((name) => !(name in fields)).map((name) => [name, 1] as const)
    const filter = { _id, clientId, version: lane.version - 1 }
    return { filter, update: { $set: { ...fields, by }, $unset: Object.fromEntries(absent) } }
  }

  get #collection() {
    return this.#pulls.collection as unknown as mongo.Collection<PullDoc>
  }

  toLane(doc: PullDoc): PullLane {
    const { clientId, webhookId, streamId, replay, userId, done, upTo, since, dueAt, heldTo } = doc
    return {
      ...{ clientId: idOf(clientId), webhookId: idOf(webhookId), streamId: idOf(streamId) },
      ...(replay !== undefined && { replay }),
      ...(userId && { userId: idOf(userId) }),
      ...{ done, upTo, since, fence: doc.fence, given: doc.given, version: doc.version },
      ...(dueAt && { dueAt: this.#clock.fromDatabase(dueAt) }),
      ...(heldTo !== undefined && { heldTo }),
    }
  }

  toDoc(lane: PullLane): PullDoc {
    const { clientId, webhookId, streamId, userId, dueAt, since, heldTo, given, ...rest } = lane
    const due = dueAt && this.#clock.toDatabase(dueAt)
    return {
      ...{ _id: idOfLane(lane), clientId: oid(clientId), webhookId: oid(webhookId), streamId: oid(streamId) },
      ...(userId !== undefined && { userId: oid(userId) }),
      ...{ ...rest, since, given: given.map(({ seq, count }) => ({ seq, count })) },
      ...(due ? { dueAt: due } : { idleAt: since }),
      ...(due && heldTo === undefined && { wakeAt: due }),
      ...(heldTo !== undefined && { heldTo }),
    }
  }
}

/** Begins with the id of the webhook, which change streams tell in this way. */
const idOfLane = ({ webhookId, streamId, replay }: PullLaneRef): string =>
  `${webhookId} ${streamId}${replay === undefined ? '' : ` ${replay}`}`

export const webhookOf = (laneId: string): Id => laneId.slice(0, 24) as Id

const isWaiting = (clientId: Id, webhookId: Id) => ({
  clientId: oid(clientId),
  webhookId: oid(webhookId),
  dueAt: { $gt: new Date(0) },
})

/** The same as `offered` of the hub, as an update. */
function offering({ webhookId, streamId, replay, userId, after, upTo, at }: PullOffer, now: Date): object[] {
  const isNew = { $gt: [upTo, '$upTo'] }
  const wakes = { $and: [isNew, { $gte: ['$done', '$upTo'] }] }
  const if_ = (condition: object, then: unknown, otherwise: unknown) => ({
    $cond: [condition, then, otherwise],
  })
  return [
    {
      $set: {
        webhookId: oid(webhookId),
        streamId: oid(streamId),
        ...(replay !== undefined && { replay }),
        ...(userId !== undefined && { userId: { $ifNull: ['$userId', oid(userId)] } }),
        done: { $ifNull: ['$done', after] },
        upTo: { $ifNull: ['$upTo', after] },
        fence: { $ifNull: ['$fence', 0] },
        given: { $ifNull: ['$given', []] },
        version: { $ifNull: ['$version', 0] },
      },
    },
    {
      $set: {
        done: if_(wakes, { $max: ['$done', after] }, '$done'),
        given: if_(wakes, [], '$given'),
        since: if_(wakes, at, '$since'),
        dueAt: if_(wakes, now, '$dueAt'),
        wakeAt: if_(wakes, now, '$wakeAt'),
        idleAt: if_(wakes, '$$REMOVE', '$idleAt'),
        version: if_(isNew, { $add: ['$version', 1] }, '$version'),
        upTo: { $max: ['$upTo', upTo] },
      },
    },
  ]
}
