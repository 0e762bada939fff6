import type { CallOptions, Transport } from './transport.js'

/** Address of a conversation at a provider. The meaning of each part depends on the channel. */
export interface Endpoint {
  /**
   * A custom name, or name and version of a channel of the server. The two forms never denote the same channel.
   */
  channel: string | { name: string; version: string }
  /**
   * Name of the integration, if it differs from the name of the channel. In `map`, it may be absent if the client has only
   * one integration of the channel.
   */
  integration?: string
  /** The business's side, such as the called number; `*` if there is only one. */
  identity: string
  /** The person's id at the provider. */
  sender: string
  /** The room at the provider; `*` if a person has only one. */
  thread: string
}

/** Calls under `/endpoints`. */
export interface Endpoints {
  /**
   * Returns the conversation of an address. Creates it and its user if missing. The same address always returns the
   * same conversation.
   */
  map(endpoint: Endpoint, options?: CallOptions): Promise<{ conversationId: string }>
  /**
   * The addresses of a conversation.
   * @throws PlugboardApiError 404 if the conversation does not exist
   */
  listByConversation(conversationId: string, options?: CallOptions): Promise<Endpoint[]>
}

/** Creates the calls for a server. */
export function endpoints(http: Transport): Endpoints {
  return {
    map: (endpoint, options) =>
      http.send({ method: 'POST', path: ['endpoints', 'map'], body: endpoint, repeat: 'always' }, options),
    listByConversation: (conversationId, options) =>
      http.get({ path: ['endpoints', 'conversation', conversationId] }, options),
  }
}
