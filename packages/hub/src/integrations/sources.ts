import { type Failure, type Id, type Json, truncate } from '@plugboard/core'
import type { Store } from '../ports/store.js'
import { NO_CLIENT, type StoredDocument } from '../ports/stored-document.js'

/** What became of a source, as its owner last wrote. `at`: since when. Times are ISO 8601. */
export type SourceState =
  | { name: 'connecting' | 'connected'; at: string }
  | { name: 'failing'; at: string; failure: Pick<Failure, 'kind' | 'message'>; nextAttemptAt?: string }

/** A source: the connection of an integration that listens. It exists as long as the integration is to listen. */
export interface SourceData {
  clientId: Id
  /** The process that listens. Absent: any process may take it. */
  owner?: Id
  /** Position of the channel, see `Heard`. */
  cursor?: Json
  state?: SourceState
}

/** A source as it was read or written; its id is that of its integration. */
export interface KeptSource {
  id: Id
  version: number
  data: SourceData
}

/** Maximum size of a position, in bytes of JSON. */
export const MAX_CURSOR_BYTES = 4096

const COLLECTION = 'source'
/** Term of a source without an owner. */
const FREE = 'free'
const MAX_REASON = 300

/**
 * The sources of all clients, one document each. A change succeeds only if nobody else has changed the document since it
 * was read: so a process that lost a source cannot write to it any more.
 */
export class Sources {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  async find(id: Id): Promise<KeptSource | undefined> {
    const document = await this.#store.findDocument(NO_CLIENT, COLLECTION, { id })
    return document && keptOf(document)
  }

  async findAll(ids: readonly Id[]): Promise<ReadonlyMap<Id, KeptSource>> {
    const found = new Map<Id, KeptSource>()
    for (let rest = [...ids].sort(); rest.length > 0; ) {
      const page = await this.#store.findDocuments(NO_CLIENT, COLLECTION, rest)
      for (const document of page) found.set(document.id, keptOf(document))
      const last = page.at(-1)
      if (!last) break
      rest = rest.filter((id) => id > last.id)
    }
    return found
  }

  /** Up to `limit` sources in order of id: all, those of an owner, or those without one. */
  async list(
    of: Id | 'free' | 'all',
    { limit, after }: { limit: number; after?: Id },
  ): Promise<KeptSource[]> {
    const range = { limit, ...(after && { after }), ...(of !== 'all' && { term: of === 'free' ? FREE : of }) }
    const page = await this.#store.listDocuments(NO_CLIENT, COLLECTION, range)
    return page.map(keptOf)
  }

  /** Adds a source that nobody owns. False if it exists. */
  add(id: Id, clientId: Id): Promise<boolean> {
    return this.#store.insertDocument(documentOf({ id, version: 1, data: { clientId } }))
  }

  /** Replaces the data of a source. Undefined if the source was changed or removed since it was read. */
  async write({ id, version }: KeptSource, data: SourceData): Promise<KeptSource | undefined> {
    const next = { id, version: version + 1, data }
    return (await this.#store.replaceDocument(documentOf(next))) ? next : undefined
  }

  /** Gives a source back, if it is unchanged. */
  free(source: KeptSource): Promise<KeptSource | undefined> {
    const { owner: _, state: __, ...data } = source.data
    return this.write(source, data)
  }

  remove(id: Id): Promise<boolean> {
    return this.#store.removeDocument(NO_CLIENT, COLLECTION, id)
  }
}

/** The state of a source whose attempt failed. */
export const failing = (failure: Failure, at: Date, nextAttemptAt: Date): SourceState => ({
  name: 'failing',
  at: at.toISOString(),
  failure: { kind: failure.kind, message: truncate(failure.message, MAX_REASON) },
  nextAttemptAt: nextAttemptAt.toISOString(),
})

const keptOf = ({ id, version, data }: StoredDocument): KeptSource => ({
  ...{ id, version },
  data: JSON.parse(data) as SourceData,
})

const documentOf = ({ id, version, data }: KeptSource): StoredDocument => ({
  ...{ clientId: NO_CLIENT, collection: COLLECTION, id, version },
  terms: [data.owner ?? FREE],
  data: JSON.stringify(data),
})
