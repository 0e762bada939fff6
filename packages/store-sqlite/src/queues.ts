import type { Id } from '@plugboard/core'
import type { QueuedItem, QueueEnds, QueueItem, QueuePage } from '@plugboard/hub'
import { type Connection, prepareAll, prepareNumber, prepareWrite, toBytes, toHex } from './database/sql.js'

/** One item `q` as JSON text: a {@link QueuedRow}. */
export const QUEUED_ROW = `json_array(q.n, ${toHex('q.stream')}, q.seq, ${toHex('q.user')}, q.at)`
export type QueuedRow = [n: number, streamId: Id, seq: number, userId: Id | '', at: number]

export const toQueued = ([n, streamId, seq, userId, at]: QueuedRow): QueuedItem => ({
  ...{ n, streamId, seq, at: new Date(at) },
  ...(userId !== '' && { userId }),
})

const PLACE = `client = ${toBytes} AND queue = ${toBytes}`
const INSERT = `INSERT INTO queued (client, queue, n, stream, seq, user, at)
  VALUES (${toBytes}, ${toBytes}, ?, ${toBytes}, ?, ${toBytes}, ?) ON CONFLICT DO NOTHING`
const read = (where: string) => `
  SELECT ${QUEUED_ROW} AS row FROM queued q WHERE ${PLACE} AND ${where} AND n > ? ORDER BY n LIMIT ?`

/** How many of the oldest items are before the first one that is young enough, or the newest one. */
const OLD = `
  SELECT n FROM queued WHERE ${PLACE} AND n < coalesce(
    (SELECT min(n) FROM (SELECT n, at FROM queued WHERE ${PLACE} ORDER BY n LIMIT ?) WHERE at >= ?),
    (SELECT max(n) FROM (SELECT n FROM queued WHERE ${PLACE} ORDER BY n LIMIT ?)))`

/** Numbered queues of clients. */
export class Queues {
  readonly #insert
  readonly #newest
  readonly #oldest
  readonly #read
  readonly #readOfUser
  readonly #purge

  constructor(db: Connection) {
    this.#insert = prepareWrite(db, INSERT)
    this.#newest = prepareNumber(db, `SELECT max(n) FROM queued WHERE ${PLACE}`)
    this.#oldest = prepareNumber(db, `SELECT min(n) FROM queued WHERE ${PLACE}`)
    this.#read = prepareAll<QueuedRow>(db, read('TRUE'))
    this.#readOfUser = prepareAll<QueuedRow>(db, read(`user = ${toBytes}`))
    this.#purge = prepareWrite(db, `DELETE FROM queued WHERE ${PLACE} AND n IN (${OLD})`)
  }

  /** Numbers follow one another: there is one writer. */
  add(clientId: Id, queueId: Id, items: readonly QueueItem[]): void {
    let n = this.#newest(clientId, queueId) ?? 0
    for (const item of items) if (this.put(clientId, queueId, { ...item, n: n + 1 })) n += 1
  }

  /** False if its place or its number is taken. */
  put(clientId: Id, queueId: Id, { n, streamId, seq, userId = null, at }: PutItem): boolean {
    return this.#insert(clientId, queueId, n, streamId, seq, userId, at.getTime()) > 0
  }

  read(clientId: Id, queueId: Id, { after, limit, userId }: QueuePage): QueuedItem[] {
    const rows =
      userId === undefined
        ? this.#read(clientId, queueId, after, limit)
        : this.#readOfUser(clientId, queueId, userId, after, limit)
    return rows.map(toQueued)
  }

  ends(clientId: Id, queueId: Id): QueueEnds | undefined {
    const [first, last] = [this.#oldest(clientId, queueId), this.#newest(clientId, queueId)]
    return first === undefined || last === undefined ? undefined : { first, last }
  }

  purge(clientId: Id, queueId: Id, before: Date, limit: number): number {
    const place = [clientId, queueId] as const
    return this.#purge(...place, ...place, ...place, limit + 1, before.getTime(), ...place, limit + 1)
  }
}

type PutItem = Omit<QueuedItem, 'userId'> & { userId?: Id | null }
