import type { SentMessage, StreamRef, Target } from '@plugboard/hub'
import type { Models } from '../database/schemas.js'
import { oid } from '../encoding.js'

/** What endpoints show of messages. It is stored in the entries of the messages. */
export class SentMessages {
  readonly #models: Models

  constructor(models: Models) {
    this.#models = models
  }

  async record(
    { clientId, streamId }: StreamRef,
    seq: number,
    target: Target,
    sent: SentMessage,
  ): Promise<void> {
    const filter = { clientId: oid(clientId), streamId: oid(streamId), seq }
    await this.#models.entries.updateOne(filter, { $set: { [`sent.${target}`]: sent } })
  }
}
