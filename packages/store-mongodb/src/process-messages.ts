import type { StreamRef } from '@plugboard/hub'
import { Types } from 'mongoose'
import type { DatabaseClock } from './database/clock.js'
import type { Models } from './database/schemas.js'
import { oid } from './encoding.js'

/** Texts for other processes, which see them in their change streams. The server removes them (a TTL index). */
export class Signals {
  readonly #signals: Models['signals']
  readonly #clock: DatabaseClock

  constructor({ signals }: Models, clock: DatabaseClock) {
    this.#signals = signals
    this.#clock = clock
  }

  /** Not waited for by a majority: a signal may be lost. */
  async send({ clientId, streamId }: StreamRef, text: string): Promise<void> {
    const place = { _id: new Types.ObjectId(), clientId: oid(clientId), streamId: oid(streamId) }
    const document = { ...place, text, at: this.#clock.measured() }
    await this.#signals.bulkWrite([{ insertOne: { document } }] as never, { timestamps: false })
  }
}
