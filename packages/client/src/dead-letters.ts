import type { PageOptions } from './conversations.js'
import type { DeadLetter } from './delivery.js'
import type { CallOptions, Transport } from './transport.js'

/** Calls under `/dead-letters`: deliveries that were given up. */
export interface DeadLetters {
  /** A page of what was given up, the latest first. */
  list(options?: PageOptions): Promise<DeadLetter[]>
  /**
   * Puts a dead delivery in the queue again, under the id it had; `target` (id or URL of a webhook)
   * sends it elsewhere, say when its own is gone. Answers the id of the delivery. Not repeated after a
   * network error, as it is then unknown whether the server took it.
   * @throws PlugboardApiError 404 when the client has no such dead letter.
   */
  replay(id: string, params?: { target?: string }, options?: CallOptions): Promise<{ id: string }>
}

/** Binds the calls to a server. */
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
