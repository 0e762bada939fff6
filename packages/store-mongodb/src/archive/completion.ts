import type { AddressDoc, ObjectId, StreamDoc } from '../database/document-types.js'
import type { Models } from '../database/schemas.js'
import { missingOf, numbersOf, voidsFor } from '../streams/holes.js'
import { Inserter } from '../streams/inserter.js'

/** Streams that are looked at in one go. */
const AT_ONCE = 16

/** Completes what a process that died left half-made, at once: nobody else is there who may still be at it. */
export class Completion {
  readonly #models: Models
  readonly #inserter: Inserter

  constructor(models: Models) {
    this.#models = models
    this.#inserter = new Inserter(models.entries)
  }

  /** Gives streams the entries that they have kept, and fills numbers that nobody used. */
  async streams(docs: readonly StreamDoc[]): Promise<void> {
    const live = docs.filter(({ isOver }) => !isOver)
    const kept = live.flatMap((doc) => doc.kept)
    const there = new Set((await this.#having(kept.map(({ _id }) => _id))).map(String))
    const lost = kept.filter(({ _id }) => !there.has(String(_id)))
    await Promise.all(lost.map((entry) => this.#inserter.insert(entry)))
    const open = live.filter(({ reserved }) => reserved && reserved.length > 0)
    for (let start = 0; start < open.length; start += AT_ONCE) {
      await Promise.all(open.slice(start, start + AT_ONCE).map((doc) => this.#fill(doc)))
    }
  }

  /** A sender whose user was never made, or was deleted, goes; answers the others. */
  async senders(docs: readonly AddressDoc[]): Promise<AddressDoc[]> {
    const gone = new Set<AddressDoc>()
    for (const doc of docs) {
      if (!doc.check) continue
      const { _id, clientId, userId } = doc
      if (await this.#models.streams.exists({ _id: userId, clientId, deletedAt: null })) {
        await this.#models.addresses.updateOne({ _id, clientId }, { $unset: { check: 1 } })
      } else {
        await this.#models.addresses.deleteOne({ _id, clientId })
        gone.add(doc)
      }
    }
    return docs.filter((doc) => !gone.has(doc))
  }

  async #having(ids: readonly ObjectId[]): Promise<ObjectId[]> {
    if (ids.length === 0) return []
    const docs = await this.#models.entries
      .find({ _id: { $in: ids } }, { _id: 1 })
      .lean<{ _id: ObjectId }[]>()
    return docs.map(({ _id }) => _id)
  }

  async #fill({ _id: streamId, clientId, reserved }: StreamDoc): Promise<void> {
    const stream = { clientId, streamId }
    const missing = await missingOf(this.#models, stream, numbersOf(reserved))
    const voids = await voidsFor(this.#models, stream, missing)
    await Promise.all(voids.map((entry) => this.#inserter.insert(entry)))
  }
}
