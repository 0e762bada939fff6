import type { Id } from '@plugboard/core'

/**
 * What is kept of a user, a conversation or a credential beside the logs. It belongs to a client, or with a `clientId`
 * of {@link NO_CLIENT} to the whole store.
 */
export interface StoredDocument {
  clientId: Id
  /** Such as `user`: ids, names and terms of one collection say nothing of another. */
  collection: string
  id: Id
  /** Unique among the client's documents of its collection. */
  name?: string
  /** What it can be found by, each exactly as it stands; no two are the same. */
  terms: readonly string[]
  /** Rises by one with each change. */
  version: number
  /** JSON text. Kept byte for byte. */
  data: string
}

/** The client of documents that are no client's. */
export const NO_CLIENT = '0'.repeat(24) as Id
