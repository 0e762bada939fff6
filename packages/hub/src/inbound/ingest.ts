import {
  capabilitiesAt,
  type Id,
  type InboundContent,
  type InboundEvent,
  type InboundRequest,
  type InboundResponse,
  type Integration,
  isPlugboardError,
  type JsonObject,
  type Logger,
  type Message,
  newId,
  PlugboardError,
  toUuid,
  truncate,
  type Verdict,
} from '@plugboard/core'
import type { Channels, Runtime } from '../channels/channels.js'
import { codeOf } from '../channels/classify-error.js'
import type { ClientView } from '../clients/directory.js'
import { channelRefOf, integrationNamed, type OpenIntegration } from '../clients/open-integration.js'
import type { Conversations } from '../conversations/conversations.js'
import type { Endpoints } from '../conversations/endpoints.js'
import type { Messages } from '../conversations/messages.js'
import type { TargetMonitor } from '../delivery/targets/target-monitor.js'
import { type EndpointStates, needsState } from '../delivery/to-channels/endpoint-states.js'
import { opensWindow } from '../delivery/to-channels/reply-window.js'
import type { MediaLinks } from '../files/media-links.js'
import type { AccountClaims } from '../integrations/account-claims.js'
import type { Activity } from '../log/activity.js'
import { dedupeOf } from '../log/dedupe.js'
import type { ChannelRef } from '../log/endpoint-record.js'
import type { Entry } from '../log/entry.js'
import type { Place, Store } from '../ports/store.js'
import type { Answers, Press } from './button-presses.js'
import type { DeliveredPlace, DeliveryReports } from './delivery-reports.js'
import { handleInOrder } from './event-order.js'
import type { Patience } from './find-sent.js'
import { payloadOf, userDataOf } from './inbound-content.js'
import type { Profiles } from './profiles.js'
import type { Watermarks } from './watermarks.js'

export interface IngestOptions {
  store: Store
  channels: Channels
  answers: Answers
  media: MediaLinks
  watermarks: Watermarks
  monitor: Pick<TargetMonitor, 'received' | 'verified' | 'refused' | 'failed'>
  endpoints: Endpoints
  conversations: Conversations
  messages: Messages
  states: Pick<EndpointStates, 'record'>
  reports: Pick<DeliveryReports, 'find' | 'isNews'>
  accounts: Pick<AccountClaims, 'find'>
  profiles: Pick<Profiles, 'look'>
  log: Logger
}

/**
 * Maximum events of one request, and of one value of a channel that listens. Providers send a few; Meta collects up to 1,000
 * updates, of which one with several files is several events.
 */
export const MAX_EVENTS = 5_000
/** How long a request waits in all for ids of messages that are being sent, in milliseconds. Providers wait for longer. */
const PATIENCE_MS = 2_000
/** Maximum length of a logged account, in UTF-16 units. */
const MAX_LOGGED = 100
/** Maximum length of a stored reaction, in UTF-16 units. Some providers use names. */
const MAX_EMOJI = 256

/** Origin of an event. */
interface Origin extends Place {
  client: ClientView
  integration: OpenIntegration
  dedupe: string
  /** What the event is about, if it is about a delivery. */
  delivered?: DeliveredPlace['delivered']
}

/** The entry of an event. */
type Stored = Pick<Entry, 'seq' | 'at'>

/** Receives requests of providers. */
export class Ingest {
  readonly #options: IngestOptions

  constructor(options: IngestOptions) {
    this.#options = options
  }

  /**
   * Verifies a provider's request and stores its events, as {@link take} does. Returns the response to the provider once everything
   * is on disk. Duplicates get the same response and are not stored again. `name`: see {@link integrationNamed}.
   * @throws NOT_FOUND for an integration that the client does not have, UNAUTHORIZED for a request that is not authentic,
   * INVALID for a malformed body, UNAVAILABLE for a channel that is not loaded any more, and for a disabled client
   */
  async receive(client: ClientView, name: string, request: InboundRequest): Promise<InboundResponse> {
    const open = integrationNamed(client, name)
    if (!open || !isCalled(open)) throw notFound()
    if (client.record.disabled) throw new PlugboardError('UNAVAILABLE', 'the client is disabled')
    return this.#parseAndTake(client, open, request, async (runtime, integration) => {
      const verdict = await runtime.verify(request, integration)
      if (verdict.ok) return
      // One that a provider repeated too late has the right secret; one without a signature comes from anybody.
      if (verdict.reason === 'mismatch')
        this.#options.monitor.refused({ clientId: client.id, targetId: open.id })
      throw unauthorized(verdict)
    })
  }

  /**
   * Verifies a request to the one URL of a channel, and stores the events of each integration that it is about. All of them
   * are tried: a request that one cannot read does not keep the others from theirs.
   * @throws NOT_FOUND for a channel without such a URL, UNAUTHORIZED for a request that is not authentic, UNAVAILABLE if
   * something could not be stored: the provider repeats the request, and what was stored is a duplicate then
   */
  async receiveShared(channel: string, request: InboundRequest): Promise<InboundResponse> {
    const { channels, accounts, log } = this.#options
    if (!channels.find(channel)?.inbound?.isShared) throw notFound()
    const routed = await (await channels.runtime(channel)).route?.(request)
    if (!routed) throw notFound()
    if (!routed.verdict.ok) throw unauthorized(routed.verdict)
    const names = [...new Set(routed.accounts)]
    assertFew(names)
    let { response } = routed
    let failure: unknown
    for (const name of names) {
      const found = await accounts.find({ channel, name })
      const { status, isUnproven } = found?.integration ?? {}
      if (!found || !isCalled(found.integration) || (isUnproven && status === 'paused')) {
        log.info(
          { channel, account: truncate(name, MAX_LOGGED) },
          'no integration has the account of a request',
        )
        continue
      }
      // The provider would hold back the events of all clients if it had to repeat these.
      if (found.client.record.disabled) {
        log.info({ clientId: found.client.id, channel }, 'dropped a shared request for a disabled client')
        continue
      }
      if (isUnproven) {
        failure ??= new PlugboardError('UNAVAILABLE', 'an integration with the account is not set up yet')
        continue
      }
      try {
        const answered = await this.#parseAndTake(found.client, found.integration, request)
        response ??= answered
      } catch (error) {
        const { id: clientId } = found.client
        if (isPlugboardError(error, 'INVALID'))
          log.warn({ clientId, channel, error: error.message }, 'an integration cannot read a shared request')
        else failure ??= error
      }
    }
    if (failure !== undefined) throw failure
    return response ?? { status: 200 }
  }

  async #parseAndTake(
    client: ClientView,
    open: OpenIntegration,
    request: InboundRequest,
    isAuthentic?: (runtime: Runtime, integration: Integration<unknown, unknown>) => Promise<void>,
  ): Promise<InboundResponse> {
    const { runtime, integration } = await this.#options.channels.connect(client.id, open)
    await isAuthentic?.(runtime, integration)
    const { events, response } = runtime.parse(request, integration)
    assertFew(events)
    if (events.length === 0) this.#options.monitor.verified({ clientId: client.id, targetId: open.id })
    await this.take(client, open, events)
    return response
  }

  /**
   * Stores events of an integration, those of one person in one place in their order. Duplicates are not stored again.
   * @throws INVALID, UNAVAILABLE
   */
  async take(
    client: ClientView,
    integration: OpenIntegration,
    events: readonly InboundEvent[],
  ): Promise<void> {
    const patience = { leftMs: PATIENCE_MS }
    await handleInOrder(events, (event) => this.#store(client, integration, event, patience))
    if (events.length > 0) this.#options.monitor.received({ clientId: client.id, targetId: integration.id })
  }

  /**
   * Stores a message that a person wrote in a conversation of an integration, for a channel whose people use this
   * server. `key` is unique in the conversation: a repetition returns the first message.
   * @throws NOT_FOUND, NO_SPACE, MISMATCH for a key that was used with another payload
   */
  async write(
    client: ClientView,
    integration: OpenIntegration,
    { conversationId, endpointId, userId, key, payload }: Place & { key: string; payload: JsonObject },
  ): Promise<Message> {
    const { messages, monitor } = this.#options
    const message = await messages.post(client, {
      ...{ conversationId, author: { userId }, payload, origin: endpointId },
      dedupe: dedupeOf(channelRefOf(integration), key),
    })
    if (message.payload !== JSON.stringify(payload))
      throw new PlugboardError('MISMATCH', 'this idempotency key was used with a different request')
    monitor.received({ clientId: client.id, targetId: integration.id })
    return message
  }

  /** Whether {@link write} has stored a message with this key. */
  async hasWritten(
    client: ClientView,
    integration: OpenIntegration,
    { conversationId, key }: { conversationId: Id; key: string },
  ): Promise<boolean> {
    const dedupe = dedupeOf(channelRefOf(integration), key)
    return (await this.#options.store.findByDedupe(client.id, conversationId, dedupe)) !== undefined
  }

  async #store(
    client: ClientView,
    integration: OpenIntegration,
    event: InboundEvent,
    patience: Patience,
  ): Promise<void> {
    const channel = channelRefOf(integration)
    const dedupe = dedupeOf(channel, event.dedupeKey)
    const id = newId()
    if (event.type === 'renamed') {
      const { endpoint, to } = event
      return this.#options.endpoints.rename(client, channel, endpoint, to)
    }
    const press = event.type === 'choice' ? await this.#pressOf(client, channel, event) : undefined
    const delivered =
      event.type === 'delivery'
        ? await this.#options.reports.find(client, channel, event, patience)
        : undefined
    // Messages of other programs at the provider have receipts too.
    if (event.type === 'delivery' && event.deliveryId === undefined && !delivered) return
    const place = delivered ?? (await this.#placeOf(client, channel, event, press))
    if (!place) return
    const origin: Origin = { client, integration, ...place, dedupe }
    const stored = await this.#storeIn(origin, id, event, press)
    if (!stored) return
    await this.#recordState(origin, event, stored, press)
    if (event.person?.name === undefined && opensConversation(event))
      this.#options.profiles.look(client, integration, event.endpoint, origin.userId)
  }

  /** Stores the event in its conversation. Undefined if there is nothing to store. */
  async #storeIn(
    origin: Origin,
    id: Id,
    event: Exclude<InboundEvent, { type: 'renamed' }>,
    press: Press | undefined,
  ): Promise<Stored | undefined> {
    switch (event.type) {
      case 'message':
        return this.#post(origin, id, await this.#written(origin, id, event))
      case 'choice':
        return this.#post(origin, id, press && (await this.#pressed(origin, event, press)))
      case 'started': {
        const { payload } = event
        return this.#started(origin, id, payload === undefined ? {} : { payload })
      }
      case 'watermark':
        await this.#options.watermarks.apply(origin.client, origin, channelRefOf(origin.integration), event)
        return undefined
      default: {
        const { client, conversationId, dedupe } = origin
        if (event.type === 'delivery' && !(await this.#options.reports.isNews(origin, event)))
          return undefined
        const activity = await this.#activityOf(origin, id, event)
        return this.#options.conversations.note(client, conversationId, activity, { id, dedupe })
      }
    }
  }

  /** The payload of a press, with the message that it refers to: one of the client, or one that only the provider knows. */
  async #pressed(
    { client, conversationId, endpointId }: Origin,
    { refersTo }: InboundEvent,
    { payload }: Press,
  ): Promise<JsonObject> {
    if (refersTo === undefined || 'messageId' in payload) return payload
    const place = { clientId: client.id, conversationId }
    const messageId = await this.#options.answers.messageSent(place, endpointId, refersTo)
    return { ...payload, ...(messageId ? { messageId: toUuid(messageId) } : { replyTo: refersTo }) }
  }

  /**
   * Records what deliveries to the endpoint need. An event that was stored before is in its old place, so that a repeated
   * one changes nothing.
   */
  async #recordState(
    { client, integration: { channel }, conversationId, endpointId }: Origin,
    event: InboundEvent,
    { seq, at }: Stored,
    press: Press | undefined,
  ): Promise<void> {
    const capabilities = this.#options.channels.find(channel)?.capabilities
    if (!capabilities || !needsState(capabilities, event.endpoint)) return
    const isByPerson = !press?.place || press.place.userId !== undefined
    // Providers without a time give 1970, and no event is newer than its entry.
    const isTimed = event.at.getTime() > 0 && event.at < at
    await this.#options.states.record(
      { clientId: client.id, conversationId, endpointId },
      {
        seq,
        at: isTimed ? event.at : at,
        opensWindow: isByPerson && opensWindow(event),
        ...(capabilities.context && event.context && { context: event.context }),
      },
    )
  }

  /**
   * The conversation of an event and its author. A press belongs to the conversation of the message with the button.
   * Undefined for an event that does not open a conversation, of a person without one.
   */
  async #placeOf(
    client: ClientView,
    channel: ChannelRef,
    event: InboundEvent,
    press: Press | undefined,
  ): Promise<Place | undefined> {
    const { endpoint, person, aliases } = event
    const { endpoints } = this.#options
    const userData = userDataOf(person)
    // A delivery that no message is known of says nothing about where the person is.
    const from = {
      isSeen: event.type !== 'delivery',
      ...(aliases && { aliases }),
      ...(userData && { userData }),
    }
    if (press?.place) {
      const { conversationId, endpointId } = press.place
      const userId = press.place.userId ?? (await endpoints.userAt(client, channel, endpoint, from))
      return { conversationId, endpointId, userId }
    }
    if (!opensConversation(event)) return endpoints.find(client, channel, endpoint, from)
    return endpoints.conversationOf(client, channel, endpoint, from)
  }

  /** What was pressed, at whichever of its addresses the person or the room is known. */
  async #pressOf(
    client: ClientView,
    channel: ChannelRef,
    event: InboundEvent & { type: 'choice' },
  ): Promise<Press> {
    const { answers, endpoints } = this.#options
    let press = await answers.toButton(client.id, channel, event)
    if (press.place?.userId) return press
    for (const endpoint of await endpoints.known(client, channel, event.endpoint)) {
      const known = await answers.toButton(client.id, channel, { ...event, endpoint })
      if (known.place?.userId) return known
      if (!press.place) press = known
    }
    return press
  }

  async #post(origin: Origin, id: Id, payload: JsonObject | undefined): Promise<Stored | undefined> {
    if (!payload) return undefined
    const { client, conversationId, userId, endpointId, dedupe } = origin
    const author = { userId }
    const { messages } = this.#options
    const post = { id, conversationId, author, payload, dedupe, origin: endpointId }
    const { seq, sentAt } = await messages.post(client, post)
    return { seq, at: sentAt }
  }

  /** The payload of a written message, or of a choice by number. */
  async #written(
    origin: Origin,
    id: Id,
    { content, endpoint }: Extract<InboundEvent, { type: 'message' }>,
  ): Promise<JsonObject> {
    const { answers, channels } = this.#options
    const { client, integration, conversationId } = origin
    const capabilities = channels.find(integration.channel)?.capabilities
    if (content.type !== 'text' || typeof content.text !== 'string' || !capabilities)
      return this.#payloadOf(origin, id, content)
    const place = { clientId: client.id, conversationId }
    const reply = await answers.toText(place, capabilitiesAt(capabilities, endpoint), content.text)
    return reply ?? this.#payloadOf(origin, id, content)
  }

  #payloadOf({ client, integration }: Origin, entryId: Id, content: InboundContent): JsonObject {
    const place = { clientId: client.id, channel: channelRefOf(integration), entryId, part: 0 }
    return payloadOf(content, (media) => this.#options.media.urlOf(place, media))
  }

  async #activityOf(
    origin: Origin,
    id: Id,
    event: Exclude<InboundEvent, { type: 'message' | 'choice' | 'started' | 'watermark' | 'renamed' }>,
  ): Promise<Activity> {
    switch (event.type) {
      case 'edited':
        return {
          type: 'edited',
          ...(await this.#messageOf(origin, event.messageKey)),
          payload: this.#payloadOf(origin, id, event.content),
        }
      case 'deleted':
        return { type: 'deleted', ...(await this.#messageOf(origin, event.messageKey)) }
      case 'reaction': {
        const { isRemoved: removed } = event
        const emoji = truncate(event.emoji, MAX_EMOJI).toWellFormed()
        return { type: 'reaction', ...(await this.#anyMessageOf(origin, event.messageKey)), emoji, removed }
      }
      case 'delivery': {
        const { status, failure } = event
        return {
          type: 'delivery',
          ...(origin.delivered && { messageId: origin.delivered.message.id }),
          status,
          ...(failure && { failure: { kind: failure.kind, message: failure.message, ...codeOf(failure) } }),
        }
      }
      case 'blocked':
        return { type: 'blocked' }
    }
  }

  /** The person's message with this provider key. */
  async #messageOf(
    { client, integration, conversationId }: Origin,
    key: string,
  ): Promise<{ messageId?: Id }> {
    const dedupe = dedupeOf(channelRefOf(integration), key)
    const entry = await this.#options.store.findByDedupe(client.id, conversationId, dedupe)
    return entry?.type === 'message' ? { messageId: entry.id } : {}
  }

  /** As `#messageOf`, or the message of the business that the endpoint shows under this id. */
  async #anyMessageOf(origin: Origin, key: string): Promise<{ messageId?: Id }> {
    const own = await this.#messageOf(origin, key)
    if (own.messageId) return own
    const { client, conversationId, endpointId } = origin
    const place = { clientId: client.id, conversationId }
    const messageId = await this.#options.answers.messageSent(place, endpointId, key)
    return messageId ? { messageId } : {}
  }

  async #started(
    { client, conversationId, dedupe }: Origin,
    id: Id,
    tells: object,
  ): Promise<Stored | undefined> {
    return this.#options.conversations.start(client, conversationId, {
      ...{ id, dedupe, payload: JSON.stringify(tells) },
    })
  }
}

const notFound = (): PlugboardError => new PlugboardError('NOT_FOUND', 'integration not found')

const unauthorized = ({ reason }: Extract<Verdict, { ok: false }>): PlugboardError =>
  new PlugboardError('UNAUTHORIZED', `the signature is ${reason}`)

function assertFew({ length }: readonly unknown[]): void {
  if (length > MAX_EVENTS)
    throw new PlugboardError('INVALID', `a request may contain at most ${MAX_EVENTS} events`)
}

/** Whether a person says something with it. An activity, such as a reaction, belongs to a conversation that exists. */
const opensConversation = (event: InboundEvent): boolean =>
  event.type === 'message' || event.type === 'started' || event.type === 'choice'

/** Whether the provider of an integration calls its webhook. */
const isCalled = ({ mode = 'webhook' }: Pick<OpenIntegration, 'mode'>): boolean => mode === 'webhook'
