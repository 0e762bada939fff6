import type { Id } from '@plugboard/core'
import type { Page } from '@plugboard/hub'
import { type JsonText, listText, pagesOf } from '../json-text.js'

/** Items of a list where the request names no limit. */
const DEFAULT_LIMIT = 20
/** Items read at once: what is more is streamed. */
const PAGE = 500

/** A list of the domain. */
interface List<T> {
  read(page: Page): Promise<T[]>
  /** Whether a page has all that it can have, so that there may be more. Default: it has as many as were asked for. */
  isFull?(page: readonly T[], limit: number): boolean
  print(item: T): string
}

/**
 * A list as a JSON array, as many as are `wanted` (0: all) from `before` on. What is more than a page is streamed, so
 * that memory does not grow with it.
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
