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
  /** The author; omit it for the bot. */
  authorId?: string | null | undefined
  /** Id of the message that this one replies to. A waiting `collect` returns the reply. */
  incomingId?: string | undefined
  /** Name of an integration: the message is sent through no other one. Webhooks receive it in any case. */
  integration?: string | undefined
}

/** A user's message to post while waiting for the bot. */
export interface CollectMessage {
  conversationId: string
  authorId: string
  payload: Payload
  /**
   * How long the server waits for replies, in milliseconds, at most 50000. Default: 10000; 0 is the maximum.
   */
  timeout?: number | undefined
}

/** Result of `collect`: the posted message, and the bot's replies in order. */
export interface Collected {
  message: Message
  responses: Message[]
}

/** A page of messages. */
export interface MessagePageOptions extends PageOptions {
  /** Only messages sent at this time or earlier. */
  from?: Date | string | undefined
}

/** Options to iterate over a conversation. */
export interface IterateOptions extends Omit<MessagePageOptions, 'limit'> {
  /** Messages per request, at least 1. Default: 100. */
  pageSize?: number | undefined
}

/**
 * Calls under `/messages`. All throw a PlugboardApiError 404 if the author, conversation or message does not exist for
 * the client.
 */
export interface Messages {
  /** Posts a message; it is sent to the endpoints of the conversation. */
  post(message: NewMessage, options?: CreateOptions): Promise<Message>
  get(id: string, options?: CallOptions): Promise<Message>
  /** A page of a conversation's messages, newest first. */
  listByConversation(conversationId: string, options?: MessagePageOptions): Promise<Message[]>
  /** All messages of a conversation, newest first, fetched page by page. */
  iterate(conversationId: string, options?: IterateOptions): AsyncGenerator<Message, void, undefined>
  /**
   * Replaces the payload of a message. Where the channel can edit, people see it; `deliveries` reports where.
   */
  edit(id: string, payload: Payload, options?: CallOptions): Promise<Message>
  /** Deletes a message. Where the channel can remove it, people no longer see it; `deliveries` reports where. */
  delete(id: string, options?: CallOptions): Promise<void>
  /**
   * Deletes the messages of a conversation and keeps the conversation. What people see stays. `count` is the number that the last attempt
   * deleted, so after a retry it may be too low.
   */
  deleteByConversation(conversationId: string, options?: CallOptions): Promise<{ count: number }>
  /**
   * Posts a user's message and returns the bot's replies (possibly none) when the bot ends its turn or `timeout` is
   * over. The default time limit of an attempt is that of the client plus `timeout`.
   */
  collect(message: CollectMessage, options?: CreateOptions): Promise<Collected>
  /**
   * Ends the bot's turn for a user's message, so that a waiting `collect` returns. Without one, it has no effect.
   */
  endTurn(messageId: string, options?: CallOptions): Promise<void>
  /** The deliveries of a message, with target and state. */
  deliveries(messageId: string, options?: CallOptions): Promise<Delivery[]>
}

const COLLECT_DEFAULT_MS = 10_000
const COLLECT_CEILING_MS = 50_000

/** Creates the calls for a server. */
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
    edit: (id, payload, options) =>
      http.send({ method: 'PATCH', path: ['messages', id], body: { payload }, repeat: 'always' }, options),
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

/** Iterates over a conversation from the newest to the oldest message, with the keyset cursor `before`. */
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
    // Only an empty page is the end: the server may cap the page size.
    if (last === undefined) return
    if (last.id === before) throw stuckCursor(conversationId)
    yield* page
    before = last.id
  }
}

/** Prevents an endless loop with a server that ignores `before`. */
function stuckCursor(conversationId: string): PlugboardApiError {
  return new PlugboardApiError({
    reason: 'answer',
    status: 200,
    message: 'the list does not go on after the cursor "before"',
    method: 'GET',
    path: `/api/v1/messages/conversation/${conversationId}`,
  })
}
