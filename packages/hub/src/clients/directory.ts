import type { Id } from '@plugboard/core'
import { PlugboardError, parseJsonObject } from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import { atMost } from '../cache.js'
import type { ClientRecord, WebhookRecord } from '../ports/client-record.js'
import type { Store } from '../ports/store.js'
import type { Keyring } from './keyring.js'
import { namesOf, type OpenIntegration } from './open-integration.js'

/** A client with decrypted secrets. Must not be logged. */
export interface ClientView {
  readonly id: Id
  readonly record: ClientRecord
  readonly webhooks: readonly OpenWebhook[]
  /** By name. */
  readonly integrations: ReadonlyMap<string, OpenIntegration>
}

export type OpenWebhook = Omit<WebhookRecord, 'token' | 'former'> & {
  token: string
  former?: { token: string; until: Date }
}

/** Ways to identify a client. */
export type ClientName = { id: Id } | { externalId: string } | { name: string }

export interface DirectoryOptions {
  store: Store
  keyring: Keyring
  /** Maximum number of cached clients. */
  maxClients: number
  /** Maximum age of a cache entry, in milliseconds. 0: no limit (single process only). */
  maxAgeMs: number
  /** Called after each change, once this process uses it. */
  changed(clientId: Id): Promise<void>
  /** Called before a change is written, and again afterwards. Need not change anything the second time. */
  changing?(before: ClientRecord, after: ClientRecord): Promise<void>
}

/** Maximum attempts of a change when concurrent changes interfere. */
const MAX_TRIES = 20

/** The clients and their configuration: read through a cache, changed by compare-and-set. */
export class Directory {
  readonly #options: DirectoryOptions
  readonly #views: LRUCache<string, ClientView>
  /** Ids by external id and name. */
  readonly #aliases: LRUCache<string, Id>
  /** Incremented by each change, so that a value read before the change is not cached after it. */
  #changes = 0
  /** As {@link DirectoryOptions.maxAgeMs}; longer once the store confirmed change notifications. */
  maxAgeMs: number

  constructor(options: DirectoryOptions) {
    this.#options = options
    const { maxClients: max, maxAgeMs } = options
    this.maxAgeMs = maxAgeMs
    this.#views = new LRUCache({ ...atMost(max) })
    this.#aliases = new LRUCache({ ...atMost(max) })
  }

  /** The cached client, without waiting. */
  peek(id: Id): ClientView | undefined {
    return this.#views.get(id)
  }

  async find(by: ClientName): Promise<ClientView | undefined> {
    const alias = 'id' in by ? undefined : aliasOf(by)
    const id = 'id' in by ? by.id : alias && this.#aliases.get(alias)
    const known = id && this.#views.get(id)
    if (known) return known
    const changes = this.#changes
    const record = await this.#options.store.findClient(by)
    if (!record || record.deletedAt) return undefined
    const view = this.#open(record)
    if (changes !== this.#changes) return view
    this.#views.set(record.id, view, { ttl: this.maxAgeMs })
    if (alias) this.#aliases.set(alias, record.id, { ttl: this.maxAgeMs })
    return view
  }

  /** @throws NOT_FOUND */
  async get(id: Id): Promise<ClientView> {
    const view = await this.find({ id })
    if (!view) throw new PlugboardError('NOT_FOUND', 'client not found')
    return view
  }

  /** Adds a client, with whatever it is configured with. @throws CONFLICT if its id or name is in use */
  async insert(record: ClientRecord): Promise<ClientView> {
    const { store, changing, changed } = this.#options
    await changing?.({ ...record, integrations: [], webhooks: [] }, record)
    await store.insertClient(record)
    const view = this.#open(record)
    this.#views.set(record.id, view, { ttl: this.maxAgeMs })
    // Nothing else waits for a client that did not exist.
    if (record.integrations.length > 0) await changed(record.id)
    return view
  }

  /**
   * Changes a client by compare-and-set. `change` returns the whole new record, or its argument for no change. It is
   * called again if a concurrent change interfered. @throws NOT_FOUND, and CONFLICT after too many attempts
   */
  async change(id: Id, change: (record: ClientRecord) => ClientRecord): Promise<ClientView> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const record = await this.#options.store.findClient({ id })
      if (!record || record.deletedAt) throw new PlugboardError('NOT_FOUND', 'client not found')
      const changed = change(record)
      if (changed === record) return this.#open(record)
      const next = { ...changed, version: record.version + 1 }
      await this.#options.changing?.(record, next)
      if (await this.#options.store.replaceClient(next)) {
        await this.#options.changing?.(record, next)
        await this.#replaced(next)
        return this.#open(next)
      }
    }
    throw new PlugboardError('CONFLICT', 'the client changed concurrently; try again')
  }

  /** Drops cached data because another process changed a client, or may have changed any client. */
  forget(id?: Id): void {
    this.#changes += 1
    this.#aliases.clear()
    if (id) this.#views.delete(id)
    else this.#views.clear()
  }

  async #replaced(record: ClientRecord): Promise<void> {
    this.#changes += 1
    this.#aliases.clear()
    const isNewer = (this.#views.peek(record.id)?.record.version ?? 0) < record.version
    if (record.deletedAt) this.#views.delete(record.id)
    else if (isNewer) this.#views.set(record.id, this.#open(record), { ttl: this.maxAgeMs })
    await this.#options.changed(record.id)
  }

  #open(record: ClientRecord): ClientView {
    const { keyring } = this.#options
    const webhooks = record.webhooks.map(({ token, former, ...hook }): OpenWebhook => {
      const open = { ...hook, token: keyring.open(token, record.id) }
      return former ? { ...open, former: { ...former, token: keyring.open(former.token, record.id) } } : open
    })
    const integrations = record.integrations.map((integration): [string, OpenIntegration] => {
      const config = parseJsonObject(keyring.open(integration.config, record.id))
      const names = namesOf(integration)
      return [names.name, { ...integration, ...names, config }]
    })
    return { id: record.id, record, webhooks, integrations: new Map(integrations) }
  }
}

const aliasOf = (by: { externalId: string } | { name: string }): string =>
  'name' in by ? `name:${by.name}` : `id:${by.externalId}`
