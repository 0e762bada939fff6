import type { Range } from '@plugboard/hub'
import type { Model, PipelineStage } from 'mongoose'
import { oid } from '../encoding.js'

type Field = '_id' | 'documentId'

const within = (filter: object, field: Field, { after, before }: Range): object => {
  const bounds = { ...(after && { $gt: oid(after) }), ...(before && { $lt: oid(before) }) }
  return { ...filter, ...(Object.keys(bounds).length > 0 && { [field]: bounds }) }
}

/** What a model has of a range, in order of the field, which is an id: one walk of an index, from either end. */
export async function findRange<T>(
  model: Model<T>,
  filter: object,
  field: Field,
  range: Range,
  projection: object = {},
): Promise<T[]> {
  const { fromEnd = false, limit } = range
  const found = await model
    .find(within(filter, field, range), projection)
    .sort({ [field]: fromEnd ? -1 : 1 })
    .limit(limit)
    .lean<T[]>()
  return fromEnd ? found.reverse() : found
}

/** As {@link findRange}, as stages; with `fromEnd` the last one comes first. */
export const stagesOf = (filter: object, field: Field, range: Range): PipelineStage[] => [
  { $match: within(filter, field, range) },
  { $sort: { [field]: range.fromEnd ? -1 : 1 } },
  { $limit: range.limit },
]
