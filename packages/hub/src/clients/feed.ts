import { type Id, newId } from '@plugboard/core'
import type { WebhookRecord } from '../ports/client-record.js'
import type { ClientView, Directory } from './directory.js'
import type { EventQueues } from './event-queues.js'
import { type Keyring, newSecret } from './keyring.js'

export interface FeedOptions {
  directory: Pick<Directory, 'change'>
  keyring: Keyring
  queues: EventQueues
  now(): Date
}

/** The format of the webhook that is a feed. No dialect shows it. */
export const FEED_FORMAT = 'events'

const FEED_URL = 'feed:events'

/** Whether a webhook is the feed, which no list of webhooks shows. */
export const isFeed = ({ mode }: Pick<WebhookRecord, 'mode'>): boolean => mode === 'feed'

/**
 * The feed of a client: all its events in one order, as numbers of a queue (see {@link Store.readQueue}). It is made when
 * somebody asks for it first, because it costs a small row for each event.
 */
export class Feed {
  readonly #options: FeedOptions

  constructor(options: FeedOptions) {
    this.#options = options
  }

  /** The id of its queue; undefined if nobody has opened it. */
  find({ webhooks }: Pick<ClientView, 'webhooks'>): Id | undefined {
    return webhooks.find(isFeed)?.id
  }

  /** Makes the feed if it is missing. It has the events that are accepted from then on. @throws NOT_FOUND */
  async open(client: ClientView): Promise<{ client: ClientView; queueId: Id }> {
    const known = this.find(client)
    if (known) return { client, queueId: known }
    const { directory, keyring, queues, now } = this.#options
    const fresh = newId()
    await queues.add(fresh, client.id)
    const changed = await directory.change(client.id, (record) => {
      if (record.webhooks.some(isFeed)) return record
      const token = keyring.seal(newSecret(), record.id)
      const feed: WebhookRecord = {
        ...{ id: fresh, url: FEED_URL, mode: 'feed', token, format: FEED_FORMAT, createdAt: now() },
      }
      return { ...record, webhooks: [...record.webhooks, feed] }
    })
    const queueId = this.find(changed) ?? fresh
    if (queueId !== fresh) await queues.remove(fresh)
    return { client: changed, queueId }
  }
}
