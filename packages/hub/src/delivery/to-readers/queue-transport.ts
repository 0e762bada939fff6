import type { Id, Logger } from '@plugboard/core'
import type { PullOffer } from '../../log/pull-lane.js'
import type { QueueItem } from '../../log/queue.js'
import type { Store } from '../../ports/store.js'
import { monotonicMs, type Transport, type TransportListener } from '../transport.js'
import type { QueueBell } from './queue-bell.js'

/** Delay before a write is repeated after the store failed, in milliseconds. */
const RETRY_MS = 1000
/** Most items in one write. */
const MAX_ITEMS = 1000

/** Where the entries of a lane are stored for readers. */
export interface QueueAddress {
  clientId: Id
  webhookId: Id
  mode: 'pull' | 'feed'
  streamId: Id
  userId?: Id
  /** See {@link PullLane}. */
  replay?: string
}

export interface QueueEntry {
  seq: number
  at: Date
}

/** Entries of one lane, pushed at once. */
interface Push {
  lane: number
  generation: number
  address: QueueAddress
  items: readonly QueueEntry[]
}

/** A lane with something to store. */
interface Lane {
  leaseEndsAt: number
  /** Of its pushes that are waiting or being written. */
  open: number
  /** The generation whose cancel is to be confirmed when nothing is being written. */
  cancelled: number | undefined
}

/** What waits to be stored for one webhook. */
interface Outbox {
  waiting: Push[]
  isWriting: boolean
}

export interface QueueTransportOptions {
  store: Pick<Store, 'enqueue' | 'offerPulls'>
  bell: QueueBell
  log: Logger
  now(): Date
  /** Default: a second. */
  retryMs?: number
}

/**
 * Stores entries for those who read them: one write at a time for each webhook, with everything that was pushed since the
 * last one. It never fails: while the store fails, it repeats the write until the lease of a lane has ended. A write that
 * takes effect after the lease is harmless, because each has all entries of a lane since the last confirmed one, and
 * what is stored is not stored again.
 */
export class QueueTransport implements Transport<QueueAddress, QueueEntry> {
  readonly #options: QueueTransportOptions
  readonly #outboxes = new Map<Id, Outbox>()
  readonly #lanes = new Map<number, Lane>()
  #listener: TransportListener | undefined
  #isClosing = false

  constructor(options: QueueTransportOptions) {
    this.#options = options
  }

  start(listener: TransportListener): void {
    this.#listener = listener
  }

  push(
    lane: number,
    generation: number,
    address: QueueAddress,
    items: readonly QueueEntry[],
    leaseEndsAt: number,
  ): void {
    if (this.#isClosing) return
    const known = this.#lanes.get(lane) ?? { leaseEndsAt, open: 0, cancelled: undefined }
    this.#lanes.set(lane, known)
    known.leaseEndsAt = Math.max(known.leaseEndsAt, leaseEndsAt)
    known.open += 1
    const outbox = this.#outboxes.get(address.webhookId) ?? { waiting: [], isWriting: false }
    this.#outboxes.set(address.webhookId, outbox)
    outbox.waiting.push({ lane, generation, address, items })
    if (outbox.isWriting) return
    outbox.isWriting = true
    setImmediate(() => void this.#write(address.webhookId, outbox))
  }

  renew(lane: number, leaseEndsAt: number): void {
    const known = this.#lanes.get(lane)
    if (known) known.leaseEndsAt = Math.max(known.leaseEndsAt, leaseEndsAt)
  }

  cancel(lane: number, generation: number): void {
    this.#forget(lane)
    const known = this.#lanes.get(lane)
    if (known) known.cancelled = generation
    else queueMicrotask(() => this.#listener?.cancelled(lane, generation))
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosing = true
    for (const lane of [...this.#lanes.keys()]) this.#forget(lane)
    const deadline = monotonicMs() + graceMs
    while (this.#lanes.size > 0 && monotonicMs() < deadline) await new Promise((next) => setTimeout(next, 10))
  }

  /** Drops what waits; not what is being written. */
  #forget(lane: number): void {
    for (const outbox of this.#outboxes.values()) {
      const kept = outbox.waiting.filter((push) => push.lane !== lane)
      this.#closed(lane, outbox.waiting.length - kept.length)
      outbox.waiting = kept
    }
  }

  #closed(lane: number, pushes: number): void {
    const known = this.#lanes.get(lane)
    if (!known || pushes === 0) return
    known.open -= pushes
    if (known.open > 0) return
    this.#lanes.delete(lane)
    if (known.cancelled !== undefined) this.#listener?.cancelled(lane, known.cancelled)
  }

  async #write(webhookId: Id, outbox: Outbox): Promise<void> {
    let isFailing = false
    for (;;) {
      this.#expire(outbox)
      const pushes = takeSome(outbox)
      if (pushes.length === 0) break
      try {
        await this.#store(pushes)
        isFailing = false
      } catch (err) {
        if (!isFailing)
          this.#options.log.error({ err, webhookId }, 'cannot store events for readers; will retry')
        isFailing = true
        // A lane that was cancelled meanwhile is not tried again.
        const kept = pushes.filter(
          ({ lane }) => this.#lanes.get(lane)?.cancelled === undefined && !this.#isClosing,
        )
        outbox.waiting = [...kept, ...outbox.waiting]
        for (const { lane } of pushes.filter((push) => !kept.includes(push))) this.#closed(lane, 1)
        if (kept.length > 0)
          await new Promise((next) => setTimeout(next, this.#options.retryMs ?? RETRY_MS).unref())
        continue
      }
      this.#options.bell.ring(webhookId)
      for (const { lane, generation, items } of pushes) {
        const last = items.at(-1)
        if (last) this.#listener?.delivered(lane, generation, last.seq)
        this.#closed(lane, 1)
      }
    }
    outbox.isWriting = false
    this.#outboxes.delete(webhookId)
  }

  /** Another process may have these lanes. */
  #expire(outbox: Outbox): void {
    const now = monotonicMs()
    const over = new Map(
      outbox.waiting
        .filter(({ lane }) => (this.#lanes.get(lane)?.leaseEndsAt ?? 0) <= now)
        .map(({ lane, generation }) => [lane, generation]),
    )
    for (const [lane, generation] of over) {
      this.#forget(lane)
      this.#listener?.expired(lane, generation)
    }
  }

  #store(pushes: readonly Push[]): Promise<void> {
    const { store, now } = this.#options
    const [first] = pushes
    if (!first) return Promise.resolve()
    const { clientId, webhookId, mode } = first.address
    if (mode === 'pull')
      return store.offerPulls(
        clientId,
        pushes.flatMap((push) => offersOf(push, now())),
        now(),
      )
    return store.enqueue(
      clientId,
      webhookId,
      pushes.flatMap((push) => itemsOf(push, now())),
    )
  }
}

function takeSome(outbox: Outbox): Push[] {
  let count = 0
  const end = outbox.waiting.findIndex(({ items }) => {
    const isFull = count >= MAX_ITEMS
    count += items.length
    return isFull
  })
  const taken = end < 0 ? outbox.waiting : outbox.waiting.slice(0, end)
  outbox.waiting = end < 0 ? [] : outbox.waiting.slice(end)
  return taken
}

function offersOf({ address, items }: Push, now: Date): PullOffer[] {
  const { webhookId, streamId, userId, replay } = address
  const [first, last] = [items[0], items.at(-1)]
  if (!first || !last) return []
  return [
    {
      ...{ webhookId, streamId, after: first.seq - 1, upTo: last.seq },
      ...(userId !== undefined && { userId }),
      // The schedule of a replay begins when it is replayed.
      ...(replay === undefined ? { at: first.at } : { replay, at: now }),
    },
  ]
}

const itemsOf = ({ address: { streamId, userId }, items }: Push, at: Date): QueueItem[] =>
  items.map(({ seq }) => ({ streamId, seq, ...(userId !== undefined && { userId }), at }))
