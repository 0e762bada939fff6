import { LRUCache } from 'lru-cache'
import type { DatabaseClock } from '../database/clock.js'
import type { EntryDoc, ObjectId, ReservationDoc, StreamDoc } from '../database/document-types.js'
import type { Models } from '../database/schemas.js'
import { toVoidDoc } from '../encoding.js'
import type { Inserter } from './inserter.js'

/** How long a number may be missing before it is taken for one that nobody will use. */
const HOLE_MS = 2000
/** Entries of this age are read together with all that came before them, by far. */
const FRESH_MS = 10_000
/** Numbers that are looked at, and filled, in one command. */
const AT_ONCE = 1000

/** A stream, as far as it says which of its numbers may be missing. */
export type Holed = Pick<StreamDoc, '_id' | 'clientId' | 'kept' | 'reserved' | 'isOver'>

interface StreamKey {
  clientId: ObjectId
  streamId: ObjectId
}

/** What was found below an entry. */
export interface Settled {
  /** The lowest number that may still become an entry: no reader may pass it. */
  hole: number | undefined
  /** Numbers that have an entry which was not among those that were read. */
  arrived: readonly number[]
}

/**
 * Numbers that were reserved and are not there. A process that died leaves them, or a write that failed. Whoever reads
 * fills them with nothing, all of them at once, when they were reserved for so long that nobody will use them: by the
 * database's clock, so that it does not matter when they are met. Who comes later with an entry for such a number is
 * refused and takes another one.
 */
export class Holes {
  readonly #models: Models
  readonly #inserter: Inserter
  readonly #clock: DatabaseClock
  /** Since when this process has known that a number is missing, by its monotonic clock. */
  readonly #seen = new LRUCache<string, number>({ max: 10_000 })

  constructor(models: Models, inserter: Inserter, clock: DatabaseClock) {
    this.#models = models
    this.#inserter = inserter
    this.#clock = clock
  }

  /** Looks at all numbers below the newest of these entries, and fills those that are missing for long. */
  async settle(state: Holed, docs: readonly Pick<EntryDoc, 'seq' | 'at'>[]): Promise<Settled> {
    const settled = await this.#settle(state, docs)
    if (settled.hole !== undefined) return settled
    const passed = await this.#passed(state, docs)
    return passed.length > 0 ? { hole: undefined, arrived: [...settled.arrived, ...passed] } : settled
  }

  async #settle(state: Holed, docs: readonly Pick<EntryDoc, 'seq'>[]): Promise<Settled> {
    const known = new Set(docs.map(({ seq }) => seq))
    const newest = Math.max(0, ...known)
    const kept = state.kept.map(({ seq }) => seq).filter((seq) => seq > 1)
    const doubtful = [...numbersOf(state.reserved), ...kept]
      .filter((seq) => seq < newest && !known.has(seq))
      .sort((a, b) => a - b)
    if (doubtful.length === 0) return { hole: undefined, arrived: [] }
    const stream = { clientId: state.clientId, streamId: state._id }
    const missing = await missingOf(this.#models, stream, doubtful)
    const isMissing = new Set(missing)
    const filled = await this.fill(state, missing)
    const there = doubtful.filter((seq) => !isMissing.has(seq) && seq < (filled.hole ?? newest))
    await this.#forget(state, filled.hole ?? newest)
    return { hole: filled.hole, arrived: [...there, ...filled.arrived] }
  }

  /**
   * Messages between these entries that were not read with them. The entries are read before their stream: a message that
   * came in between is missing, and the stream may not know any more that its number was reserved, since another reader
   * has seen it. Only new entries can have been passed so.
   */
  async #passed(
    { clientId, _id: streamId }: Holed,
    docs: readonly Pick<EntryDoc, 'seq' | 'at'>[],
  ): Promise<number[]> {
    const since = this.#clock.measured().getTime() - FRESH_MS
    const numbers = docs.filter(({ at }) => at.getTime() > since).map(({ seq }) => seq)
    const lowest = Math.min(...numbers)
    const known = new Set(numbers)
    const between = Array.from({ length: Math.min(Math.max(0, Math.max(0, ...numbers) - lowest), AT_ONCE) })
      .map((_, index) => lowest + index)
      .filter((seq) => !known.has(seq))
    if (between.length === 0) return []
    const there = await this.#models.entries
      .find({ clientId, streamId, seq: { $in: between }, listed: true }, { _id: 0, seq: 1 })
      .lean<{ seq: number }[]>()
    return there.map(({ seq }) => seq)
  }

  /**
   * Fills numbers with the entries that the stream has kept for them, or with nothing, where they are missing for long.
   * `missing`: ascending, and all that are up to the last of them.
   */
  async fill(state: Holed, missing: readonly number[]): Promise<Settled> {
    if (state.isOver) return { hole: missing[0], arrived: [] }
    const kept = new Map(state.kept.map((doc) => [doc.seq, doc]))
    const arrived: number[] = []
    for (let start = 0; start < missing.length; start += AT_ONCE) {
      const some = missing.slice(start, start + AT_ONCE)
      const isLost = this.#lost(state)
      const open = new Set(some.filter((seq) => !kept.has(seq) && !isLost(seq)))
      const voids = await voidsFor(this.#models, { clientId: state.clientId, streamId: state._id }, some)
      const docs = voids.map((empty) => kept.get(empty.seq) ?? empty).filter(({ seq }) => !open.has(seq))
      const outcomes = await Promise.all(docs.map((doc) => this.#inserter.insert(doc)))
      const [hole] = open
      for (const [index, { seq, type }] of docs.entries()) {
        // An entry that came after all has its number.
        if (outcomes[index] === 'taken' || type !== 'void') arrived.push(seq)
      }
      if (hole !== undefined) return { hole, arrived: arrived.filter((seq) => seq < hole) }
    }
    return { hole: undefined, arrived }
  }

  /**
   * Whether nobody will use a number. It is so when it was reserved for long, and also when this process has missed it
   * for long: then the time of the reservation is not known, or lies in the future since a clock was set back.
   */
  #lost({ _id, reserved = [] }: Holed): (seq: number) => boolean {
    const [now, here] = [this.#clock.measured().getTime(), performance.now()]
    return (seq) => {
      const at = reserved.find(({ first, last }) => first <= seq && seq <= last)?.at
      if (at && now - at.getTime() >= HOLE_MS) return true
      const key = `${_id.toHexString()} ${seq}`
      const since = this.#seen.get(key)
      if (since === undefined) this.#seen.set(key, here)
      return since !== undefined && here - since >= HOLE_MS
    }
  }

  /** All numbers below are entries: nobody needs to look at these reservations again. */
  async #forget({ _id, clientId, reserved }: Holed, below: number): Promise<void> {
    if (!reserved?.some(({ last }) => last < below)) return
    await this.#models.streams.updateOne({ _id, clientId }, { $pull: { reserved: { last: { $lt: below } } } })
  }
}

/** All numbers of reservations. */
export const numbersOf = (reserved: readonly ReservationDoc[] = []): number[] =>
  reserved.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index))

/** Those of these numbers that are not there. */
export async function missingOf(
  { entries }: Models,
  stream: StreamKey,
  numbers: readonly number[],
): Promise<number[]> {
  const known = new Set<number>()
  for (let start = 0; start < numbers.length; start += AT_ONCE) {
    const seq = { $in: numbers.slice(start, start + AT_ONCE) }
    const there = await entries.find({ ...stream, seq }, { _id: 0, seq: 1 }).lean<{ seq: number }[]>()
    for (const doc of there) known.add(doc.seq)
  }
  return numbers.filter((seq) => !known.has(seq))
}

/**
 * Entries that fill numbers which nobody will use, each with the time of the entry before it. `missing`: ascending, and
 * all that are up to the last of them.
 */
export async function voidsFor(
  { entries }: Models,
  stream: StreamKey,
  missing: readonly number[],
): Promise<EntryDoc[]> {
  const isMissing = new Set(missing)
  const before = missing.map((seq) => seq - 1).filter((seq) => !isMissing.has(seq))
  const docs = await entries
    .find({ ...stream, seq: { $in: before } }, { _id: 0, seq: 1, at: 1 })
    .lean<Pick<EntryDoc, 'seq' | 'at'>[]>()
  const times = new Map(docs.map(({ seq, at }) => [seq, at]))
  let at = new Date(0)
  return missing.map((seq) => {
    at = times.get(seq - 1) ?? at
    return toVoidDoc({ ...stream, seq, at })
  })
}
