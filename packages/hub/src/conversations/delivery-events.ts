import type { Id, Logger } from '@plugboard/core'
import type { Directory } from '../clients/directory.js'
import type { EndpointItem } from '../delivery/to-channels/channel-delivery.js'
import type { EndpointAddress } from '../delivery/to-channels/endpoint-address.js'
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
 * Notifies subscribed webhooks of the outcome of outbound messages. The notification is stored before the delivery is
 * marked as done. After a crash in between, it is repeated and deduplicated, so it is never lost.
 */
export class DeliveryEvents {
  readonly #options: DeliveryEventsOptions

  constructor(options: DeliveryEventsOptions) {
    this.#options = options
  }

  /** The provider accepted a message. A second form or a change is not reported: its message was accepted before. */
  async done(
    { clientId, conversationId, endpoint }: EndpointAddress,
    { id, messageId, secondForm, change }: EndpointItem,
  ): Promise<void> {
    if (secondForm || change) return
    const activity = { type: 'handed-over', messageId, endpointId: endpoint.id } as const
    await this.#note(clientId, conversationId, activity, `handed-over:${id}`)
  }

  /** A message failed all retries for a target. */
  async gaveUp(
    stream: StreamRef,
    target: Target,
    entry: Entry,
    { error, code, reason }: Dead,
  ): Promise<void> {
    const { kind, id: endpointId } = parseTarget(target)
    if (kind !== 'endpoint' || entry.type !== 'message') return
    const activity = { type: 'given-up', messageId: entry.id, endpointId, reason } as const
    const told = {
      ...activity,
      ...(error !== undefined && { error }),
      ...(code !== undefined && { code }),
    }
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
