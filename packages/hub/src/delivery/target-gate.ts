import type { Id } from '@plugboard/core'

/** Limits of one gate. */
export interface GateLimits {
  /** Entries under way to one target, over all lanes. */
  items: number
  /** Their bytes. */
  bytes: number
  /** Bytes under way to all targets of one client. Default: no limit. */
  clientBytes?: number
  /** Consecutive failures that open the circuit: calls to the target stop. */
  failures: number
  /** First and longest pause of an open circuit. Each further opening without a success doubles it. */
  pauseMs: number
  maxPauseMs: number
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

/** An entry of at most this size may always be the only one under way to its target. */
const SMALL_BYTES = 16 * 1024

/**
 * The room for what is under way to all targets of one client, so that a client with many slow targets holds little memory.
 * Gates that found no room are called in the order in which they came.
 */
export class ClientRoom {
  readonly #maxBytes: number
  #bytes = 0
  #timesFreed = 0
  /** Waiting gates, each with `timesFreed` when it found no room. */
  readonly #waiting = new Map<TargetGate, number>()

  constructor(maxBytes = Number.POSITIVE_INFINITY) {
    this.#maxBytes = maxBytes
  }

  get timesFreed(): number {
    return this.#timesFreed
  }

  get isFull(): boolean {
    return this.#bytes >= this.#maxBytes
  }

  /** An entry of any size may be the only one. */
  has(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#maxBytes
  }

  take(bytes: number): void {
    this.#bytes += bytes
  }

  free(bytes: number): void {
    this.#bytes -= bytes
    this.#timesFreed += 1
    this.callNext()
  }

  /** Calls the gate once, when room was freed since `refusedAt`; it then calls {@link callNext}. */
  enqueue(gate: TargetGate, refusedAt = this.#timesFreed): void {
    if (this.#waiting.has(gate)) return
    this.#waiting.set(gate, refusedAt)
    this.callNext()
  }

  callNext(): void {
    const [first] = this.#waiting
    if (!first || this.isFull) return
    const [gate, since] = first
    if (since === this.#timesFreed) return
    this.#waiting.delete(gate)
    gate.roomFreed()
  }
}

/**
 * The gate in front of one target, for all its lanes. It bounds what is under way, so that a slow target holds little
 * memory. It is also the circuit breaker: consecutive failures open the circuit, so calls to the target stop for a pause;
 * then one entry probes, and a success closes the circuit.
 */
export class TargetGate {
  readonly #limits: GateLimits
  readonly #client: ClientRoom
  #items = 0
  #bytes = 0
  #failures = 0
  /** The circuit is open until this time; later, one entry may probe. Undefined: the circuit is closed. */
  #pausedUntil: Date | undefined
  /** The target itself asked for the pause, so a success during the pause does not end it. */
  #isAsked = false
  #pauseMs = 0
  #isProbing = false
  /** Waiting lanes, in the order in which they came, each with `#timesFreed` when it found no room; -1: it has not tried. */
  readonly #waiting = new Map<() => void, number>()
  #timesFreed = 0
  /** The client had no room for an entry, when it had freed room this many times. */
  #refusedAt: number | undefined
  /** A waiting lane was called and has not called `passOn` yet. */
  #isServing = false

  constructor(limits: GateLimits, client: ClientRoom) {
    this.#limits = limits
    this.#client = client
  }

  /** `overdue`: its schedule is over, so it gets its one attempt even while the circuit is open. */
  admit(bytes: number, overdue: boolean, now: Date): Admission {
    if (this.#items > 0 && (this.#items >= this.#limits.items || this.#bytes + bytes > this.#limits.bytes))
      return 'wait'
    if ((this.#items > 0 || bytes > SMALL_BYTES) && !this.#client.has(bytes)) {
      this.#refusedAt = this.#client.timesFreed
      return 'wait'
    }
    const isProbe = this.#pausedUntil !== undefined && !overdue
    if (isProbe) {
      if (this.#isPaused(now)) return { until: this.#pausedUntil as Date }
      if (this.#isProbing) return 'wait'
      this.#isProbing = true
    }
    this.#items += 1
    this.#bytes += bytes
    this.#client.take(bytes)
    this.#refusedAt = undefined
    return isProbe ? 'probe' : 'go'
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

  get room(): ClientRoom {
    return this.#client
  }

  /** Lanes are waiting: a lane that comes now must wait behind them. */
  get hasQueue(): boolean {
    return this.#waiting.size > 0
  }

  /** Lanes are waiting, or the target may still be down: take at most {@link TURN} entries. */
  get isScarce(): boolean {
    return this.hasQueue || this.#pausedUntil !== undefined
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
    if (wasProbe) this.#isProbing = false
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
    this.#failures = 0
    if (this.#isAsked && this.#isPaused(now)) return false
    const isRecovered = this.#pausedUntil !== undefined
    this.#pausedUntil = undefined
    this.#pauseMs = 0
    return isRecovered
  }

  /** An attempt failed. Returns whether this opened the circuit. */
  failed(now: Date): boolean {
    this.#failures += 1
    if (this.#failures < this.#limits.failures || this.#isPaused(now)) return false
    this.#pauseMs = Math.min(this.#pauseMs * 2 || this.#limits.pauseMs, this.#limits.maxPauseMs)
    this.#pausedUntil = new Date(now.getTime() + this.#pauseMs)
    this.#isAsked = false
    return true
  }

  /** Opens the circuit until this time, as the target asked, without counting a failure. Returns as {@link failed}. */
  pause(until: Date, now: Date): boolean {
    const wasPaused = this.#isPaused(now)
    if (!this.#pausedUntil || until > this.#pausedUntil) {
      this.#pausedUntil = until
      this.#isAsked = true
    }
    return !wasPaused
  }

  #isPaused(now: Date): boolean {
    return this.#pausedUntil !== undefined && now < this.#pausedUntil
  }

  /** The end of the pause. Undefined: the circuit is closed. */
  get pausedUntil(): Date | undefined {
    return this.#pausedUntil
  }

  /** Nothing is under way, no lane waits, and no state is worth keeping: the gate can be removed. */
  isQuiet(now: Date): boolean {
    return this.#items === 0 && this.#waiting.size === 0 && !this.#isPaused(now)
  }
}

/** The gates of this process, one per recently used target. */
export class TargetGates {
  readonly #limits: GateLimits
  readonly #few: number
  readonly #gates = new Map<string, TargetGate>()
  readonly #rooms = new Map<Id, ClientRoom>()
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
    const gate = new TargetGate(this.#limits, this.#roomOf(clientId))
    this.#gates.set(key, gate)
    return gate
  }

  #roomOf(clientId: Id): ClientRoom {
    const room = this.#rooms.get(clientId) ?? new ClientRoom(this.#limits.clientBytes)
    this.#rooms.set(clientId, room)
    return room
  }

  /** Not again before there are twice as many, so that the cost per gate stays small. */
  #forgetQuiet(now: Date): void {
    for (const [key, gate] of this.#gates) if (gate.isQuiet(now)) this.#gates.delete(key)
    const used = new Set([...this.#gates.values()].map(({ room }) => room))
    for (const [id, room] of this.#rooms) if (!used.has(room)) this.#rooms.delete(id)
    this.#sweepAt = Math.max(this.#few, 2 * this.#gates.size)
  }
}
