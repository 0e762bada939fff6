import { hash as digest } from 'node:crypto'
import { type Id, newId, PlugboardError } from '@plugboard/core'
import type { Store } from '../ports/store.js'
import type { ClientView } from './directory.js'

export interface IdempotencyOptions {
  store: Store
  now(): Date
}

/** How long a key is stored. */
const REMEMBERED_MS = 24 * 60 * 60 * 1000
const PURGE_AT_ONCE = 1000

/** A request with an idempotency key, so that a repetition creates nothing. */
export interface KeyedRequest {
  /** Scope of the key: the same key may be used on each route. */
  route: string
  key: string
  /** The request body in canonical form. */
  body: string
}

/**
 * Idempotency keys. A key is stored with the id of the new object before the object is created. A repetition creates or
 * finds the object with that id, so it gets the same response, even after a crash in between.
 */
export class Idempotency {
  readonly #options: IdempotencyOptions
  readonly #inFlight = new Set<string>()

  constructor(options: IdempotencyOptions) {
    this.#options = options
  }

  /** @throws MISMATCH for a key that was used with another body, CONFLICT while the first request is in progress */
  async run<T>(client: ClientView, request: KeyedRequest, make: (id: Id) => Promise<T>): Promise<T> {
    const { store, now } = this.#options
    const key = `${request.route} ${request.key}`
    const place = `${client.id} ${key}`
    if (this.#inFlight.has(place)) {
      throw new PlugboardError('CONFLICT', 'the first request with this idempotency key is still in progress')
    }
    this.#inFlight.add(place)
    try {
      const at = now()
      const hash = digest('sha256', request.body)
      const expiresBefore = new Date(at.getTime() - REMEMBERED_MS)
      const claim = await store.claimKey({ clientId: client.id, key, hash, id: newId(), at, expiresBefore })
      if (claim.hash !== hash) {
        throw new PlugboardError('MISMATCH', 'this idempotency key was used with a different request')
      }
      return await make(claim.id)
    } finally {
      this.#inFlight.delete(place)
    }
  }

  /** Removes expired keys, in slices, while `mayGoOn` returns true. */
  async purge(mayGoOn: () => boolean = () => true): Promise<void> {
    const { store, now } = this.#options
    const before = new Date(now().getTime() - REMEMBERED_MS)
    while (mayGoOn() && (await store.purgeKeys(before, PURGE_AT_ONCE)) === PURGE_AT_ONCE);
  }
}
