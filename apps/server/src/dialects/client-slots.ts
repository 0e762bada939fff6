import { type Id, PlugboardError } from '@plugboard/core'

/** `Retry-After`, in milliseconds. */
const RETRY_MS = 1000

export interface ClientSlotsOptions {
  /** What is counted, in the plural. */
  what: string
  /** Maximum concurrent tasks per client. */
  perClient: number
  /** Maximum wait for a slot, in milliseconds. Default: 5 seconds. */
  maxWaitMs?: number
  /** Maximum waiting tasks per client. Default: 100. */
  maxWaiting?: number
}

/** Tasks of one client. */
interface Slots {
  taken: number
  /** Those that wait, the first one first. */
  waiting: Set<() => void>
}

/**
 * Limits the concurrent expensive tasks of each client, so that no client takes memory or time from others. Further tasks
 * wait, which costs little, so that any number of short tasks succeeds.
 */
export class ClientSlots {
  readonly #options: Required<ClientSlotsOptions>
  readonly #clients = new Map<Id, Slots>()

  constructor({ maxWaitMs = 5_000, maxWaiting = 100, ...options }: ClientSlotsOptions) {
    this.#options = { ...options, maxWaitMs, maxWaiting }
  }

  /** Takes a slot. Returns a function that releases it, to be called once. @throws RATE_LIMITED */
  async take(clientId: Id): Promise<() => void> {
    const slots = this.#clients.get(clientId) ?? { taken: 0, waiting: new Set() }
    this.#clients.set(clientId, slots)
    if (slots.taken >= this.#options.perClient) await this.#wait(slots)
    else slots.taken += 1
    return () => this.#release(clientId, slots)
  }

  /** Whether others of the client wait for a slot. */
  isAwaited(clientId: Id): boolean {
    return (this.#clients.get(clientId)?.waiting.size ?? 0) > 0
  }

  /** Waits until another task hands over its slot. */
  #wait({ waiting }: Slots): Promise<void> {
    const { what, perClient, maxWaitMs, maxWaiting } = this.#options
    const tooMany = (): PlugboardError =>
      new PlugboardError(
        'RATE_LIMITED',
        `At most ${perClient} concurrent ${what} per client. Try again later.`,
        { retryAfterMs: RETRY_MS },
      )
    if (waiting.size >= maxWaiting) return Promise.reject(tooMany())
    return new Promise((resolve, reject) => {
      const takeOver = (): void => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        waiting.delete(takeOver)
        reject(tooMany())
      }, maxWaitMs)
      waiting.add(takeOver)
    })
  }

  #release(clientId: Id, slots: Slots): void {
    const [next] = slots.waiting
    if (next) {
      slots.waiting.delete(next)
      next()
      return
    }
    slots.taken -= 1
    if (slots.taken === 0) this.#clients.delete(clientId)
  }
}

/** Releases a slot when a response has ended or was aborted. */
export function releaseAtEnd(response: Closing, release: () => void): void {
  if (response.closed) release()
  else response.once('close', release)
}

/** The part of a response that reports its end. */
export interface Closing {
  readonly closed: boolean
  once(event: 'close', listener: () => void): unknown
}
