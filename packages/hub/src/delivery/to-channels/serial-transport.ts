import { LAST_WORDS_MS } from '../../channels/call-timeout.js'
import {
  type AttemptReport,
  type DeliveryFailure,
  monotonicMs,
  type Transport,
  type TransportListener,
} from '../transport.js'

/** Nothing starts with less time before the end of the lease. A call is aborted `LAST_WORDS_MS` (1 s) before, so it has at least 1 s. */
const MIN_LEFT_MS = 2000

/** Controls an item that is under way. */
export interface Control {
  /** Aborted when the attempt has to end: the process stops, or the lease of the lane is about to end. */
  readonly signal: AbortSignal
  /** Also aborted when the item is withdrawn: for waits, not for calls that are under way. */
  readonly waiting: AbortSignal
  /** Whether something may start: the attempt was not aborted, and the lease leaves time. */
  mayStart(): boolean
  /** A call begins. The duration of the attempt counts from the first one; without one, nothing was attempted. */
  calls(): void
}

/**
 * Sends one item. Returns its failure, if any, or `withdrawn` when it started nothing more because a wait was aborted or
 * the lease leaves no time. Never throws.
 */
export type Carry<Address, Item> = (
  address: Address,
  item: Item,
  control: Control,
  progressed: (parts: number) => void,
) => Promise<DeliveryFailure | 'withdrawn' | undefined>

interface Queue<Address, Item> {
  generation: number
  leaseEndsAt: number
  items: { address: Address; item: Item }[]
  isRunning: boolean
  attempt: Attempt | undefined
  /** The generation whose cancel is to be confirmed when nothing is under way. */
  cancelled: number | undefined
}

/** A transport in this thread: one loop per lane that has something to send. */
export class SerialTransport<Address, Item extends { seq: number }> implements Transport<Address, Item> {
  readonly #carry: Carry<Address, Item>
  readonly #queues = new Map<number, Queue<Address, Item>>()
  #listener: TransportListener | undefined
  #isClosing = false
  /** The grace period is over: nothing more is reported. */
  #isAborted = false

  constructor(carry: Carry<Address, Item>) {
    this.#carry = carry
  }

  start(listener: TransportListener): void {
    this.#listener = listener
  }

  push(
    lane: number,
    generation: number,
    address: Address,
    items: readonly Item[],
    leaseEndsAt: number,
  ): void {
    if (this.#isClosing) return
    const queue = this.#queues.get(lane) ?? {
      ...{ generation, leaseEndsAt, items: [], isRunning: false },
      ...{ attempt: undefined, cancelled: undefined },
    }
    this.#queues.set(lane, queue)
    queue.generation = generation
    queue.leaseEndsAt = Math.max(queue.leaseEndsAt, leaseEndsAt)
    queue.items.push(...items.map((item) => ({ address, item })))
    if (!queue.isRunning) void this.#run(lane, queue)
  }

  renew(lane: number, leaseEndsAt: number): void {
    const queue = this.#queues.get(lane)
    if (queue) queue.leaseEndsAt = Math.max(queue.leaseEndsAt, leaseEndsAt)
  }

  cancel(lane: number, generation: number): void {
    const queue = this.#queues.get(lane)
    if (queue) queue.items = []
    if (queue?.isRunning) queue.cancelled = generation
    else queueMicrotask(() => this.#listener?.cancelled(lane, generation))
    queue?.attempt?.withdraw()
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosing = true
    for (const queue of this.#queues.values()) {
      queue.items = []
      queue.attempt?.withdraw()
    }
    const timer = setTimeout(() => this.#abort(), graceMs)
    while (this.#queues.size > 0 && !this.#isAborted) await new Promise((next) => setTimeout(next, 10))
    clearTimeout(timer)
  }

  #abort(): void {
    this.#isAborted = true
    for (const { attempt } of this.#queues.values()) attempt?.abort()
  }

  async #run(lane: number, queue: Queue<Address, Item>): Promise<void> {
    queue.isRunning = true
    while (queue.items.length > 0 && !this.#isAborted) {
      if (mayStart(queue)) await this.#next(lane, queue)
      else {
        // The caller of `push` is in the middle of a transition, so nothing is reported before it returns.
        await undefined
        if (!mayStart(queue) && queue.items.length > 0) this.#expire(lane, queue, queue.generation)
      }
      this.#confirm(lane, queue)
    }
    queue.isRunning = false
    this.#queues.delete(lane)
  }

  async #next(lane: number, queue: Queue<Address, Item>): Promise<void> {
    const next = queue.items.shift()
    if (!next) return
    const { generation } = queue
    const { seq } = next.item
    const progressed = (parts: number): void => this.#listener?.progressed(lane, generation, seq, parts)
    const attempt = new Attempt(queue)
    queue.attempt = attempt
    const outcome = await this.#carry(next.address, next.item, attempt, progressed)
    attempt.end()
    queue.attempt = undefined
    if (this.#isAborted) return
    const report = attempt.report(outcome)
    if (report) this.#listener?.attempted(lane, seq, report)
    if (outcome === undefined) this.#listener?.delivered(lane, generation, seq)
    else if (outcome !== 'withdrawn') {
      queue.items = []
      this.#listener?.failed(lane, generation, seq, outcome)
    } else if (queue.cancelled === undefined && !this.#isClosing) this.#expire(lane, queue, generation)
  }

  #expire(lane: number, queue: Queue<Address, Item>, generation: number): void {
    queue.items = []
    this.#listener?.expired(lane, generation)
  }

  #confirm(lane: number, queue: Queue<Address, Item>): void {
    const { cancelled } = queue
    queue.cancelled = undefined
    if (cancelled !== undefined) this.#listener?.cancelled(lane, cancelled)
  }
}

type Leased = Pick<Queue<unknown, unknown>, 'leaseEndsAt'>

const mayStart = ({ leaseEndsAt }: Leased): boolean => leaseEndsAt - monotonicMs() >= MIN_LEFT_MS

/** One item under way. It ends in time for the lease of its lane, which may be renewed until then. */
class Attempt implements Control {
  readonly #queue: Leased
  readonly #ending = new AbortController()
  readonly #withdrawing = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #began: { at: number; ms: number } | undefined

  constructor(queue: Leased) {
    this.#queue = queue
    this.#watchLease()
  }

  get signal(): AbortSignal {
    return this.#ending.signal
  }

  get waiting(): AbortSignal {
    return this.#withdrawing.signal
  }

  mayStart(): boolean {
    return !this.signal.aborted && mayStart(this.#queue)
  }

  calls(): void {
    this.#began ??= { at: Date.now(), ms: monotonicMs() }
  }

  /** Undefined if there was no attempt: nothing had to be sent, or it was withdrawn. A failure without a call is one. */
  report(outcome: DeliveryFailure | 'withdrawn' | undefined): AttemptReport | undefined {
    if (outcome === 'withdrawn' || (outcome === undefined && !this.#began)) return undefined
    const durationMs = this.#began ? monotonicMs() - this.#began.ms : 0
    const report: AttemptReport = { startedAt: this.#began?.at ?? Date.now(), durationMs }
    if (outcome) report.failure = outcome
    return report
  }

  withdraw(): void {
    this.#withdrawing.abort()
  }

  abort(): void {
    this.#ending.abort()
    this.#withdrawing.abort()
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  /** Aborts early enough that a call which ignores its signal is abandoned before the lease ends. */
  #watchLease(): void {
    const leftMs = this.#queue.leaseEndsAt - LAST_WORDS_MS - monotonicMs()
    if (leftMs <= 0) this.abort()
    else if (leftMs < Number.POSITIVE_INFINITY)
      this.#timer = setTimeout(() => this.#watchLease(), Math.ceil(leftMs))
  }
}
