import type { Id } from '@plugboard/core'
import { firstPage, type Range } from '../../src/log/page.js'
import type { Store } from '../../src/ports/store.js'
import type { StoredDocument } from '../../src/ports/stored-document.js'

type DocumentStore = Pick<
  Store,
  'insertDocument' | 'findDocument' | 'findDocuments' | 'replaceDocument' | 'removeDocument' | 'listDocuments'
>

/** Documents in memory. */
export class MemoryDocuments implements DocumentStore {
  readonly all = new Map<string, StoredDocument>()

  /** Those of a collection. */
  of(collection: string): StoredDocument[] {
    return [...this.all.values()].filter((document) => document.collection === collection)
  }

  insertDocument = async (document: StoredDocument): Promise<boolean> => {
    const place = placeOf(document)
    const isTaken = this.#within(document).some(({ name }) => name !== undefined && name === document.name)
    if (isTaken || this.all.has(place)) return false
    this.all.set(place, document)
    return true
  }

  findDocument = async (clientId: Id, collection: string, by: { id: Id } | { name: string }) =>
    this.#within({ clientId, collection }).find((document) =>
      'id' in by ? document.id === by.id : document.name === by.name,
    )

  findDocuments = async (clientId: Id, collection: string, ids: readonly Id[]) =>
    firstPage(
      this.#within({ clientId, collection })
        .filter(({ id }) => ids.includes(id))
        .sort(byId),
      ids.length,
    )

  replaceDocument = async (document: StoredDocument): Promise<boolean> => {
    const place = placeOf(document)
    if (this.all.get(place)?.version !== document.version - 1) return false
    this.all.set(place, document)
    return true
  }

  removeDocument = async (clientId: Id, collection: string, id: Id): Promise<boolean> =>
    this.all.delete(placeOf({ clientId, collection, id }))

  listDocuments = async (clientId: Id, collection: string, range: Range & { term?: string }) => {
    const { term, after, before, fromEnd, limit } = range
    const found = this.#within({ clientId, collection })
      .filter(
        ({ id, terms }) =>
          (!after || id > after) && (!before || id < before) && (!term || terms.includes(term)),
      )
      .sort(byId)
    return fromEnd ? firstPage(found.reverse(), limit).reverse() : firstPage(found, limit)
  }

  #within({ clientId, collection }: Pick<StoredDocument, 'clientId' | 'collection'>): StoredDocument[] {
    return this.of(collection).filter((document) => document.clientId === clientId)
  }
}

const placeOf = ({ clientId, collection, id }: Pick<StoredDocument, 'clientId' | 'collection' | 'id'>) =>
  `${clientId} ${collection} ${id}`

const byId = (a: { id: Id }, b: { id: Id }): number => (a.id < b.id ? -1 : 1)
