import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Content, ContentType } from './content.js'
import type { Endpoint } from './endpoint.js'
import type { Failure, FailureError } from './failure.js'
import type { Json, JsonObject } from './json.js'
import type { Logger } from './logger.js'

/** Semantic version of the shapes in this file. A channel names the major it was written for; the server checks it. */
export const CONTRACT_VERSION = '1.1.0'

/** What a channel can show and how much, so that core can turn what it cannot show into something that it can. */
export interface Capabilities {
  /**
   * Content types shown natively, `text` among them; anything else is degraded before `render`. `any`: every payload
   * goes through as it is.
   */
  content: readonly ContentType[] | 'any'
  /** Longest text of one part, in UTF-16 units. */
  maxTextLength: number
  /** Native buttons: how many at most, and the longest label in UTF-16 units. Absent: choices become numbered text. */
  buttons?: { max: number; maxLabel: number }
  /** Longest title of a picture, a film or a file, in UTF-16 units. Absent: as `maxTextLength`. */
  maxCaptionLength?: number
  /** Parts in a second that the provider takes. The host keeps to it, for each integration and each endpoint alone. */
  rate?: { perIntegration?: number; perEndpoint?: number }
}

/** What an operator gives to a channel of one process; never from a client's configuration. */
export interface ChannelHost<Options> {
  options: Options
  logger: Logger
  /** Refuses forbidden addresses (private ranges and such) at connect time, and follows no redirects. */
  fetch: typeof globalThis.fetch
}

/** One client's integration. `session` is what `connect` made; it may be dropped and made again between any two calls. */
export interface Integration<Config, Session> {
  clientId: string
  config: Config
  session: Session
}

/** A provider's request, as it came. */
export interface InboundRequest {
  method: 'GET' | 'POST'
  /** The public address, byte for byte: the configured external URL, then the original path and query. */
  publicUrl: string
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>
  /** The raw bytes. */
  body: Uint8Array
}

/** The answer that the provider gets, once its events are stored. */
export interface InboundResponse {
  status: number
  headers?: Record<string, string>
  body?: string
}

/** Whether a request is from the provider. */
export type Verdict = { ok: true } | { ok: false; reason: 'missing' | 'mismatch' | 'stale' | 'malformed' }

/**
 * A file at the provider. `ref` is what {@link ChannelRuntime.openMedia} needs to find it, and holds no credential: the
 * host seals it into an address of its own, and streams the file from there with the integration's credentials.
 */
export type MediaRef = { ref: Json; mime?: string; size?: number; name?: string }

/** What a person wrote. In place of `media` the client gets `url`, and `mime`, `size` and `name` where they are known. */
export type InboundContent = { type: string; media?: MediaRef } & JsonObject

/** What the provider tells of a person. */
export type Person = { name?: string; locale?: string; email?: string; phone?: string }

/**
 * What a person's provider told us. `dedupeKey` is the same each time that the provider tells it; that of a message is
 * also its name in later events, as `messageKey`.
 *
 * - `choice`: a button was pressed; `token` is the value that `render` was given for it.
 * - `started`: the conversation was opened, with what the link to it carried.
 * - `blocked`: the person wants to hear no more.
 * - `delivery`: what became of a delivery later, by the id that `deliver` was given.
 */
export type InboundEvent = { dedupeKey: string; endpoint: Endpoint; at: Date; person?: Person } & (
  | { type: 'message'; content: InboundContent }
  | { type: 'choice'; token: string; label?: string }
  | { type: 'edited'; messageKey: string; content: InboundContent }
  | { type: 'deleted'; messageKey: string }
  | { type: 'reaction'; messageKey: string; emoji: string; isRemoved: boolean }
  | { type: 'delivery'; deliveryId: string; status: DeliveryStatus; failure?: Failure }
  | { type: 'started'; payload?: string }
  | { type: 'blocked' }
)

/** What a provider tells of a delivery after it took it. */
export type DeliveryStatus = 'sent' | 'delivered' | 'read' | 'failed'

/** What a request held: its events in order, and the answer. */
export interface Received {
  events: InboundEvent[]
  response: InboundResponse
}

/**
 * Content that the channel said it can show. With `content: 'any'` it may be any JSON object, as the client wrote it;
 * else what stands behind each button (`value` of a choice or an option, `text` or `payload` of an action) is an opaque
 * token of at most 40 ASCII characters, to be given back in a `choice` event.
 */
export type OutboundContent = Content | JsonObject

/** One effect that a person sees, as plain JSON, so that it can be stored, tried again and counted alone. */
export interface Part {
  call: string
  args: Json
}

/** What goes with each call to the provider. */
export interface CallContext<Config, Session> {
  integration: Integration<Config, Session>
  /** Where the provider calls for this integration. */
  webhookUrl: string
  /** Aborted when the call takes too long. */
  signal: AbortSignal
}

/** What goes with each attempt to deliver a part. */
export interface DeliveryContext<Config, Session> extends CallContext<Config, Session> {
  endpoint: Endpoint
  /** The same at each attempt of this part, and of no other part: an idempotency key for providers that take one. */
  deliveryId: string
}

/** A file of a provider, to be streamed on. */
export interface OpenMedia {
  body: ReadableStream<Uint8Array>
  mime?: string
  /** In bytes. */
  size?: number
}

/** Answers of the provider to one delivered part. */
export interface Sent {
  providerMessageIds: string[]
}

/**
 * The working half of a channel, made by `load`. Stateless: nothing here may be needed by a second replica. The host
 * owns order and retries, so SDK retries are off. Optional members are capabilities; absence means "cannot".
 */
export interface ChannelRuntime<Config, Session> {
  /** Synchronous, no network, no timers: called when the session is not cached. */
  connect(config: Config): Session
  disconnect?(session: Session): void
  /** Checks the signature over the raw bytes. Never throws on hostile input. */
  verify(request: InboundRequest, integration: Integration<Config, Session>): Verdict | Promise<Verdict>
  /** Pure. @throws PlugboardError INVALID when the body is not what the provider sends. */
  parse(request: InboundRequest, integration: Integration<Config, Session>): Received
  /**
   * Pure. Content is already degraded to what `capabilities` promise. Called once for a message: where it throws, the
   * delivery is dead at once, with the message of a {@link FailureError} of kind `invalid` as the reason.
   */
  render(content: OutboundContent, endpoint: Endpoint): Part[]
  /** Makes one visible effect. Throws anything; `classify` says what it meant. */
  deliver(part: Part, context: DeliveryContext<Config, Session>): Promise<Sent>
  /** Pure. What an error thrown by any of the calls means. */
  classify(error: unknown): Failure
  /** Asks the provider whether the credentials work. Throws when they do not, or when it cannot be asked. */
  check?(context: CallContext<Config, Session>): Promise<void>
  /** Tells the provider where to call. Called again after every change, so that it must not matter how often. */
  provision?(context: CallContext<Config, Session>): Promise<void>
  /** Takes that back. */
  unprovision?(context: CallContext<Config, Session>): Promise<void>
  /** Opens a file that an event named. */
  openMedia?(ref: Json, context: CallContext<Config, Session>): Promise<OpenMedia>
  /** Shows that someone is typing, for some seconds. */
  indicateTyping?(context: DeliveryContext<Config, Session>): Promise<void>
}

/** What requests of the provider are like. The host refuses others before it reads their bodies. */
export interface InboundShape {
  /** Headers that each request has, those with its signature above all. Names in lower case. */
  headers?: readonly string[]
  /** Longest body, in bytes. Default and most: 1 MiB. */
  maxBytes?: number
}

/** A channel: a plugin that connects one provider. Made with {@link defineChannel}, exported as default by its package. */
export interface Channel<Config = unknown, Session = unknown, Options = unknown> {
  /** The major version of the contract that it was written for, such as `1`. */
  contract: number
  /** Key in sync's `channels` and segment of the provider's webhook path: `/^[a-z][a-z0-9-]{1,30}$/`. */
  name: string
  /** Version of the integration's configuration on the wire, such as `1.0.0`. */
  version: string
  /** Checks the configuration of one integration; its fields are the wire names of sync. */
  config: StandardSchemaV1<unknown, Config>
  /** Checks the operator's options. */
  options?: StandardSchemaV1<unknown, Options>
  /** Fields of the configuration that must never be shown. */
  secrets: readonly string[]
  /**
   * Fields of the configuration with an address that the channel calls. The host refuses a configuration with one that
   * it may not call, such as a private address; a name is checked again whenever `fetch` resolves it.
   */
  targets?: readonly string[]
  capabilities: Capabilities
  inbound?: InboundShape
  /** What only one client may use at a time, such as a bot that can have one webhook; without its secret. */
  account?(config: Config): string
  /** What a person has to do at the provider by hand, for integrations that `provision` cannot set up. */
  setup?(webhookUrl: string): string
  /** Imports what is heavy; called when the first integration needs the channel, once in a process. */
  load(host: ChannelHost<Options>): Promise<ChannelRuntime<Config, Session>>
}

/** Survives two copies of core in one process, which `instanceof` would not. */
const MARK = Symbol.for('plugboard.channel')

/** Declares a channel. The result is frozen and recognised by {@link isChannel}. */
export function defineChannel<Config, Session, Options = undefined>(
  channel: Channel<Config, Session, Options> & {
    secrets: readonly (keyof Config & string)[]
    targets?: readonly (keyof Config & string)[]
  },
): Channel<Config, Session, Options> {
  return Object.freeze(Object.defineProperty({ ...channel }, MARK, { value: CONTRACT_VERSION }))
}

/** Whether a value was made by {@link defineChannel}, of this or another copy of core. */
export const isChannel = (value: unknown): value is Channel =>
  typeof value === 'object' && value !== null && MARK in value

/** What a channel's name may be. */
export const channelNamePattern = /^[a-z][a-z0-9-]{1,30}$/
