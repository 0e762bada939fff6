import type { Claimed, Lease, Mark } from '../log/progress.js'
import type { Appended, Store } from '../ports/store.js'
import type { LaneSet } from './lane-set.js'
import { LeaseTimer } from './lease-timer.js'

export interface TenureOptions {
  store: Store
  stream: Claimed
  lanes: LaneSet
  now(): Date
  /** It is time to write down where the stream is: {@link Tenure.save} is to be called, soon. */
  due(): void
  /** The stream is still ours, and has entries up to this number. */
  kept(seq: number): void
  /** It was given back, and is due then. */
  gaveBack(nextAt: Date | null, late: Late): void
  /** The store failed, or another process has the stream: what is in memory of it is void. */
  lost(error?: unknown): void
}

/** What came in while a stream was being given back. */
export interface Late {
  appended: readonly Appended[]
  /** Entries were changed after that: what they are now, only the store knows. */
  isStale: boolean
}

/**
 * The time for which this process has a stream: writes down how far its lanes are, which also keeps the lease, and
 * gives the stream back when there is nothing to do before some later time. One write at a time.
 */
export class Tenure {
  readonly #options: TenureOptions
  readonly #timer: LeaseTimer
  #isSaving = false
  /** The stream is being given back: nothing may begin before the store has answered. */
  #isResting = false
  /** What was appended meanwhile. */
  #late: Appended[] = []
  #isLateStale = false
  /** The store gave the stream to this process anew, meanwhile. */
  #renewed: Lease | undefined
  /** There is something to write since the last mark. */
  #hasProgress = false
  #isEnded = false

  constructor(options: TenureOptions) {
    this.#options = options
    const renew = (): void => {
      this.progressed()
      options.due()
    }
    this.#timer = new LeaseTimer(options.stream.lease, options.now, renew)
  }

  get isResting(): boolean {
    return this.#isResting
  }

  /** Whether another process may have the stream by now: nothing new may begin before a mark was answered. */
  get isOver(): boolean {
    return this.#timer.isOver
  }

  /** Something was delivered or given up. The next save writes, even if that comes to nothing: a mark keeps the stream. */
  progressed(): void {
    this.#hasProgress = true
  }

  appended(appended: Appended): void {
    if (this.#isResting) this.#late.push(appended)
  }

  /** Entries or the configuration changed. */
  changed(): void {
    this.#isLateStale = this.#late.length > 0
  }

  /** The store gave the stream to this process, which has it already, or had it until a moment ago. */
  given(lease: Lease): void {
    if (this.#isResting) this.#renewed = lease
  }

  /** Writes where the lanes are, when there is something to write. `isActive`: more will come without being asked. */
  save(scanned: number, isActive: boolean): void {
    if (this.#isSaving || this.#isEnded || (isActive && !this.#hasProgress)) return
    const { lanes, now, stream } = this.#options
    const nextAt = isActive ? 'active' : lanes.nextAt(now())
    this.#isSaving = true
    this.#isResting = !isActive
    this.#hasProgress = false
    this.#mark({ scanned, lanes: lanes.takeChanges(), nextAt }, stream.lease)
  }

  /** Ends without a word to the store. */
  end(): void {
    this.#isEnded = true
    this.#timer.end()
  }

  #mark(mark: Mark, lease: Lease): void {
    const { store, stream, lost } = this.#options
    store
      .mark(stream, lease, mark)
      .then((seq) => this.#marked(mark, seq, lease))
      .catch(lost)
  }

  #marked({ scanned, nextAt }: Mark, seq: number | 'lost', lease: Lease): void {
    if (this.#isEnded) return
    const { stream, lost, gaveBack, now } = this.#options
    const isLost = seq === 'lost' && lease === stream.lease
    if (seq !== 'lost' && (nextAt === 'active' || seq > scanned)) return this.#keep(seq, lease)
    // What had been given back before it was renewed is not lost.
    if (isLost || nextAt === 'active') return lost()
    const renewed = this.#renewed
    this.#renewed = undefined
    if (renewed) return this.#mark({ scanned, lanes: {}, nextAt: now() }, renewed)
    gaveBack(nextAt, { appended: this.#late, isStale: this.#isLateStale })
  }

  /** The stream is still ours, with all that came in meanwhile. */
  #keep(seq: number, lease: Lease): void {
    const { stream, kept } = this.#options
    stream.lease = lease
    this.#timer.begin(lease)
    this.#isSaving = false
    this.#isResting = false
    this.#late = []
    this.#isLateStale = false
    this.#renewed = undefined
    kept(seq)
  }
}
