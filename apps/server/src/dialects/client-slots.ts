import { type Id, PlugboardError } from '@plugboard/core'

/** When to come again, in milliseconds. */
const RETRY_MS = 1000

export interface ClientSlotsOptions {
  /** What is counted, in the plural. */
  what: string
  /** How many of one client may be under way at once. */
  perClient: number
  /** How long one more waits for another to end, in milliseconds. Default: 5 seconds. */
  maxWaitMs?: number
  /** How many of one client wait at most. Default: 100. */
  maxWaiting?: number
}

/** What one client has under way. */
interface Slots {
  taken: number
  /** Those that wait, the first one first. */
  waiting: Set<() => void>
}

/**
 * Limits what each client has under way that takes memory or time until it is over, so that no client takes these from
 * others. One more waits, which costs little, so that short ones may come in any number.
 */
export class ClientSlots {
  readonly #options: Required<ClientSlotsOptions>
  readonly #clients = new Map<Id, Slots>()

  constructor({ maxWaitMs = 5_000, maxWaiting = 100, ...options }: ClientSlotsOptions) {
    this.#options = { ...options, maxWaitMs, maxWaiting }
  }

  /** Takes a slot; what it answers gives the slot back, and is to be called once. @throws RATE_LIMITED */
  async take(clientId: Id): Promise<() => void> {
    const slots = this.#clients.get(clientId) ?? { taken: 0, waiting: new Set() }
    this.#clients.set(clientId, slots)
    if (slots.taken >= this.#options.perClient) await this.#wait(slots)
    else slots.taken += 1
    return () => this.#release(clientId, slots)
  }

  /** Until another hands its slot over. */
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

/** Gives a slot back once a response is over, however that comes. */
export function releaseAtEnd(response: Closing, release: () => void): void {
  if (response.closed) release()
  else response.once('close', release)
}

/** What of a response says when it is over. */
export interface Closing {
  readonly closed: boolean
  once(event: 'close', listener: () => void): unknown
}
