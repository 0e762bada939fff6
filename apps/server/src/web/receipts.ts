import type { Logger, Message } from '@plugboard/core'
import type { EndpointRecord, Hub, LiveEvent } from '@plugboard/hub'
import { isOfSite, type Site } from './sites.js'

export interface ReceiptsOptions {
  hub: Pick<Hub, 'conversations' | 'ingest'>
  site: Site
  log: Logger
}

/** Reports to the business what became of its messages, as a provider would. */
export class Receipts {
  readonly #options: ReceiptsOptions

  constructor(options: ReceiptsOptions) {
    this.#options = options
  }

  /** A chat has these events. Each message is reported once, however many chats have it. Never rejects. */
  async delivered(events: readonly LiveEvent[]): Promise<void> {
    const { hub, site, log } = this.#options
    if (!this.#isTold) return
    const receipts = events.flatMap((event) => {
      if ('ephemeral' in event || event.entry.type !== 'message' || isOfPerson(event.entry)) return []
      const endpoint = event.endpoints.find(({ channel }) => isOfSite(channel, site))
      if (!endpoint) return []
      const deliveryId = `${event.entry.id}-${endpoint.id}`
      const of = { dedupeKey: `delivered ${event.entry.id}`, endpoint: addressOf(endpoint), at: new Date() }
      return { ...of, type: 'delivery' as const, status: 'delivered' as const, deliveryId }
    })
    if (receipts.length === 0) return
    await hub.ingest.take(site.client, site.integration, receipts).catch((err: unknown) => {
      log.warn({ err, clientId: site.client.id }, 'cannot report what visitors received')
    })
  }

  /** The visitor has read everything up to this message of the business. */
  async read(endpoint: EndpointRecord, { id, sentAt }: Message): Promise<void> {
    const { hub, site } = this.#options
    if (!this.#isTold) return
    const of = { dedupeKey: `read ${id}`, endpoint: addressOf(endpoint), at: new Date() }
    const receipt = { ...of, type: 'watermark' as const, status: 'read' as const, until: sentAt }
    await hub.ingest.take(site.client, site.integration, [receipt])
  }

  get #isTold(): boolean {
    const { hub, site } = this.#options
    return hub.conversations.isTold(site.client, 'delivery')
  }
}

const isOfPerson = ({ author = 'business' }: { author?: Message['author'] }): boolean => author !== 'business'

const addressOf = ({ identity, sender, thread }: EndpointRecord) => ({ identity, sender, thread })
