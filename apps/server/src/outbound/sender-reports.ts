import type { RunnerListener } from './lane-runner.js'
import type { SendFailure } from './sender-port.js'

/** Worker → main thread: what happened in one turn of the worker's loop. */
export interface Report {
  /** Four numbers each, in order: kind, lane, generation, seq. Flat, since numbers cross for next to nothing. */
  marks: number[]
  /** One for each mark of the kind `FAILED`, in order. */
  failures: SendFailure[]
  /** Closing, and nothing is in flight any more. */
  isDrained: boolean
}

const DELIVERED = 0
const FAILED = 1
const CANCELLED = 2
const EXPIRED = 3

const UNEXPLAINED: SendFailure = { message: 'the request failed', ambiguous: true }

/**
 * How long a delivery may go unreported while its lane has more to do. Waking another thread costs about as much as a
 * request, so a busy lane reports now and then, and at once when it has run dry.
 */
const LAZY_MS = 5

/** Collects a report. Deliveries that follow each other in a lane become one mark, that of the last. */
export class ReportWriter implements RunnerListener {
  readonly #send: (report: Report) => void
  #report: Report = emptyReport()
  /** Where a lane's last mark begins, if that is a delivery. */
  readonly #deliveries = new Map<number, number>()
  #lazy: NodeJS.Timeout | undefined
  #soon: NodeJS.Immediate | undefined

  constructor(send: (report: Report) => void) {
    this.#send = send
  }

  delivered(lane: number, generation: number, seq: number): void {
    const { marks } = this.#report
    const at = this.#deliveries.get(lane)
    if (at !== undefined && marks[at + 2] === generation) {
      marks[at + 3] = seq
      return
    }
    this.#deliveries.set(lane, marks.length)
    marks.push(DELIVERED, lane, generation, seq)
    this.#lazy ??= setTimeout(() => this.#flush(), LAZY_MS)
  }

  failed(lane: number, generation: number, seq: number, failure: SendFailure): void {
    this.#deliveries.delete(lane)
    this.#report.failures.push(failure)
    this.#report.marks.push(FAILED, lane, generation, seq)
    this.#flushSoon()
  }

  cancelled(lane: number): void {
    this.#deliveries.delete(lane)
    this.#report.marks.push(CANCELLED, lane, 0, 0)
    this.#flushSoon()
  }

  expired(lane: number, generation: number): void {
    this.#deliveries.delete(lane)
    this.#report.marks.push(EXPIRED, lane, generation, 0)
    this.#flushSoon()
  }

  ranLow(): void {
    this.#flushSoon()
  }

  drained(): void {
    this.#report.isDrained = true
    this.#flushSoon()
  }

  /** At the end of this turn of the loop, with all that happens in it. */
  #flushSoon(): void {
    this.#soon ??= setImmediate(() => this.#flush())
  }

  #flush(): void {
    clearTimeout(this.#lazy)
    clearImmediate(this.#soon)
    this.#lazy = undefined
    this.#soon = undefined
    const report = this.#report
    this.#report = emptyReport()
    this.#deliveries.clear()
    this.#send(report)
  }
}

/** Plays a report back. */
export function readReport(report: Report, listener: Omit<RunnerListener, 'ranLow'>): void {
  const { marks, failures } = report
  let failure = 0
  for (let at = 0; at < marks.length; at += 4) {
    const lane = marks[at + 1] ?? 0
    const generation = marks[at + 2] ?? 0
    const seq = marks[at + 3] ?? 0
    if (marks[at] === DELIVERED) listener.delivered(lane, generation, seq)
    else if (marks[at] === CANCELLED) listener.cancelled(lane)
    else if (marks[at] === EXPIRED) listener.expired(lane, generation)
    else listener.failed(lane, generation, seq, failures[failure++] ?? UNEXPLAINED)
  }
}

function emptyReport(): Report {
  return { marks: [], failures: [], isDrained: false }
}
