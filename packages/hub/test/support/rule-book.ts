import type { Id } from '@plugboard/core'
import type { Entry } from '../../src/log/entry.js'
import type { Target } from '../../src/log/target.js'
import type { MemoryDatabase, StreamRow } from './memory-store.js'

/** A process, as the rules see it. */
export interface Actor {
  /** Of leases. */
  readonly owner: number
}

/** The attempts at one part of an entry. */
export interface Trace {
  /** Times that the stream had been taken over from a holder that did not give it back. */
  takeovers: number
  /** A repeat is allowed: the answer was a failure, or left the outcome unknown. */
  mayRepeat: boolean
  hasArrived: boolean
}

export interface RuleBookOptions {
  database: MemoryDatabase
  /** Maximum requests of one process under way to one target. */
  maxInFlight: number
}

/**
 * Checks every delivery: in order, once, to its recipients, started by the holder of the lease only. Each violation is
 * added to {@link faults}.
 */
export class RuleBook {
  readonly faults: string[] = []
  readonly #options: RuleBookOptions
  readonly #traces = new Map<string, Trace>()
  readonly #deleted = new Set<Id>()
  readonly #replayed = new Set<string>()
  /** Entries under way to a target, and the process that sends them. */
  readonly #underWay = new Map<string, Actor>()
  /** The last attempt at each part, and the process that made it. */
  readonly #attempts = new Map<string, { by: Actor; trace: Trace; entry: Entry; target: Target }>()
  readonly #counts = new Map<Actor, Map<Target, number>>()

  constructor(options: RuleBookOptions) {
    this.#options = options
  }

  /** A process aborted its requests: their outcome is unknown. */
  aborted(actor: Actor): void {
    const { database } = this.#options
    for (const { by, trace, entry, target } of this.#attempts.values())
      if (by === actor && !database.isDone(entry.streamId, target, entry.seq)) trace.mayRepeat = true
    this.gone(actor)
  }

  /** A process is gone, with its requests. */
  gone(actor: Actor): void {
    this.#counts.delete(actor)
    for (const [key, by] of this.#underWay) if (by === actor) this.#underWay.delete(key)
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

  /** An entry is handed to the transport. `status`: that of the target, as the process knows it. */
  push({ id, seq, streamId }: Entry, target: Target, status: string): void {
    if (this.#deleted.has(id)) this.#fault(`entry ${seq} of ${streamId} was deleted and goes to ${target}`)
    if (status !== 'here') this.#fault(`${target} is ${status} and gets ${seq}`)
  }

  /** A request starts with this part. It ends with {@link endRequest}. */
  beginRequest(actor: Actor, row: StreamRow, entry: Entry, target: Target, part: number): void {
    this.#count(actor, target, 1)
    if (part === 0) this.#checkOrder(row, entry, target)
  }

  endRequest(actor: Actor, target: Target): void {
    this.#count(actor, target, -1)
  }

  #count(actor: Actor, target: Target, change: number): void {
    const counts = this.#counts.get(actor) ?? new Map<Target, number>()
    this.#counts.set(actor, counts)
    const count = (counts.get(target) ?? 0) + change
    counts.set(target, count)
    if (count > this.#options.maxInFlight) this.#fault(`${count} requests to ${target} at once`)
  }

  #checkOrder(row: StreamRow, entry: Entry, target: Target): void {
    if (this.#isReplayed(entry, target)) return
    for (const before of row.entries.slice(0, entry.seq - 1)) {
      if (before.owes.includes(target) && !this.isSettled(before, target))
        this.#fault(`entry ${entry.seq} of ${row.streamId} goes to ${target} before ${before.seq}`)
    }
  }

  /** An attempt to send one part starts. */
  attempt(actor: Actor, row: StreamRow, entry: Entry, target: Target, part: number): Trace {
    const where = `part ${part} of entry ${entry.seq} of ${entry.streamId} to ${target}`
    this.#checkLease(where, actor, row)
    this.#checkAlone(where, actor, entry, target)
    const known = this.#traces.get(keyOf(entry, target, part))
    if (!this.#isReplayed(entry, target)) this.#checkOnce(where, known, row, entry, target)
    if (part > 0 && !this.#traces.get(keyOf(entry, target, part - 1))?.hasArrived)
      this.#fault(`${where} goes out before the part before it`)
    const now = { takeovers: row.takeovers, mayRepeat: false }
    const trace = Object.assign(known ?? { hasArrived: false }, now)
    this.#traces.set(keyOf(entry, target, part), trace)
    this.#attempts.set(keyOf(entry, target, part), { by: actor, trace, entry, target })
    return trace
  }

  /** The target has answered, whether or not the process received it. */
  answered({ id }: Entry, target: Target): void {
    this.#underWay.delete(`${id} ${target}`)
  }

  #checkAlone(where: string, actor: Actor, entry: Entry, target: Target): void {
    const key = `${entry.id} ${target}`
    const other = this.#underWay.get(key)
    if (other && !this.#isReplayed(entry, target))
      this.#fault(`${where} is started by ${actor.owner} while ${other.owner} has it under way`)
    this.#underWay.set(key, actor)
  }

  #checkLease(where: string, { owner }: Actor, { holder }: StreamRow): void {
    if (!holder) this.#fault(`${where} starts after the stream was given back`)
    else if (holder.owner !== owner)
      this.#fault(`${where} is started by ${owner}, but ${holder.owner} has the lease`)
    else if (holder.until <= Date.now()) this.#fault(`${where} starts after the end of the lease`)
  }

  #checkOnce(where: string, known: Trace | undefined, row: StreamRow, entry: Entry, target: Target): void {
    if (known && !known.mayRepeat && known.takeovers === row.takeovers) this.#fault(`${where} is repeated`)
    if (this.#options.database.isDone(row.streamId, target, entry.seq))
      this.#fault(`${where} goes out though the store says that it is done`)
  }

  /** Whether a target has an entry, or will never get it, or it was replayed. */
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
