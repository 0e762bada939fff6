import { PAGE_BYTES } from '@plugboard/hub'
import type { PipelineStage } from 'mongoose'
import type { ObjectId } from './document-types.js'

/** Bytes of texts that are read together with others; of longer ones their size is, and they are read if they fit. */
const SHORT = 2_048

/** The texts of a document that have any length. */
export type TextFields = readonly ['payload', 'details'] | readonly ['data']

type Field = TextFields[number]
type WithTexts = { [F in Field]?: string }

/** How long its texts are. They are not in it where that is more than {@link SHORT}. */
type Sized<T> = T & { bytes: number }

/** What of a model is needed here. */
interface Aggregating {
  aggregate<R>(stages: PipelineStage[]): PromiseLike<R[]>
}

const bytesIn = (texts: readonly (string | undefined)[]): number =>
  texts.reduce((sum, text = '') => sum + Buffer.byteLength(text), 0)

/**
 * What some stages find, up to the document that fills a page: no more is read, in one round trip where all texts are
 * short. `stages` gives the documents whole, in the order of the page and no more than there may be.
 */
export async function readPage<T extends WithTexts & { _id: ObjectId }>(
  model: Aggregating,
  fields: TextFields,
  stages: readonly PipelineStage[],
): Promise<T[]> {
  for (;;) {
    const found = await model.aggregate<Sized<T>>([...stages, ...withSizes(fields)])
    const page = await withTexts(model, fields, firstPage(found))
    if (page) return page
  }
}

const withSizes = (fields: TextFields): PipelineStage.Set[] => {
  const sizes = fields.map((field) => ({ $strLenBytes: { $ifNull: [`$${field}`, ''] } }))
  const isLong = { $gt: ['$bytes', SHORT] }
  const short = fields.map((field) => [field, { $cond: [isLong, '$$REMOVE', `$${field}`] }])
  return [{ $set: { bytes: { $add: sizes } } }, { $set: Object.fromEntries(short) }]
}

function firstPage<T>(found: readonly Sized<T>[]): Sized<T>[] {
  let bytes = 0
  const end = found.findIndex((doc) => {
    const isOver = bytes >= PAGE_BYTES
    bytes += doc.bytes
    return isOver
  })
  return end === -1 ? [...found] : found.slice(0, end)
}

/** Undefined when a text was changed since its size was read. */
async function withTexts<T extends WithTexts & { _id: ObjectId }>(
  model: Aggregating,
  fields: TextFields,
  page: readonly Sized<T>[],
): Promise<T[] | undefined> {
  const long = page.filter(({ bytes }) => bytes > SHORT).map(({ _id }) => _id)
  if (long.length === 0) return [...page]
  const projection = Object.fromEntries(fields.map((field) => [field, 1 as const]))
  const texts = await model.aggregate<WithTexts & { _id: ObjectId }>([
    { $match: { _id: { $in: long } } },
    { $project: projection },
  ])
  const known = new Map(texts.map(({ _id, ...rest }) => [_id.toHexString(), rest]))
  const whole: T[] = []
  for (const doc of page) {
    const found = doc.bytes > SHORT ? known.get(doc._id.toHexString()) : doc
    if (!found || bytesIn(fields.map((field) => found[field])) !== doc.bytes) return undefined
    whole.push({ ...doc, ...found })
  }
  return whole
}
