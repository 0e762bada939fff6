import type { CallOptions, CreateOptions, Transport } from './transport.js'

/** An ordered log of messages, of one user or of a group. */
export interface Conversation {
  id: string
  clientId: string
  /** Null in a group, which other APIs make. */
  userId: string | null
  /** ISO 8601 with milliseconds, UTC. */
  createdOn: string
}

/** One page of a list. */
export interface PageOptions extends CallOptions {
  /** Most items to answer; the server's default is 20, and 0 means all. */
  limit?: number | undefined
  /** Id of the last item of the page before; the page then begins after it. */
  before?: string | undefined
}

/**
 * Calls under `/conversations`. All throw a PlugboardApiError 404 for a user or a conversation that the
 * client does not have.
 */
export interface Conversations {
  /** Creates a conversation of a user. */
  create(params: { userId: string }, options?: CreateOptions): Promise<Conversation>
  get(id: string, options?: CallOptions): Promise<Conversation>
  /** A page of the user's conversations, the one last spoken in first. */
  listByUser(userId: string, options?: PageOptions): Promise<Conversation[]>
  /** Deletes a conversation with its messages. */
  delete(id: string, options?: CallOptions): Promise<void>
}

/** Binds the calls to a server. */
export function conversations(http: Transport): Conversations {
  return {
    create: (params, options) => http.create({ path: ['conversations'], body: params }, options),
    get: (id, options) => http.get({ path: ['conversations', id] }, options),
    listByUser: (userId, { limit, before, ...options } = {}) =>
      http.get({ path: ['conversations', 'user', userId], query: { limit, before } }, options),
    delete: (id, options) => http.delete({ path: ['conversations', id] }, options),
  }
}
