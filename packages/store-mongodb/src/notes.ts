import type { Id } from '@plugboard/core'
import type { KeyClaim } from '@plugboard/hub'
import type { KeyDoc, MetaDoc } from './documents.js'
import { isTaken, upsert } from './failure.js'
import { idOf, oid } from './rows.js'
import type { Models } from './schemas.js'

/** Times that a key is tried anew which went away meanwhile. */
const MAX_TRIES = 5

/** What the store keeps in mind beside the domain: named texts, and idempotency keys. */
export class Notes {
  readonly #models: Models

  constructor(models: Models) {
    this.#models = models
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#models.meta.findOne({ _id: key }).lean<MetaDoc>())?.value
  }

  async put(key: string, value: string): Promise<void> {
    await upsert(() => this.#models.meta.updateOne({ _id: key }, { $set: { value } }, { upsert: true }))
  }

  /** Answers what then stands there. */
  async putIfAbsent(key: string, value: string): Promise<string> {
    const options = { upsert: true, returnDocument: 'after' } as const
    const put = () =>
      this.#models.meta.findOneAndUpdate({ _id: key }, { $setOnInsert: { value } }, options).lean<MetaDoc>()
    return (await upsert(put)).value
  }

  async replace(key: string, from: string, to: string): Promise<boolean> {
    const replaced = await this.#models.meta.updateOne({ _id: key, value: from }, { $set: { value: to } })
    return replaced.matchedCount > 0
  }

  /** One round trip for a fresh key, two for one that is repeated. */
  async claimKey({
    expiresBefore,
    ...claim
  }: KeyClaim & { expiresBefore: Date }): Promise<KeyClaim & { fresh: boolean }> {
    const name = { clientId: oid(claim.clientId), key: claim.key }
    const fresh = { hash: claim.hash, id: oid(claim.id), at: claim.at }
    for (let tries = 1; ; tries += 1) {
      try {
        const expired = { ...name, at: { $lt: expiresBefore } }
        await this.#models.keys.updateOne(expired, { $set: fresh }, { upsert: true })
        return { ...claim, fresh: true }
      } catch (error) {
        if (!isTaken(error) || tries === MAX_TRIES) throw error
      }
      const known = await this.#models.keys.findOne(name).lean<KeyDoc>()
      if (known && known.at >= expiresBefore) return { ...toClaim(claim.clientId, known), fresh: false }
    }
  }
}

const toClaim = (clientId: Id, { key, hash, id, at }: KeyDoc): KeyClaim => ({
  clientId,
  ...{ key, hash, id: idOf(id), at },
})
