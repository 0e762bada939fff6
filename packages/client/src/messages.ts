import type { Payload } from './content.js'
import type { PageOptions } from './conversations.js'
import type { Delivery } from './delivery.js'
import { PlugboardApiError } from './errors.js'
import type { CallOptions, CreateOptions, Transport } from './transport.js'

/** A message of a conversation. */
export interface Message {
  id: string
  conversationId: string
  /** The user who wrote it; absent or null for the bot. */
  authorId?: string | null
  /** ISO 8601 with milliseconds, UTC. */
  sentOn: string
  payload: Payload
}

/** A message to post. */
export interface NewMessage {
  conversationId: string
  payload: Payload
  /** The user who writes; leave it out for the bot. */
  authorId?: string | null | undefined
  /** Id of the message that this one answers; a `collect` that waits on it gathers the answer. */
  incomingId?: string | undefined
}

/** A user's message to post while waiting for the bot. */
export interface CollectMessage {
  conversationId: string
  authorId: string
  payload: Payload
  /**
   * How long the server gathers answers, in milliseconds up to 50000; the server's default is 10000, and 0 is
   * the ceiling.
   */
  timeout?: number | undefined
}

/** What `collect` answers: the message that was posted, and the bot's replies in their order. */
export interface Collected {
  message: Message
  responses: Message[]
}

/** A page of messages. */
export interface MessagePageOptions extends PageOptions {
  /** Only messages sent at this time or earlier. */
  from?: Date | string | undefined
}

/** How to walk a conversation. */
export interface IterateOptions extends Omit<MessagePageOptions, 'limit'> {
  /** Messages asked for at once, 1 or more; default 100. */
  pageSize?: number | undefined
}

/**
 * Calls under `/messages`. All throw a PlugboardApiError 404 for an author, conversation or message that the
 * client does not have.
 */
export interface Messages {
  /** Posts a message; it is sent to the endpoints of the conversation. */
  post(message: NewMessage, options?: CreateOptions): Promise<Message>
  get(id: string, options?: CallOptions): Promise<Message>
  /** A page of a conversation's messages, newest first. */
  listByConversation(conversationId: string, options?: MessagePageOptions): Promise<Message[]>
  /** All messages of a conversation, newest first, fetched page by page as the loop goes on. */
  iterate(conversationId: string, options?: IterateOptions): AsyncGenerator<Message, void, undefined>
  delete(id: string, options?: CallOptions): Promise<void>
  /**
   * Deletes the messages of a conversation and keeps the conversation. `count` is how many the last attempt
   * found, so after a retry it may be fewer than were deleted in all.
   */
  deleteByConversation(conversationId: string, options?: CallOptions): Promise<{ count: number }>
  /**
   * Posts a user's message and answers with what the bot replied once it ends its turn or `timeout` is over;
   * there may be no reply. The time limit of an attempt is by default that of the client on top of `timeout`.
   */
  collect(message: CollectMessage, options?: CreateOptions): Promise<Collected>
  /**
   * Ends the bot's turn on a user's message, so that a `collect` waiting on it answers. Does nothing when
   * none waits.
   */
  endTurn(messageId: string, options?: CallOptions): Promise<void>
  /** Where the message is owed to, and how far each delivery got. */
  deliveries(messageId: string, options?: CallOptions): Promise<Delivery[]>
}

const COLLECT_DEFAULT_MS = 10_000
const COLLECT_CEILING_MS = 50_000

/** Binds the calls to a server. */
export function messages(http: Transport): Messages {
  const listByConversation: Messages['listByConversation'] = async (
    id,
    { limit, before, from, ...options } = {},
  ) => {
    const query = { limit, before, from: from instanceof Date ? from.toISOString() : from }
    return http.get({ path: ['messages', 'conversation', id], query }, options)
  }

  return {
    post: ({ authorId, ...rest }, options) =>
      http.create({ path: ['messages'], body: authorId == null ? rest : { ...rest, authorId } }, options),
    get: (id, options) => http.get({ path: ['messages', id] }, options),
    listByConversation,
    iterate: (conversationId, options) => iterate(listByConversation, conversationId, options),
    delete: (id, options) => http.delete({ path: ['messages', id] }, options),
    deleteByConversation: (conversationId, options) =>
      http.send(
        { method: 'DELETE', path: ['messages', 'conversation', conversationId], repeat: 'always' },
        options,
      ),
    collect(message, options = {}) {
      const gatherMs = (message.timeout ?? COLLECT_DEFAULT_MS) || COLLECT_CEILING_MS
      const timeoutMs = options.timeoutMs ?? gatherMs + http.timeoutMs
      return http.create({ path: ['messages', 'collect'], body: message }, { ...options, timeoutMs })
    },
    async endTurn(messageId, options) {
      const path = ['messages', 'turn', messageId]
      await http.send({ method: 'POST', path, body: {}, repeat: 'always', answer: 'none' }, options)
    },
    async deliveries(messageId, options) {
      const path = ['messages', messageId, 'deliveries']
      return (await http.get<{ deliveries: Delivery[] }>({ path }, options)).deliveries
    },
  }
}

/** Walks a conversation from its newest message to its oldest, by the keyset cursor `before`. */
async function* iterate(
  list: Messages['listByConversation'],
  conversationId: string,
  { pageSize = 100, ...options }: IterateOptions = {},
): AsyncGenerator<Message, void, undefined> {
  if (!Number.isInteger(pageSize) || pageSize < 1)
    throw new RangeError('pageSize must be a whole number above 0')
  let { before } = options
  for (;;) {
    const page = await list(conversationId, { ...options, limit: pageSize, before })
    const last = page.at(-1)
    // A short page is no end: the server may cap the page size. An empty one is.
    if (last === undefined) return
    if (last.id === before) throw stuckCursor(conversationId)
    yield* page
    before = last.id
  }
}

/** A server that ignores `before` would make the loop endless. */
function stuckCursor(conversationId: string): PlugboardApiError {
  return new PlugboardApiError({
    reason: 'answer',
    status: 200,
    message: 'the list does not go on after the cursor "before"',
    method: 'GET',
    path: `/api/v1/messages/conversation/${conversationId}`,
  })
}
