import type { Id } from '@plugboard/core'
import type { Entry } from '../../src/log/entry.js'
import type { Target } from '../../src/log/target.js'
import type { MemoryStore, StreamRow } from './memory-store.js'

/** What a target got of one part of an entry. */
export interface Trace {
  /** Attempts of an earlier life of the process may be repeated when they were not recorded. */
  life: number
  mayRepeat: boolean
  /** The store failed: nobody knows what it has of it. */
  isDoubtful: boolean
  hasArrived: boolean
}

export interface RuleBookOptions {
  store: MemoryStore
  /** So many requests may be under way to one target. */
  maxInFlight: number
}

/** What must hold of every delivery: in order, once, to whom it is owed. Whoever breaks a rule makes {@link faults} grow. */
export class RuleBook {
  readonly faults: string[] = []
  readonly #options: RuleBookOptions
  readonly #traces = new Map<string, Trace>()
  readonly #deleted = new Set<Id>()
  readonly #replayed = new Set<string>()
  #inFlight = new Map<Target, number>()
  #life = 0
  #doubtUntil = 0

  constructor(options: RuleBookOptions) {
    this.#options = options
  }

  /** Rises with each process that begins. */
  get life(): number {
    return this.#life
  }

  /** The process is gone, and with it what it had under way. */
  beginLife(): void {
    this.#life += 1
    this.#inFlight = new Map()
  }

  /** All of that life was recorded: this one may repeat nothing of it. */
  continueLife(ended: number): void {
    for (const trace of this.#traces.values()) if (trace.life === ended) trace.life = this.#life
  }

  /** The store failed: nobody knows now what was recorded of what is under way or has arrived. */
  doubt(ms: number): void {
    this.#doubtUntil = Date.now() + ms
    for (const trace of this.#traces.values()) trace.mayRepeat = trace.isDoubtful = true
  }

  get #isInDoubt(): boolean {
    return Date.now() < this.#doubtUntil
  }

  deleted(entryId: Id): void {
    this.#deleted.add(entryId)
  }

  replayed({ id }: Entry, to: Target): void {
    this.#replayed.add(`${id} ${to}`)
  }

  #isReplayed({ id }: Entry, target: Target): boolean {
    return this.#replayed.has(`${id} ${target}`)
  }

  /** An entry is given to the transport. `status`: of the target, as far as the delivery has been told. */
  push({ id, seq, streamId }: Entry, target: Target, status: string): void {
    if (this.#deleted.has(id)) this.#fault(`entry ${seq} of ${streamId} was deleted and goes to ${target}`)
    if (status !== 'here') this.#fault(`${target} is ${status} and gets ${seq}`)
  }

  /** A request begins, with this part; it ends with {@link endRequest}. */
  beginRequest(row: StreamRow, entry: Entry, target: Target, part: number): void {
    this.#count(target, 1)
    if (part === 0) this.#checkOrder(row, entry, target)
  }

  endRequest(target: Target): void {
    this.#count(target, -1)
  }

  #count(target: Target, change: number): void {
    const count = (this.#inFlight.get(target) ?? 0) + change
    this.#inFlight.set(target, count)
    // What an abandoned stream has under way counts no more.
    if (count > this.#options.maxInFlight && !this.#isInDoubt)
      this.#fault(`${count} requests to ${target} at once`)
  }

  #checkOrder(row: StreamRow, entry: Entry, target: Target): void {
    if (this.#isReplayed(entry, target)) return
    for (const before of row.entries.slice(0, entry.seq - 1)) {
      if (before.owes.includes(target) && !this.isSettled(before, target)) {
        this.#fault(`entry ${entry.seq} of ${row.streamId} goes to ${target} before ${before.seq}`)
      }
    }
  }

  /** An attempt to hand over one part begins. */
  attempt(entry: Entry, target: Target, part: number): Trace {
    const where = `part ${part} of entry ${entry.seq} of ${entry.streamId} to ${target}`
    const known = this.#traces.get(keyOf(entry, target, part))
    if (!this.#isReplayed(entry, target)) this.#checkOnce(where, known, entry, target)
    if (part > 0 && !this.#traces.get(keyOf(entry, target, part - 1))?.hasArrived) {
      this.#fault(`${where} goes out before the part before it`)
    }
    const isDoubtful = (known?.isDoubtful ?? false) || this.#isInDoubt
    const trace = Object.assign(known ?? { hasArrived: false }, {
      life: this.#life,
      mayRepeat: isDoubtful,
      isDoubtful,
    })
    this.#traces.set(keyOf(entry, target, part), trace)
    return trace
  }

  #checkOnce(where: string, known: Trace | undefined, { streamId, seq }: Entry, target: Target): void {
    if (known && !known.mayRepeat && known.life === this.#life) this.#fault(`${where} is repeated`)
    if (this.#options.store.isDone(streamId, target, seq) && !known?.isDoubtful) {
      this.#fault(`${where} goes out though the store says that it is done`)
    }
  }

  /** Whether a target has an entry, or will never get it, or it was left to a replay. */
  isSettled(entry: Entry, target: Target): boolean {
    const last = this.#traces.get(keyOf(entry, target, partsOf(target) - 1))
    const isReplayed = [...this.#replayed].some((key) => key.startsWith(entry.id))
    return last?.hasArrived === true || Boolean(entry.deletedAt ?? entry.dead?.[target]) || isReplayed
  }

  #fault(fault: string): void {
    this.faults.push(`${new Date().toISOString()} ${fault}`)
  }
}

/** A webhook gets an entry in one request; an endpoint in two parts. */
export const partsOf = (target: Target): number => (target.startsWith('w') ? 1 : 2)

const keyOf = ({ id }: Entry, target: Target, part: number): string => `${id} ${target} ${part}`
