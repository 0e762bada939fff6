import type { Id } from '@plugboard/core'
import type { Lease } from '@plugboard/hub'
import { LRUCache } from 'lru-cache'
import type { Pending } from '../database/group-commit.js'
import { NEVER } from '../database/migrations.js'
import type { Connection } from '../database/sql.js'
import type { ProgressTable } from '../delivery/progress-table.js'
import type { Activity } from '../lists/activity.js'
import { ConversationOrder } from './conversation-order.js'
import { NO_LANES, retake, type StreamState, take, wake } from './stream-state.js'
import { type StoredStream, StreamTable } from './stream-table.js'

/** What a stream is made with. */
export interface NewStream
  extends Pick<StreamState, 'clientId' | 'streamId' | 'kind' | 'userId' | 'userN' | 'createdAt'> {
  endpoints?: StreamState['endpoints']
  /** Of a user, as JSON text. */
  data?: string | null
}

/**
 * The streams in use, in memory: numbers and progress come from here, and each stream that a batch touches is written
 * down once at its end. What is in memory equals the rows whenever a batch is over.
 */
export class StreamCache implements Pending {
  readonly #rows: StreamTable
  readonly #order: ConversationOrder
  readonly #cache: LRUCache<string, StoredStream>
  /** Since the last settled batch or item; a stream may leave the cache while it is here. */
  readonly #touched = new Map<string, StoredStream>()
  readonly #unwritten = new Set<StoredStream>()
  #lastN: number
  #earliestDue = 0
  /** Of the newest lease. Those of earlier processes are void, so that it can begin anew. */
  #lastFence = 0

  /** How long a stream is left to a holder that does not mark it, in milliseconds. */
  readonly leaseMs: number

  constructor(
    db: Connection,
    tables: { progress: ProgressTable; activity: Activity },
    options: { cacheSize: number; leaseMs: number },
  ) {
    const { cacheSize } = options
    this.leaseMs = options.leaseMs

    this.#rows = new StreamTable(db, tables)
    this.#order = new ConversationOrder(db, cacheSize)
    this.#cache = new LRUCache({ max: cacheSize })
    this.#lastN = this.#rows.lastN
  }

  find(clientId: Id, streamId: Id): StreamState | undefined {
    const key = clientId + streamId
    const known = this.#cache.get(key) ?? this.#touched.get(key)
    if (known) return known
    const state = this.#rows.read(clientId, streamId)
    if (state) this.#cache.set(key, state)
    return state
  }

  /** The stream of a user, or of the one that it was merged into. */
  findUser(clientId: Id, id: Id): StreamState | undefined {
    const stream = this.find(clientId, id)
    return stream?.mergedInto === undefined ? stream : this.findUser(clientId, stream.mergedInto)
  }

  /** The number of a row that is new, for who writes it past this. */
  takeRow(): number {
    this.#lastN += 1
    return this.#lastN
  }

  create({ data = null, endpoints = [], ...fixed }: NewStream): StreamState {
    const rank = fixed.userN === null ? null : NEVER
    const stream: StoredStream = {
      key: fixed.clientId + fixed.streamId,
      n: this.takeRow(),
      ...fixed,
      mergedInto: undefined,
      endpoints,
      seq: 0,
      lastAt: 0,
      lastMessageAt: null,
      rank,
      activeAt: fixed.kind === 'conversation' ? fixed.createdAt : null,
      deletedAt: null,
      scanned: 0,
      lanes: NO_LANES,
      nextAt: null,
      hold: 'free',
      fence: 0,
      reclaimedFrom: undefined,
      fresh: { data },
      saved: { rank, activeAt: null, deletedAt: null, isOver: false, progress: undefined },
    }
    this.#cache.set(stream.key, stream)
    this.touch(stream)
    return stream
  }

  /** To be called with each stream that was changed. */
  touch(state: StreamState): void {
    const stream = state as StoredStream
    this.#touched.set(stream.key, stream)
    this.#unwritten.add(stream)
  }

  /** Gives the stream to a holder. */
  take(stream: StreamState, now: number): void {
    take(stream, this.#nextFence(), now, this.leaseMs)
    this.touch(stream)
  }

  /** Gives its holder a new lease of the stream. */
  retake(stream: StreamState, lease: Lease | undefined, now: number): void {
    // A reclaim that is repeated has the lease that the first one made.
    const isRepeated = lease !== undefined && lease.fence === stream.reclaimedFrom
    retake(stream, isRepeated ? stream.fence : this.#nextFence(), now, this.leaseMs)
    this.touch(stream)
  }

  #nextFence(): number {
    this.#lastFence += 1
    return this.#lastFence
  }

  /** To be called with each message: its conversation is the newest of its user then. */
  rise(stream: StreamState): void {
    if (stream.userN !== null) this.#order.rise(stream.userN, stream)
  }

  /** Ranks were written past this. */
  ranked(): void {
    this.#order.clear()
  }

  /** The rows of the client's streams were woken: those in memory follow, also those that have left the cache. */
  woken(clientId: Id, ms: number): void {
    this.dueFrom(ms)
    for (const state of new Set([...this.#touched.values(), ...this.#cache.values()])) {
      const { progress } = state.saved
      if (state.clientId !== clientId || !progress) continue
      wake(state, ms)
      progress.nextAt = state.nextAt ?? ms
      progress.hold = state.hold
      this.#touched.set(state.key, state)
    }
  }

  /** A stream that is no more. */
  drop(clientId: Id, streamId: Id): void {
    this.#cache.delete(clientId + streamId)
    this.#touched.delete(clientId + streamId)
  }

  /** The earliest time at which a stream became due since this was asked last. */
  takeEarliestDue(): number {
    const earliest = this.#earliestDue
    this.#earliestDue = Number.POSITIVE_INFINITY
    return earliest
  }

  flush(): void {
    for (const state of this.#unwritten) {
      this.#rows.write(state)
      if (state.nextAt !== null) this.dueFrom(state.nextAt)
    }
    this.#unwritten.clear()
  }

  settled(): void {
    this.#touched.clear()
  }

  forget(): void {
    for (const key of this.#touched.keys()) this.#cache.delete(key)
    this.#touched.clear()
    this.#unwritten.clear()
    this.#order.clear()
    this.dueFrom(0)
  }

  forgetAll(): void {
    this.forget()
    this.#cache.clear()
  }

  /** A stream became due at this time. */
  dueFrom(ms: number): void {
    this.#earliestDue = Math.min(this.#earliestDue, ms)
  }
}
