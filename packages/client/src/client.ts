import { type Conversations, conversations } from './conversations.js'
import { type DeadLetters, deadLetters } from './dead-letters.js'
import { type Endpoints, endpoints } from './endpoints.js'
import type { FetchFunction } from './exchange.js'
import { type Health, health } from './health.js'
import { type Messages, messages } from './messages.js'
import { type SyncConfig, type SyncResult, syncClient } from './sync.js'
import { type Tokens, tokens } from './tokens.js'
import { type CallOptions, transport } from './transport.js'
import { type Users, users } from './users.js'

/** Options of `createClient`. */
export interface ClientOptions {
  /**
   * Address of the server without `/api/v1`, `https://plugboard.example`; a path in front of the API is kept.
   */
  url: string
  /** From `sync` or the admin API. */
  clientId: string
  /** From `sync` or the admin API. Whoever has it acts as the client: keep it out of browsers. */
  clientToken: string
  /** Default: the global one. */
  fetch?: FetchFunction | undefined
  /** Longest time of one attempt, its body included, in milliseconds; default 10000. */
  timeoutMs?: number | undefined
  /**
   * Further attempts after a network error, a timeout, 429, 502, 503 or 504; default 2. `Retry-After` is
   * honoured up to 30 s, otherwise the pauses are about 100 ms, 200 ms … A retry never posts twice: it
   * carries the `Idempotency-Key` of its first attempt.
   */
  retries?: number | undefined
  /** Further headers of each request, such as the `password` of a server with `INTERNAL_PASSWORD`. */
  headers?: Readonly<Record<string, string>> | undefined
}

/** What `createClient` makes. Every call throws a `PlugboardApiError` when it fails. */
export interface PlugboardClient {
  /**
   * Replaces the whole configuration of this client. 400 for one that does not fit, or whose credentials a
   * provider refuses.
   */
  sync(config: SyncConfig, options?: CallOptions): Promise<SyncResult>
  /** The latest events of each configured channel, newest first. */
  health(options?: CallOptions): Promise<Health>
  users: Users
  conversations: Conversations
  messages: Messages
  endpoints: Endpoints
  deadLetters: DeadLetters
  tokens: Tokens
}

/**
 * A client of the Messaging API of one Plugboard server. Makes no request by itself and holds no connection
 * to close.
 * @throws TypeError or RangeError for an option that can never work; the text names the option and never its
 * value.
 *
 * ```ts
 * const plugboard = createClient({ url: 'http://localhost:3100', clientId, clientToken })
 * await plugboard.messages.post({ conversationId, payload: { type: 'text', text: 'Hello' } })
 * ```
 */
export function createClient(options: ClientOptions): PlugboardClient {
  const { clientId, clientToken, headers = {}, ...rest } = options
  const http = transport({
    ...rest,
    headers: {
      ...headers,
      'x-bp-messaging-client-id': clientId,
      'x-bp-messaging-client-token': clientToken,
    },
    secrets: [clientToken, ...Object.values(headers)],
  })
  return {
    sync: (config, options) => syncClient(http, config, options),
    health: (options) => health(http, options),
    users: users(http),
    conversations: conversations(http),
    messages: messages(http),
    endpoints: endpoints(http),
    deadLetters: deadLetters(http),
    tokens: tokens(http),
  }
}
