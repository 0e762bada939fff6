import { type Id, PlugboardError } from '@plugboard/core'
import { bytesOf, PAGE_BYTES, type Range, type StoredDocument } from '@plugboard/hub'
import { isTaken } from './database/failure.js'
import {
  type Connection,
  lean,
  prepareAll,
  prepareNumber,
  prepareOne,
  prepareText,
  prepareWrite,
  toBytes,
  toHex,
} from './database/sql.js'

/** One document, without what it was asked by. */
export type DocumentRow<Text = string> = [
  id: Id,
  name: string | null,
  version: number,
  terms: string | null,
  data: Text,
]

/** As it was read together with others: a number is the size of data that are not short. */
type LeanDocumentRow = DocumentRow<string | number>

const documentRow = (data: string): string =>
  `json_array(${toHex('d.id')}, d.name, d.version, d.terms, ${data})`
/** One document `d` as JSON text: a {@link DocumentRow}. */
export const DOCUMENT_ROW = documentRow('d.data')
const LEAN_DOCUMENT_ROW = documentRow(lean('d.data'))
const PLACE = `client = ${toBytes} AND collection = ?`
const find = (where: string, row = DOCUMENT_ROW) =>
  `SELECT ${row} AS row FROM documents d WHERE ${PLACE} AND ${where}`

const INSERT = `
  INSERT INTO documents (client, collection, id, name, version, terms, data)
  VALUES (${toBytes}, ?, ${toBytes}, ?, ?, ?, ?)`

const REPLACE = `
  UPDATE documents SET name = ?, version = ?, terms = ?, data = ?
  WHERE ${PLACE} AND id = ${toBytes} AND version = ?`

const within = `id > ${toBytes} AND id < ${toBytes}`
const list = (order: string) => `${find(within, LEAN_DOCUMENT_ROW)} ORDER BY id ${order} LIMIT ?`
const listByTerm = (order: string) => `
  SELECT ${LEAN_DOCUMENT_ROW} AS row FROM document_terms t
  JOIN documents d ON d.client = t.client AND d.collection = t.collection AND d.id = t.id
  WHERE t.client = ${toBytes} AND t.collection = ? AND t.term = ? AND t.id > ${toBytes} AND t.id < ${toBytes}
  ORDER BY t.id ${order} LIMIT ?`

const INCREMENT = `
  INSERT INTO counters (client, name, value) VALUES (${toBytes}, ?, ?)
  ON CONFLICT DO UPDATE SET value = value + excluded.value RETURNING value`

/** Below and above every id. */
const FIRST = '00'
const LAST = 'f'.repeat(26)

/** What is kept beside the logs. */
export class StoredDocuments {
  readonly #byId
  readonly #byName
  readonly #several
  readonly #data
  readonly #list
  readonly #listByTerm
  readonly #insert
  readonly #replace
  readonly #remove
  readonly #insertTerm
  readonly #removeTerm
  readonly #increment

  constructor(db: Connection) {
    this.#byId = prepareOne<DocumentRow>(db, find(`id = ${toBytes}`))
    this.#byName = prepareOne<DocumentRow>(db, find('name = ?'))
    const several = find('id IN (SELECT unhex(value) FROM json_each(?))', LEAN_DOCUMENT_ROW)
    this.#several = prepareAll<LeanDocumentRow>(db, `${several} ORDER BY id`)
    this.#data = prepareText(db, `SELECT data FROM documents WHERE ${PLACE} AND id = ${toBytes}`)
    this.#list = [
      prepareAll<LeanDocumentRow>(db, list('ASC')),
      prepareAll<LeanDocumentRow>(db, list('DESC')),
    ] as const
    this.#listByTerm = [
      prepareAll<LeanDocumentRow>(db, listByTerm('ASC')),
      prepareAll<LeanDocumentRow>(db, listByTerm('DESC')),
    ] as const
    this.#insert = prepareWrite(db, INSERT)
    this.#replace = prepareWrite(db, REPLACE)
    this.#remove = prepareWrite(db, `DELETE FROM documents WHERE ${PLACE} AND id = ${toBytes}`)
    const term = `INSERT INTO document_terms (client, collection, term, id) VALUES (${toBytes}, ?, ?, ${toBytes})`
    this.#insertTerm = prepareWrite(db, term)
    this.#removeTerm = prepareWrite(
      db,
      `DELETE FROM document_terms WHERE ${PLACE} AND term = ? AND id = ${toBytes}`,
    )
    this.#increment = prepareNumber(db, INCREMENT)
  }

  find(clientId: Id, collection: string, by: { id: Id } | { name: string }): StoredDocument | undefined {
    const row =
      'id' in by ? this.#byId(clientId, collection, by.id) : this.#byName(clientId, collection, by.name)
    return row && toDocument(clientId, collection, row)
  }

  findAll(clientId: Id, collection: string, ids: readonly Id[]): StoredDocument[] {
    if (ids.length === 0) return []
    return this.#page(clientId, collection, this.#several(clientId, collection, JSON.stringify(ids)))
  }

  list(clientId: Id, collection: string, range: Range & { term?: string }): StoredDocument[] {
    const { term, after = FIRST, before = LAST, fromEnd = false, limit } = range
    const direction = fromEnd ? 1 : 0
    const rows =
      term === undefined
        ? this.#list[direction](clientId, collection, after, before, limit)
        : this.#listByTerm[direction](clientId, collection, term, after, before, limit)
    const documents = this.#page(clientId, collection, rows)
    return fromEnd ? documents.reverse() : documents
  }

  /** Up to the document that fills a page. Only what is on it is read, where that is long. */
  #page(clientId: Id, collection: string, rows: readonly LeanDocumentRow[]): StoredDocument[] {
    const page: StoredDocument[] = []
    let bytes = 0
    for (const [id, name, version, terms, found] of rows) {
      if (bytes >= PAGE_BYTES) break
      const data = typeof found === 'string' ? found : (this.#data(clientId, collection, id) ?? '')
      const document = toDocument(clientId, collection, [id, name, version, terms, data])
      page.push(document)
      bytes += bytesOf(document)
    }
    return page
  }

  /** False when its id or its name is taken. */
  insert({ clientId, collection, id, name, version, terms, data }: StoredDocument): boolean {
    try {
      this.#insert(clientId, collection, id, name ?? null, version, toTermsText(terms), data)
    } catch (error) {
      if (isTaken(error)) return false
      throw error
    }
    for (const term of terms) this.#insertTerm(clientId, collection, term, id)
    return true
  }

  /** @throws CONFLICT when its name is taken */
  replace({ clientId, collection, id, name, version, terms, data }: StoredDocument): boolean {
    const old = this.find(clientId, collection, { id })
    if (old?.version !== version - 1) return false
    try {
      this.#replace(name ?? null, version, toTermsText(terms), data, clientId, collection, id, version - 1)
    } catch (error) {
      if (isTaken(error)) throw new PlugboardError('CONFLICT', 'this name is taken')
      throw error
    }
    for (const term of old.terms) if (!terms.includes(term)) this.#removeTerm(clientId, collection, term, id)
    for (const term of terms) if (!old.terms.includes(term)) this.#insertTerm(clientId, collection, term, id)
    return true
  }

  remove(clientId: Id, collection: string, id: Id): boolean {
    const old = this.find(clientId, collection, { id })
    if (!old) return false
    for (const term of old.terms) this.#removeTerm(clientId, collection, term, id)
    this.#remove(clientId, collection, id)
    return true
  }

  increment(clientId: Id, name: string, by = 1): number {
    return this.#increment(clientId, name, by) ?? 0
  }
}

const toTermsText = (terms: readonly string[]): string | null =>
  terms.length === 0 ? null : JSON.stringify(terms)

export function toDocument(
  clientId: Id,
  collection: string,
  [id, name, version, terms, data]: DocumentRow,
): StoredDocument {
  const document: StoredDocument = {
    ...{ clientId, collection, id, version, data },
    terms: terms === null ? [] : (JSON.parse(terms) as string[]),
  }
  if (name !== null) document.name = name
  return document
}
