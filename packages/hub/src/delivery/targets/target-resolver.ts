import type { Endpoint, Id, Logger } from '@plugboard/core'
import type { Channels } from '../../channels/channels.js'
import type { ClientView, Directory, OpenWebhook } from '../../clients/directory.js'
import { integrationOf, labelOf, type OpenIntegration } from '../../clients/open-integration.js'
import { changeOf, secondFormOf } from '../../log/activity.js'
import type { ChannelRef, EndpointRecord } from '../../log/endpoint-record.js'
import type { Entry } from '../../log/entry.js'
import type { Claimed } from '../../log/progress.js'
import { integrationTarget, type LaneKey, parseLaneKey, parseTarget, type Target } from '../../log/target.js'
import type { PublicAddresses } from '../../ports/public-addresses.js'
import type { Store } from '../../ports/store.js'
import type { RetrySchedule } from '../retry.js'
import type { EndpointItem } from '../to-channels/channel-delivery.js'
import type { EndpointAddress } from '../to-channels/endpoint-address.js'
import { UNENDING } from '../to-readers/feed-format.js'
import type { QueueAddress, QueueEntry } from '../to-readers/queue-transport.js'
import { webhookAddress } from '../to-webhooks/webhook-address.js'
import { lateWebhookBody, type WebhookBody, webhookBody } from '../to-webhooks/webhook-body.js'
import {
  type Lookups,
  type WebhookEvent,
  type WebhookFormat,
  webhookEventOf,
} from '../to-webhooks/webhook-format.js'
import type {
  DeliveryFailure,
  IntegrationAddress,
  IntegrationItem,
  Transport,
  WebhookAddress,
  WebhookItem,
} from '../transport.js'
import type { Batch, Resolved, TargetConfig } from './target-config.js'

export interface TargetResolverOptions {
  store: Pick<Store, 'findConversation'>
  directory: Directory
  channels: Channels
  formats: ReadonlyMap<string, WebhookFormat>
  sender: Transport<WebhookAddress, WebhookItem>
  queueTransport: Transport<QueueAddress, QueueEntry>
  channelTransport: Transport<EndpointAddress, EndpointItem>
  channelSchedule: RetrySchedule
  provisionTransport: Transport<IntegrationAddress, IntegrationItem>
  provisionSchedule: RetrySchedule
  urls: PublicAddresses
  lookupsOf(client: ClientView): Lookups
  /** Where messages to an endpoint go; undefined if that is the endpoint itself. */
  currentOf(client: ClientView, channel: ChannelRef, endpoint: Endpoint): Promise<Endpoint> | undefined
  /** The channel of an integration is not loaded: what is for it waits. */
  unloaded?(clientId: Id, integrationId: Id): void
  log: Logger
  now(): Date
}

/** The user of a stream, and since when that is known, in milliseconds since 1970. */
interface KnownOwner {
  userId: Id | undefined
  knownAt: number
}

/** How old that may be, in milliseconds. */
const MAX_OWNER_AGE_MS = 10_000

/** Finds how entries go to a target, by the client's configuration as it is now. */
export class TargetResolver {
  readonly #options: TargetResolverOptions
  /** One object for all lanes to a webhook as it is now, since what is sent to a thread has each object once. */
  readonly #addresses = new WeakMap<OpenWebhook, WebhookAddress>()
  readonly #owners = new WeakMap<Claimed, KnownOwner>()

  constructor(options: TargetResolverOptions) {
    this.#options = options
  }

  resolve(stream: Claimed, target: Target, key: LaneKey = target): Resolved | Promise<Resolved> {
    const client = this.#options.directory.peek(stream.clientId)
    if (client) return this.#resolve(client, stream, target, key)
    return this.#options.directory
      .find({ id: stream.clientId })
      .then((found) => (found ? this.#resolve(found, stream, target, key) : 'gone'))
  }

  #resolve(client: ClientView, stream: Claimed, target: Target, key: LaneKey): Resolved | Promise<Resolved> {
    const { kind, id } = parseTarget(target)
    if (client.record.disabled) return 'paused'
    if (kind === 'webhook') {
      const webhook = client.webhooks.find((hook) => hook.id === id)
      if (webhook?.pausedAt) return 'paused'
      const format = webhook && this.#options.formats.get(webhook.format)
      if (webhook?.mode) return this.#queue(stream, { ...webhook, mode: webhook.mode }, key)
      return webhook && format ? this.#webhook(client, stream, webhook, format) : 'gone'
    }
    if (kind === 'integration') return this.#integration(client, id)
    const endpoint = stream.endpoints.find((endpoint) => endpoint.id === id)
    const integration = endpoint && integrationOf(client, endpoint.channel)
    if (!endpoint || !integration) return 'gone'
    // A channel that is not loaded today may be again after the next start.
    if (integration.status === 'paused' || integration.pausedAt) return 'paused'
    if (!this.#options.channels.isLoaded(integration.channel)) {
      this.#options.unloaded?.(client.id, integration.id)
      return 'unloaded'
    }
    const { id: endpointId, channel, ...place } = endpoint
    const current = this.#options.currentOf(client, channel, place)
    if (!current) return this.#endpoint(client, stream.streamId, endpoint, integration)
    return current.then((now) =>
      this.#endpoint(client, stream.streamId, { ...now, id: endpointId, channel }, integration),
    )
  }

  #webhook(client: ClientView, stream: Claimed, webhook: OpenWebhook, format: WebhookFormat): TargetConfig {
    const { sender, now, lookupsOf, log } = this.#options
    const lookups = lookupsOf(client)
    const address = this.#addressOf(client, webhook, format)
    const { endpoints } = stream
    const owner = this.#ownerOf(stream)
    const eventOf = (entry: Entry): WebhookEvent =>
      webhookEventOf(entry, { client, userId: owner.userId, endpoints, webhook, lookups, now: now() })
    const batchOf = (entries: readonly Entry[], bodies: readonly WebhookBody[]): Batch => {
      const items: WebhookItem[] = []
      for (const [i, { seq, ...entry }] of entries.entries()) {
        const body = bodies[i] ?? ''
        if (typeof body !== 'string') return { ...batch(items), unrendered: { seq, failure: body } }
        items.push({ seq, id: deliveryId(entry, webhook.id), body })
      }
      return batch(items)
    }
    const batch = (items: readonly WebhookItem[]): Batch => ({
      count: items.length,
      push: (lane, generation, leaseEndsAt) => sender.push(lane, generation, address, items, leaseEndsAt),
    })
    const render = (entries: readonly Entry[]): Batch | Promise<Batch> => {
      const [first] = entries
      if (webhook.isGone && first) return { ...batch([]), unrendered: { seq: first.seq, failure: IS_GONE } }
      if (!format.isLate)
        return batchOf(
          entries,
          bodiesOf(entries, (entry) => webhookBody(format, eventOf(entry), log)),
        )
      const bodies = entries.map((entry) => lateWebhookBody(format, eventOf(entry), log))
      return Promise.all(bodies).then((made) => batchOf(entries, made))
    }
    return {
      gate: webhook.id,
      kind: 'webhook',
      webhook: webhook.id,
      label: webhook.url,
      schedule: format.schedule,
      ...(format.isFinal && { isFinal: format.isFinal }),
      ...isGoneOf(format, webhook),
      render: (entries) => this.#refreshed(stream, owner)?.then(() => render(entries)) ?? render(entries),
      ...controlsOf(sender),
    }
  }

  #ownerOf(stream: Claimed): KnownOwner {
    const { userId } = stream
    const owner = this.#owners.get(stream) ?? { userId, knownAt: this.#options.now().getTime() }
    this.#owners.set(stream, owner)
    return owner
  }

  /** Reads the user of a stream again that is delivered for long: another process may have merged it. */
  #refreshed(stream: Claimed, owner: KnownOwner): Promise<void> | undefined {
    const now = this.#options.now().getTime()
    if (now - owner.knownAt < MAX_OWNER_AGE_MS) return undefined
    return this.#userOf(stream).then((userId) => void Object.assign(owner, { userId, knownAt: now }))
  }

  /** Entries are stored for those who read them. */
  #queue(
    stream: Claimed,
    { id, url, mode }: Pick<OpenWebhook, 'id' | 'url'> & Pick<QueueAddress, 'mode'>,
    key: LaneKey,
  ): TargetConfig {
    const { queueTransport: transport } = this.#options
    const { clientId, streamId } = stream
    const { replay } = parseLaneKey(key)
    const batchOf = (entries: readonly Entry[], userId: Id | undefined): Batch => {
      const address: QueueAddress = {
        ...{ clientId, webhookId: id, mode, streamId },
        ...(userId !== undefined && { userId }),
        ...(replay !== undefined && { replay }),
      }
      return {
        count: entries.length,
        push: (lane, generation, leaseEndsAt) =>
          transport.push(lane, generation, address, entries, leaseEndsAt),
      }
    }
    return {
      ...{ gate: id, kind: 'webhook', webhook: id, isForReaders: true, label: url, schedule: UNENDING },
      render: (entries) =>
        mode === 'feed'
          ? this.#userOf(stream).then((userId) => batchOf(entries, userId))
          : batchOf(entries, stream.userId),
      ...controlsOf(transport),
    }
  }

  /**
   * The user of a conversation now: it may have been merged into another since the stream was claimed, and what is stored
   * under the merged one is found by nobody.
   */
  async #userOf({ clientId, streamId, userId }: Claimed): Promise<Id | undefined> {
    if (userId === undefined || userId === streamId) return userId
    const conversation = await this.#options.store.findConversation(clientId, streamId)
    return conversation?.userId ?? userId
  }

  #addressOf(client: ClientView, webhook: OpenWebhook, format: WebhookFormat): WebhookAddress {
    const known = this.#addresses.get(webhook)
    if (known) return known
    const address = webhookAddress(client, webhook, format)
    this.#addresses.set(webhook, address)
    return address
  }

  #endpoint(
    client: ClientView,
    conversationId: Id,
    endpoint: EndpointRecord,
    integration: OpenIntegration,
  ): TargetConfig {
    const { channelTransport: transport, channelSchedule: schedule, urls } = this.#options
    const webhookUrl = urls.webhook(client.id, integration.name)
    const address: EndpointAddress = {
      clientId: client.id,
      conversationId,
      integration,
      endpoint,
      webhookUrl,
    }
    const credentials = client.record.integrations.find(({ id }) => id === integration.id)?.config
    return {
      gate: integration.id,
      kind: 'endpoint',
      ...{ integration: integration.id, channel: integration.channel },
      // Not the sender: it may be a telephone number.
      label: `${labelOf(integration)} ${endpoint.id}`,
      schedule,
      ...(credentials !== undefined && { credentials }),
      // The transport renders, since only there the channel is loaded.
      render: (entries, head) => ({
        count: entries.length,
        push(lane, generation, leaseEndsAt) {
          const items = entries.map((entry, i) => {
            const second = secondFormOf(entry)
            const change = changeOf(entry)
            return {
              seq: entry.seq,
              id: deliveryId(entry, endpoint.id),
              messageId: second?.messageId ?? change?.messageId ?? entry.id,
              payload: entry.payload,
              ...(second && { secondForm: second.part }),
              ...(change && { change: change.type }),
              ...(i === 0 ? head : { part: 0, attempt: 0 }),
            }
          })
          transport.push(lane, generation, address, items, leaseEndsAt)
        },
      }),
      ...controlsOf(transport),
    }
  }

  /** A removed integration is resolved too, so that its registration at the provider can be removed. */
  #integration(client: ClientView, integrationId: Id): Resolved {
    const { provisionTransport: transport, provisionSchedule: schedule } = this.#options
    const record = client.record.integrations.find(({ id }) => id === integrationId)
    if (record?.status === 'paused' || record?.pausedAt) return 'paused'
    if (record && !this.#options.channels.isLoaded(record.channel)) return 'unloaded'
    const address: IntegrationAddress = { clientId: client.id, integrationId }
    return {
      // Not the gate of the endpoints: messages are sent even if the webhook cannot be registered at the provider.
      gate: integrationTarget(integrationId),
      kind: 'integration',
      integration: integrationId,
      ...(record && { channel: record.channel }),
      label: `${record ? labelOf(record) : 'integration'} ${integrationId}`,
      schedule,
      ...(record && { credentials: record.config }),
      render: (entries) => ({
        count: entries.length,
        push(lane, generation, leaseEndsAt) {
          const items = entries.map(({ seq, payload, channel = '' }) => ({ seq, payload, channel }))
          transport.push(lane, generation, address, items, leaseEndsAt)
        },
      }),
      ...controlsOf(transport),
    }
  }
}

/** Nothing is sent to a webhook that is gone. */
const IS_GONE: DeliveryFailure = {
  kind: 'invalid',
  status: 410,
  message: 'the webhook answered that it is gone; sync it again',
}

function isGoneOf({ isGone }: WebhookFormat, webhook: OpenWebhook): Pick<TargetConfig, 'isGone'> {
  if (webhook.isGone) return { isGone: () => true }
  return isGone ? { isGone } : {}
}

/** The bodies up to the first that cannot be made. */
function bodiesOf(entries: readonly Entry[], make: (entry: Entry) => WebhookBody): WebhookBody[] {
  const bodies: WebhookBody[] = []
  for (const entry of entries) {
    const body = make(entry)
    bodies.push(body)
    if (typeof body !== 'string') break
  }
  return bodies
}

const controlsOf = (
  transport: Pick<Transport<never, never>, 'renew' | 'cancel'>,
): Pick<TargetConfig, 'renew' | 'cancel'> => ({
  renew: (lane, leaseEndsAt) => transport.renew(lane, leaseEndsAt),
  cancel: (lane, generation) => transport.cancel(lane, generation),
})

/** The same at each attempt of one entry at one target, so that a receiver can tell what it has seen. */
const deliveryId = (entry: Pick<Entry, 'id'>, targetId: string): string => `${entry.id}-${targetId}`
