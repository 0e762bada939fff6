import type { Id, Logger } from '@plugboard/core'
import type { Channels } from '../channels/channels.js'
import type { ClientView, Directory, OpenIntegration, OpenWebhook } from '../clients/directory.js'
import type { EndpointRecord } from '../log/endpoint-record.js'
import type { Entry } from '../log/entry.js'
import type { Claimed } from '../log/progress.js'
import { integrationTarget, parseTarget, type Target } from '../log/target.js'
import type { PublicAddresses } from '../ports/public-addresses.js'
import type { EndpointAddress, EndpointItem } from './channel-delivery.js'
import type { IntegrationAddress, IntegrationItem } from './integration-event.js'
import { LateWebhooks } from './late-webhooks.js'
import type { RetrySchedule } from './retry.js'
import type { Route, RouteListener, Routing } from './route.js'
import type { Transport } from './transport.js'
import { lateWebhookBody, webhookBody } from './webhook-body.js'
import type { Lookups, WebhookEvent, WebhookFormat } from './webhook-format.js'
import type { WebhookAddress, WebhookItem, WebhookSender } from './webhook-sender.js'

export interface RouterOptions {
  directory: Directory
  channels: Channels
  formats: ReadonlyMap<string, WebhookFormat>
  sender: WebhookSender
  channelTransport: Transport<EndpointAddress, EndpointItem>
  channelSchedule: RetrySchedule
  provisionTransport: Transport<IntegrationAddress, IntegrationItem>
  provisionSchedule: RetrySchedule
  urls: PublicAddresses
  lookupsOf(client: ClientView): Lookups
  log: Logger
  now(): Date
}

/** Finds the way to a target by the client's configuration as it is now. */
export class Router {
  readonly #options: RouterOptions
  readonly #late: LateWebhooks
  #listener: RouteListener | undefined
  /** One object for all lanes to a webhook as it is now, since what is sent to a thread has each object once. */
  readonly #addresses = new WeakMap<OpenWebhook, WebhookAddress>()

  constructor(options: RouterOptions) {
    this.#options = options
    this.#late = new LateWebhooks(options.sender, options.log)
  }

  /** Entries that cannot be rendered are reported to `listener`. */
  start(listener: RouteListener): void {
    this.#listener = listener
    this.#late.start(listener)
  }

  /** What is being looked up for webhooks is forgotten: the process is going down. */
  close(): void {
    this.#late.close()
  }

  route(stream: Claimed, target: Target): Routing | Promise<Routing> {
    const client = this.#options.directory.peek(stream.clientId)
    if (client) return this.#routeOf(client, stream, target)
    return this.#options.directory
      .find({ id: stream.clientId })
      .then((found) => (found ? this.#routeOf(found, stream, target) : 'gone'))
  }

  #routeOf(client: ClientView, stream: Claimed, target: Target): Routing {
    const { kind, id } = parseTarget(target)
    if (kind === 'webhook') {
      const webhook = client.webhooks.find((hook) => hook.id === id)
      const format = webhook && this.#options.formats.get(webhook.format)
      return webhook && format ? this.#webhookRoute(client, stream, webhook, format) : 'gone'
    }
    if (kind === 'integration') return this.#integrationRoute(client, id)
    const endpoint = stream.endpoints.find((endpoint) => endpoint.id === id)
    const integration = endpoint && client.integrations.get(endpoint.channel.name)
    if (!endpoint || !integration) return 'gone'
    // A channel that is not installed today may be again after the next start.
    const isInstalled = this.#options.channels.find(integration.channel) !== undefined
    if (integration.status === 'paused' || !isInstalled) return 'paused'
    return this.#endpointRoute(client, stream.streamId, endpoint, integration)
  }

  #webhookRoute(client: ClientView, stream: Claimed, webhook: OpenWebhook, format: WebhookFormat): Route {
    const { sender, now, lookupsOf, log } = this.#options
    const lookups = lookupsOf(client)
    const address = this.#addressOf(client, webhook, format)
    const late = this.#late
    const eventOf = (entry: Entry): WebhookEvent => {
      const isCollecting =
        entry.collectUntil !== undefined && entry.collectUntil > now() && !entry.turnEndedAt
      return { entry, client, userId: stream.userId, isCollecting, webhook, lookups }
    }
    const pushLate: Route['push'] = (lane, generation, entries) => {
      const items = entries.map((entry) => {
        const event = eventOf(entry)
        const make = () => lateWebhookBody(format, event, log)
        return { seq: entry.seq, id: deliveryId(entry, webhook.id), make }
      })
      late.push(lane, generation, { clientId: client.id, address }, items)
    }
    const push: Route['push'] = (lane, generation, entries) => {
      const items: WebhookItem[] = []
      for (const entry of entries) {
        const body = webhookBody(format, eventOf(entry), log)
        if (typeof body !== 'string') {
          if (items.length > 0) sender.push(lane, generation, address, items, Number.POSITIVE_INFINITY)
          return this.#listener?.unrendered(lane, generation, entry.seq, body)
        }
        items.push({ seq: entry.seq, id: deliveryId(entry, webhook.id), body })
      }
      sender.push(lane, generation, address, items, Number.POSITIVE_INFINITY)
    }
    return {
      gate: webhook.id,
      kind: 'webhook',
      label: webhook.url,
      schedule: format.schedule,
      ...(format.isFinal && { isFinal: format.isFinal }),
      push: format.isLate ? pushLate : push,
      cancel: (lane, generation) => (format.isLate ? late : sender).cancel(lane, generation),
    }
  }

  #addressOf(client: ClientView, webhook: OpenWebhook, format: WebhookFormat): WebhookAddress {
    const known = this.#addresses.get(webhook)
    if (known) return known
    const { id, url, token: signingSecret } = webhook
    const address: WebhookAddress = { id, url, headers: format.headers(client, webhook), signingSecret }
    if (format.timeoutMs !== undefined) address.timeoutMs = format.timeoutMs
    this.#addresses.set(webhook, address)
    return address
  }

  #endpointRoute(
    client: ClientView,
    conversationId: Id,
    endpoint: EndpointRecord,
    integration: OpenIntegration,
  ): Route {
    const { channelTransport: transport, channelSchedule: schedule, urls } = this.#options
    const webhookUrl = urls.webhook(client.id, integration.channel)
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
      integration: integration.id,
      // Not the sender: it may be a telephone number.
      label: `${integration.channel} ${endpoint.id}`,
      schedule,
      ...(credentials !== undefined && { credentials }),
      push(lane, generation, entries, head) {
        const items = entries.map((entry, i) => ({
          seq: entry.seq,
          id: deliveryId(entry, endpoint.id),
          messageId: entry.id,
          payload: entry.payload,
          ...(i === 0 ? head : { part: 0, attempt: 0 }),
        }))
        transport.push(lane, generation, address, items, Number.POSITIVE_INFINITY)
      },
      cancel: (lane, generation) => transport.cancel(lane, generation),
    }
  }

  /** One that is gone has a way too, for what is to be taken back. */
  #integrationRoute(client: ClientView, integrationId: Id): Routing {
    const { provisionTransport: transport, provisionSchedule: schedule } = this.#options
    const record = client.record.integrations.find(({ id }) => id === integrationId)
    const isInstalled = !record || this.#options.channels.find(record.channel) !== undefined
    if (record?.status === 'paused' || !isInstalled) return 'paused'
    const address: IntegrationAddress = { clientId: client.id, integrationId }
    return {
      // Not that of the endpoints: messages go out whether or not the provider can be told where to call.
      gate: integrationTarget(integrationId),
      kind: 'integration',
      integration: integrationId,
      label: `${record?.channel ?? 'integration'} ${integrationId}`,
      schedule,
      ...(record && { credentials: record.config }),
      push(lane, generation, entries) {
        const items = entries.map(({ seq, payload, channel = '' }) => ({ seq, payload, channel }))
        transport.push(lane, generation, address, items, Number.POSITIVE_INFINITY)
      },
      cancel: (lane, generation) => transport.cancel(lane, generation),
    }
  }
}

/** The same at each attempt of one entry at one target, so that a receiver can tell what it has seen. */
const deliveryId = (entry: Entry, targetId: string): string => `${entry.id}-${targetId}`
