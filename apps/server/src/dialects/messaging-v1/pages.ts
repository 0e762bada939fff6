import type { Id } from '@plugboard/core'
import type { Page } from '@plugboard/hub'
import { type JsonText, listText, pagesOf } from '../json-text.js'

/** Default number of items of a list. */
const DEFAULT_LIMIT = 20
/** Items per read. Longer lists are streamed. */
const PAGE = 500

/** A list of the domain. */
interface List<T> {
  read(page: Page): Promise<T[]>
  /** Whether a page is full, so that there may be more. Default: it has `limit` items. */
  isFull?(page: readonly T[], limit: number): boolean
  print(item: T): string
}

/**
 * A list as a JSON array: `wanted` items (0: all) after `before`. Lists longer than a page are streamed, which bounds the
 * memory.
 */
export function jsonList<T extends { id: Id }>(
  wanted: number | undefined,
  before: Id | undefined,
  { read, isFull = ({ length }, limit) => length >= limit, print }: List<T>,
): Promise<JsonText> {
  const limit = wanted === undefined ? DEFAULT_LIMIT : wanted === 0 ? Number.POSITIVE_INFINITY : wanted
  const pages = pagesOf<T>(
    async (last, size) => {
      const start = last?.id ?? before
      const items = await read({ limit: size, ...(start !== undefined && { before: start }) })
      return { items, hasMore: isFull(items, size) }
    },
    { pageSize: PAGE, limit },
  )
  return listText(pages, print)
}
