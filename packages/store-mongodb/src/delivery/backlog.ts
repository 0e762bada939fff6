import type { Backlog } from '@plugboard/hub'
import type { StreamDoc } from '../database/document-types.js'
import type { Models } from '../database/schemas.js'

/** Looks at entries to find the oldest that is owed; after so many the answer is not later than the truth. */
const MAX_LOOKS = 20

/** Counts the pending deliveries of the whole store, for metrics. */
export class BacklogMeter {
  readonly #models: Models

  constructor(models: Models) {
    this.#models = models
  }

  /** `owedAt` of a stream is a lower bound, made exact here for the stream that seems the oldest. */
  async measure(limit: number): Promise<Backlog> {
    const { streams } = this.#models
    const owed = { owedAt: { $gt: new Date(0) } }
    const found = await streams.countDocuments(owed, { limit: limit + 1 })
    const counted = { streams: Math.min(found, limit), isMore: found > limit }
    for (let looks = 0; ; looks += 1) {
      const projection = { clientId: 1, owedAt: 1, scanned: 1, lanes: 1 }
      const first = await streams.findOne(owed, projection).sort({ owedAt: 1 }).lean<StreamDoc>()
      if (!first?.owedAt) return counted
      const at = looks < MAX_LOOKS ? await this.#firstOwed(first) : undefined
      if (!at || at <= first.owedAt) return { ...counted, oldest: first.owedAt }
      const { _id, clientId, owedAt } = first
      await streams.updateOne({ _id, clientId, owedAt }, { $set: { owedAt: at } })
    }
  }

  /** When the entry came in that is the first after what is settled. */
  async #firstOwed({ _id, clientId, scanned, lanes }: StreamDoc): Promise<Date | undefined> {
    const settled = Math.min(scanned, ...Object.values(lanes).map(({ done }) => done))
    const entry = await this.#models.entries
      .findOne({ clientId, streamId: _id, seq: { $gt: settled } }, { at: 1 })
      .sort({ seq: 1 })
      .lean<{ at: Date }>()
    return entry?.at
  }
}
