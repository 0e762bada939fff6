import type { Author, Id } from '@plugboard/core'
import type { ClientView, OpenWebhook } from '../clients/directory.js'
import type { EndpointRecord } from '../log/endpoint-record.js'
import { endpointTarget, type Target, webhookTarget } from '../log/target.js'
import type { Topic, WebhookFormat } from './webhook-format.js'

/** The channel of a conversation that is on none, or on more than one. */
const NO_CHANNEL = 'messaging'

/** What decides where a message goes. */
export interface Posting {
  author: Author
  /** The endpoint that it came from, and is not sent back to. */
  origin?: Id
  /** The channel that it goes out by, or `nobody`: webhooks are told all the same. Default: each that there is. */
  to?: { channel: string } | 'nobody'
}

/** Says what an entry owes, by the client's configuration and where its conversation lives. */
export class Recipients {
  readonly #formats: ReadonlyMap<string, WebhookFormat>
  readonly #cache = new WeakMap<ClientView, Map<Topic, readonly Target[]>>()

  constructor(formats: ReadonlyMap<string, WebhookFormat>) {
    this.#formats = formats
  }

  /** The webhooks that are told of this. */
  webhooks(client: ClientView, topic: Topic): readonly Target[] {
    const byTopic = this.#cache.get(client) ?? new Map<Topic, readonly Target[]>()
    const known = byTopic.get(topic)
    if (known) return known
    const told = client.webhooks.filter((hook) => tells(this.#formats.get(hook.format), topic, hook))
    const targets = told.map((hook) => webhookTarget(hook.id))
    this.#cache.set(client, byTopic.set(topic, targets))
    return targets
  }

  /**
   * Webhooks, and the endpoints of the conversation that a configured channel serves, save the one it came from. The
   * endpoints of a conversation are those of its user: what another user writes is not delivered there, whoever posted
   * it.
   */
  message(
    client: ClientView,
    { userId, endpoints }: { userId?: Id; endpoints: readonly EndpointRecord[] },
    { author, origin, to }: Posting,
  ): readonly Target[] {
    const webhooks = this.webhooks(client, 'message')
    if (endpoints.length === 0 || to === 'nobody') return webhooks
    if (author !== 'business' && author.userId !== userId) return webhooks
    const served = endpoints.filter(
      ({ id, channel }) =>
        id !== origin &&
        !channel.custom &&
        client.integrations.has(channel.name) &&
        (to === undefined || to.channel === channel.name),
    )
    return served.length === 0 ? webhooks : [...webhooks, ...served.map(({ id }) => endpointTarget(id))]
  }
}

/** A format that cannot say owes it: what is wrong then shows as a dead letter, and the message is taken in. */
function tells(format: WebhookFormat | undefined, topic: Topic, hook: OpenWebhook): boolean {
  try {
    return format?.tells(topic, hook) ?? false
  } catch {
    return true
  }
}

/** The name that events give to where a conversation is. */
export function channelOf(endpoints: readonly EndpointRecord[]): string {
  const [first, ...others] = endpoints
  return first && others.length === 0 ? first.channel.name : NO_CHANNEL
}
