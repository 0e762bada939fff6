import type { Id, JsonObject } from '@plugboard/core'

/** A secret that must be read back, as ciphertext; see {@link Keyring}. */
export type Sealed = string & { readonly __sealed: unique symbol }

/** One way to be this client: the hash of a random 256-bit (or longer) secret. */
export interface TokenRecord {
  id: Id
  /** SHA-256 of the secret, hex. */
  hash: string
  createdAt: Date
}

/** A channel enabled for one client. */
export interface IntegrationRecord {
  id: Id
  /** Name of the channel. */
  channel: string
  /** Version of the configuration on the wire. */
  version: string
  /** The configuration, as sealed JSON text. */
  config: Sealed
  /**
   * `pending`: the provider does not know of it yet, or could not be asked; it is being tried. `paused`: its credentials
   * stopped working; resumes at the next sync.
   */
  status: 'active' | 'pending' | 'paused'
  /** The provider's words, when it is paused or pending. */
  reason?: string
}

/** A URL of the client's that gets events. */
export interface WebhookRecord {
  id: Id
  url: string
  /** Signs what is sent there. */
  token: Sealed
  /** The dialect that made it, and whose event shapes and retry schedule it has. */
  format: string
  /** What it is told of, in the words of its dialect; absent: what the dialect tells by itself. */
  events?: string[]
  /** What it belongs to, where the dialect's webhooks belong to something: it goes with that. */
  ownerId?: Id
  createdAt?: Date
  /** What its dialect alone knows of. */
  settings?: JsonObject
}

/**
 * One tenant with its whole configuration, in one versioned document: two changes at once end in one of the two,
 * whole.
 */
export interface ClientRecord {
  id: Id
  /** An id that the caller chose for it (a UUID of another version), unique. */
  externalId?: string
  /** Unique; stands in provider webhook paths. */
  name?: string
  /** Rises by one with each change. */
  version: number
  createdAt: Date
  /** Set while its data is being purged. */
  deletedAt?: Date
  /** Whether anybody may become a user of it without credentials. */
  acceptsGuests?: boolean
  /** How much it may keep, in bytes, where that is not what the installation says; 0: any amount. */
  maxStoredBytes?: number
  tokens: TokenRecord[]
  integrations: IntegrationRecord[]
  webhooks: WebhookRecord[]
}
