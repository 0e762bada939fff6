import { type Alias, type Endpoint, type Id, newId, PlugboardError } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import type { Dispatcher } from '../delivery/dispatcher.js'
import type { EndpointStates } from '../delivery/to-channels/endpoint-states.js'
import type { ChannelRef, EndpointRecord } from '../log/endpoint-record.js'
import type { Mapped, Place, Store } from '../ports/store.js'
import type { Addresses, Located } from './addresses.js'
import type { Conversations } from './conversations.js'
import type { Users } from './users.js'

export interface EndpointsOptions {
  store: Store
  dispatcher: Dispatcher
  users: Users
  conversations: Conversations
  states: Pick<EndpointStates, 'remove'>
  addresses: Addresses
  now(): Date
}

/** What an event says of who is at an endpoint. */
export interface Sighting {
  aliases?: readonly Alias[]
  /** The person used this address now. */
  isSeen?: boolean
  /** Of a user that is new. */
  userData?: Record<string, string>
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
    from: Sighting = {},
  ): Promise<Mapped> {
    const { addresses } = this.#options
    const located = await addresses.locate(client, channel, endpoint, from)
    const known = located.endpoints.length > 1 ? await this.#first(client, channel, located) : undefined
    const mapped = known
      ? { ...known, appended: [] }
      : await this.#map(client, channel, located.endpoints[0], from.userData)
    const isOvertaken = await addresses.isOvertaken(client, channel, endpoint, located, mapped)
    return isOvertaken ? this.conversationOf(client, channel, endpoint, from) : mapped
  }

  async #map(
    client: ClientView,
    channel: ChannelRef,
    endpoint: Endpoint,
    userData: Record<string, string> | undefined,
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
  async find(
    client: ClientView,
    channel: ChannelRef,
    endpoint: Endpoint,
    from: Sighting = {},
  ): Promise<Place | undefined> {
    return this.#first(client, channel, await this.#options.addresses.locate(client, channel, endpoint, from))
  }

  async #first(client: ClientView, channel: ChannelRef, { endpoints }: Located): Promise<Place | undefined> {
    for (const endpoint of endpoints) {
      const found = await this.#options.store.findEndpoint(client.id, channel, endpoint)
      if (found) return found
    }
    return undefined
  }

  /** The endpoints of the store that may be meant by this one, which can be several if its person or room was renamed. */
  async known(client: ClientView, channel: ChannelRef, endpoint: Endpoint): Promise<readonly Endpoint[]> {
    return (await this.#options.addresses.locate(client, channel, endpoint)).endpoints
  }

  /** Returns the user at an endpoint. Creates the user, with its data, but no conversation. */
  async userAt(
    client: ClientView,
    channel: ChannelRef,
    endpoint: Endpoint,
    from: Sighting = {},
  ): Promise<Id> {
    const { store, dispatcher, users, addresses, now } = this.#options
    const located = await addresses.locate(client, channel, endpoint, from)
    const { userData } = from
    const user = newId()
    const mapping = store.mapSender({
      clientId: client.id,
      channel,
      endpoint: located.endpoints[0],
      at: now(),
      ids: { user },
      ...(userData && { userData }),
      events: { user: (userId) => users.firstEntry(client, userId, userData) },
    })
    const mapped = await dispatcher.claiming({ clientId: client.id, streamId: user }, mapping)
    for (const appended of mapped.appended) dispatcher.appended(appended)
    const isOvertaken = await addresses.isOvertaken(client, channel, endpoint, located, mapped)
    return isOvertaken ? this.userAt(client, channel, endpoint, from) : mapped.userId
  }

  /** The person or the room at an address has another one from now on. May be called again. */
  async rename(client: ClientView, channel: ChannelRef, from: Endpoint, to: Endpoint): Promise<void> {
    await this.#options.addresses.rename(client, channel, from, to)
  }

  /** Detaches an endpoint from its conversation: its next message starts another one. @throws NOT_FOUND */
  async remove(client: ClientView, conversationId: Id, endpointId: Id): Promise<void> {
    const { store, states } = this.#options
    const isRemoved = await store.removeEndpoint(client.id, conversationId, endpointId)
    if (!isRemoved) throw new PlugboardError('NOT_FOUND', 'endpoint not found')
    await states.remove(client.id, endpointId)
    this.#options.dispatcher.endpointRemoved(conversationId, endpointId)
  }

  /** With the addresses that messages go to now. @throws NOT_FOUND for the conversation */
  async list(client: ClientView, conversationId: Id): Promise<readonly EndpointRecord[]> {
    const { addresses, conversations } = this.#options
    const { endpoints } = await conversations.get(client, conversationId)
    return Promise.all(
      endpoints.map(async ({ id, channel, identity, sender, thread }) => ({
        ...{ id, channel, identity, sender, thread },
        ...(await addresses.currentOf(client, channel, { identity, sender, thread })),
      })),
    )
  }
}
