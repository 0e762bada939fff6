import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Content, ContentType } from './content.js'
import type { Endpoint } from './endpoint.js'
import type { Failure, FailureError } from './failure.js'
import type { Json, JsonObject } from './json.js'
import type { Logger } from './logger.js'

/** Semantic version of the shapes in this file. A channel declares the major version it implements; the server checks it. */
export const CONTRACT_VERSION = '1.1.0'

/** Content types and limits of a channel. Core converts other content to fit them. */
export interface Capabilities {
  /**
   * Content types shown natively, including `text`. Other types are degraded before `render`. `any`: every payload is
   * passed unchanged.
   */
  content: readonly ContentType[] | 'any'
  /** Maximum text length of one part, in UTF-16 units. */
  maxTextLength: number
  /** Native buttons: maximum count, and maximum label length in UTF-16 units. Absent: choices become numbered text. */
  buttons?: { max: number; maxLabel: number }
  /** Maximum title length of an image, a video or a file, in UTF-16 units. Default: `maxTextLength`. */
  maxCaptionLength?: number
  /**
   * Events of the provider refer to messages by the ids that `deliver` returned, so the host keeps them. It also keeps
   * them if the channel can `edit` or `remove`.
   */
  messageIds?: boolean
  /**
   * What of an endpoint may get another value: the `sender` of a person, the `thread` of a room (not the sender itself;
   * `*` may turn out to be a thread). The host then looks up each event and delivery, so that `aliases` and `renamed`
   * events count.
   * Default: nothing, and the host ignores both.
   */
  renames?: readonly ('sender' | 'thread')[]
  /** How fast the provider accepts calls. The host keeps to it per integration and per endpoint. */
  rate?: { perIntegration?: Pace; perEndpoint?: Pace }
  /** The provider accepts several parts in one call, see `deliverBatch`: at most `max`, an integer of at least 2. */
  batch?: { max: number }
  /** Outside of it the provider accepts templates only. Absent: messages may be sent at any time. */
  window?: ReplyWindow
  /**
   * Events set a `context` that deliveries need, such as a reply token. The host reads it before each call. Without this,
   * a `context` of an event is ignored.
   */
  context?: true
  /**
   * What differs at an endpoint, if the channel has several kinds of endpoints, such as SMS beside WhatsApp. Pure. Without
   * `single-choice` in its `content`, choices become numbered text there. Absent: every endpoint is alike.
   */
  at?(
    endpoint: Endpoint,
  ): Partial<Pick<Capabilities, 'content' | 'maxTextLength' | 'buttons' | 'maxCaptionLength' | 'rate'>>
}

/** The capabilities of a channel as they are at an endpoint. */
export const capabilitiesAt = (capabilities: Capabilities, endpoint: Endpoint): Capabilities => ({
  ...capabilities,
  ...capabilities.at?.(endpoint),
})

/** How long after a person's last event a business may reply with any content. */
export interface ReplyWindow {
  hours: number
  /** What may be sent after it, for the reason of a dead letter: `templates that WhatsApp has approved`. */
  allows: string
  /** Whether an endpoint has the window, if the channel has several kinds of endpoints. Default: each has it. */
  appliesTo?(endpoint: Endpoint): boolean
}

/** A pace of a provider. A call of `deliver` or of `deliverBatch` counts as one. */
export interface Pace {
  /** Calls per second that it accepts for long; may be a fraction. */
  perSecond: number
  /** Calls that it accepts at once after a silence: an integer of at least 1. */
  burst: number
}

/** What the host passes to a channel, once per process. Never contains client configuration. */
export interface ChannelHost<Options> {
  options: Options
  logger: Logger
  /** Rejects forbidden addresses (such as private ranges) at connect time, and does not follow redirects. */
  fetch: typeof globalThis.fetch
}

/**
 * How an integration gets its events: `webhook`, the provider calls a URL of the server; `listen`, the server keeps a
 * connection to the provider open and needs no public URL; `direct`, there is no provider, and people reach the server
 * itself, as with a chat on a page.
 */
export type IntegrationMode = 'webhook' | 'listen' | 'direct'

/** One client's integration. `session` comes from `connect`; the host may recreate it between any two calls. */
export interface Integration<Config, Session> {
  clientId: string
  /** Stays the same when the integration is renamed or gets another configuration. */
  id: string
  /** Its key in sync's `channels`, unique per client. Default: the channel's name. */
  name: string
  config: Config
  session: Session
}

/** An unmodified request of a provider. */
export interface InboundRequest {
  method: 'GET' | 'POST'
  /** The public address, byte for byte: the configured external URL, then the original path and query. */
  publicUrl: string
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>
  /** The raw bytes. */
  body: Uint8Array
}

/** The response to the provider, sent after its events are stored. */
export interface InboundResponse {
  status: number
  headers?: Record<string, string>
  body?: string
}

/** Result of {@link ChannelRuntime.route}. */
export interface Routed {
  /** Whether the request is authentic, by the secret of the operator's app. */
  verdict: Verdict
  /** Accounts at the provider that the request has events of, in the form of {@link Channel.account}. */
  accounts: readonly string[]
  /** The response to a request without events, such as a handshake. Default: that of `parse`, or an empty 200. */
  response?: InboundResponse
}

/** Whether a request is authentic. */
export type Verdict = { ok: true } | { ok: false; reason: 'missing' | 'mismatch' | 'stale' | 'malformed' }

/**
 * A file at the provider. {@link ChannelRuntime.openMedia} finds it by `ref`, which must not contain credentials. The
 * host encrypts `ref` into a URL, and streams the file with the integration's credentials when that URL is fetched.
 */
export type MediaRef = { ref: Json; mime?: string; size?: number; name?: string }

/** Content from a person. For the client, `media` is replaced by `url`, and by `mime`, `size` and `name` if known. */
export type InboundContent = { type: string; media?: MediaRef } & JsonObject

/**
 * A `sender` of a person, beside others at the same `identity`. `isReassignable`: it may be another person's later, as a
 * telephone number may. Any other is of one person for good, as the provider's own id is, and decides who a reassignable
 * one is of: it never makes one person of two. A list of aliases may have the sender of the endpoint, to say so of it.
 */
export interface Alias {
  sender: string
  isReassignable?: boolean
}

/**
 * A person's data from the provider. `verified`: what of it the provider vouches for, such as the number that the person
 * writes from. What a person only said is not.
 */
export type Person = {
  name?: string
  locale?: string
  email?: string
  phone?: string
  verified?: readonly ('email' | 'phone')[]
}

/**
 * An event from a provider. `dedupeKey` is the same for each redelivery of the event. Later events refer to a message by
 * its `dedupeKey`, as `messageKey`.
 *
 * - `choice`: somebody pressed a button or chose from a menu, under any message. `token` is its value: the one that `render`
 *   got, or any other that the provider carries, such as that of a template or of another program. It never gets lost: a
 *   value that is no token of the host is passed on to the client as it is. `label` is what the person saw.
 * - `started`: the conversation was opened, with the data of its link.
 * - `blocked`: the person blocked the bot.
 * - `delivery`: a later status of a delivery, by its `deliveryId`, or by `refersTo` where the provider names only its own id of
 *   the message, which needs `capabilities.messageIds`. `failed` makes it a dead letter, unless
 *   `isContentRefused`: the provider does not take its content, so the host sends the {@link ChannelRuntime.secondForm} of
 *   that part, once.
 * - `watermark`: everything that was sent to the endpoint up to a time was delivered or read.
 * - `renamed`: the person (another `sender`) or the room (another `thread`) has the address `to` now, and its
 *   conversations continue there. The old sender is given up: who uses it next is another person. The old thread still
 *   leads to the room.
 *
 * `aliases`: other senders of the person, at most 10 are used. Whichever comes next leads to the same user and
 * conversation. If two users turn out to be one person, the younger is merged into the older. Messages go to the newest
 * `endpoint.sender`.
 *
 * `at` is the provider's time, or `new Date(0)` if it names none: then the host uses the time of receipt.
 *
 * `refersTo` is the message of the bot that the event is about, by an id that `deliver` returned.
 *
 * `context` is what later deliveries to the endpoint need, such as a reply token or the address of a server. It replaces
 * the one before, unless that is of a newer event. At most 4 kB of JSON; the host encrypts it at rest. Needs
 * `capabilities.context`.
 */
export type InboundEvent = {
  dedupeKey: string
  endpoint: Endpoint
  at: Date
  person?: Person
  refersTo?: string
  context?: JsonObject
  aliases?: readonly Alias[]
} & (
  | { type: 'message'; content: InboundContent }
  | { type: 'choice'; token: string; label?: string }
  | { type: 'edited'; messageKey: string; content: InboundContent }
  | { type: 'deleted'; messageKey: string }
  | { type: 'reaction'; messageKey: string; emoji: string; isRemoved: boolean }
  | {
      type: 'delivery'
      deliveryId?: string
      status: DeliveryStatus
      failure?: Failure
      isContentRefused?: boolean
    }
  | { type: 'watermark'; status: 'delivered' | 'read'; until: Date }
  | { type: 'started'; payload?: string }
  | { type: 'blocked' }
  | { type: 'renamed'; to: Endpoint }
)

/** Status of a delivery after the provider accepted it. */
export type DeliveryStatus = 'sent' | 'delivered' | 'read' | 'failed'

/** The events of a request, in order, and the response to it. */
export interface Received {
  events: InboundEvent[]
  response: InboundResponse
}

/**
 * Content within the declared capabilities. With `content: 'any'`, any JSON object, unchanged. Otherwise each button
 * value (`value` of a choice or an option, `text` or `payload` of an action) is an opaque token of at most 40 ASCII
 * characters, which a `choice` event returns.
 */
export type OutboundContent = Content | JsonObject

/** One visible effect, as plain JSON, so that it can be stored, retried and counted separately. */
export interface Part {
  call: string
  args: Json
}

/**
 * What a channel remembers about one integration besides its configuration, such as a token that it renews. Encrypted at
 * rest. It belongs to the configuration: after a change of that, it is empty.
 */
export interface IntegrationState {
  /**
   * The value and its version; undefined if there is none. May be some seconds old, unless `isFresh` asks for the newest
   * one, such as after the provider refused a token.
   */
  read(how?: { isFresh: boolean }): Promise<{ value: JsonObject; version: number } | undefined>
  /**
   * Compare-and-set: returns false if the value is not the one of this version any more (undefined: there was none).
   * @throws PlugboardError INVALID above 16 kB of JSON
   */
  write(value: JsonObject, version: number | undefined): Promise<boolean>
}

/** Context of each call to the provider. */
export interface CallContext<Config, Session> {
  integration: Integration<Config, Session>
  /** Empty, and not written, while the configuration is checked before it is stored, and after it was removed. */
  state: IntegrationState
  /** The URL that the provider calls for this integration. */
  webhookUrl: string
  /** Aborted when the call takes too long. */
  signal: AbortSignal
}

/** What `listen` yields. */
export interface Heard {
  /** In order. May be empty. */
  events: InboundEvent[]
  /**
   * Position after these events, at most 4 KiB of JSON without secrets. The host stores it once the events are stored, and
   * passes it to the next `listen`. Absent: the stored position stays.
   */
  cursor?: Json
}

/** The part of the standard `WebSocket` that the host provides. */
export interface HostWebSocket {
  send(data: string): void
  /** `code` tells the other side why: 1000, or from 3000 to 4999. Default: no code. */
  close(code?: number): void
  /**
   * `message` events have `data`, a string for a text message. `close` events have the `code` of the other side: 1005 if
   * it gave none, 1006 if the connection was lost. A socket that fails emits `error`, then `close`.
   */
  addEventListener(
    type: 'open' | 'message' | 'close' | 'error',
    listener: (event: Event & { readonly data?: unknown; readonly code?: number }) => void,
  ): void
}

/** Context of `listen`. `signal` is aborted when this process must stop listening. */
export interface ListenContext<Config, Session> extends CallContext<Config, Session> {
  /** The last stored position. Absent at the first time. */
  cursor?: Json
  /**
   * Reports that the provider accepted the connection, for health. Call it for each new connection. If neither this nor
   * an event comes within two minutes, the host ends the attempt.
   */
  connected(): void
  /** As {@link ChannelHost.fetch}, but waits up to 90 seconds for an answer: for long polling. */
  fetch: typeof globalThis.fetch
  /**
   * Opens a WebSocket. Rejects forbidden addresses as {@link ChannelHost.fetch} does, and accepts messages of up to 1 MiB.
   * The host checks with pings that the connection works, and closes it otherwise.
   */
  webSocket(url: string): HostWebSocket
}

/** Context of each attempt to deliver a part. */
export interface DeliveryContext<Config, Session> extends CallContext<Config, Session> {
  endpoint: Endpoint
  /**
   * Unique per part, or per group of parts, and the same for each attempt: the idempotency key for providers that accept
   * one.
   */
  deliveryId: string
  /** The newest `context` of an event of this endpoint, and the time of the event. Needs `capabilities.context`. */
  context?: { value: JsonObject; at: Date }
}

/** A file of a provider, as a stream. */
export interface OpenMedia {
  body: ReadableStream<Uint8Array>
  mime?: string
  /** In bytes. */
  size?: number
}

/** Result of one delivered part. */
export interface Sent {
  /** Ids that the provider gave. Empty if it accepted the part at an earlier attempt, and does not repeat them. */
  providerMessageIds: string[]
  /** Where the provider says that the person or the room is now, as a `renamed` event would. */
  movedTo?: Endpoint
}

/** A part that was delivered, as it is at the provider now. */
export interface SentPart {
  /** As the last `deliver` or `edit` of the part returned them; never empty. */
  providerMessageIds: readonly string[]
}

/**
 * The code of a channel that runs, returned by `load`. It must be stateless, because replicas share no memory. The host
 * handles order and retries, so disable SDK retries. Omit an optional member if the provider does not support it.
 */
export interface ChannelRuntime<Config, Session> {
  /** Creates a session: synchronously, without network access or timers. Called if no session is cached. */
  connect(config: Config): Session
  disconnect?(session: Session): void
  /** Verifies the signature over the raw bytes. Must not throw on hostile input. */
  verify(request: InboundRequest, integration: Integration<Config, Session>): Verdict | Promise<Verdict>
  /** Pure. @throws PlugboardError INVALID if the body is not in the provider's format */
  parse(request: InboundRequest, integration: Integration<Config, Session>): Received
  /**
   * Pure. Content is already degraded to the `capabilities`. Called once per message. If it throws, the delivery becomes
   * a dead letter immediately; the message of a {@link FailureError} of kind `invalid` is its reason.
   */
  render(content: OutboundContent, endpoint: Endpoint): Part[]
  /**
   * Sends one part. May throw anything; `classify` interprets it. A response that the provider already has the part, such
   * as a 409 for a repeated `deliveryId`, is a success.
   */
  deliver(part: Part, context: DeliveryContext<Config, Session>): Promise<Sent>
  /**
   * Sends several parts of one message in one call: at least two, at most `max` of `capabilities.batch`, which it needs. A
   * single part goes to `deliver`. Returns what was sent of each part, in order. If the provider accepted only the first
   * ones, returns those: the next call starts with the first part that is missing, and throws if that is refused again.
   */
  deliverBatch?(parts: readonly Part[], context: DeliveryContext<Config, Session>): Promise<Sent[]>
  /**
   * Pure. Another form of a part whose content the provider refuses, such as the address of a file as text. Undefined if
   * the part has none.
   */
  secondForm?(part: Part): Part | undefined
  /**
   * Changes a delivered part: its message was edited. May be repeated. If the part is already as given, this is a success.
   * Returns the ids that changed; empty if they stay. A part that cannot become this one, or is gone, is a failure of kind
   * `invalid` with the reason.
   */
  edit?(sent: SentPart, part: Part, context: DeliveryContext<Config, Session>): Promise<Sent>
  /** Removes a delivered part: its message was deleted. May be repeated. If the part is already gone, this is a success. */
  remove?(sent: SentPart, context: DeliveryContext<Config, Session>): Promise<void>
  /**
   * Pure. Whether an integration with this configuration can `edit` and `remove`. Default: each can. The host keeps no ids
   * of what the others sent.
   */
  canChange?(config: Config): boolean
  /** Pure. Classifies an error thrown by any call. */
  classify(error: unknown): Failure
  /**
   * Finds the accounts in a request to the one URL that the provider calls for all integrations of an app, and verifies
   * the request with the operator's options. The host passes the request to `parse` of each integration found, which must
   * return the events of its own account only. Pure, and must not throw on hostile input. Undefined if the operator has
   * not configured an app. Needs `account`, and `inbound.isShared`.
   */
  route?(request: InboundRequest): Routed | undefined | Promise<Routed | undefined>
  /**
   * Renews what expires, such as an access token in the `state`. Called after the integration was set up, and again at
   * the returned time, by one process at a time. That may be some minutes late, so ask for a time well before the end. A
   * failure is retried; one of kind `auth` pauses the integration.
   */
  refresh?(context: CallContext<Config, Session>): Promise<{ again: Date } | undefined>
  /** Verifies the credentials with the provider. Throws if they are invalid, or if the provider is unreachable. */
  check?(context: CallContext<Config, Session>): Promise<void>
  /** Registers the webhook with the provider. Must be idempotent: it is called again after every change. */
  provision?(context: CallContext<Config, Session>): Promise<void>
  /** Reverts `provision`. Also called when an integration is to listen. Leaves a webhook of another program alone. */
  unprovision?(context: CallContext<Config, Session>): Promise<void>
  /**
   * Yields the events of the provider from a connection that it keeps open, until `signal` is aborted. Needed if `modes`
   * has `listen`. The host stores the events of a value, then its cursor, and then asks for the next value: confirm events
   * at the provider after `yield`. Events that were not confirmed may come again. The host calls it again after an error
   * or an end, with growing delays. One process at a time listens for an integration.
   */
  listen?(context: ListenContext<Config, Session>): AsyncIterable<Heard>
  /** Opens a file by the `ref` of an event. */
  openMedia?(ref: Json, context: CallContext<Config, Session>): Promise<OpenMedia>
  /** Shows a typing indicator for a few seconds. */
  indicateTyping?(context: DeliveryContext<Config, Session>): Promise<void>
  /** Shows the person that the business has read everything up to now. */
  markRead?(context: DeliveryContext<Config, Session>): Promise<void>
  /**
   * Looks up what the provider knows of a person, for channels whose events have no names. Called once for a new user, and
   * once more after a restart while there is no name. Nobody waits for it. Undefined if the provider tells nothing.
   */
  describePerson?(endpoint: Endpoint, context: CallContext<Config, Session>): Promise<Person | undefined>
}

/** Properties of all requests of the provider. The host rejects other requests before it reads their bodies. */
export interface InboundShape {
  /** Headers that each request has, such as its signature. Names in lower case. */
  headers?: readonly string[]
  /** Maximum body size, in bytes. Default and maximum: 1 MiB. */
  maxBytes?: number
  /** Maximum number of values in a JSON body: members of objects and items of arrays. Default: 10,000. */
  maxJsonValues?: number
  /** Whether the provider can call one URL for all integrations of an app; see {@link ChannelRuntime.route}. */
  isShared?: boolean
}

/** A channel: a plugin that connects one provider. Created with {@link defineChannel}; the default export of its package. */
export interface Channel<Config = unknown, Session = unknown, Options = unknown> {
  /** Major version of the contract that the channel implements, such as `1`. */
  contract: number
  /**
   * `/^[a-z][a-z0-9-]{1,30}$/`. Default name of its integrations: their key in sync's `channels`, and a segment of the
   * provider's webhook path.
   */
  name: string
  /** Name for people, such as `Telegram`. Default: `name`. */
  title?: string
  /** Version of the integration's configuration on the wire, such as `1.0.0`. */
  version: string
  /** Schema of the configuration of one integration. Its fields have the names that sync uses. */
  config: StandardSchemaV1<unknown, Config>
  /** Schema of the operator's options. */
  options?: StandardSchemaV1<unknown, Options>
  /** Fields of the configuration that must never be returned or logged. */
  secrets: readonly string[]
  /**
   * Fields of the configuration with a URL that the channel calls. The host rejects a configuration with a forbidden URL,
   * such as a private address. `fetch` checks host names again when it resolves them.
   */
  targets?: readonly string[]
  capabilities: Capabilities
  /**
   * How the channel can get events, and the fields of the configuration that each way needs beside those that the schema
   * requires. A list of fields: one of them is needed, such as the secret of an own app, or the account in an app of the
   * operator. Default: `{ webhook: [] }`.
   */
  modes?: { readonly [mode in IntegrationMode]?: readonly (string | readonly string[])[] }
  inbound?: InboundShape
  /**
   * Identifies an account that only one client may use, such as a bot with one webhook. Contains no secret. Undefined if
   * the configuration has none.
   */
  account?(config: Config): string | undefined
  /**
   * Instructions for manual setup at the provider, if `provision` cannot do it. `sharedUrl`: the one URL of the channel, see
   * {@link ChannelRuntime.route}. A long text may be imported here, so that only who asks for it waits.
   */
  setup?(webhookUrl: string, mode: IntegrationMode, sharedUrl?: string): string | Promise<string>
  /** Imports heavy dependencies. Called once per process, when the first integration needs the channel. */
  load(host: ChannelHost<Options>): Promise<ChannelRuntime<Config, Session>>
}

/** Works across two copies of core in one process, unlike `instanceof`. */
const MARK = Symbol.for('plugboard.channel')

/** Declares a channel. The result is frozen and recognized by {@link isChannel}. */
export function defineChannel<Config, Session, Options = undefined>(
  channel: Channel<Config, Session, Options> & {
    secrets: readonly (keyof Config & string)[]
    targets?: readonly (keyof Config & string)[]
  },
): Channel<Config, Session, Options> {
  return Object.freeze(Object.defineProperty({ ...channel }, MARK, { value: CONTRACT_VERSION }))
}

/** Whether a value was created by {@link defineChannel}, of this or another copy of core. */
export const isChannel = (value: unknown): value is Channel =>
  typeof value === 'object' && value !== null && MARK in value

/** Valid names of channels and of integrations. */
export const channelNamePattern = /^[a-z][a-z0-9-]{1,30}$/
