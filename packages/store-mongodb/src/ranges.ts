import type { Range } from '@plugboard/hub'
import type { Model } from 'mongoose'
import { oid } from './rows.js'

/** What a model has of a range, in order of the field, which is an id: one walk of an index, from either end. */
export async function findRange<T>(
  model: Model<T>,
  filter: object,
  field: '_id' | 'documentId',
  { after, before, fromEnd = false, limit }: Range,
  projection: object = {},
): Promise<T[]> {
  const bounds = { ...(after && { $gt: oid(after) }), ...(before && { $lt: oid(before) }) }
  const found = await model
    .find({ ...filter, ...(Object.keys(bounds).length > 0 && { [field]: bounds }) }, projection)
    .sort({ [field]: fromEnd ? -1 : 1 })
    .limit(limit)
    .lean<T[]>()
  return fromEnd ? found.reverse() : found
}
