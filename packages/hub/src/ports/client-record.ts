import type { Id, IntegrationMode, JsonObject } from '@plugboard/core'

/** An encrypted secret; see {@link Keyring}. */
export type Sealed = string & { readonly __sealed: unique symbol }

/** A credential of a client: the hash of a random secret of at least 256 bits. */
export interface TokenRecord {
  id: Id
  /** SHA-256 of the secret, hex. */
  hash: string
  createdAt: Date
}

/** A channel enabled for one client. A client may have several of one channel. */
export interface IntegrationRecord {
  id: Id
  /** Unique per client; used in provider webhook paths. Absent: the name of the channel. */
  name?: string
  /**
   * Stable part of the addresses of its endpoints; unique per client. It stays when the integration is renamed. Absent:
   * the name of the channel.
   */
  key?: string
  /** Name of the channel. */
  channel: string
  /** Version of the configuration format. */
  version: string
  /** The configuration, as sealed JSON text. */
  config: Sealed
  /** How it gets the events of its provider. Absent: `webhook`. */
  mode?: IntegrationMode
  /**
   * `pending`: the provider is not set up yet, or was unreachable; it is retried. `paused`: its credentials stopped
   * working; resumes at the next sync.
   */
  status: 'active' | 'pending' | 'paused'
  /** The provider's message, if it is paused or pending. */
  reason?: string
  /**
   * Its provider has not confirmed yet that the credentials are of its account, so that it gets no events of the one URL of
   * its channel.
   */
  isUnproven?: true
  /** An operator holds its deliveries since then. It still gets events. */
  pausedAt?: Date
}

/**
 * The key of a removed integration that differs from its name, so that adding the integration again finds its
 * conversations.
 */
export interface FormerIntegration {
  channel: string
  name: string
  key: string
}

/** A URL of a client that receives events. */
export interface WebhookRecord {
  id: Id
  url: string
  /**
   * How it gets events. Absent: requests to `url`. `pull`: its readers fetch them; `url` is `pull:` and its name. `feed`:
   * they are numbered in a queue, see {@link Store.enqueue}; `url` is `feed:events`.
   */
  mode?: 'pull' | 'feed'
  /** Signs requests to the webhook. */
  token: Sealed
  /** The secret before a rotation, which signs too until then. */
  former?: { token: Sealed; until: Date }
  /** The dialect that created it, which defines its event format and retry schedule. */
  format: string
  /** Subscribed events, in the terms of its dialect. Absent: the dialect's default. */
  events?: string[]
  /** Owner of the webhook, if the dialect's webhooks have owners. It is deleted with its owner. */
  ownerId?: Id
  createdAt?: Date
  /** Data of its dialect. */
  settings?: JsonObject
  /** It answered that it is gone: nothing is sent to it before the next sync. */
  isGone?: true
  /** An operator holds its deliveries since then. */
  pausedAt?: Date
}

/**
 * One tenant with its whole configuration, in one versioned document, so that concurrent changes cannot mix.
 */
export interface ClientRecord {
  id: Id
  /** A unique id chosen by the caller (a UUID of another version). */
  externalId?: string
  /** Unique; used in provider webhook paths. */
  name?: string
  /** Incremented by each change. */
  version: number
  createdAt: Date
  /** Set while its data is being purged. */
  deletedAt?: Date
  /** An operator disabled it: its API is closed, its deliveries are held, and it gets no events. */
  disabled?: { at: Date; reason?: string }
  /** Whether anonymous users are allowed. */
  acceptsGuests?: boolean
  /** Storage limit in bytes, if it differs from the installation's. 0: no limit. */
  maxStoredBytes?: number
  /**
   * Somebody has followed its conversations: activities are stored even if no webhook wants them. It stays.
   */
  isStreamed?: true
  tokens: TokenRecord[]
  integrations: IntegrationRecord[]
  /** The newest last. Absent: none. */
  formerIntegrations?: FormerIntegration[]
  webhooks: WebhookRecord[]
}
