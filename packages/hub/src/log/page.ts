import type { Id } from '@plugboard/core'

/** A keyset page: `before` is the id of the last item of the previous page; `limit` is at least 1. */
export interface Page {
  before?: Id
  limit: number
}

/**
 * Messages, newest first: the newest up to a time, or before an entry, or the next ones after an entry. `before` and
 * `after` are ids of any entries of the conversation, including deleted ones. At most one of them is set.
 */
export interface MessagePage extends Page {
  until?: Date
  after?: Id
}

/** Items between two ids (exclusive), in order of id: the first ones or, with `fromEnd`, the last ones. */
export interface Range {
  after?: Id
  before?: Id
  fromEnd?: boolean
  /** At least 1. */
  limit: number
}

/** Replies to a message, oldest first. */
export interface ReplyPage {
  /** Number of the last entry of the previous page. */
  after?: number
  limit: number
}

export interface MessageCount {
  /** Number of an entry. */
  after: number
  /** Excludes messages of this author. */
  except?: Id
  limit: number
}

/**
 * Maximum size of the texts of a page, in bytes. The page ends with the item that reaches it, even below `limit`.
 */
export const PAGE_BYTES = 1_048_576

/** The texts of unlimited length of an entry, a message or a document. */
export type Texts = { payload: string; details?: string } | { data: string }

/** Size as UTF-8, in bytes. */
export function bytesOf(texts: Texts): number {
  if ('data' in texts) return Buffer.byteLength(texts.data)
  const { payload, details } = texts
  return Buffer.byteLength(payload) + (details === undefined ? 0 : Buffer.byteLength(details))
}

/** Whether a page is full, so that there may be more. Any other page is the last one. */
export function isFull(page: readonly Texts[], limit: number): boolean {
  return page.length >= limit || page.reduce((sum, item) => sum + bytesOf(item), 0) >= PAGE_BYTES
}

/** The items of the first page. */
export function firstPage<T extends Texts>(items: readonly T[], limit: number): T[] {
  const page: T[] = []
  for (let bytes = 0; page.length < limit && bytes < PAGE_BYTES; ) {
    const item = items[page.length]
    if (item === undefined) break
    page.push(item)
    bytes += bytesOf(item)
  }
  return page
}
