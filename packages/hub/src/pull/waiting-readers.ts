import type { Id } from '@plugboard/core'
import type { QueueBell } from '../delivery/to-readers/queue-bell.js'

/** A reader that waits. */
export class Waiter {
  /** Something may have come since its last look. */
  isRung = false
  #wake: (() => void) | undefined

  ring(): void {
    this.isRung = true
    this.#wake?.()
  }

  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.isRung || signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
      signal.addEventListener('abort', this.#wake, { once: true })
    })
    if (this.#wake) signal.removeEventListener('abort', this.#wake)
    this.#wake = undefined
  }
}

/** The one that waits the longest, and was not rung yet. */
function ringOne(waiters: ReadonlySet<Waiter>): void {
  for (const waiter of waiters) if (!waiter.isRung) return waiter.ring()
}

/** Readers of this process that wait for events. What is added wakes one reader, and it wakes the next if there is more. */
export class WaitingReaders {
  readonly #bell: QueueBell
  readonly #waiting = new Map<Id, { waiters: Set<Waiter>; end: () => void }>()

  constructor(bell: QueueBell) {
    this.#bell = bell
  }

  join(webhookId: Id): Waiter {
    const known = this.#waiting.get(webhookId)
    const waiter = new Waiter()
    if (known) {
      known.waiters.add(waiter)
      return waiter
    }
    const waiters = new Set([waiter])
    const end = this.#bell.listen(webhookId, () => ringOne(waiters))
    this.#waiting.set(webhookId, { waiters, end })
    return waiter
  }

  /** Rings the next one after a time, for a reader that was rung and could not look. */
  passOn(webhookId: Id, ms: number): void {
    setTimeout(() => ringOne(this.#waiting.get(webhookId)?.waiters ?? new Set()), ms).unref()
  }

  /** One that was rung for passes it on, because there may be more. */
  leave(webhookId: Id, waiter: Waiter): void {
    const known = this.#waiting.get(webhookId)
    if (!known) return
    known.waiters.delete(waiter)
    if (known.waiters.size === 0) {
      known.end()
      this.#waiting.delete(webhookId)
    } else if (waiter.isRung) ringOne(known.waiters)
  }
}
