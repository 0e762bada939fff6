import { type Id, PlugboardError } from '@plugboard/core'
import type { ClientRecord, KeyClaim, Range, StoredDocument } from '@plugboard/hub'
import { Clients } from './clients.js'
import type { OpenDatabase } from './database.js'
import { Documents } from './documents.js'
import { toStoreError } from './failure.js'
import { Notes } from './notes.js'
import type { Writer } from './writer.js'

/** The part of the port that is about no stream: reads run at once, writes wait for the next transaction. */
export abstract class SideStore {
  readonly #database: OpenDatabase
  readonly #writer: Writer
  readonly #notes: Notes
  readonly #clients: Clients
  readonly #documents: Documents
  #isClosed = false

  constructor(database: OpenDatabase, writer: Writer) {
    const { db } = database
    this.#database = database
    this.#writer = writer
    this.#notes = new Notes(db)
    this.#clients = new Clients(db)
    this.#documents = new Documents(db)
  }

  getMeta(key: string) {
    return this.read(() => this.#notes.get(key))
  }

  putMetaIfAbsent(key: string, value: string) {
    return this.write(() => this.#notes.putIfAbsent(key, value))
  }

  putMeta(key: string, value: string) {
    return this.write(() => this.#notes.put(key, value))
  }

  replaceMeta(key: string, from: string, to: string) {
    return this.write(() => this.#notes.replace(key, from, to))
  }

  insertClient(client: ClientRecord) {
    return this.write(() => this.#clients.insert(client))
  }

  findClient(by: { id: Id } | { externalId: string } | { name: string }) {
    return this.read(() => this.#clients.find(by))
  }

  replaceClient(client: ClientRecord) {
    return this.write(() => this.#clients.replace(client))
  }

  listClients(range: Range) {
    return this.read(() => this.#clients.list(range))
  }

  claimKey(claim: KeyClaim & { expiresBefore: Date }) {
    return this.write(() => this.#notes.claimKey(claim))
  }

  increment(clientId: Id, name: string, by?: number) {
    return this.write(() => this.#documents.increment(clientId, name, by))
  }

  insertDocument(document: StoredDocument) {
    return this.write(() => this.#documents.insert(document))
  }

  findDocument(clientId: Id, collection: string, by: { id: Id } | { name: string }) {
    return this.read(() => this.#documents.find(clientId, collection, by))
  }

  findDocuments(clientId: Id, collection: string, ids: readonly Id[]) {
    return this.read(() => this.#documents.findAll(clientId, collection, ids))
  }

  replaceDocument(document: StoredDocument) {
    return this.write(() => this.#documents.replace(document))
  }

  removeDocument(clientId: Id, collection: string, id: Id) {
    return this.write(() => this.#documents.remove(clientId, collection, id))
  }

  listDocuments(clientId: Id, collection: string, range: Range & { term?: string }) {
    return this.read(() => this.#documents.list(clientId, collection, range))
  }

  async close() {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#writer.drain()
    this.#database.close()
  }

  protected async read<T>(read: () => T): Promise<T> {
    if (this.#isClosed) throw closed()
    try {
      return read()
    } catch (error) {
      throw toStoreError(error)
    }
  }

  protected write<T>(work: () => T): Promise<T> {
    return this.#isClosed ? Promise.reject(closed()) : this.#writer.write(work)
  }
}

const closed = () => new PlugboardError('UNAVAILABLE', 'the store is closed')
