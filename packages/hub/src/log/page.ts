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

/** Replies to a message, oldest first. */
export interface ReplyPage {
  /** Number of the last entry of the page before. */
  after?: number
  limit: number
}

export interface MessageCount {
  /** Number of an entry. */
  after: number
  /** Whose messages are left out. */
  except?: Id
  limit: number
}

/**
 * What a page holds of texts that have any length, in bytes: it ends with the item that brings it to this, however many
 * were asked for.
 */
export const PAGE_BYTES = 1_048_576

/** The texts of an entry, a message or a document that have any length. */
export type Texts = { payload: string; details?: string } | { data: string }

/** Their size as UTF-8. */
export function bytesOf(texts: Texts): number {
  if ('data' in texts) return Buffer.byteLength(texts.data)
  const { payload, details } = texts
  return Buffer.byteLength(payload) + (details === undefined ? 0 : Buffer.byteLength(details))
}

/** Whether a page has all that it can have: what comes after it has to be asked for. Any other page is the last one. */
export function isFull(page: readonly Texts[], limit: number): boolean {
  return page.length >= limit || page.reduce((sum, item) => sum + bytesOf(item), 0) >= PAGE_BYTES
}

/** The first of some items, as many as there are on one page. */
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
