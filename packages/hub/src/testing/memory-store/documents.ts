import { PlugboardError } from '@plugboard/core'
import { firstPage } from '../../log/page.js'
import type { StoredDocument } from '../../ports/stored-document.js'
import { type Database, keyOf, type Methods } from './database.js'
import { rangeOf } from './range.js'

/** What is kept beside the logs. Names and terms are unique, or found, within a client and a collection. */
export function documentMethods({ documents }: Database) {
  const rowOf = ({ clientId, collection, id }: Pick<StoredDocument, 'clientId' | 'collection' | 'id'>) =>
    keyOf(clientId, collection, id)
  const collectionOf = (clientId: StoredDocument['clientId'], collection: string) =>
    [...documents.values()].filter(
      (document) => document.clientId === clientId && document.collection === collection,
    )
  const isNameTaken = ({ clientId, collection, id, name }: StoredDocument) =>
    name !== undefined &&
    collectionOf(clientId, collection).some((other) => other.name === name && other.id !== id)

  return {
    insertDocument(document) {
      if (documents.has(rowOf(document)) || isNameTaken(document)) return false
      documents.set(rowOf(document), structuredClone(document))
      return true
    },

    findDocument: (clientId, collection, by) =>
      'id' in by
        ? documents.get(rowOf({ clientId, collection, id: by.id }))
        : collectionOf(clientId, collection).find(({ name }) => name === by.name),

    findDocuments(clientId, collection, ids) {
      const found = collectionOf(clientId, collection).filter(({ id }) => ids.includes(id))
      return pageOf(found, { limit: found.length })
    },

    replaceDocument(document) {
      if (documents.get(rowOf(document))?.version !== document.version - 1) return false
      if (isNameTaken(document)) throw new PlugboardError('CONFLICT', 'this name is taken')
      documents.set(rowOf(document), structuredClone(document))
      return true
    },

    removeDocument: (clientId, collection, id) => documents.delete(rowOf({ clientId, collection, id })),

    listDocuments: (clientId, collection, { term, ...range }) =>
      pageOf(
        collectionOf(clientId, collection).filter(({ terms }) => term === undefined || terms.includes(term)),
        range,
      ),
  } satisfies Partial<Methods>
}

/** A page of documents ends with the one that fills it. */
const pageOf = (found: StoredDocument[], range: Parameters<typeof rangeOf>[1]): StoredDocument[] =>
  rangeOf(found, range, (all) => firstPage(all, range.limit))
