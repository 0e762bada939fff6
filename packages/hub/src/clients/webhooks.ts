import { type Id, invalid, type JsonObject, newId, PlugboardError } from '@plugboard/core'
import { Collection } from '../documents/collection.js'
import type { WebhookRecord } from '../ports/client-record.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'
import type { ClientView, Directory, OpenWebhook } from './directory.js'
import { type Keyring, newSecret } from './keyring.js'

export interface WebhooksOptions {
  store: Store
  directory: Directory
  keyring: Keyring
  /** Returns why a URL must not be called, or undefined. */
  refuseTarget(url: string): string | undefined
  now(): Date
}

/** The webhooks that a caller can see: those of its dialect, and of one owner if they have owners. */
export interface WebhookScope {
  format: string
  ownerId?: Id
}

export interface NewWebhook extends WebhookScope {
  url: string
  events?: readonly string[]
  settings?: JsonObject
  /** Allows lookups by id alone, without the client: see {@link Webhooks.locate}. */
  isLocatable?: true
  /** Path of the URL in the request, for errors. Default: `url`. */
  path?: readonly (string | number)[]
}

/** Webhooks that are created individually, each with its own events. */
export class Webhooks {
  readonly #options: WebhooksOptions
  /** Clients of locatable webhooks. The webhook may have been deleted. */
  readonly #places: Collection<{ clientId: Id }>

  constructor(options: WebhooksOptions) {
    this.#options = options
    this.#places = new Collection(options.store, 'webhook')
  }

  /** Finds a webhook of any client by id. The id proves nothing, so the caller must authenticate the request. */
  async locate(id: Id, format: string): Promise<{ client: ClientView; webhook: OpenWebhook } | undefined> {
    const place = await this.#places.find(NO_CLIENT, { id })
    const client = place && (await this.#options.directory.find({ id: place.data.clientId }))
    const webhook = client && this.list(client, { format }).find((hook) => hook.id === id)
    return client && webhook && { client, webhook }
  }

  list(client: ClientView, scope: WebhookScope): OpenWebhook[] {
    return client.webhooks.filter((hook) => isWithin(scope, hook))
  }

  /** @throws NOT_FOUND */
  get(client: ClientView, scope: WebhookScope, id: Id): OpenWebhook {
    const webhook = this.list(client, scope).find((hook) => hook.id === id)
    if (!webhook) throw notFound()
    return webhook
  }

  /**
   * Creates a webhook, or returns an existing one for which `isSame` is true. `max`: maximum of this format per client.
   * @throws INVALID for a forbidden URL, CONFLICT if there are too many
   */
  async create(
    client: ClientView,
    { format, ownerId, url, events, settings, isLocatable, path }: NewWebhook,
    { max, isSame = () => false }: { max: number; isSame?(hook: WebhookRecord): boolean },
  ): Promise<OpenWebhook> {
    const { directory, keyring, now } = this.#options
    this.#assertTarget(url, path)
    const fresh = newId()
    let id = fresh
    const scope = { format, ...(ownerId && { ownerId }) }
    if (isLocatable) await this.#places.insert(NO_CLIENT, fresh, { clientId: client.id })
    try {
      const view = await directory.change(client.id, (record) => {
        const others = record.webhooks.filter((hook) => hook.format === format)
        id = others.find((hook) => isWithin(scope, hook) && isSame(hook))?.id ?? fresh
        if (id !== fresh) return record
        if (others.length >= max) throw new PlugboardError('CONFLICT', `at most ${max} webhooks are allowed`)
        const webhook: WebhookRecord = {
          ...{ id, url, ...scope, token: keyring.seal(newSecret(), record.id), createdAt: now() },
          ...(events && { events: [...events] }),
          ...(settings && { settings }),
        }
        return { ...record, webhooks: [...record.webhooks, webhook] }
      })
      if (isLocatable && id !== fresh) await this.#places.remove(NO_CLIENT, fresh)
      return this.get(view, scope, id)
    } catch (error) {
      if (isLocatable) await this.#places.remove(NO_CLIENT, fresh)
      throw error
    }
  }

  /** @throws NOT_FOUND, INVALID */
  async change(
    client: ClientView,
    scope: WebhookScope,
    id: Id,
    change: Partial<Pick<WebhookRecord, 'url' | 'events' | 'settings'>>,
    path?: readonly (string | number)[],
  ): Promise<OpenWebhook> {
    if (change.url !== undefined) this.#assertTarget(change.url, path)
    const view = await this.#options.directory.change(client.id, (record) => ({
      ...record,
      webhooks: replace(record.webhooks, scope, id, (hook) => [{ ...hook, ...change }]),
    }))
    return this.get(view, scope, id)
  }

  /** Its pending deliveries can be replayed to another webhook. @throws NOT_FOUND */
  async delete(client: ClientView, scope: WebhookScope, id: Id): Promise<void> {
    await this.#options.directory.change(client.id, (record) => ({
      ...record,
      webhooks: replace(record.webhooks, scope, id, () => []),
    }))
    await this.#places.remove(NO_CLIENT, id)
  }

  /** The webhook answered at this URL that it is gone. Deliveries to it are dead letters until its client syncs again. */
  async gone(clientId: Id, id: Id, url: string): Promise<void> {
    await this.#options.directory.change(clientId, (record) => {
      const isAlive = (hook: WebhookRecord): boolean => hook.id === id && hook.url === url && !hook.isGone
      if (!record.webhooks.some(isAlive)) return record
      const webhooks = record.webhooks.map((hook) =>
        isAlive(hook) ? { ...hook, isGone: true as const } : hook,
      )
      return { ...record, webhooks }
    })
  }

  /** Deletes all webhooks of an owner. */
  async deleteOf(client: ClientView, ownerId: Id): Promise<void> {
    await this.#options.directory.change(client.id, (record) => {
      const webhooks = record.webhooks.filter((hook) => hook.ownerId !== ownerId)
      return webhooks.length === record.webhooks.length ? record : { ...record, webhooks }
    })
  }

  #assertTarget(url: string, path: readonly (string | number)[] = ['url']): void {
    const refusal = this.#options.refuseTarget(url)
    if (refusal) throw invalid({ path: [...path], message: refusal })
  }
}

const isWithin = (
  { format, ownerId }: WebhookScope,
  hook: Pick<WebhookRecord, 'format' | 'ownerId'>,
): boolean => hook.format === format && (ownerId === undefined || hook.ownerId === ownerId)

function replace(
  webhooks: readonly WebhookRecord[],
  scope: WebhookScope,
  id: Id,
  by: (hook: WebhookRecord) => WebhookRecord[],
): WebhookRecord[] {
  if (!webhooks.some((hook) => hook.id === id && isWithin(scope, hook))) throw notFound()
  return webhooks.flatMap((hook) => (hook.id === id ? by(hook) : [hook]))
}

const notFound = (): PlugboardError => new PlugboardError('NOT_FOUND', 'webhook not found')
