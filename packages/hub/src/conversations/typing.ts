import type { Author, Id, Logger } from '@plugboard/core'
import type { Channels } from '../channels/channels.js'
import { errorShape } from '../channels/error-shape.js'
import { withTimeout } from '../channels/timeout.js'
import type { ClientView } from '../clients/directory.js'
import { integrationOf } from '../clients/open-integration.js'
import type { EndpointStates } from '../delivery/endpoint-states.js'
import type { EndpointRecord } from '../log/endpoint-record.js'
import type { PublicAddresses } from '../ports/public-addresses.js'
import type { Conversations } from './conversations.js'

export interface TypingOptions {
  channels: Channels
  conversations: Conversations
  states: Pick<EndpointStates, 'read'>
  urls: PublicAddresses
  /** Time limit of a provider call, in milliseconds. */
  timeoutMs: number
  log: Logger
}

/** Reports typing to the other side: a person's typing to webhooks, the business's typing to providers. */
export class Typing {
  readonly #options: TypingOptions
  readonly #abort = new AbortController()

  constructor(options: TypingOptions) {
    this.#options = options
  }

  /** Resolves before providers are called; their failures are ignored. @throws NOT_FOUND */
  async show(client: ClientView, conversationId: Id, by: Author, isTyping: boolean): Promise<void> {
    const { conversations } = this.#options
    const { endpoints } = await conversations.get(client, conversationId)
    const activity = { type: 'typing', isTyping, ...(by !== 'business' && { userId: by.userId }) } as const
    if (conversations.isTold(client, 'typing')) await conversations.note(client, conversationId, activity)
    if (by !== 'business' || !isTyping) return
    for (const endpoint of endpoints) {
      this.#indicate(client, endpoint).catch((error) => {
        this.#options.log.debug({ ...errorShape(error), clientId: client.id }, 'cannot show typing')
      })
    }
  }

  close(): void {
    this.#abort.abort()
  }

  async #indicate(client: ClientView, endpoint: EndpointRecord): Promise<void> {
    const { channels, states, urls, timeoutMs } = this.#options
    const { id, channel, identity, sender, thread } = endpoint
    const open = integrationOf(client, channel)
    if (!open || open.status === 'paused' || !channels.find(open.channel)) return
    const connected = await channels.connect(client.id, open)
    const { runtime, integration } = connected
    const { context } = connected.channel.capabilities.context ? await states.read(client.id, id) : {}
    await withTimeout(timeoutMs, this.#abort.signal, async (signal) => {
      await runtime.indicateTyping?.({
        integration,
        endpoint: { identity, sender, thread },
        webhookUrl: urls.webhook(client.id, open.name),
        deliveryId: `typing-${id}`,
        ...(context && { context }),
        signal,
      })
    })
  }
}
