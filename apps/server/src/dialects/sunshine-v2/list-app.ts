import { type Id, isId } from '@plugboard/core'
import type { ClientView, ConversationView, Hub } from '@plugboard/hub'
import { badRequest } from './errors.js'
import { type Cut, cut, filterOf, type PageQuery, rangeOf } from './pages.js'

/** The filters that ask for the conversations of the whole app. They are ours: the API has none. */
const ALL = 'all'
const SINCE = 'createdAfter'
const UNTIL = 'createdBefore'
const METADATA = /^filter\[metadata\.(.+)\]$/

/** A page of the app's conversations by metadata and date of making; undefined when that is not asked for. */
export async function listApp(
  hub: Hub,
  client: ClientView,
  query: Readonly<Record<string, unknown>>,
  page: PageQuery,
): Promise<Cut<ConversationView> | undefined> {
  const metadata = Object.entries(query).flatMap(([key, value]): [string, string][] => {
    const name = METADATA.exec(key)?.[1]
    return name === undefined ? [] : [[name, String(value)]]
  })
  const [since, until] = [timeOf(query, SINCE), timeOf(query, UNTIL)]
  const isAll = filterOf(query, ALL) !== undefined
  if (!isAll && metadata.length === 0 && !since && !until) return undefined
  const asked = rangeOf(page)
  const [after, before] = [latest(asked.after, since), earliest(asked.before, until)]
  const range = { limit: asked.limit, ...(after && { after }), ...(before && { before }) }
  const found = await hub.conversations.walk(
    client,
    { ...range, ...(asked.fromEnd && { fromEnd: true }) },
    metadata,
  )
  return cut(found, page)
}

/** The least id of a time: ids begin with the milliseconds at which they were made. */
const idAt = (ms: number): Id => `${ms.toString(16).padStart(12, '0')}${'0'.repeat(12)}` as Id

function timeOf(query: Readonly<Record<string, unknown>>, name: string): Id | undefined {
  const value = filterOf(query, name)
  if (value === undefined) return undefined
  const ms = Date.parse(value)
  const id = Number.isNaN(ms) || ms < 0 ? '' : idAt(ms)
  if (!isId(id)) throw badRequest(`filter[${name}] should be a date`)
  return id
}

const latest = (a: Id | undefined, b: Id | undefined): Id | undefined => (a && b ? (a > b ? a : b) : (a ?? b))
const earliest = (a: Id | undefined, b: Id | undefined): Id | undefined =>
  a && b ? (a < b ? a : b) : (a ?? b)
