import type { Id } from '@plugboard/core'
import type { Claimed, Due, Lease, Mark, Progress, Schedule, StreamRef } from '@plugboard/hub'
import { Types } from 'mongoose'
import type { DatabaseClock } from '../database/clock.js'
import type { StreamDoc } from '../database/document-types.js'
import type { Models } from '../database/schemas.js'
import { idOf, later, oid, toClaimed, toProgress } from '../encoding.js'
import { isFree, isMissing, type Leases, taking, waking } from './leases.js'

/** What is read of a stream for its holder. */
const CLAIMED = {
  ...{ clientId: 1, kind: 1, userId: 1, endpoints: 1 },
  ...{ seq: 1, scanned: 1, lanes: 1, fence: 1 },
} as const

/** Which streams are due, who delivers them, and how far that got. Times here are by the database's clock. */
export class Claims {
  readonly #models: Models
  readonly #clock: DatabaseClock
  readonly #leases: Leases
  /** Claims that failed, and may have taken effect. */
  #inDoubt: { filter: object; until: Date }[] = []

  constructor(models: Models, clock: DatabaseClock, leases: Leases) {
    this.#models = models
    this.#clock = clock
    this.#leases = leases
  }

  /** One round trip when nothing is due, else three, for however many streams. */
  async claimDue({ now, limit, except }: Parameters<Claims['due']>[0]): Promise<Due> {
    if (this.#inDoubt.length > 0) await this.#giveBackDoubtful()
    const { due, nextAt } = await this.due({ now, limit, except })
    const claimed = due.length > 0 ? await this.#take(due, this.#clock.toDatabase(now)) : []
    return { claimed, ...(nextAt && { nextAt: this.#clock.fromDatabase(nextAt) }) }
  }

  /** What is due, the longest first, and the time of what is due next. */
  async due(claim: {
    now: Date
    limit: number
    except: readonly Id[]
  }): Promise<{ due: StreamDoc[]; nextAt?: Date }> {
    const { limit, except } = claim
    const now = this.#clock.toDatabase(claim.now)
    const others = except.length > 0 ? { clientId: { $nin: except.map(oid) } } : {}
    const streams = await this.#models.streams
      .find({ nextAt: { $gt: new Date(0) }, ...others }, { clientId: 1, nextAt: 1 })
      .sort({ nextAt: 1 })
      .limit(limit + 1)
      .lean<StreamDoc[]>()
    const due = streams.slice(0, limit).filter(({ nextAt }) => nextAt && nextAt <= now)
    const next = streams[due.length]?.nextAt
    return { due, ...(next && next > now && { nextAt: next }) }
  }

  async #take(due: readonly StreamDoc[], now: Date): Promise<Claimed[]> {
    const claim = new Types.ObjectId()
    const until = this.#leases.until(later(now, this.#clock.now()))
    const _id = { $in: due.map((stream) => stream._id) }
    const clientId = {
      $in: [...new Map(due.map((stream) => [idOf(stream.clientId), stream.clientId])).values()],
    }
    const { owner } = this.#leases
    const update = [{ $set: { ...taking(owner, until, isFree(now)), claim } }]
    const options = { updatePipeline: true }
    const filter = { _id, clientId, claim, owner }
    let taken: StreamDoc[]
    try {
      await this.#models.streams.updateMany(
        { _id, clientId, nextAt: { $lte: now } },
        update as never,
        options,
      )
      taken = await this.#models.streams.find(filter, CLAIMED).lean<StreamDoc[]>()
    } catch (error) {
      this.#inDoubt.push({ filter, until })
      throw error
    }
    const byId = new Map(taken.map((stream) => [idOf(stream._id), stream]))
    return due.flatMap((stream) => {
      const doc = byId.get(idOf(stream._id))
      return doc ? [toClaimed(doc, doc.seq, this.#leases.leaseOf(doc.fence, until))] : []
    })
  }

  /** What a claim took whose answer never came would be held by nobody until the lease ends. */
  async #giveBackDoubtful(): Promise<void> {
    const now = this.#clock.now()
    for (const doubt of [...this.#inDoubt]) {
      const update = { $set: { nextAt: now, wakeAt: now }, $unset: { owner: 1, woken: 1 } }
      if (doubt.until > now) await this.#models.streams.updateMany(doubt.filter as never, update)
      this.#inDoubt = this.#inDoubt.filter((other) => other !== doubt)
    }
  }

  /** One round trip: what the mark leads to is decided where the document is. */
  async mark({ clientId, streamId }: StreamRef, lease: Lease, mark: Mark): Promise<number | 'lost'> {
    const until = this.#leases.until(this.#clock.now())
    const stages = [...lanesOf(mark), { $set: this.#rest(mark, until) }]
    const filter = {
      _id: oid(streamId),
      clientId: oid(clientId),
      owner: this.#leases.owner,
      fence: lease.fence,
    }
    const options = {
      updatePipeline: true,
      returnDocument: 'after',
      projection: { seq: 1, owner: 1 },
    } as const
    const stream = await this.#models.streams
      .findOneAndUpdate(filter, stages as never, options)
      .lean<StreamDoc>()
    if (!stream) return 'lost'
    if (stream.owner) this.#leases.renew(lease, until)
    return stream.seq
  }

  /** One round trip. */
  async reclaim({ clientId, streamId }: StreamRef, lease?: Lease): Promise<Claimed | 'lost'> {
    const until = this.#leases.until(this.#clock.now())
    const mine = { _id: oid(streamId), clientId: oid(clientId), owner: this.#leases.owner }
    const filter = lease ? { ...mine, $or: [{ fence: lease.fence }, { reclaimedFrom: lease.fence }] } : mine
    const fence = lease
      ? { $set: { nextAt: until, fence: lease.fence + 1, reclaimedFrom: lease.fence } }
      : { $set: { nextAt: until }, $inc: { fence: 1 }, $unset: { reclaimedFrom: 1 } }
    const stream = await this.#models.streams
      .findOneAndUpdate(filter, fence, { returnDocument: 'after', projection: CLAIMED })
      .lean<StreamDoc>()
    return stream ? toClaimed(stream, stream.seq, this.#leases.leaseOf(stream.fence, until)) : 'lost'
  }

  /** Whether the holder keeps the stream, and when it is due if not. */
  #rest({ nextAt }: Mark, until: Date): Record<string, unknown> {
    const reserved = {
      $filter: {
        input: { $ifNull: ['$reserved', []] },
        as: 'each',
        cond: { $gt: ['$$each.last', '$scanned'] },
      },
    }
    if (nextAt === 'active') return { nextAt: until, reserved }
    const given = nextAt && this.#clock.toDatabase(nextAt)
    const goesOn = { $gt: ['$seq', '$scanned'] }
    const now = this.#clock.now()
    const isWoken = { $eq: ['$woken', true] }
    const isDue = given ? isWoken : { $or: [isWoken, { $ne: ['$lanes', { $literal: {} }] }] }
    // The time of the newest entry is past by any clock.
    const soon = { $min: ['$lastAt', now, ...(given ? [given] : [])] }
    const rest = { $cond: [isDue, soon, given ?? '$$REMOVE'] }
    const ifResting = (then: unknown, otherwise: unknown) => ({ $cond: [goesOn, otherwise, then] })
    const isOwing = given ? true : isDue
    const isOver = { $cond: [isMissing('$deletedAt'), '$$REMOVE', true] }
    return {
      reserved,
      nextAt: ifResting(rest, until),
      wakeAt: ifResting(rest, '$wakeAt'),
      owner: ifResting('$$REMOVE', '$owner'),
      woken: ifResting('$$REMOVE', '$woken'),
      owedAt: ifResting({ $cond: [isOwing, '$owedAt', '$$REMOVE'] }, '$owedAt'),
      isOver: ifResting({ $cond: [isOwing, '$$REMOVE', isOver] }, '$$REMOVE'),
    }
  }

  /** Gives a stream back that nobody has looked at: it is due now. */
  async release({ clientId, streamId }: StreamRef, lease: Lease): Promise<void> {
    const now = this.#clock.now()
    const filter = {
      _id: oid(streamId),
      clientId: oid(clientId),
      owner: this.#leases.owner,
      fence: lease.fence,
    }
    const update = { $set: { nextAt: now, wakeAt: now }, $unset: { owner: 1, woken: 1 } }
    await this.#models.streams.updateOne(filter, update)
  }

  async wakeClient(clientId: Id, time: Date): Promise<void> {
    const now = this.#clock.toDatabase(time)
    const woken = { $cond: [isMissing('$owner'), '$$REMOVE', true] }
    const update = [{ $set: { ...waking(now), woken } }]
    // A holder may come back after the end of its lease.
    const isAsleep = { $or: [{ nextAt: { $gt: now } }, { owner: { $exists: true } }] }
    const filter = { clientId: oid(clientId), nextAt: { $gt: new Date(0) }, ...isAsleep }
    await this.#models.streams.updateMany(filter, update as never, { updatePipeline: true })
  }

  async findProgress({ clientId, streamId }: StreamRef): Promise<Progress | undefined> {
    const filter = { _id: oid(streamId), clientId: oid(clientId) }
    const stream = await this.#models.streams.findOne(filter, { scanned: 1, lanes: 1 }).lean<StreamDoc>()
    return stream ? toProgress(stream) : undefined
  }

  async findSchedule({ clientId, streamId }: StreamRef): Promise<Schedule | undefined> {
    const filter = { _id: oid(streamId), clientId: oid(clientId) }
    const stream = await this.#models.streams.findOne(filter, { nextAt: 1, owner: 1 }).lean<StreamDoc>()
    if (!stream?.nextAt) return stream ? {} : undefined
    const at = this.#clock.fromDatabase(stream.nextAt)
    return stream.owner ? { leasedUntil: at } : { dueAt: at }
  }
}

/** What a mark writes of the lanes, whole. */
function lanesOf({ scanned, lanes }: Mark): object[] {
  const set: Record<string, unknown> = { scanned: { $max: ['$scanned', scanned] } }
  const unset: string[] = []
  for (const [key, lane] of Object.entries(lanes)) {
    if (lane) set[`lanes.${key}`] = { $literal: lane }
    else unset.push(`lanes.${key}`)
  }
  // Whole: $set merges what is an object on both sides.
  const written = Object.keys(set).filter((name) => name.startsWith('lanes.'))
  const stages: object[] = []
  if (written.length > 0 || unset.length > 0) stages.push({ $unset: [...written, ...unset] })
  stages.push({ $set: set })
  return stages
}
