import { type Endpoint, type Id, newId, PlugboardError } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import type { Dispatcher } from '../delivery/dispatcher.js'
import type { EndpointStates } from '../delivery/endpoint-states.js'
import type { ChannelRef, EndpointRecord } from '../log/endpoint-record.js'
import type { Mapped, Place, Store } from '../ports/store.js'
import type { Conversations } from './conversations.js'
import type { Users } from './users.js'

export interface EndpointsOptions {
  store: Store
  dispatcher: Dispatcher
  users: Users
  conversations: Conversations
  states: Pick<EndpointStates, 'remove'>
  now(): Date
}

/** Addresses of conversations at providers. */
export class Endpoints {
  readonly #options: EndpointsOptions

  constructor(options: EndpointsOptions) {
    this.#options = options
  }

  /** Returns the conversation of an endpoint. Creates it and its user (with its data) if they are new. */
  async conversationOf(
    client: ClientView,
    channel: ChannelRef,
    endpoint: Endpoint,
    userData?: Record<string, string>,
  ): Promise<Mapped> {
    const { store, dispatcher, users, conversations, now } = this.#options
    const ids = { user: newId(), conversation: newId(), endpoint: newId() }
    const mapping = store.mapEndpoint({
      clientId: client.id,
      channel,
      endpoint,
      at: now(),
      ids,
      ...(userData && { userData }),
      events: {
        user: (userId) => users.firstEntry(client, userId, userData),
        conversation: (_, id) => conversations.entry(client, id, 'conversation.new'),
      },
    })
    // Both are new streams, whose leases it may take.
    const mapped = await dispatcher.claiming(
      { clientId: client.id, streamId: ids.user },
      dispatcher.claiming({ clientId: client.id, streamId: ids.conversation }, mapping),
    )
    for (const appended of mapped.appended) dispatcher.appended(appended)
    return mapped
  }

  /** The conversation of an endpoint; undefined if there is none. */
  async find(client: ClientView, channel: ChannelRef, endpoint: Endpoint): Promise<Place | undefined> {
    return this.#options.store.findEndpoint(client.id, channel, endpoint)
  }

  /** Returns the user at an endpoint. Creates the user, with its data, but no conversation. */
  async userAt(
    client: ClientView,
    channel: ChannelRef,
    endpoint: Endpoint,
    userData?: Record<string, string>,
  ): Promise<Id> {
    const { store, dispatcher, users, now } = this.#options
    const user = newId()
    const mapping = store.mapSender({
      clientId: client.id,
      channel,
      endpoint,
      at: now(),
      ids: { user },
      ...(userData && { userData }),
      events: { user: (userId) => users.firstEntry(client, userId, userData) },
    })
    const mapped = await dispatcher.claiming({ clientId: client.id, streamId: user }, mapping)
    for (const appended of mapped.appended) dispatcher.appended(appended)
    return mapped.userId
  }

  /** Detaches an endpoint from its conversation: its next message starts another one. @throws NOT_FOUND */
  async remove(client: ClientView, conversationId: Id, endpointId: Id): Promise<void> {
    const { store, states } = this.#options
    const isRemoved = await store.removeEndpoint(client.id, conversationId, endpointId)
    if (!isRemoved) throw new PlugboardError('NOT_FOUND', 'endpoint not found')
    await states.remove(client.id, endpointId)
    this.#options.dispatcher.endpointRemoved(conversationId, endpointId)
  }

  /** @throws NOT_FOUND for the conversation */
  async list(client: ClientView, conversationId: Id): Promise<readonly EndpointRecord[]> {
    return (await this.#options.conversations.get(client, conversationId)).endpoints
  }
}
