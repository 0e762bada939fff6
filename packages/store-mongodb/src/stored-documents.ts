import { type Id, PlugboardError } from '@plugboard/core'
import type { Range, StoredDocument } from '@plugboard/hub'
import type { PipelineStage } from 'mongoose'
import type { CounterDoc, StoredDoc } from './database/document-types.js'
import { isTaken, upsert } from './database/failure.js'
import { readPage } from './database/pages.js'
import { stagesOf } from './database/ranges.js'
import type { Models } from './database/schemas.js'
import { idOf, oid } from './encoding.js'

/** What is kept beside the logs. One round trip for each call. */
export class StoredDocuments {
  readonly #documents: Models['documents']
  readonly #counters: Models['counters']

  constructor({ documents, counters }: Models) {
    this.#documents = documents
    this.#counters = counters
  }

  /** False when its id or its name is taken. */
  async insert(document: StoredDocument): Promise<boolean> {
    const inserts = [{ insertOne: { document: toStoredDoc(document) } }]
    try {
      await this.#documents.bulkWrite(inserts as never, { timestamps: false })
      return true
    } catch (error) {
      if (isTaken(error)) return false
      throw error
    }
  }

  async find(
    clientId: Id,
    kind: string,
    by: { id: Id } | { name: string },
  ): Promise<StoredDocument | undefined> {
    const named = 'id' in by ? { documentId: oid(by.id) } : { name: by.name }
    const doc = await this.#documents.findOne({ clientId: oid(clientId), kind, ...named }).lean<StoredDoc>()
    return doc ? toDocument(doc) : undefined
  }

  async findAll(clientId: Id, kind: string, ids: readonly Id[]): Promise<StoredDocument[]> {
    if (ids.length === 0) return []
    const documentId = { $in: ids.map(oid) }
    const stages = [
      { $match: { clientId: oid(clientId), kind, documentId } },
      { $sort: { documentId: 1 } },
    ] satisfies PipelineStage[]
    return (await this.#page(stages)).map(toDocument)
  }

  async list(
    clientId: Id,
    kind: string,
    { term, ...range }: Range & { term?: string },
  ): Promise<StoredDocument[]> {
    const filter = { clientId: oid(clientId), kind, ...(term !== undefined && { terms: term }) }
    const docs = await this.#page(stagesOf(filter, 'documentId', range))
    return (range.fromEnd ? docs.reverse() : docs).map(toDocument)
  }

  #page(stages: readonly PipelineStage[]): Promise<StoredDoc[]> {
    return readPage<StoredDoc>(this.#documents, ['data'], stages)
  }

  /** Answers false, and writes nothing, when it is not one version ahead. @throws CONFLICT when its name is taken */
  async replace(document: StoredDocument): Promise<boolean> {
    const doc = toStoredDoc(document)
    const { clientId, kind, documentId, version } = doc
    const known = { clientId, kind, documentId, version: version - 1 }
    try {
      return (await this.#documents.replaceOne(known, doc as never)).matchedCount > 0
    } catch (error) {
      if (!isTaken(error)) throw error
      throw new PlugboardError('CONFLICT', 'this name is taken', { cause: error })
    }
  }

  async remove(clientId: Id, kind: string, id: Id): Promise<boolean> {
    const filter = { clientId: oid(clientId), kind, documentId: oid(id) }
    return (await this.#documents.deleteOne(filter)).deletedCount > 0
  }

  /** Of many at once each gets a number of its own: the server adds. It begins apart, so that no upsert is repeated that adds. */
  async increment(clientId: Id, name: string, by = 1): Promise<number> {
    const counter = { clientId: oid(clientId), name }
    for (;;) {
      const counted = await this.#counters
        .findOneAndUpdate(counter, { $inc: { value: by } }, { returnDocument: 'after' })
        .lean<CounterDoc>()
      if (counted) return counted.value
      const begin = { $setOnInsert: { value: 0 } }
      await upsert(() => this.#counters.updateOne(counter, begin, { upsert: true }))
    }
  }
}

export const toStoredDoc = (document: StoredDocument): Omit<StoredDoc, '_id'> => {
  const { clientId, collection: kind, id, name, terms, version, data } = document
  const doc: Omit<StoredDoc, '_id'> = { clientId: oid(clientId), kind, documentId: oid(id), version, data }
  if (name !== undefined) doc.name = name
  if (terms.length > 0) doc.terms = [...terms]
  return doc
}

export function toDocument(doc: StoredDoc): StoredDocument {
  const { clientId, kind: collection, documentId, name, terms = [], version, data } = doc
  const ids = { clientId: idOf(clientId), collection, id: idOf(documentId) }
  return { ...ids, ...(name !== undefined && { name }), terms, version, data }
}
