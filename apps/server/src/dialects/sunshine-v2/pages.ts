import { type Id, isId } from '@plugboard/core'
import type { Range } from '@plugboard/hub'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { badRequest } from './errors.js'

const DEFAULT_SIZE = 25
const MAX_SIZE = 100

const refuse = () => badRequest('Invalid page query parameters')

/** Parameters in brackets arrive as they are written: `page[size]`. */
type Query = Readonly<Record<string, unknown>>

const parameter = (description: string) => z.unknown().optional().meta({ type: 'string', description })

/** For lists, which look at their query themselves: filters stand beside this. */
export const anyQuery = z.looseObject({
  'page[after]': parameter('The id of the last item of the page before'),
  'page[before]': parameter('The id of the first item of the page after'),
  'page[size]': parameter('1 to 100; 25 where it is not given'),
})

/** A requested page of a list, in order of id. */
export interface PageQuery {
  after?: Id
  before?: Id
  size: number
}

/** @throws bad_request */
export function pageOf(
  query: Query,
  { size: standard = DEFAULT_SIZE, sizeName = 'page[size]' } = {},
): PageQuery {
  const after = cursorOf(query['page[after]'])
  const before = cursorOf(query['page[before]'])
  const given = query[sizeName]
  const size = given === undefined ? standard : Number(given)
  if (after && before) throw refuse()
  if (given === '' || !Number.isInteger(size) || size < 1 || size > MAX_SIZE) throw refuse()
  return { size, ...(after && { after }), ...(before && { before }) }
}

function cursorOf(value: unknown): Id | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !isId(value)) throw refuse()
  return value
}

/** A filter's value, such as `filter[userId]`; undefined when it is not there. @throws bad_request when it came twice */
export function filterOf(query: Query, name: string): string | undefined {
  const value = query[`filter[${name}]`]
  if (value === undefined || typeof value === 'string') return value
  throw badRequest(`filter[${name}] should be a single value`)
}

/** The range to read: one item more than the page, to detect whether there is another page. */
export const rangeOf = ({ after, before, size }: PageQuery): Range => ({
  limit: size + 1,
  ...(after && { after }),
  ...(before && { before, fromEnd: true }),
})

export interface Links {
  meta: { hasMore: boolean; afterCursor?: string; beforeCursor?: string }
  links: { next?: string; prev?: string }
}

/** A page, and whether there are more in each direction. */
export interface Cut<T> {
  items: readonly T[]
  hasNext: boolean
  hasPrev: boolean
}

/**
 * Cuts the one item too many off, and says how to go on. Cursors are ids of items, and so good for any size. A page that
 * was asked for after or before an item has that item's side behind it.
 */
export function cut<T extends { id: string }>(found: readonly T[], page: PageQuery): Cut<T> {
  const isBackwards = page.before !== undefined
  const hasMore = found.length > page.size
  const items = !hasMore ? found : isBackwards ? found.slice(1) : found.slice(0, -1)
  return {
    items,
    hasNext: isBackwards ? true : hasMore,
    hasPrev: isBackwards ? hasMore : page.after !== undefined,
  }
}

/** `meta` and `links` of a page: absolute addresses that keep what was asked. `isNewestFirst`: lists are walked back. */
export function linksOf(
  { items, hasNext, hasPrev }: Cut<{ id: string }>,
  page: PageQuery,
  request: FastifyRequest,
  baseUrl: string,
  isNewestFirst = false,
): Links {
  const [first, last] = [items[0]?.id, items.at(-1)?.id]
  const after = hasNext ? last : undefined
  const before = hasPrev ? first : undefined
  const isBackwards = isNewestFirst ? page.after === undefined : page.before !== undefined
  const link = (cursor: string, id: string): string => {
    const [path = '', query = ''] = request.url.split('?')
    const params = new URLSearchParams(query)
    for (const name of ['page[after]', 'page[before]']) params.delete(name)
    params.set(`page[${cursor}]`, id)
    return `${baseUrl}${path.slice(path.indexOf('/apps'))}?${params}`
  }
  return {
    meta: {
      hasMore: isBackwards ? hasPrev : hasNext,
      ...(after !== undefined && { afterCursor: after }),
      ...(before !== undefined && { beforeCursor: before }),
    },
    links: {
      ...(after !== undefined && { next: link('after', after) }),
      ...(before !== undefined && { prev: link('before', before) }),
    },
  }
}
