import { type Id, PlugboardError } from '@plugboard/core'
import { CHUNK } from './json-text.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Of all dialects together. */
    listSlots: ListSlots
  }
}

/** When to come again, in milliseconds. */
const RETRY_MS = 1000

export interface ListSlotsOptions {
  /** Lists of one client that are under way at once. */
  perClient: number
  /** How long one more waits for another to end, in milliseconds. Default: 5 seconds. */
  maxWaitMs?: number
  /** How many of one client wait at most. Default: 100. */
  maxWaiting?: number
}

/** What of a response says when it is over, however that comes. */
interface Closing {
  readonly closed: boolean
  once(event: 'close', listener: () => void): unknown
}

/** The lists of one client. */
interface Slots {
  taken: number
  /** Those that wait, the first one first. */
  waiting: Set<() => void>
}

/**
 * Limits the lists of each client that are under way, since each holds a page in memory until it was sent: so no client
 * takes the memory of others. One more waits, which costs no memory, so that short lists may come in any number.
 */
export class ListSlots {
  readonly #options: Required<ListSlotsOptions>
  readonly #clients = new Map<Id, Slots>()

  constructor({ perClient, maxWaitMs = 5_000, maxWaiting = 100 }: ListSlotsOptions) {
    this.#options = { perClient, maxWaitMs, maxWaiting }
  }

  /**
   * Makes an answer with a list in it. A short text gives its slot back once it is made; anything else when the response
   * is closed. @throws RATE_LIMITED
   */
  async run<T>(clientId: Id, response: Closing, make: () => Promise<T>): Promise<T> {
    const slots = this.#clients.get(clientId) ?? { taken: 0, waiting: new Set() }
    this.#clients.set(clientId, slots)
    if (slots.taken >= this.#options.perClient) await this.#wait(slots)
    else slots.taken += 1
    try {
      const answer = await make()
      const isShort = typeof answer === 'string' && answer.length < CHUNK
      if (isShort || response.closed) this.#release(clientId, slots)
      else response.once('close', () => this.#release(clientId, slots))
      return answer
    } catch (error) {
      this.#release(clientId, slots)
      throw error
    }
  }

  /** Until another hands its slot over. */
  #wait({ waiting }: Slots): Promise<void> {
    const { perClient, maxWaitMs, maxWaiting } = this.#options
    const tooMany = (): PlugboardError =>
      new PlugboardError(
        'RATE_LIMITED',
        `A client may have ${perClient} lists under way at once. Try again later.`,
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
