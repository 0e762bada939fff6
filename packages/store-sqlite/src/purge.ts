import type { Id } from '@plugboard/core'
import {
  type Connection,
  prepareNumber,
  prepareOne,
  prepareWrite,
  removable,
  toBytes,
  toHex,
} from './database/sql.js'
import type { StreamCache } from './streams/stream-cache.js'

type StreamRow = [n: number, clientId: Id, streamId: Id]

const STREAM_ROW = `SELECT json_array(n, ${toHex('client')}, ${toHex('id')}) FROM streams`

/** The first so many rows of a table. */
const slice = (table: string, key: string, where: string, order = key) =>
  `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${where} ORDER BY ${order} LIMIT ?)`

/** Removes what is not needed any more, in slices: a call removes no more rows than it is told. */
export class Purge {
  readonly #streams: StreamCache
  readonly #deleted
  readonly #ofClient
  readonly #attempts
  readonly #entries
  readonly #entry
  readonly #endpoints
  readonly #progress
  readonly #activity
  readonly #dead
  readonly #stream
  readonly #senders
  readonly #keys
  readonly #documents
  readonly #terms
  readonly #counters
  readonly #queued
  readonly #pullsOfStream
  readonly #waitingPulls
  readonly #client
  readonly #oldKeys

  constructor(db: Connection, streams: StreamCache) {
    this.#streams = streams
    const isAwaited = 'SELECT 1 FROM pulls p WHERE p.stream = streams.id AND p.due_at IS NOT NULL'
    const deleted = `WHERE over IS NOT NULL AND NOT EXISTS (${isAwaited}) LIMIT 1`
    this.#deleted = prepareOne<StreamRow>(db, `${STREAM_ROW} ${deleted}`)
    // The newest first, so that a conversation goes before its user.
    const ofClient = `WHERE client = ${toBytes} ORDER BY id DESC LIMIT 1`
    this.#ofClient = prepareOne<StreamRow>(db, `${STREAM_ROW} ${ofClient}`)
    this.#attempts = prepareWrite(db, slice('attempts', 'n', 'stream = ?', 'seq, target, at'))
    // In order, since it is the last entry of a deleted conversation that tells what became of the others.
    this.#entries = prepareWrite(db, `DELETE FROM entries WHERE n IN (${removable('stream = ?')})`)
    this.#entry = prepareNumber(db, 'SELECT n FROM entries WHERE stream = ? LIMIT 1')
    this.#progress = prepareWrite(db, 'DELETE FROM progress WHERE n = ?')
    this.#activity = prepareWrite(db, 'DELETE FROM activity WHERE n = ?')
    const dead = `client = ${toBytes} AND stream = ${toBytes}`
    this.#dead = prepareWrite(db, slice('dead', 'client, stream, seq, target', dead))
    this.#endpoints = prepareWrite(db, slice('endpoints', 'n', 'stream = ?'))
    this.#stream = prepareWrite(db, 'DELETE FROM streams WHERE n = ?')
    const senderKey = 'client, sender, identity, channel, custom'
    this.#senders = prepareWrite(db, slice('senders', senderKey, `client = ${toBytes}`))
    this.#keys = prepareWrite(db, slice('keys', 'client, key', `client = ${toBytes}`))
    this.#documents = prepareWrite(db, slice('documents', 'client, collection, id', `client = ${toBytes}`))
    const termKey = 'client, collection, term, id'
    this.#terms = prepareWrite(db, slice('document_terms', termKey, `client = ${toBytes}`))
    this.#counters = prepareWrite(db, slice('counters', 'client, name', `client = ${toBytes}`))
    this.#queued = prepareWrite(db, slice('queued', 'client, queue, n', `client = ${toBytes}`))
    const pulls = (where: string, order: string) =>
      prepareWrite(db, slice('pulls', 'rowid', `${where} AND client = ${toBytes}`, order))
    this.#pullsOfStream = pulls(`stream = ${toBytes}`, 'webhook, replay')
    // Of streams that were purged before. Where nothing waits, they go by their age.
    this.#waitingPulls = pulls('due_at IS NOT NULL', 'webhook, due_at')
    this.#client = prepareWrite(db, `DELETE FROM clients WHERE id = ${toBytes}`)
    this.#oldKeys = prepareWrite(db, slice('keys', 'client, key', 'at < ?', 'at'))
  }

  /** Deleted users and conversations that owe nothing. Answers how many rows went. */
  deleted(limit: number): number {
    this.#streams.flush()
    return limit - this.#purge(() => this.#deleted(), limit)
  }

  /** All of a client, and the client itself at last. True when nothing is left. */
  client(clientId: Id, limit: number): boolean {
    this.#streams.flush()
    let left = this.#purge(() => this.#ofClient(clientId), limit, { withPulls: true })
    const rows = [this.#senders, this.#keys, this.#documents, this.#terms, this.#counters]
    for (const table of [...rows, this.#queued, this.#waitingPulls]) {
      if (left > 0) left -= table(clientId, left)
    }
    if (left > 0) this.#client(clientId)
    return left > 0
  }

  /** Idempotency keys. Answers how many went. */
  keys(before: Date, limit: number): number {
    return this.#oldKeys(before.getTime(), limit)
  }

  /** Removes streams one after the other. Answers how much of the limit is left. */
  #purge(next: () => StreamRow | undefined, limit: number, { withPulls = false } = {}): number {
    let left = limit
    while (left > 0) {
      const row = next()
      if (!row) break
      const [n, clientId, streamId] = row
      this.#streams.drop(clientId, streamId)
      left -= this.#attempts(n, left)
      if (left === 0) break
      // Before their entries, so that none of them is listed without one.
      left -= this.#dead(clientId, streamId, left)
      if (left <= 0) break
      left -= this.#entries(n, left)
      // Their bytes are enough for one call.
      if (this.#entry(n) !== undefined) return 0
      if (left > 0) left -= this.#endpoints(n, left)
      if (left > 0 && withPulls) left -= this.#pullsOfStream(streamId, clientId, left)
      if (left > 0) {
        this.#progress(n)
        this.#activity(n)
        left -= this.#stream(n)
      }
    }
    return left
  }
}
