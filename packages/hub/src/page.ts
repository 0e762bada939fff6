import type { Id } from '@plugboard/core'

/** A keyset page: `before` is the id of the last item of the page before; `limit` is at least 1. */
export interface Page {
  before?: Id
  limit: number
}

/**
 * Messages, newest first: the newest that were taken in until a time, or came in before an entry, or the next ones after
 * an entry. `before` and `after` are ids of any entries of the conversation, deleted ones too; one of them at most.
 */
export interface MessagePage extends Page {
  until?: Date
  after?: Id
}

/** Items between two ids, both left out, in order of id: the first of them or, with `fromEnd`, the last of them. */
export interface Range {
  after?: Id
  before?: Id
  fromEnd?: boolean
  /** At least 1. */
  limit: number
}

export interface MessageCount {
  /** Number of an entry. */
  after: number
  /** Whose messages are left out. */
  except?: Id
  limit: number
}
