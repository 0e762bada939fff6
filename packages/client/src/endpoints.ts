import type { CallOptions, Transport } from './transport.js'

/** Address of a conversation at a provider; what each part holds depends on the channel. */
export interface Endpoint {
  /**
   * A name of your own, or name and version of a channel of the server. The two never mean the same channel.
   */
  channel: string | { name: string; version: string }
  /** The business's side, such as the number that was called; `*` when there is one only. */
  identity: string
  /** The person's id at the provider. */
  sender: string
  /** The room at the provider; `*` when a person has one only. */
  thread: string
}

/** Calls under `/endpoints`. */
export interface Endpoints {
  /**
   * The conversation of an address; it and its user are made when missing. The same address always gives the
   * same one.
   */
  map(endpoint: Endpoint, options?: CallOptions): Promise<{ conversationId: string }>
  /**
   * The addresses of a conversation.
   * @throws PlugboardApiError 404 when the client has no such conversation.
   */
  listByConversation(conversationId: string, options?: CallOptions): Promise<Endpoint[]>
}

/** Binds the calls to a server. */
export function endpoints(http: Transport): Endpoints {
  return {
    map: (endpoint, options) =>
      http.send({ method: 'POST', path: ['endpoints', 'map'], body: endpoint, repeat: 'always' }, options),
    listByConversation: (conversationId, options) =>
      http.get({ path: ['endpoints', 'conversation', conversationId] }, options),
  }
}
