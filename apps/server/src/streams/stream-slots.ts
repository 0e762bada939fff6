import { type Id, PlugboardError } from '@plugboard/core'

/** `Retry-After`, in milliseconds. */
const RETRY_MS = 5_000

export interface StreamSlotsOptions {
  perClient: number
  perUser: number
}

/** Limits the concurrent streams of each client and each user in this process. */
export class StreamSlots {
  readonly #options: StreamSlotsOptions
  readonly #taken = new Map<string, number>()

  constructor(options: StreamSlotsOptions) {
    this.#options = options
  }

  /** Returns a function that frees the slot, to be called once. @throws RATE_LIMITED */
  take(clientId: Id, userId?: Id): () => void {
    const { perClient, perUser } = this.#options
    this.#assertRoom(clientId, perClient, 'client')
    if (userId === undefined) return this.#add(clientId)
    this.#assertRoom(clientId + userId, perUser, 'user')
    return this.#add(clientId, clientId + userId)
  }

  #assertRoom(key: string, max: number, whose: string): void {
    if ((this.#taken.get(key) ?? 0) < max) return
    throw new PlugboardError(
      'RATE_LIMITED',
      `At most ${max} concurrent event streams per ${whose}. Try again later.`,
      {
        retryAfterMs: RETRY_MS,
      },
    )
  }

  #add(...keys: readonly string[]): () => void {
    for (const key of keys) this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1)
    return () => {
      for (const key of keys) {
        const left = (this.#taken.get(key) ?? 1) - 1
        if (left > 0) this.#taken.set(key, left)
        else this.#taken.delete(key)
      }
    }
  }
}
