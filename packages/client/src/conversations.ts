import type { CallOptions, CreateOptions, Transport } from './transport.js'

/** An ordered log of messages, of one user or of a group. */
export interface Conversation {
  id: string
  clientId: string
  /** Null for a group, which other APIs create. */
  userId: string | null
  /** ISO 8601 with milliseconds, UTC. */
  createdOn: string
}

/** One page of a list. */
export interface PageOptions extends CallOptions {
  /** Maximum number of items. Default: 20; 0 returns all. */
  limit?: number | undefined
  /** Id of the last item of the previous page. */
  before?: string | undefined
}

/**
 * Calls under `/conversations`. All throw a PlugboardApiError 404 if the user or the conversation does not exist
 * for the client.
 */
export interface Conversations {
  /** Creates a conversation of a user. */
  create(params: { userId: string }, options?: CreateOptions): Promise<Conversation>
  get(id: string, options?: CallOptions): Promise<Conversation>
  /** A page of the user's conversations, most recently used first. */
  listByUser(userId: string, options?: PageOptions): Promise<Conversation[]>
  /** Shows the user for a few seconds that the bot writes, or, with false, that it stopped. */
  typing(id: string, isTyping?: boolean, options?: CallOptions): Promise<void>
  /** Shows the user that the bot has read everything up to now. */
  read(id: string, options?: CallOptions): Promise<void>
  /** Deletes a conversation with its messages. */
  delete(id: string, options?: CallOptions): Promise<void>
}

/** Creates the calls for a server. */
export function conversations(http: Transport): Conversations {
  return {
    create: (params, options) => http.create({ path: ['conversations'], body: params }, options),
    get: (id, options) => http.get({ path: ['conversations', id] }, options),
    listByUser: (userId, { limit, before, ...options } = {}) =>
      http.get({ path: ['conversations', 'user', userId], query: { limit, before } }, options),
    typing: (id, isTyping = true, options) =>
      http.send(
        {
          method: 'POST',
          path: ['conversations', id, 'typing'],
          body: { isTyping },
          repeat: 'always',
          answer: 'none',
        },
        options,
      ),
    read: (id, options) =>
      http.send(
        { method: 'POST', path: ['conversations', id, 'read'], body: {}, repeat: 'always', answer: 'none' },
        options,
      ),
    delete: (id, options) => http.delete({ path: ['conversations', id] }, options),
  }
}
