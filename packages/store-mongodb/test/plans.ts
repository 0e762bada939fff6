import { indexes } from '../src/database/indexes.js'

/** A read or the finding part of a write, as it went over the wire. */
export interface Query {
  collection: string
  filter: Readonly<Record<string, unknown>>
  sort: Readonly<Record<string, number>>
  /** The command, to be explained by a server. */
  command: Readonly<Record<string, unknown>>
}

type Doc = Record<string, unknown>
const docOf = (value: unknown): Doc => (value as Doc | undefined) ?? {}

/** The queries that a command asks, those of its lookups included. */
export function queriesOf(name: string, body: Readonly<Record<string, unknown>>): Query[] {
  const collection = String(body[name])
  const query = (filter: unknown, sort: unknown, command: Doc): Query[] => [
    { collection, filter: docOf(filter), sort: docOf(sort) as Record<string, number>, command },
  ]
  switch (name) {
    case 'find':
      return query(body.filter, body.sort, pick(body, ['find', 'filter', 'sort', 'limit', 'projection']))
    case 'aggregate': {
      const stages = body.pipeline as Doc[]
      const command = { ...pick(body, ['aggregate', 'pipeline']), cursor: {} }
      return [...query(stages[0]?.$match, sortOf(stages), command), ...lookupsOf(stages, command)]
    }
    case 'findAndModify':
      return query(body.query, body.sort, pick(body, ['findAndModify', 'query', 'update', 'upsert']))
    case 'update':
      return (body.updates as Doc[]).flatMap(({ q, u, multi = false }) =>
        query(q, undefined, { update: collection, updates: [{ q, u, multi }] }),
      )
    case 'delete':
      return (body.deletes as Doc[]).flatMap(({ q, limit }) =>
        query(q, undefined, { delete: collection, deletes: [{ q, limit }] }),
      )
    default:
      return []
  }
}

const sortOf = (stages: readonly Doc[]): unknown => stages.find((stage) => '$sort' in stage)?.$sort

/** What a lookup asks for each document: the foreign field has one value, and what its first stage matches holds too. */
const lookupsOf = (stages: readonly Doc[], command: Doc): Query[] =>
  stages.flatMap(({ $lookup }) => {
    if (!$lookup) return []
    const { from, foreignField, pipeline } = $lookup as {
      from: string
      foreignField: string
      pipeline?: Doc[]
    }
    const filter = { [foreignField]: 'a value', ...docOf(pipeline?.[0]?.$match) }
    const sort = docOf(sortOf(pipeline ?? [])) as Record<string, number>
    return [{ collection: from, filter, sort, command }]
  })

const pick = (from: Readonly<Record<string, unknown>>, keys: readonly string[]): Doc =>
  Object.fromEntries(keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]))

/** What the planner can bound an index field with. */
function kindOf(condition: unknown): 'point' | 'points' | 'range' | 'none' {
  if (condition === null || typeof condition !== 'object' || !isOperators(condition)) return 'point'
  const operators = Object.keys(condition)
  if (operators.includes('$in')) return 'points'
  return operators.some((operator) => /^\$(gt|gte|lt|lte)$/.test(operator)) ? 'range' : 'none'
}

const isOperators = (condition: object): boolean =>
  Object.keys(condition).some((key) => key.startsWith('$')) && !(condition instanceof Date)

/**
 * Why no declared index serves a query, by the rules of MongoDB's planner: leading fields are bounded, what is sorted
 * follows those that are bound to a point, and a partial index has all that the query can find. Undefined when one does.
 */
export function flawOf({ collection, filter, sort }: Query): string | undefined {
  // What is bound to a point has no order to keep.
  const sorted = Object.entries(sort).filter(
    ([field]) => !(field in filter) || kindOf(filter[field]) !== 'point',
  )
  if (filter._id !== undefined && kindOf(filter._id) !== 'none') {
    const isOrdered = sorted.length === 0 || sorted.every(([field]) => field === '_id')
    if (isOrdered) return undefined
  }
  const known = indexes[collection as keyof typeof indexes]
  if (known?.some(([, keys, options]) => serves(keys, options?.partialFilterExpression, filter, sorted))) {
    return undefined
  }
  return `no index of ${collection} for ${JSON.stringify(filter)} sorted by ${JSON.stringify(sort)}`
}

function serves(
  keys: Readonly<Record<string, 1 | -1>>,
  partial: Readonly<Record<string, unknown>> | undefined,
  filter: Query['filter'],
  sorted: readonly (readonly [string, number])[],
): boolean {
  if (partial && !Object.keys(partial).every((field) => field in filter)) return false
  const fields = Object.entries(keys)
  const points = fields.findIndex(
    ([field]) => filter[field] === undefined || kindOf(filter[field]) !== 'point',
  )
  const rest = points < 0 ? [] : fields.slice(points)
  if (sorted.length > 0) return isInOrder(rest, sorted) && (points !== 0 || isRange(rest, filter))
  return points !== 0 || isRange(rest, filter)
}

const isRange = ([first]: readonly (readonly [string, 1 | -1])[], filter: Query['filter']): boolean =>
  first !== undefined && ['range', 'points'].includes(kindOf(filter[first[0]]))

/** The index has them next, all forwards or all backwards. */
function isInOrder(
  rest: readonly (readonly [string, 1 | -1])[],
  sorted: readonly (readonly [string, number])[],
): boolean {
  const turns = new Set(sorted.map(([, direction], index) => direction * (rest[index]?.[1] ?? 0)))
  return sorted.every(([field], index) => rest[index]?.[0] === field) && turns.size === 1 && !turns.has(0)
}

/** All stages of a winning plan, of any depth. */
export function stagesOf(plan: unknown): string[] {
  if (typeof plan !== 'object' || plan === null) return []
  const own = 'stage' in plan && typeof plan.stage === 'string' ? [plan.stage] : []
  return [...own, ...Object.values(plan).flatMap(stagesOf)]
}
