import type { Author, Id } from '@plugboard/core'
import type { ClientView, OpenWebhook } from '../clients/directory.js'
import { integrationOf } from '../clients/open-integration.js'
import type { EndpointRecord } from '../log/endpoint-record.js'
import { endpointTarget, type Target, webhookTarget } from '../log/target.js'
import type { Topic, WebhookFormat } from './to-webhooks/webhook-format.js'

/** The channel of a conversation that is on none, or on more than one. */
const NO_CHANNEL = 'messaging'

/** What decides where a message goes. */
export interface Posting {
  author: Author
  /** The endpoint that it came from: it is not sent back there. */
  origin?: Id
  /**
   * Send only through the integrations of this channel, through this integration, or to `nobody`. Webhooks always receive
   * it. Default: all integrations.
   */
  to?: { channel: string } | { integrationId: Id } | 'nobody'
}

/** Decides which targets receive an entry, from the client's configuration and the endpoints of the conversation. */
export class Recipients {
  readonly #formats: ReadonlyMap<string, WebhookFormat>
  readonly #cache = new WeakMap<ClientView, Map<Topic, readonly Target[]>>()

  constructor(formats: ReadonlyMap<string, WebhookFormat>) {
    this.#formats = formats
  }

  /** Webhooks that receive this topic. */
  webhooks(client: ClientView, topic: Topic): readonly Target[] {
    const byTopic = this.#cache.get(client) ?? new Map<Topic, readonly Target[]>()
    const known = byTopic.get(topic)
    if (known) return known
    const receivers = client.webhooks.filter((hook) => tells(this.#formats.get(hook.format), topic, hook))
    const targets = receivers.map((hook) => webhookTarget(hook.id))
    this.#cache.set(client, byTopic.set(topic, targets))
    return targets
  }

  /**
   * Webhooks, and the endpoints of the conversation whose integration is enabled, except the one that the message came from.
   * The endpoints of a conversation belong to its user: a message of another user is not delivered there.
   */
  message(
    client: ClientView,
    { userId, endpoints }: { userId?: Id; endpoints: readonly EndpointRecord[] },
    { author, origin, to }: Posting,
  ): readonly Target[] {
    const webhooks = this.webhooks(client, 'message')
    if (endpoints.length === 0 || to === 'nobody') return webhooks
    if (author !== 'business' && author.userId !== userId) return webhooks
    const served = endpoints.filter(({ id, channel }) => {
      const integration = id === origin ? undefined : integrationOf(client, channel)
      if (!integration || to === undefined) return integration !== undefined
      return 'channel' in to ? to.channel === integration.channel : to.integrationId === integration.id
    })
    return served.length === 0 ? webhooks : [...webhooks, ...served.map(({ id }) => endpointTarget(id))]
  }
}

/** If the format throws, the webhook counts as a recipient: the message is accepted, and the error appears as a dead letter. */
function tells(format: WebhookFormat | undefined, topic: Topic, hook: OpenWebhook): boolean {
  try {
    return format?.tells(topic, hook) ?? false
  } catch {
    return true
  }
}

/** The channel name of a conversation in events. */
export function channelOf(endpoints: readonly EndpointRecord[]): string {
  const [first, ...others] = endpoints
  return first && others.length === 0 ? first.channel.name : NO_CHANNEL
}
