import type { Id } from '@plugboard/core'
import { type Activity, activityOf } from '../log/activity.js'
import type { EndpointRecord } from '../log/endpoint-record.js'
import type { Entry } from '../log/entry.js'

/** An entry of the log, as followers get it. */
export interface StoredEvent {
  entry: Entry
  /** The user of the conversation, or the user that the entry is about. */
  userId?: Id
  /** The endpoints of the conversation. */
  endpoints: readonly EndpointRecord[]
  /** Where a follower continues after this event. Opaque. */
  position: string
}

/** Something that is not stored, such as typing: it has no position, and is not repeated. */
export interface EphemeralEvent {
  ephemeral: { conversationId: Id; activity: Activity }
  /** The user of the conversation. */
  userId?: Id
  /** The channel of the conversation, as in entries. */
  channel: string
}

export type LiveEvent = StoredEvent | EphemeralEvent

/** What a follower follows: a conversation, all conversations of a user, or all of a client. */
export type LiveScope = { conversationId: Id } | { userId: Id } | { client: true }

/**
 * Some events, in order, and the position behind them. It may be further than that of the last event, and a page may have
 * no event: not all that is stored is for followers. `reset`: what follows the position is no longer kept; the follower
 * gets everything after `oldest`.
 */
export type LivePage = { events: readonly LiveEvent[]; position: string } | { reset: { oldest: string } }

/**
 * Whether followers get an entry. They do not get numbers without an entry, deleted messages, what only an endpoint gets,
 * and typing: that is in the log for webhooks, and followers get it when it happens.
 */
export function isFollowed(entry: Entry): boolean {
  if (entry.type === 'void' || entry.deletedAt) return false
  if (entry.type !== 'activity') return true
  const activity = activityOf(entry)
  return activity !== undefined && activity.type !== 'typing' && activity.type !== 'second-form'
}

const POSITION = /^(?:0|[1-9]\d{0,15})$/

/** The number of a position of a conversation; undefined for any other text. */
export function seqOfPosition(position: string): number | undefined {
  const seq = POSITION.test(position) ? Number(position) : Number.NaN
  return Number.isSafeInteger(seq) ? seq : undefined
}
