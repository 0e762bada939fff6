import type { Id } from '@plugboard/core'

/**
 * Data of a user, a conversation or a credential outside the logs. Belongs to a client, or to the whole store if
 * `clientId` is {@link NO_CLIENT}.
 */
export interface StoredDocument {
  clientId: Id
  /** Such as `user`. Ids, names and terms are separate per collection. */
  collection: string
  id: Id
  /** Unique among the client's documents of its collection. */
  name?: string
  /** Search terms, matched exactly, without duplicates. */
  terms: readonly string[]
  /** Incremented by each change. */
  version: number
  /** JSON text. Stored byte for byte. */
  data: string
}

/** The `clientId` of documents that belong to no client. */
export const NO_CLIENT = '0'.repeat(24) as Id
