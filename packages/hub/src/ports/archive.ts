import type { Id } from '@plugboard/core'
import type { ChannelRef, EndpointRecord } from '../log/endpoint-record.js'
import type { Entry } from '../log/entry.js'
import type { Progress } from '../log/progress.js'
import type { PullLane } from '../log/pull-lane.js'
import type { QueuedItem } from '../log/queue.js'
import type { ClientRecord } from './client-record.js'
import type { KeyClaim, Store } from './store.js'
import type { StoredDocument } from './stored-document.js'

/**
 * A whole store as store-independent records, to copy it to a store of any kind. `archiveSuite` in
 * `@plugboard/hub/testing` is its specification. Nothing else may use the store while an archive is read or written.
 */
export interface Archive {
  /**
   * All records, in pages that fit in memory and in a stable order: dependencies come first. An interrupted reader
   * continues after the `cursor` of the last written page. A cursor is only valid for this store. Incomplete writes of a
   * crash are completed first, in the store itself. Leases are not included, except those of pull webhooks.
   */
  read(after?: string): AsyncIterable<ArchivePage>
  /**
   * Writes records of {@link read} in this order. Idempotent: an existing record stays unchanged. On disk when it
   * resolves. @throws CONFLICT if another record has the id or the position
   */
  write(records: readonly ArchiveRecord[]): Promise<void>
  /** Total records of {@link read}, by kind. */
  count(): Promise<Counts>
}

/** A store that can be copied. */
export interface ArchivedStore extends Store {
  readonly archive: Archive
}

/** Consecutive records, and the cursor after them. */
export interface ArchivePage {
  records: ArchiveRecord[]
  cursor: string
}

/** The kinds of records, in reading order. */
export const ARCHIVE_KINDS = [
  'meta',
  'client',
  'key',
  'user',
  'conversation',
  'integration',
  'sender',
  'entry',
  'document',
  'counter',
  'queued',
  'pull',
] as const

export type ArchiveKind = (typeof ARCHIVE_KINDS)[number]
export type Counts = Record<ArchiveKind, number>

export type ArchiveRecord =
  | ({ kind: 'meta' } & MetaRecord)
  | ({ kind: 'client' } & ClientRecord)
  | ({ kind: 'key' } & KeyClaim)
  | ({ kind: 'user' } & UserStream)
  | ({ kind: 'conversation' } & ConversationStream)
  | ({ kind: 'integration' } & StreamRecord)
  | ({ kind: 'sender' } & SenderRecord)
  | ({ kind: 'entry' } & Entry)
  | ({ kind: 'document' } & StoredDocument)
  | ({ kind: 'counter' } & CounterRecord)
  | ({ kind: 'queued' } & QueueRecord)
  | ({ kind: 'pull' } & PullLane)

/** Prefix of meta names about copies of this store, which are not part of its archive. */
export const COPY_META = 'copy.'

export interface MetaRecord {
  key: string
  value: string
}

/** A stream without its entries. */
export interface StreamRecord extends Progress {
  id: Id
  clientId: Id
  createdAt: Date
  /** The newest number, and the time of that entry (0 if there is none). A store may derive both from the entries. */
  seq: number
  lastAt: Date
  /** When the stream is due; absent if nothing is pending. A leased stream is due at `lastAt`. */
  nextAt?: Date
  /** At or before the time of the first entry that may be pending; present if `nextAt` is. */
  owedAt?: Date
}

export interface UserStream extends StreamRecord {
  deletedAt?: Date
  /** The user that it was merged into. */
  mergedInto?: Id
  data?: Record<string, string>
}

/**
 * A conversation with its endpoints, deleted or not. The endpoints of a deleted conversation or a deleted user resolve to
 * nothing; others resolve to the conversation.
 */
export interface ConversationStream extends StreamRecord {
  /** Absent if the user was purged first, or for a group. */
  userId?: Id
  endpoints: readonly EndpointRecord[]
  /** Time of the newest message, or of a later one that was rejected as a duplicate. */
  lastMessageAt?: Date
  deletedAt?: Date
}

/** The user of a sender. Outlives its conversations, but not its user. */
export interface SenderRecord {
  clientId: Id
  channel: ChannelRef
  identity: string
  sender: string
  userId: Id
}

/** A counter of {@link Store.increment}. */
export interface CounterRecord {
  clientId: Id
  name: string
  value: number
}

/** An item of a queue. */
export interface QueueRecord extends QueuedItem {
  clientId: Id
  queueId: Id
}
