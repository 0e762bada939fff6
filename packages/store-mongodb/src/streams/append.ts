import { PlugboardError } from '@plugboard/core'
import type { Append, Appended, Claimed } from '@plugboard/hub'
import type { EntryDoc, ObjectId, StreamDoc } from '../database/document-types.js'
import { toStoreError } from '../database/failure.js'
import type { Models } from '../database/schemas.js'
import type { Claims } from '../delivery/claims.js'
import { idOf, oid, type Place, toAppended, toEntry, toEntryDoc, toVoidDoc } from '../encoding.js'
import type { Inserter } from './inserter.js'
import type { Reservations, Reserved, Wanted } from './reservations.js'
import type { Head, StreamCache } from './stream-cache.js'

interface Item {
  append: Append
  resolve(appended: Appended | undefined): void
  reject(error: unknown): void
}

/** A stream with what waits to be appended to it. */
interface Queue {
  waiting: Item[]
}

type Named = Pick<StreamDoc, '_id' | 'clientId'>

/** Entries of one stream that go in at once. */
const MAX_BATCH = 256
/** Times that an entry is tried whose number was voided meanwhile. */
const MAX_TRIES = 5

/**
 * How streams grow. One batch of a stream is under way at a time, and what comes in meanwhile is the next: so the
 * numbers of one process never get in before those that it took earlier, and many appends share their round trips.
 */
export class Appender {
  readonly #models: Models
  readonly #streams: StreamCache
  readonly #reservations: Reservations
  readonly #inserter: Inserter
  readonly #claims: Claims
  readonly #queues = new Map<string, Queue>()

  constructor(
    models: Models,
    streams: StreamCache,
    reservations: Reservations,
    inserter: Inserter,
    claims: Claims,
  ) {
    this.#models = models
    this.#streams = streams
    this.#reservations = reservations
    this.#inserter = inserter
    this.#claims = claims
  }

  append(append: Append): Promise<Appended | undefined> {
    return new Promise((resolve, reject) => {
      const key = append.clientId + append.streamId
      const item = { append, resolve, reject }
      const queue = this.#queues.get(key)
      if (queue) queue.waiting.push(item)
      else {
        const fresh = { waiting: [item] }
        this.#queues.set(key, fresh)
        void this.#drain(key, fresh)
      }
    })
  }

  async #drain(key: string, queue: Queue): Promise<void> {
    while (queue.waiting.length > 0) {
      const items = queue.waiting.splice(0, MAX_BATCH)
      await this.#run(items).catch((error) => {
        for (const item of items) item.reject(error)
      })
    }
    this.#queues.delete(key)
  }

  async #run(items: readonly Item[]): Promise<void> {
    const [{ append }] = items as [Item]
    const { clientId, streamId, kind } = append
    const stream = { _id: oid(streamId), clientId: oid(clientId) }
    const head = await this.#headFor(append, stream)
    if (head?.kind !== kind) return answer(items, undefined)
    const wanted = resolveAll(
      items.filter(({ append }) => sameKind(append, kind)),
      head,
    )
    for (const item of items) if (!sameKind(item.append, kind)) item.resolve(undefined)
    if (wanted.length === 0) return
    const reserved = await this.#reservations.reserve(stream, head, wanted)
    if (!reserved)
      return answer(
        wanted.map(({ item }) => item),
        undefined,
      )
    await this.#fill(stream, head, wanted, reserved)
  }

  /** The stream of an integration begins here. */
  async #headFor({ clientId, streamId, kind, entry }: Append, stream: Named): Promise<Head | undefined> {
    const head = await this.#streams.head(clientId, streamId)
    if (head || kind !== 'integration') return head
    await this.#streams.create({ ...stream, kind, createdAt: entry.at }, undefined)
    return this.#streams.head(clientId, streamId)
  }

  /** Puts entries at the numbers that were reserved for them. */
  async #fill(
    stream: Named,
    head: Head,
    wanted: readonly (Wanted & { item: Item })[],
    reserved: Reserved,
  ): Promise<void> {
    let { claimed } = reserved
    const takeLease = (seq: number): Claimed | undefined => {
      const taken = claimed?.(seq)
      claimed = undefined
      return taken
    }
    const outcomes = await Promise.allSettled(
      wanted.map(({ entry, resolved }, index) => {
        const { _id: streamId, clientId } = stream
        const at = reserved.times[index] as Date
        const place = { clientId, streamId, seq: reserved.seq + 1 + index, at }
        return this.#put(head, { entry, resolved }, place)
      }),
    )
    if (outcomes.every(({ status }) => status === 'fulfilled')) head.filled.push(reserved.seq + 1)
    const answers = wanted.map(({ item, entry, resolved }, index) => {
      const outcome = outcomes[index]
      if (outcome?.status !== 'fulfilled') return () => item.reject(toStoreError(outcome?.reason))
      const { value: appended } = outcome
      if (appended === 'voided') return () => this.#again(item)
      const isClaim = !appended.duplicate && entry.claim && resolved.owes.length > 0
      const lease = isClaim ? takeLease(appended.entry.seq) : undefined
      return () => item.resolve(lease ? { ...appended, claimed: lease } : appended)
    })
    const left = takeLease(reserved.seq + wanted.length)
    const hasAdded = outcomes.some(({ status, value }: Settled) => status === 'rejected' || isNew(value))
    if (left) await this.#giveBack(left, reserved.wasIdle && !hasAdded)
    for (const answerOne of answers) answerOne()
  }

  #again(item: Item & { tries?: number }): void {
    item.tries = (item.tries ?? 0) + 1
    if (item.tries >= MAX_TRIES) {
      const why = 'the numbers of this entry were taken for unused ones; the database is too slow'
      return item.reject(new PlugboardError('UNAVAILABLE', why))
    }
    const { clientId, streamId } = item.append
    this.#queues.get(clientId + streamId)?.waiting.push(item)
  }

  /** Who asked for the lease got no entry of its own. Where it fails, the lease ends by itself. */
  async #giveBack(claimed: Claimed, isIdle: boolean): Promise<void> {
    const nothing = { scanned: claimed.seq, lanes: {}, nextAt: null }
    const deliveries = this.#claims
    const given = isIdle
      ? deliveries.mark(claimed, claimed.lease, nothing)
      : deliveries.release(claimed, claimed.lease)
    await given.catch(() => undefined)
  }

  /** `voided`: the number was given up by a reader before the entry got there. */
  async #put(head: Head, { entry: given, resolved }: Wanted, place: Place): Promise<Appended | 'voided'> {
    const doc = toEntryDoc(given, resolved, place)
    const outcome = await this.#insert(doc)
    if (outcome === 'inserted') return toAppended(toEntry(doc, undefined), false, head.userId)
    return this.#taken(head, doc, place)
  }

  /** When it is unknown whether it arrived, a void at its number tells: that is refused where the entry is. */
  async #insert(doc: EntryDoc): Promise<'inserted' | 'taken'> {
    try {
      return await this.#inserter.insert(doc)
    } catch (error) {
      const filled = await this.#inserter.insert(toVoidDoc(doc)).catch(() => undefined)
      if (filled === 'taken') return 'taken'
      throw error
    }
  }

  /** Its id, its dedupe or its number is there already. */
  async #taken(head: Head, doc: EntryDoc, place: Place): Promise<Appended | 'voided'> {
    const { clientId, streamId, seq, _id, dedupe } = doc
    const same = [{ _id }, { seq }, ...(dedupe === undefined ? [] : [{ dedupe }])]
    const found = await this.#models.entries.find({ clientId, streamId, $or: same }).lean<EntryDoc[]>()
    const here = found.find((other) => other.seq === seq)
    if (here?._id.equals(_id)) return toAppended(toEntry(here, undefined), false, head.userId)
    if (!here) await this.#inserter.insert(toVoidDoc(place))
    const original = found.find((other) => other._id.equals(_id) || isRepeat(other, dedupe))
    if (original) return toAppended(toEntry(original, undefined), true, head.userId)
    if (here) return 'voided'
    throw new PlugboardError('CONFLICT', 'this id is taken')
  }

  /** Writes entries of streams that have them already, as part of what they were made or ended with. */
  async materialise(docs: readonly EntryDoc[]): Promise<void> {
    await Promise.all(docs.map((doc) => this.#inserter.insert(doc)))
  }
}

/** What came of one entry of a batch. */
interface Settled {
  status: 'fulfilled' | 'rejected'
  value?: Appended | 'voided'
}

const isNew = (outcome: Settled['value']): boolean =>
  outcome !== undefined && outcome !== 'voided' && !outcome.duplicate

const isRepeat = (doc: EntryDoc, dedupe: string | undefined): boolean =>
  dedupe !== undefined && doc.dedupe === dedupe

const sameKind = (append: Append, kind: Append['kind']): boolean => append.kind === kind

const answer = (items: readonly Item[], appended: undefined): void => {
  for (const item of items) item.resolve(appended)
}

/** Asks each what it owes; who throws is refused alone. */
function resolveAll(items: readonly Item[], { userId, endpoints }: Head): (Wanted & { item: Item })[] {
  return items.flatMap((item) => {
    try {
      const { entry, resolve } = item.append
      return [
        {
          item,
          entry,
          resolved: resolve(userId ? { userId: idOf(userId as ObjectId), endpoints } : { endpoints }),
        },
      ]
    } catch (error) {
      item.reject(error)
      return []
    }
  })
}
