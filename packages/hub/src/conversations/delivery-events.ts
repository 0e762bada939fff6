import type { Id, Logger } from '@plugboard/core'
import type { Directory } from '../clients/directory.js'
import type { EndpointAddress, EndpointItem } from '../delivery/channel-delivery.js'
import type { Activity } from '../log/activity.js'
import type { Dead, Entry, StreamRef } from '../log/entry.js'
import { parseTarget, type Target } from '../log/target.js'
import type { Conversations } from './conversations.js'

export interface DeliveryEventsOptions {
  directory: Directory
  conversations: Conversations
  log: Logger
}

/**
 * Tells webhooks that want to hear of it what became of messages on their way out. It is told before the delivery is
 * marked as done, so that a crash in between tells it again, which is known by its dedupe, rather than never.
 */
export class DeliveryEvents {
  readonly #options: DeliveryEventsOptions

  constructor(options: DeliveryEventsOptions) {
    this.#options = options
  }

  /** The provider has taken a message. */
  done(
    { clientId, conversationId, endpoint }: EndpointAddress,
    { id, messageId }: EndpointItem,
  ): Promise<void> {
    const activity = { type: 'handed-over', messageId, endpointId: endpoint.id } as const
    return this.#note(clientId, conversationId, activity, `handed-over:${id}`)
  }

  /** A message will not be tried any more at a target. */
  async gaveUp(stream: StreamRef, target: Target, entry: Entry, { error, reason }: Dead): Promise<void> {
    const { kind, id: endpointId } = parseTarget(target)
    if (kind !== 'endpoint' || entry.type !== 'message') return
    const activity = { type: 'given-up', messageId: entry.id, endpointId, reason } as const
    const told = error === undefined ? activity : { ...activity, error }
    await this.#note(stream.clientId, stream.streamId, told, `given-up:${entry.id}-${endpointId}`)
  }

  async #note(clientId: Id, conversationId: Id, activity: Activity, dedupe: string): Promise<void> {
    const { directory, conversations, log } = this.#options
    try {
      const client = directory.peek(clientId) ?? (await directory.find({ id: clientId }))
      if (client && conversations.isTold(client, activity.type))
        await conversations.note(client, conversationId, activity, { dedupe })
    } catch (err) {
      log.error({ err, clientId }, 'cannot notify webhooks about a delivery')
    }
  }
}
