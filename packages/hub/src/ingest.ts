import {
  type Id,
  type InboundEvent,
  type InboundRequest,
  type InboundResponse,
  newId,
  PlugboardError,
} from '@plugboard/core'
import type { Channels } from './channels.js'
import type { Conversations } from './conversations.js'
import type { Dispatcher } from './delivery/dispatcher.js'
import type { ClientView } from './directory.js'
import type { Endpoints } from './endpoints.js'
import type { Messages } from './messages.js'
import { channelOf } from './owing.js'
import type { Store } from './store.js'

export interface IngestOptions {
  store: Store
  channels: Channels
  endpoints: Endpoints
  conversations: Conversations
  messages: Messages
  dispatcher: Dispatcher
}

/** Takes in what providers send. */
export class Ingest {
  readonly #options: IngestOptions

  constructor(options: IngestOptions) {
    this.#options = options
  }

  /**
   * Verifies a provider's request and stores its events, in order. The answer is for the provider, and is given only
   * when everything is on disk; what was seen before is answered the same and stored no second time.
   * @throws NOT_FOUND for a channel that the client has not enabled, UNAUTHORIZED for a request that is not the
   * provider's, INVALID for a body that is not what it sends.
   */
  async receive(client: ClientView, channelName: string, request: InboundRequest): Promise<InboundResponse> {
    const open = client.integrations.get(channelName)
    if (!open) throw new PlugboardError('NOT_FOUND', 'there is no such channel')
    const { runtime, integration } = await this.#options.channels.connect(client.id, open)
    const verdict = await runtime.verify(request, integration)
    if (!verdict.ok) throw new PlugboardError('UNAUTHORIZED', `the signature is ${verdict.reason}`)
    const { events, response } = runtime.parse(request, integration)
    for (const event of events) await this.#store(client, channelName, event)
    return response
  }

  async #store(client: ClientView, channelName: string, event: InboundEvent): Promise<void> {
    const { endpoints, messages } = this.#options
    const mapped = await endpoints.map(client, { name: channelName, custom: false }, event.endpoint)
    const { conversationId, userId, endpointId: origin } = mapped
    const dedupe = `${channelName}:${event.dedupeKey}`
    switch (event.type) {
      case 'message':
        await messages.post(client, {
          conversationId,
          author: { userId },
          payload: event.content,
          dedupe,
          origin,
        })
        break
      case 'started':
        await this.#started(client, conversationId, dedupe)
        break
      case 'choice':
        if (event.label === undefined) return
        await messages.post(client, {
          conversationId,
          author: { userId },
          payload: { type: 'text', text: event.label },
          dedupe,
          origin,
        })
        break
      default:
    }
  }

  async #started(client: ClientView, conversationId: Id, dedupe: string): Promise<void> {
    const { store, conversations, dispatcher } = this.#options
    const { owes, ...entry } = conversations.entry(client, conversationId, 'conversation.started')
    const appended = await store.append({
      clientId: client.id,
      streamId: conversationId,
      kind: 'conversation',
      entry: { ...entry, id: newId(), dedupe },
      resolve: ({ endpoints }) => ({ owes, channel: channelOf(endpoints) }),
    })
    if (appended && !appended.duplicate) dispatcher.appended(appended)
  }
}
