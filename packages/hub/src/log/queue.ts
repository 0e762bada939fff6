import type { Id } from '@plugboard/core'

/** Where an entry is in a queue: see {@link Store.enqueue}. */
export interface QueueItem {
  streamId: Id
  seq: number
  /** The user whose items can be read alone. */
  userId?: Id
  /** When it was added; only for the age of the item. */
  at: Date
}

/** An item with its number in the queue. */
export interface QueuedItem extends QueueItem {
  n: number
}

/** Items after a number; with `userId` those of one user. */
export interface QueuePage {
  after: number
  limit: number
  userId?: Id
}

/** The numbers of the oldest and the newest item of a queue. */
export interface QueueEnds {
  first: number
  last: number
}
