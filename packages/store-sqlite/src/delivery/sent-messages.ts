import type { SentMessage, StreamRef, Target } from '@plugboard/hub'
import { type Connection, prepareWrite } from '../database/sql.js'
import type { StreamCache } from '../streams/stream-cache.js'

const RECORD = `UPDATE entries SET sent = json_set(coalesce(sent, '{}'), '$."' || ? || '"', json(?))
  WHERE stream = ? AND seq = ?`

/** What endpoints show of messages. It is stored in the entries of the messages. */
export class SentMessages {
  readonly #streams: StreamCache
  readonly #record

  constructor(db: Connection, streams: StreamCache) {
    this.#streams = streams
    this.#record = prepareWrite(db, RECORD)
  }

  record({ clientId, streamId }: StreamRef, seq: number, target: Target, sent: SentMessage): void {
    const stream = this.#streams.find(clientId, streamId)
    if (stream) this.#record(target, JSON.stringify(sent), stream.n, seq)
  }
}
