/** An entry of at most this size may always be the only one under way to its target. */
const SMALL_BYTES = 16 * 1024

/** A gate, as the memory of its client sees it. */
interface WaitingGate {
  roomFreed(): void
}

/**
 * Bounds the bytes under way to all targets of one client, so that a client with many slow targets holds little memory.
 * Gates that found no room are called in the order in which they came.
 */
export class ClientMemory {
  readonly #maxBytes: number
  #bytes = 0
  #timesFreed = 0
  /** Waiting gates, each with `timesFreed` when it found no room. */
  readonly #waiting = new Map<WaitingGate, number>()

  constructor(maxBytes = Number.POSITIVE_INFINITY) {
    this.#maxBytes = maxBytes
  }

  get timesFreed(): number {
    return this.#timesFreed
  }

  get isFull(): boolean {
    return this.#bytes >= this.#maxBytes
  }

  /** `isOnly`: nothing else is under way to its target. An entry of any size may be the only one of the client. */
  has(bytes: number, isOnly: boolean): boolean {
    if (isOnly && bytes <= SMALL_BYTES) return true
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
  enqueue(gate: WaitingGate, refusedAt = this.#timesFreed): void {
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
