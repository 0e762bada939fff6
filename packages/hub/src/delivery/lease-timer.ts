import type { Lease } from '../log/progress.js'

/**
 * Watches the end of a lease. Every mark renews it; a stream whose target takes its time has nothing to mark for long,
 * and is told halfway to the end to mark all the same.
 */
export class LeaseTimer {
  readonly #now: () => Date
  readonly #renew: () => void
  #lease: Lease
  #timer: NodeJS.Timeout | undefined

  constructor(lease: Lease, now: () => Date, renew: () => void) {
    this.#lease = lease
    this.#now = now
    this.#renew = renew
    this.begin(lease)
  }

  /** The lease was given or renewed. */
  begin(lease: Lease): void {
    this.#lease = lease
    this.end()
    if (lease.until) this.#timer = setTimeout(this.#renew, this.#leftMs(lease.until) / 2).unref()
  }

  /** Whether another process may have the stream by now. */
  get isOver(): boolean {
    const { until } = this.#lease
    return until !== undefined && this.#leftMs(until) === 0
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #leftMs(until: Date): number {
    return Math.max(0, until.getTime() - this.#now().getTime())
  }
}
