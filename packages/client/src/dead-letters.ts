import type { PageOptions } from './conversations.js'
import type { DeadLetter } from './delivery.js'
import type { CallOptions, Transport } from './transport.js'

/** Calls under `/dead-letters`: deliveries that failed all retries. */
export interface DeadLetters {
  /** A page of dead letters, newest first. */
  list(options?: PageOptions): Promise<DeadLetter[]>
  /**
   * Queues a dead letter again, under the same id. `target` (id or URL of a webhook) sends it to another target,
   * for example if its own was removed. Returns the id of the delivery. Not retried after a network error, because
   * it is unknown whether the server accepted it.
   * @throws PlugboardApiError 404 if the dead letter does not exist
   */
  replay(id: string, params?: { target?: string }, options?: CallOptions): Promise<{ id: string }>
}

/** Creates the calls for a server. */
export function deadLetters(http: Transport): DeadLetters {
  return {
    async list({ limit, before, ...options } = {}) {
      const request = { path: ['dead-letters'], query: { limit, before } }
      return (await http.get<{ deadLetters: DeadLetter[] }>(request, options)).deadLetters
    },
    replay: (id, params = {}, options) =>
      http.send(
        { method: 'POST', path: ['dead-letters', id, 'replay'], body: params, repeat: 'refused' },
        options,
      ),
  }
}
