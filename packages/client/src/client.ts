import { type Conversations, conversations } from './conversations.js'
import { type DeadLetters, deadLetters } from './dead-letters.js'
import { type Endpoints, endpoints } from './endpoints.js'
import type { FetchFunction } from './exchange.js'
import { type Health, health, type Webhooks, webhooks } from './health.js'
import { type Messages, messages } from './messages.js'
import { type PullHandler, type Pulling, type PullOptions, pull } from './pull.js'
import { type EventsOptions, follow, type ResetEvent, type StreamedEvent } from './streams.js'
import { type SyncConfig, type SyncResult, syncClient } from './sync.js'
import { type Tokens, tokens } from './tokens.js'
import { type CallOptions, transport } from './transport.js'
import { type Users, users } from './users.js'

/** Options of `createClient`. */
export interface ClientOptions {
  /**
   * Address of the server, such as `https://plugboard.example`. May contain a path prefix, and may end in `/api/v1`.
   */
  url: string
  /** From `sync` or the admin API. */
  clientId: string
  /** From `sync` or the admin API. It grants full access to the client: keep it out of browsers. */
  clientToken: string
  /** Default: the global `fetch`. */
  fetch?: FetchFunction | undefined
  /** Time limit of one attempt, including its body, in milliseconds. Default: 10000. */
  timeoutMs?: number | undefined
  /**
   * Retries after a network error, a time-out, 429, 502, 503 or 504. Default: 2. `Retry-After` is honored up to
   * 30 s; otherwise the delays are about 100 ms, 200 ms … A retry never posts twice: it sends the
   * `Idempotency-Key` of the first attempt.
   */
  retries?: number | undefined
  /** Additional headers of each request, such as the `password` of a server with `INTERNAL_PASSWORD`. */
  headers?: Readonly<Record<string, string>> | undefined
}

/** The result of `createClient`. A failed call throws a `PlugboardApiError`. */
export interface PlugboardClient {
  /**
   * Replaces the whole configuration of this client. Fails with 400 if it is invalid, or if a provider rejects its
   * credentials.
   */
  sync(config: SyncConfig, options?: CallOptions): Promise<SyncResult>
  /** The state of the webhooks and of each configured channel, with its latest events. */
  health(options?: CallOptions): Promise<Health>
  /**
   * Follows events as they happen: of one conversation, or of the whole client. It connects again by itself, and
   * continues exactly where it was: no event comes twice, and none is left out. Keep the `position` of the last event that
   * you have handled, and pass it as `after` when your program starts again.
   *
   * ```ts
   * for await (const event of plugboard.events({ after: await lastPosition() })) await handle(event)
   * ```
   *
   * @throws PlugboardApiError if the server refuses it for good, such as 401 after the token was revoked
   */
  events(options?: EventsOptions): AsyncGenerator<StreamedEvent | ResetEvent, never, void>
  users: Users
  conversations: Conversations
  messages: Messages
  endpoints: Endpoints
  deadLetters: DeadLetters
  webhooks: Webhooks
  tokens: Tokens
  /**
   * For bots without an address: pulls the events of a webhook that was synced as `{ mode: 'pull' }`, and calls `handler`
   * with each, in order per conversation. @throws RangeError for an invalid option
   *
   * ```ts
   * await plugboard.sync({ webhooks: [{ mode: 'pull' }] })
   * const pulling = plugboard.pull(async (event) => {
   *   if (event.type === 'message.new') await answer(event.data.message)
   * })
   * await pulling.done
   * ```
   */
  pull(handler: PullHandler, options?: PullOptions): Pulling
}

/**
 * Creates a client of the Messaging API of one Plugboard server. It sends no request on creation and has no
 * connection to close.
 * @throws TypeError or RangeError for an invalid option; the message names the option, never its value
 *
 * ```ts
 * const plugboard = createClient({ url: 'http://localhost:3100', clientId, clientToken })
 * await plugboard.messages.post({ conversationId, payload: { type: 'text', text: 'Hello' } })
 * ```
 */
export function createClient(options: ClientOptions): PlugboardClient {
  if (!options?.url) throw new TypeError('createClient needs { url, clientId, clientToken }')
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
    events: (options = {}) => follow(http, ['events'], options),
    users: users(http),
    conversations: conversations(http),
    messages: messages(http),
    endpoints: endpoints(http),
    deadLetters: deadLetters(http),
    webhooks: webhooks(http),
    tokens: tokens(http),
    pull: (handler, options) => pull(http, handler, options),
  }
}
