import { Readable } from 'node:stream'

/** Items of a list where the request names no limit. */
const DEFAULT_LIMIT = 20
/** Items read at once: what is more is streamed. */
const PAGE = 500

/**
 * A list as a JSON array. A short one is answered whole; a long one, or all of it (`limit=0`), is streamed in keyset
 * pages, so that memory does not grow with it. Lists the first page before it answers, so that what is wrong shows.
 */
export async function jsonList<T extends { id: string }, I extends string>(
  wanted: number | undefined,
  before: I | undefined,
  read: (page: { limit: number; before?: I }) => Promise<T[]>,
  print: (item: T) => string,
): Promise<string | Readable> {
  const limit = wanted === undefined ? DEFAULT_LIMIT : wanted === 0 ? Number.POSITIVE_INFINITY : wanted
  const first = await read({ limit: Math.min(limit, PAGE), ...(before && { before }) })
  if (first.length < PAGE || limit <= PAGE) return `[${first.map(print).join(',')}]`
  return Readable.from(pages(first, limit))

  async function* pages(page: T[], left: number): AsyncGenerator<string> {
    let separator = '['
    for (let rest = left; page.length > 0; ) {
      yield separator + page.map(print).join(',')
      separator = ','
      rest -= page.length
      const last = page.at(-1)
      page = rest > 0 && last ? await read({ limit: Math.min(rest, PAGE), before: last.id as I }) : []
    }
    yield ']'
  }
}
