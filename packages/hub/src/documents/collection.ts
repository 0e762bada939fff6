import { setImmediate as turn } from 'node:timers/promises'
import { type Id, PlugboardError } from '@plugboard/core'
import { isFull, type Range } from '../log/page.js'
import type { Store } from '../ports/store.js'
import type { StoredDocument } from '../ports/stored-document.js'

/** Maximum attempts of a change when concurrent changes interfere. */
const MAX_TRIES = 50
/** Documents that a walk reads at once. */
const WALK_PAGE = 100

/** How to find documents of a collection other than by id. */
export interface Index<T> {
  /** Unique within the client. */
  nameOf?(data: T): string | undefined
  /** Search terms; not unique. */
  termsOf?(data: T): readonly string[]
}

/** Called for each written or removed document, with the change of the client's storage in bytes. */
export type Measure = (clientId: Id, bytes: number) => void

/** A document with its id and client. */
export interface Kept<T> {
  clientId: Id
  id: Id
  data: T
}

/**
 * The documents of one kind, as objects. A list keeps one page of texts in memory, and yields to the event loop between
 * two pages. Returned objects are not shared with other readers.
 */
export class Collection<T extends object> {
  readonly #store: Store
  readonly #name: string
  readonly #index: Index<T>
  readonly #measure: Measure | undefined

  constructor(store: Store, name: string, index: Index<T> = {}, measure?: Measure) {
    this.#store = store
    this.#name = name
    this.#index = index
    this.#measure = measure
  }

  async find(clientId: Id, by: { id: Id } | { name: string }): Promise<Kept<T> | undefined> {
    const document = await this.#store.findDocument(clientId, this.#name, by)
    return document && keptOf<T>(document)
  }

  async findAll(clientId: Id, ids: readonly Id[]): Promise<ReadonlyMap<Id, T>> {
    const found = new Map<Id, T>()
    for (let rest = [...new Set(ids)]; rest.length > 0; ) {
      const page = await this.#store.findDocuments(clientId, this.#name, rest)
      for (const document of page) found.set(document.id, keptOf<T>(document).data)
      const last = page.at(-1)
      if (!last || !isFull(page, rest.length)) break
      rest = rest.filter((id) => id > last.id)
      await turn()
    }
    return found
  }

  /** In order of id. */
  async list(clientId: Id, range: Range & { term?: string }): Promise<Kept<T>[]> {
    const { fromEnd = false } = range
    const found: Kept<T>[] = []
    for (let rest = range; ; ) {
      const page = await this.#store.listDocuments(clientId, this.#name, rest)
      const kept = page.map((document) => keptOf<T>(document))
      found.splice(fromEnd ? 0 : found.length, 0, ...kept)
      const edge = fromEnd ? page[0]?.id : page.at(-1)?.id
      const limit = range.limit - found.length
      if (!edge || limit === 0 || !isFull(page, rest.limit)) return found
      rest = { ...rest, limit, ...(fromEnd ? { before: edge } : { after: edge }) }
      await turn()
    }
  }

  /** All documents, in order of id. They may change and go during the walk. */
  async *walk(clientId: Id): AsyncGenerator<Kept<T>, void> {
    for (let after: Id | undefined; ; ) {
      const page = await this.list(clientId, { limit: WALK_PAGE, ...(after && { after }) })
      yield* page
      after = page.at(-1)?.id
      if (page.length < WALK_PAGE) return
    }
  }

  /** False if the id or the name is in use. */
  async insert(clientId: Id, id: Id, data: T): Promise<boolean> {
    const document = this.#documentOf(clientId, id, data, 1)
    const isInserted = await this.#store.insertDocument(document)
    if (isInserted) this.#measure?.(clientId, Buffer.byteLength(document.data))
    return isInserted
  }

  /**
   * Changes a document by compare-and-set. `change` returns the new document, or its argument or undefined for no change.
   * It is called again if a concurrent change interfered.
   * @throws CONFLICT if the name is in use, or after too many attempts
   */
  async change(clientId: Id, id: Id, change: (data: T | undefined) => T | undefined): Promise<T | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const old = await this.#store.findDocument(clientId, this.#name, { id })
      const data = old && (JSON.parse(old.data) as T)
      const next = change(data)
      if (next === undefined || next === data) return data
      const document = this.#documentOf(clientId, id, next, (old?.version ?? 0) + 1)
      const isWritten = old
        ? await this.#store.replaceDocument(document)
        : await this.#store.insertDocument(document)
      if (isWritten) {
        this.#measure?.(clientId, Buffer.byteLength(document.data) - Buffer.byteLength(old?.data ?? ''))
        return next
      }
      const { name } = document
      if (!old && name !== undefined && (await this.find(clientId, { name }))) {
        throw new PlugboardError('CONFLICT', 'this name is already in use')
      }
    }
    throw new PlugboardError('CONFLICT', 'the object changed concurrently; try again')
  }

  /** False if it did not exist. */
  async remove(clientId: Id, id: Id): Promise<boolean> {
    const old = this.#measure && (await this.#store.findDocument(clientId, this.#name, { id }))
    const isRemoved = await this.#store.removeDocument(clientId, this.#name, id)
    if (isRemoved && old) this.#measure?.(clientId, -Buffer.byteLength(old.data))
    return isRemoved
  }

  #documentOf(clientId: Id, id: Id, data: T, version: number): StoredDocument {
    const name = this.#index.nameOf?.(data)
    const terms = [...new Set(this.#index.termsOf?.(data))]
    const document: StoredDocument = {
      ...{ clientId, collection: this.#name, id, terms, version },
      data: JSON.stringify(data),
    }
    if (name !== undefined) document.name = name
    return document
  }
}

const keptOf = <T>({ clientId, id, data }: StoredDocument): Kept<T> => ({
  clientId,
  id,
  data: JSON.parse(data) as T,
})
