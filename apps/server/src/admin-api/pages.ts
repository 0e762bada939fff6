import { type Id, invalid, isId } from '@plugboard/core'
import { z } from 'zod'

/** Items of a page, at most. */
const MAX_ITEMS = 200

/** Members of the query of every list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(MAX_ITEMS).default(50).describe('Items of a page'),
  cursor: z.string().max(1_000).optional().describe('`next` of the page before'),
}

/** The answer of every list. */
export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    next: z.string().optional().describe('Cursor of the next page; absent after the last one'),
  })

/** The cursor of a list whose pages end with an id. @throws INVALID */
export function idOfCursor(cursor: string | undefined): Id | undefined {
  if (cursor === undefined || isId(cursor)) return cursor
  throw invalid({ path: ['cursor'], message: 'must be `next` of a page of this list' })
}
