import type { Id } from '@plugboard/core'
import type { KeyClaim } from '@plugboard/hub'
import type { KeyDoc } from './database/document-types.js'
import { isTaken } from './database/failure.js'
import type { Models } from './database/schemas.js'
import { idOf, oid } from './encoding.js'

/** Attempts at a key that another process removes between the write and the read. */
const MAX_TRIES = 5

/** Idempotency keys of requests, each with the id of the object that the request makes. */
export class IdempotencyKeys {
  readonly #keys: Models['keys']

  constructor({ keys }: Models) {
    this.#keys = keys
  }

  /** One round trip for a fresh key, two for one that is repeated. */
  async claim({
    expiresBefore,
    ...claim
  }: KeyClaim & { expiresBefore: Date }): Promise<KeyClaim & { fresh: boolean }> {
    const name = { clientId: oid(claim.clientId), key: claim.key }
    const fresh = { hash: claim.hash, id: oid(claim.id), at: claim.at }
    for (let tries = 1; ; tries += 1) {
      try {
        const expired = { ...name, at: { $lt: expiresBefore } }
        await this.#keys.updateOne(expired, { $set: fresh }, { upsert: true })
        return { ...claim, fresh: true }
      } catch (error) {
        if (!isTaken(error) || tries === MAX_TRIES) throw error
      }
      const known = await this.#keys.findOne(name).lean<KeyDoc>()
      if (known && known.at >= expiresBefore) return { ...toClaim(claim.clientId, known), fresh: false }
    }
  }
}

const toClaim = (clientId: Id, { key, hash, id, at }: KeyDoc): KeyClaim => ({
  clientId,
  ...{ key, hash, id: idOf(id), at },
})
