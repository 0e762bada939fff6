import { type Id, PlugboardError } from '@plugboard/core'
import type { Claimed, EndpointRecord, NewEntry, StreamKind } from '@plugboard/hub'
import { LRUCache } from 'lru-cache'
import type { DatabaseClock } from '../database/clock.js'
import type { EndpointDoc, ObjectId, StreamDoc } from '../database/document-types.js'
import { isTaken } from '../database/failure.js'
import type { Models } from '../database/schemas.js'
import type { Leases } from '../delivery/leases.js'
import { idOf, later, NEVER, oid, toClaimed, toEndpoint, toEntryDoc } from '../encoding.js'

/** What of a stream hardly ever changes, so that it is kept for as long as there is room. */
export interface Head {
  readonly kind: StreamKind
  /** Another process may have merged it into another user since. */
  userId: ObjectId | undefined
  /** Those that were removed by another process may still be here; what goes to one is dead then. */
  endpoints: readonly EndpointRecord[]
  /** The first numbers of reservations that this process has filled, and the stream may still have as reserved. */
  filled: number[]
}

/** What a stream is made with. */
export interface NewStream {
  _id: ObjectId
  clientId: ObjectId
  kind: StreamKind
  userId?: ObjectId
  createdAt: Date
  data?: string
  endpoints?: EndpointDoc[]
}

const USER = { kind: 1, createdAt: 1, data: 1, deletedAt: 1, mergedInto: 1 } as const

const HEAD = { kind: 1, userId: 1, endpoints: 1 } as const

/** The documents of streams: made together with their first entry, and found. */
export class StreamCache {
  readonly #streams: Models['streams']
  readonly #clock: DatabaseClock
  readonly #leases: Leases
  readonly #heads: LRUCache<string, Head>

  constructor({ streams }: Models, clock: DatabaseClock, leases: Leases, cacheSize: number) {
    this.#streams = streams
    this.#clock = clock
    this.#leases = leases
    this.#heads = new LRUCache({ max: cacheSize })
  }

  /** What hardly ever changes of a stream, deleted or not. */
  async head(clientId: Id, streamId: Id): Promise<Head | undefined> {
    const known = this.#heads.get(clientId + streamId)
    if (known) return known
    const doc = await this.find(clientId, streamId, HEAD)
    return doc && this.know(doc)
  }

  know({
    _id,
    clientId,
    kind,
    userId,
    endpoints,
  }: Pick<StreamDoc, '_id' | 'clientId' | keyof typeof HEAD>): Head {
    const key = idOf(clientId) + idOf(_id)
    const known = this.#heads.get(key)
    if (known) return known
    const head = { kind, userId, endpoints: endpoints.map(toEndpoint), filled: [] }
    this.#heads.set(key, head)
    return head
  }

  /** The stream has it no more. */
  forgetEndpoint(clientId: Id, streamId: Id, endpointId: Id): void {
    const head = this.#heads.get(clientId + streamId)
    if (head) head.endpoints = head.endpoints.filter(({ id }) => id !== endpointId)
  }

  /** What is known of the stream is not so any more. */
  forget(clientId: Id, streamId: Id): void {
    this.#heads.delete(clientId + streamId)
  }

  forgetAll(): void {
    this.#heads.clear()
  }

  async find(
    clientId: Id,
    streamId: Id,
    projection: Partial<Record<keyof StreamDoc, 1>>,
  ): Promise<StreamDoc | undefined> {
    const filter = { _id: oid(streamId), clientId: oid(clientId) }
    const doc = await this.#streams.findOne(filter, { clientId: 1, ...projection }).lean<StreamDoc>()
    return doc ?? undefined
  }

  /** The user, or the one that it was merged into; undefined if that was deleted. */
  async findUser(clientId: Id, id: Id): Promise<StreamDoc | undefined> {
    const doc = await this.find(clientId, id, USER)
    if (doc?.mergedInto) return this.findUser(clientId, idOf(doc.mergedInto))
    return doc?.kind === 'user' && !doc.deletedAt ? doc : undefined
  }

  /**
   * Makes a stream with its first entry kept in it, in one write. Answers the document, and the lease when the entry
   * claims it; undefined when there is a stream with this id.
   */
  async create(
    stream: NewStream,
    first: NewEntry | undefined,
  ): Promise<{ doc: StreamDoc; claimed: Claimed | undefined } | undefined> {
    const doc = this.#draft(stream, first)
    try {
      await this.#streams.bulkWrite([{ insertOne: { document: doc } }] as never, { timestamps: false })
    } catch (error) {
      if (isTaken(error)) return undefined
      throw error
    }
    this.know(doc)
    const isClaimed = doc.owner !== undefined
    const lease = isClaimed ? this.#leases.leaseOf(doc.fence, doc.nextAt as Date) : undefined
    return { doc, claimed: lease && toClaimed(doc, 1, lease) }
  }

  #draft({ endpoints = [], ...stream }: NewStream, first: NewEntry | undefined): StreamDoc {
    const { _id: streamId, clientId, kind, createdAt } = stream
    const lastAt = first?.at ?? new Date(0)
    const doc: StreamDoc = {
      ...stream,
      endpoints,
      kept: first ? [toEntryDoc(first, first, { clientId, streamId, seq: 1, at: lastAt })] : [],
      seq: first ? 1 : 0,
      lastAt,
      scanned: first && first.owes.length === 0 ? 1 : 0,
      lanes: {},
      fence: 0,
      createdAt,
    }
    if (kind === 'conversation') Object.assign(doc, { listAt: NEVER, activeAt: createdAt })
    if (first && first.owes.length > 0) Object.assign(doc, this.#owing(first))
    return doc
  }

  #owing({ at, claim }: NewEntry): Partial<StreamDoc> {
    const now = this.#clock.now()
    if (claim) return { owner: this.#leases.owner, fence: 1, nextAt: this.#leases.until(now), owedAt: at }
    const dueAt = later(at, now) === at ? now : at
    return { nextAt: dueAt, wakeAt: dueAt, owedAt: at }
  }

  /** @throws CONFLICT when the id is of another kind of stream, or of another client's */
  async existing(clientId: Id, streamId: Id, kind: StreamKind): Promise<StreamDoc> {
    const projection = { ...HEAD, kept: 1 } as const
    const doc = await this.find(clientId, streamId, projection)
    if (doc?.kind !== kind) throw new PlugboardError('CONFLICT', 'this id is taken')
    this.know(doc)
    return doc
  }
}
