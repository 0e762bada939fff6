import { availableParallelism } from 'node:os'

/** An answer that comes within this is quick; so long one is watched for, in milliseconds. */
const QUICK_MS = 0.4
/** With more under way than these there is mostly something to do, and no need to watch for more. */
const FEW = 2

/** What it needs of the thread, for tests. */
export interface Loop {
  /** Milliseconds that only grow. */
  now(): number
  /** Calls back in the next turn of the event loop, which does not sleep meanwhile. */
  nextTurn(callback: () => void): void
  /** Processors that this machine has for us. */
  processors: number
}

const ownLoop: Loop = {
  now: () => performance.now(),
  nextTurn: (callback) => void setImmediate(callback),
  processors: availableParallelism(),
}

/**
 * Keeps a thread awake while it waits for answers that are likely to come at once. To wake a thread that sleeps takes
 * longer than a receiver on the same machine needs to answer, above all in a virtual machine, and a lane has to wait for
 * each answer. Only where the answer before was quick, so that a receiver far away costs nothing; and never where the
 * receiver may need the only processor.
 */
export class BusyWait {
  readonly #loop: Loop
  readonly #turn = () => this.#goOn()
  #underWay = 0
  #wasQuick = false
  #until = 0
  #isTurning = false

  constructor(loop: Loop = ownLoop) {
    this.#loop = loop
  }

  /** A request is being written. Answers when, for {@link ended}. */
  began(): number {
    const now = this.#loop.now()
    this.#underWay++
    if (this.#wasQuick && this.#underWay <= FEW && this.#loop.processors > 1) {
      this.#until = now + QUICK_MS
      if (!this.#isTurning) this.#loop.nextTurn(this.#turn)
      this.#isTurning = true
    }
    return now
  }

  /** It was answered, or failed. */
  ended(began: number): void {
    this.#underWay--
    this.#wasQuick = this.#loop.now() - began < QUICK_MS
  }

  #goOn(): void {
    const isDue = this.#underWay > 0 && this.#underWay <= FEW && this.#loop.now() < this.#until
    this.#isTurning = isDue
    if (isDue) this.#loop.nextTurn(this.#turn)
  }
}
