import type { Id } from '@plugboard/core'
import type { EndpointRecord } from '../../log/endpoint-record.js'
import type { Entry, StreamKind, StreamRef } from '../../log/entry.js'
import type { LaneState } from '../../log/progress.js'
import type { LaneKey } from '../../log/target.js'

/** Names a handle, which has a number of its own. */
export type Owner = number

/** A user, a conversation or an integration: the log of what happened to it, and how far its deliveries are. */
export interface Stream extends StreamRef {
  readonly kind: StreamKind
  /** The person whose conversation it is, or whose stream. */
  userId?: Id
  readonly createdAt: Date
  /** Of a user. */
  data?: Readonly<Record<string, string>>
  /** Of a conversation. */
  endpoints: readonly EndpointRecord[]
  /** The entry with number n is at n - 1. An entry is replaced, never changed. */
  readonly entries: Entry[]
  deletedAt?: Date
  /** Of a user: the one that it was merged into. */
  mergedInto?: Id
  /** Rises with each message of the whole database: the conversation with the highest has the newest message. */
  order: number
  /** Of a conversation: its place in the order of recent ones. */
  activeAt?: Date

  /** Up to here every entry was looked at, and a target without a lane has all that it was owed. */
  scanned: number
  /** Where the targets are that do not have everything up to `scanned`. */
  lanes: Readonly<Record<LaneKey, LaneState>>
  /** When a stream that nobody holds has something to do; undefined when it owes nothing. */
  nextAt: Date | undefined
  /** Who has the lease. A lease whose time has come stays here until somebody takes it or its holder gives it back. */
  holder: Holder | undefined
  /** The fence of the newest lease that was ever taken. */
  fence: number
  /** It became due while it was held, so that it is due again as soon as its holder gives it back. */
  isWoken: boolean
}

/** The handle that delivers the stream: only this one, and only until then. `leases.ts` has all changes of it. */
interface Holder {
  owner: Owner
  fence: number
  /** The fence of the lease that was reclaimed, if it was: that reclaim may be repeated. */
  reclaimedFrom?: number
  until: Date
}

/** Whether something of it may still have to be delivered. */
export const owesSomething = ({ scanned, entries, lanes }: Stream): boolean =>
  scanned < entries.length || Object.keys(lanes).length > 0
