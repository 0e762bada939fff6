import {
  type Id,
  type InboundContent,
  type InboundEvent,
  type InboundRequest,
  type InboundResponse,
  type JsonObject,
  newId,
  PlugboardError,
} from '@plugboard/core'
import type { Answers } from './answers.js'
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
  answers: Answers
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
    const post = async (payload: JsonObject | undefined): Promise<void> => {
      if (!payload) return
      await messages.post(client, { conversationId, author: { userId }, payload, dedupe, origin })
    }
    switch (event.type) {
      case 'message':
        await post(await this.#payloadOf(client, channelName, conversationId, event.content))
        break
      case 'started':
        await this.#started(client, conversationId, dedupe)
        break
      case 'choice':
        await post(await this.#choiceOf(client, conversationId, event))
        break
      default:
    }
  }

  /** What a person wrote, or chose by typing a number. */
  async #payloadOf(
    client: ClientView,
    channelName: string,
    conversationId: Id,
    content: InboundContent,
  ): Promise<JsonObject> {
    const { answers, channels } = this.#options
    const capabilities = channels.find(channelName)?.capabilities
    if (content.type !== 'text' || typeof content.text !== 'string' || !capabilities) return content
    const place = { clientId: client.id, conversationId }
    return (await answers.toText(place, capabilities, content.text)) ?? content
  }

  /** What a pressed button says; its label, where nobody knows what it meant. */
  async #choiceOf(
    client: ClientView,
    conversationId: Id,
    { token, label }: { token: string; label?: string },
  ): Promise<JsonObject | undefined> {
    const reply = await this.#options.answers.toButton({ clientId: client.id, conversationId }, token)
    return reply ?? (label === undefined ? undefined : { type: 'text', text: label })
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
