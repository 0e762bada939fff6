import type { Id } from '@plugboard/core'
import type { ConversationRecord } from './endpoint-record.js'

/**
 * How exact the order of recent conversations is, in milliseconds. A store moves a conversation to the front with a
 * message that is this much newer than what moved it last, so that most messages cost no write.
 */
export const ACTIVITY_GRAIN_MS = 30_000

/** The place in the order of recent conversations after a message at `at`. All times are in milliseconds. Pure. */
export const movedActivity = (known: number, at: number): number =>
  at - known >= ACTIVITY_GRAIN_MS ? at : known

/** Maximum size of the texts of a message that is read as a preview of its conversation, in bytes. */
export const PREVIEW_BYTES = 2_048

/** A conversation with its place in the order of recent conversations. */
export interface RecentConversation extends ConversationRecord {
  /**
   * The time of its newest message, up to {@link ACTIVITY_GRAIN_MS} earlier than that; of one without messages, when it
   * was created.
   */
  activeAt: Date
}

/** Dead letters that are counted of one conversation. */
export const COUNTED_DEAD = 100

/** What of a conversation is not delivered. */
export interface ConversationState {
  id: Id
  /** Number of targets that are behind. */
  pending: number
  /** Number of dead letters, up to {@link COUNTED_DEAD}. */
  dead: number
}

/** Conversations by {@link RecentConversation.activeAt}, newest first, and then by id. */
export interface RecentPage {
  /** The last one of the previous page. */
  before?: Pick<RecentConversation, 'activeAt' | 'id'>
  /** `activeAt` at this time or later. */
  since?: Date
  /** `activeAt` at this time or earlier. */
  until?: Date
  /** Only those with an endpoint of this channel, as `encodeChannel` has it. */
  channel?: string
  /** At least 1. */
  limit: number
}
