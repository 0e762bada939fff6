import type { Id } from '@plugboard/core'
import type { ChannelRef, EndpointRecord } from '../log/endpoint-record.js'
import type { Entry } from '../log/entry.js'
import type { Progress } from '../log/progress.js'
import type { ClientRecord } from './client-record.js'
import type { KeyClaim, Store } from './store.js'
import type { StoredDocument } from './stored-document.js'

/**
 * A whole store as records that no store is in the form of, so that one can be copied to another of any kind.
 * `archiveSuite` in `@plugboard/hub/testing` is its specification. While an archive is read or written nobody else uses
 * the store.
 */
export interface Archive {
  /**
   * Everything, in pages that fit in memory and in an order that stays: what a record needs comes before it, and who was
   * cut off goes on after the `cursor` of the last page that was written. A cursor is of use for this store alone. What a
   * crash left half-made is completed first, in the store itself; leases are no part of it.
   */
  read(after?: string): AsyncIterable<ArchivePage>
  /**
   * Writes records that {@link read} gave in this order. Idempotent: a record that is there already stays as it is. On
   * disk when it resolves. @throws CONFLICT when something else has its id or its place
   */
  write(records: readonly ArchiveRecord[]): Promise<void>
  /** How many records of each kind {@link read} gives in all. */
  count(): Promise<Counts>
}

/** A store that can be copied whole. */
export interface ArchivedStore extends Store {
  readonly archive: Archive
}

/** Some consecutive records, and where they end. */
export interface ArchivePage {
  records: ArchiveRecord[]
  cursor: string
}

/** The kinds of records, in the order that they are read in. */
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

/** Names of meta that begin so tell of copies of this very store: they are no part of its archive. */
export const COPY_META = 'copy.'

export interface MetaRecord {
  key: string
  value: string
}

/** A stream without its entries. What an entry itself does not tell of its stream is here. */
export interface StreamRecord extends Progress {
  id: Id
  clientId: Id
  createdAt: Date
  /** The newest number, and the time of that entry (0 where there is none): a store may read both off the entries. */
  seq: number
  lastAt: Date
  /** When there is something to do; absent when nothing is owed. A stream that was held is due at `lastAt`. */
  nextAt?: Date
  /** Not later than the time of the first entry that may still be owed; there whenever `nextAt` is. */
  owedAt?: Date
}

export interface UserStream extends StreamRecord {
  deletedAt?: Date
  data?: Record<string, string>
}

/**
 * A conversation with its endpoints, deleted or not: the endpoints of a deleted one lead nowhere, nor do those of one
 * whose user was deleted, and those of any other lead to it.
 */
export interface ConversationStream extends StreamRecord {
  /** Absent when the user was purged before it, or when it is one of a group. */
  userId?: Id
  endpoints: readonly EndpointRecord[]
  /** As `lastAt`, of the newest message, or of a later one that was refused as a duplicate. */
  lastMessageAt?: Date
  deletedAt?: Date
}

/** Who a sender is, for longer than its conversations live; not longer than its user. */
export interface SenderRecord {
  clientId: Id
  channel: ChannelRef
  identity: string
  sender: string
  userId: Id
}

/** What {@link Store.increment} counts. */
export interface CounterRecord {
  clientId: Id
  name: string
  value: number
}
