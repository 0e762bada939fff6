import { type Id, PlugboardError } from '@plugboard/core'
import type { ClientRecord, Range } from '@plugboard/hub'
import { isTaken } from './database/failure.js'
import { type Connection, prepareAll, prepareOne, prepareWrite, toBytes } from './database/sql.js'

/** Before and after every id. */
const FIRST = '00' as Id
const LAST = 'f'.repeat(26) as Id

/** No text has a later one: it is no character. */
const LAST_CHARACTER = '\u{10ffff}'

/** Times within JSON text are milliseconds, as in the columns. */
const toDocument = (client: ClientRecord): string =>
  JSON.stringify(client, function (this: Record<string, unknown>, key, value: unknown) {
    const at = this[key]
    return at instanceof Date ? at.getTime() : value
  })

/** Turns the times of a document into dates, in place. */
function toClient(document: ClientRecord): ClientRecord {
  const { tokens, webhooks, integrations, disabled } = document
  for (const record of [document, ...tokens, ...webhooks])
    if (record.createdAt !== undefined) record.createdAt = new Date(record.createdAt)
  for (const target of [...webhooks, ...integrations])
    if (target.pausedAt !== undefined) target.pausedAt = new Date(target.pausedAt)
  for (const { former } of webhooks) if (former) former.until = new Date(former.until)
  if (document.deletedAt !== undefined) document.deletedAt = new Date(document.deletedAt)
  if (disabled) disabled.at = new Date(disabled.at)
  return document
}

/** Clients, each a document with columns for what it is found by. */
export class Clients {
  readonly #insert
  readonly #replace
  readonly #byId
  readonly #byExternalId
  readonly #byName
  readonly #list
  readonly #listBack
  readonly #named

  constructor(db: Connection) {
    const columns = 'external_id, name, version, document, id'
    this.#insert = prepareWrite(db, `INSERT INTO clients (${columns}) VALUES (?, ?, ?, ?, ${toBytes})`)
    this.#replace = prepareWrite(
      db,
      `UPDATE clients SET external_id = ?, name = ?, version = ?, document = ? WHERE id = ${toBytes} AND version = ?`,
    )
    const find = (where: string) =>
      prepareOne<ClientRecord>(db, `SELECT document FROM clients WHERE ${where}`)
    this.#byId = find(`id = ${toBytes}`)
    this.#byExternalId = find('external_id = ?')
    this.#byName = find('name = ?')
    const list = (order: 'ASC' | 'DESC') =>
      `SELECT document AS row FROM clients WHERE id > ${toBytes} AND id < ${toBytes} ORDER BY id ${order} LIMIT ?`
    this.#list = prepareAll<ClientRecord>(db, list('ASC'))
    this.#listBack = prepareAll<ClientRecord>(db, list('DESC'))
    this.#named = prepareAll<ClientRecord>(
      db,
      'SELECT document AS row FROM clients WHERE name >= ? AND name > ? AND name < ? ORDER BY name LIMIT ?',
    )
  }

  insert(client: ClientRecord): void {
    refuseTaken(() => this.#insert(...columnsOf(client)))
  }

  find(by: { id: Id } | { externalId: string } | { name: string }): ClientRecord | undefined {
    const document =
      'id' in by
        ? this.#byId(by.id)
        : 'name' in by
          ? this.#byName(by.name)
          : this.#byExternalId(by.externalId)
    return document && toClient(document)
  }

  /** Answers false, and writes nothing, when it is not one version ahead. */
  replace(client: ClientRecord): boolean {
    return refuseTaken(() => this.#replace(...columnsOf(client), client.version - 1)) > 0
  }

  list({ after = FIRST, before = LAST, fromEnd = false, limit }: Range): ClientRecord[] {
    const found = (fromEnd ? this.#listBack : this.#list)(after, before, limit).map(toClient)
    return fromEnd ? found.reverse() : found
  }

  named(prefix: string, { limit, after = '' }: { limit: number; after?: string }): ClientRecord[] {
    return this.#named(prefix, after, `${prefix}${LAST_CHARACTER}`, limit).map(toClient)
  }
}

const columnsOf = (client: ClientRecord) =>
  [client.externalId ?? null, client.name ?? null, client.version, toDocument(client), client.id] as const

function refuseTaken<T>(write: () => T): T {
  try {
    return write()
  } catch (error) {
    if (!isTaken(error)) throw error
    throw new PlugboardError('CONFLICT', 'a client with this id or name exists already', { cause: error })
  }
}
