import type { MetaDoc } from './database/document-types.js'
import { upsert } from './database/failure.js'
import type { Models } from './database/schemas.js'

/** Named texts of the whole store. */
export class Meta {
  readonly #meta: Models['meta']

  constructor({ meta }: Models) {
    this.#meta = meta
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#meta.findOne({ _id: key }).lean<MetaDoc>())?.value
  }

  async put(key: string, value: string): Promise<void> {
    await upsert(() => this.#meta.updateOne({ _id: key }, { $set: { value } }, { upsert: true }))
  }

  /** Returns the value that is stored then. */
  async putIfAbsent(key: string, value: string): Promise<string> {
    const options = { upsert: true, returnDocument: 'after' } as const
    const put = () =>
      this.#meta.findOneAndUpdate({ _id: key }, { $setOnInsert: { value } }, options).lean<MetaDoc>()
    return (await upsert(put)).value
  }

  async replace(key: string, from: string, to: string): Promise<boolean> {
    const replaced = await this.#meta.updateOne({ _id: key, value: from }, { $set: { value: to } })
    return replaced.matchedCount > 0
  }
}
