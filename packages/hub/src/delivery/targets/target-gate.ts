import type { Id } from '@plugboard/core'
import { CircuitBreaker, type CircuitLimits } from './circuit-breaker.js'
import { ClientMemory } from './client-memory.js'

/** Limits of one gate. */
export interface GateLimits extends CircuitLimits {
  /** Entries under way to one target, over all lanes. */
  items: number
  /** Their bytes. */
  bytes: number
  /** Bytes under way to all targets of one client. Default: no limit. */
  clientBytes?: number
}

/** Entries that a lane may take per turn while others wait: few, so that turns are short, and enough to be worth a read. */
export const TURN = 8

/**
 * - `go`: the entry may be sent;
 * - `probe`: it may be sent, as the only one, to test whether the target works again after a pause;
 * - `wait`: there is no room, or another entry probes: the lane waits in the queue;
 * - `until`: the circuit is open, try again at this time.
 */
export type Admission = 'go' | 'probe' | 'wait' | { until: Date }

/**
 * The gate in front of one target, for all its lanes. It bounds what is under way, so that a slow target holds little
 * memory, and admits nothing while the circuit of its target is open.
 */
export class TargetGate {
  readonly #limits: GateLimits
  readonly #client: ClientMemory
  readonly #circuit: CircuitBreaker
  #items = 0
  #bytes = 0
  /** Waiting lanes, in the order in which they came, each with `#timesFreed` when it found no room; -1: it has not tried. */
  readonly #waiting = new Map<() => void, number>()
  #timesFreed = 0
  /** The client had no room for an entry, when it had freed room this many times. */
  #refusedAt: number | undefined
  /** A waiting lane was called and has not called `passOn` yet. */
  #isServing = false

  constructor(limits: GateLimits, client: ClientMemory) {
    this.#limits = limits
    this.#client = client
    this.#circuit = new CircuitBreaker(limits)
  }

  /** `overdue`: its schedule is over, so it gets its one attempt even while the circuit is open. */
  admit(bytes: number, overdue: boolean, now: Date): Admission {
    if (this.#items > 0 && (this.#items >= this.#limits.items || this.#bytes + bytes > this.#limits.bytes))
      return 'wait'
    if (!this.#client.has(bytes, this.#items === 0)) {
      this.#refusedAt = this.#client.timesFreed
      return 'wait'
    }
    const verdict = this.#circuit.admit(overdue, now)
    if (verdict !== 'go' && verdict !== 'probe') return verdict
    this.#items += 1
    this.#bytes += bytes
    this.#client.take(bytes)
    this.#refusedAt = undefined
    return verdict
  }

  /** There is no room for a whole turn: not worth reading entries. */
  get isCrowded(): boolean {
    if (this.#items === 0) return false
    if (this.#client.isFull) return true
    const { items, bytes } = this.#limits
    const free = { items: items - this.#items, bytes: bytes - this.#bytes }
    return (
      free.items < Math.min(TURN, items / 2) ||
      free.bytes < Math.min((TURN * this.#bytes) / this.#items, bytes / 2)
    )
  }

  get clientMemory(): ClientMemory {
    return this.#client
  }

  /** Lanes are waiting: a lane that comes now must wait behind them. */
  get hasQueue(): boolean {
    return this.#waiting.size > 0
  }

  /** Lanes are waiting, or the target may still be down: take at most {@link TURN} entries. */
  get isScarce(): boolean {
    return this.hasQueue || this.#circuit.pausedUntil !== undefined
  }

  /**
   * Calls `wake` once, when it is worth trying again; the caller then calls {@link passOn}. `foundNoRoom`: the lane found
   * no room (false: it only found a queue). Returns a function that leaves the queue.
   */
  joinQueue(wake: () => void, foundNoRoom = true): () => void {
    this.#waiting.set(wake, foundNoRoom ? this.#timesFreed : -1)
    // With nothing under way, no end of an attempt would call it later.
    if (this.#items === 0 || this.#refusedAt !== undefined) this.#serve()
    return () => this.#waiting.delete(wake)
  }

  /** The called lane has taken what it could: calls the next. */
  passOn(): void {
    this.#isServing = false
    this.#serve()
    if (!this.#isServing) this.#client.callNext()
  }

  /** The client has room again. Calls a waiting lane, or else lets the client call the next gate. */
  roomFreed(): void {
    this.#refusedAt = undefined
    this.#timesFreed += 1
    this.#serve()
    if (!this.#isServing) this.#client.callNext()
  }

  /** An admitted entry is no longer under way, whatever its outcome. Calls a waiting lane. */
  freeRoom(bytes: number, wasProbe: boolean): void {
    this.#items -= 1
    this.#bytes -= bytes
    if (wasProbe) this.#circuit.probeEnded()
    this.#timesFreed += 1
    this.#serve()
    this.#client.free(bytes)
  }

  /**
   * Calls the next waiting lane, if there is room for a turn. One at a time, because each lane reads its entries again and
   * must find the room still free. A lane that found no room is not called again before more room is free.
   */
  #serve(): void {
    const [first] = this.#waiting
    if (!first || this.#isServing) return
    if (this.#refusedAt !== undefined || (this.#items > 0 && this.#client.isFull))
      return this.#client.enqueue(this, this.#refusedAt)
    if (this.isCrowded) return
    const [wake, since] = first
    if (since === this.#timesFreed && this.#items > 0) return
    this.#waiting.delete(wake)
    this.#isServing = true
    wake()
  }

  /** An entry was delivered. Returns whether this closed the circuit. */
  succeeded(now: Date): boolean {
    return this.#circuit.succeeded(now)
  }

  /** An attempt failed. Returns whether this opened the circuit. */
  failed(now: Date): boolean {
    return this.#circuit.failed(now)
  }

  /** Opens the circuit until this time, as the target asked. Returns as {@link failed}. */
  pause(until: Date, now: Date): boolean {
    return this.#circuit.pause(until, now)
  }

  /** The end of the pause. Undefined: the circuit is closed. */
  get pausedUntil(): Date | undefined {
    return this.#circuit.pausedUntil
  }

  /** Nothing is under way, no lane waits, and no state is worth keeping: the gate can be removed. */
  isQuiet(now: Date): boolean {
    return this.#items === 0 && this.#waiting.size === 0 && !this.#circuit.isPaused(now)
  }
}

/** The gates of this process, one per recently used target. */
export class TargetGates {
  readonly #limits: GateLimits
  readonly #few: number
  readonly #gates = new Map<string, TargetGate>()
  readonly #memories = new Map<Id, ClientMemory>()
  /** With this many gates, quiet ones are removed. */
  #sweepAt: number

  /** `few`: below this number, no gates are removed. */
  constructor(limits: GateLimits, few: number) {
    this.#limits = limits
    this.#few = few
    this.#sweepAt = few
  }

  /** `clientId`: whose target it is. */
  of(key: string, clientId: Id, now: Date): TargetGate {
    const known = this.#gates.get(key)
    if (known) return known
    if (this.#gates.size >= this.#sweepAt) this.#forgetQuiet(now)
    const gate = new TargetGate(this.#limits, this.#memoryOf(clientId))
    this.#gates.set(key, gate)
    return gate
  }

  #memoryOf(clientId: Id): ClientMemory {
    const memory = this.#memories.get(clientId) ?? new ClientMemory(this.#limits.clientBytes)
    this.#memories.set(clientId, memory)
    return memory
  }

  /** Not again before there are twice as many, so that the cost per gate stays small. */
  #forgetQuiet(now: Date): void {
    for (const [key, gate] of this.#gates) if (gate.isQuiet(now)) this.#gates.delete(key)
    const used = new Set([...this.#gates.values()].map(({ clientMemory }) => clientMemory))
    for (const [id, memory] of this.#memories) if (!used.has(memory)) this.#memories.delete(id)
    this.#sweepAt = Math.max(this.#few, 2 * this.#gates.size)
  }
}
