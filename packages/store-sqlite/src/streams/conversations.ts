import type { Conversation, Id, User } from '@plugboard/core'
import type { Appended, ConversationRecord, Merged, MergeUsers, NewEntry, Page, Range } from '@plugboard/hub'
import { NEVER } from '../database/migrations.js'
import {
  type Connection,
  prepareAll,
  prepareOne,
  prepareText,
  prepareWrite,
  toBytes,
  toHex,
} from '../database/sql.js'
import { newestMessageAt } from '../encoding.js'
import { type Appender, isUser } from './append.js'
import type { StreamCache } from './stream-cache.js'
import type { StreamState } from './stream-state.js'

type UserRow = [createdAt: number, data: string | null, mergedInto: Id | '']
type ConversationRow = [streamId: Id, createdAt: number, lastMessageAt: number | null]

const FIND_USER = `
  SELECT json_array(created_at, data, ${toHex('merged')}) FROM streams WHERE client = ${toBytes} AND id = ${toBytes}
    AND kind = 0 AND deleted_at IS NULL`

const walk = (where: string) => `
  SELECT json_quote(${toHex('id')}) AS row FROM streams
  WHERE ${where} AND id > ${toBytes} AND id < ${toBytes} AND kind = 1 AND deleted_at IS NULL`

/** Below and above every id. */
const FIRST = '00' as Id
const LAST = 'f'.repeat(26) as Id

const LIST = `
  SELECT json_array(${toHex('id')}, created_at, ${newestMessageAt('streams.n')}) AS row FROM streams
  WHERE user = ? AND rank IS NOT NULL AND (rank, n) < (?, ?)
  ORDER BY rank DESC, n DESC LIMIT ?`

/** Before the first conversation of any user. */
const START = [NEVER + 1, 0] as const

/** Users and their conversations, to read and to end. */
export class Conversations {
  readonly #streams: StreamCache
  readonly #appender: Appender
  readonly #findUser
  readonly #list
  readonly #walk
  readonly #walkBack
  readonly #endEndpoints
  readonly #endEndpointsOfUser
  readonly #dataOf
  readonly #setData
  readonly #merged
  readonly #ofUser
  readonly #setMerged
  readonly #setMergedAll
  readonly #moveEndpoints
  readonly #moveConversations
  readonly #rankAnew

  constructor(db: Connection, streams: StreamCache, appender: Appender) {
    this.#streams = streams
    this.#appender = appender
    this.#findUser = prepareOne<UserRow>(db, FIND_USER)
    this.#list = prepareAll<ConversationRow>(db, LIST)
    const walks = (order: string) =>
      [
        prepareAll<Id>(db, `${walk('user = ?')} ORDER BY id ${order} LIMIT ?`),
        prepareAll<Id>(db, `${walk(`client = ${toBytes}`)} ORDER BY id ${order} LIMIT ?`),
      ] as const
    this.#walk = walks('ASC')
    this.#walkBack = walks('DESC')
    const end = 'UPDATE endpoints SET ended = 1 WHERE stream'
    this.#endEndpoints = prepareWrite(db, `${end} = ?`)
    this.#endEndpointsOfUser = prepareWrite(db, `${end} IN (SELECT n FROM streams WHERE user = ?)`)
    this.#dataOf = prepareText(db, 'SELECT data FROM streams WHERE n = ?')
    this.#setData = prepareWrite(db, 'UPDATE streams SET data = ? WHERE n = ?')
    const merged = `client = ${toBytes} AND merged = ${toBytes}`
    this.#merged = prepareAll<Id>(db, `SELECT json_quote(${toHex('id')}) AS row FROM streams WHERE ${merged}`)
    this.#ofUser = prepareAll<Id>(db, `SELECT json_quote(${toHex('id')}) AS row FROM streams WHERE user = ?`)
    const set = `UPDATE streams SET merged = ${toBytes} WHERE client = ${toBytes} AND`
    this.#setMerged = prepareWrite(db, `${set} id = ${toBytes}`)
    this.#setMergedAll = prepareWrite(db, `${set} merged = ${toBytes}`)
    this.#moveEndpoints = prepareWrite(
      db,
      `UPDATE endpoints SET user = ${toBytes} WHERE stream IN (SELECT n FROM streams WHERE user = ?)`,
    )
    this.#moveConversations = prepareWrite(db, 'UPDATE streams SET user = ? WHERE user = ?')
    // Ranks of two users cannot be compared: a conversation keeps its rank while it is the newest of its user.
    const newest = newestMessageAt('streams.n')
    this.#rankAnew = prepareWrite(
      db,
      `UPDATE streams SET rank = ifnull(${newest}, rank) WHERE user = ? AND rank IS NOT NULL`,
    )
  }

  findUser(clientId: Id, id: Id): User | undefined {
    const row = this.#findUser(clientId, id)
    if (!row) return undefined
    const [createdAt, data, mergedInto] = row
    if (mergedInto) return this.findUser(clientId, mergedInto)
    return { id, clientId, createdAt: new Date(createdAt), ...(data !== null && { data: JSON.parse(data) }) }
  }

  /** The stream of a conversation that is there and was not deleted. */
  find(clientId: Id, id: Id): StreamState | undefined {
    const stream = this.#streams.find(clientId, id)
    return stream?.kind === 'conversation' && stream.deletedAt === null ? stream : undefined
  }

  findRecord(clientId: Id, id: Id): ConversationRecord | undefined {
    const stream = this.find(clientId, id)
    return stream && { ...toConversation(stream), seq: stream.seq, endpoints: stream.endpoints }
  }

  walk(clientId: Id, { userId, after = FIRST, before = LAST, fromEnd, limit }: Walk): ConversationRecord[] {
    const user = userId === undefined ? undefined : this.#streams.findUser(clientId, userId)
    if (userId !== undefined && !user) return []
    const [ofUser, ofClient] = fromEnd ? this.#walkBack : this.#walk
    const ids = user ? ofUser(user.n, after, before, limit) : ofClient(clientId, after, before, limit)
    const found = ids.flatMap((id) => this.findRecord(clientId, id) ?? [])
    return fromEnd ? found.reverse() : found
  }

  list(clientId: Id, userId: Id, { before, limit }: Page): Conversation[] {
    const user = this.#streams.findUser(clientId, userId)
    if (user?.kind !== 'user') return []
    const last = before && this.#streams.find(clientId, before)
    if (before && last?.userN !== user.n) return []
    // One that was deleted has no rank any more, and stood where its last message was.
    const [rank, n] = last ? [last.rank ?? last.lastMessageAt ?? NEVER, last.n] : START
    return this.#list(user.n, rank, n, limit).map(([streamId, createdAt, lastMessageAt]) =>
      toConversation({ clientId, streamId, userId: user.streamId, createdAt, lastMessageAt }),
    )
  }

  /** Its entries but the last read as deleted from then on, and its endpoints can be mapped anew. */
  delete(clientId: Id, id: Id, event: NewEntry): Appended | undefined {
    const stream = this.find(clientId, id)
    if (!stream) return undefined
    const appended = this.#appender.add(stream, event, event)
    stream.deletedAt = stream.lastAt
    this.#endEndpoints(stream.n)
    return appended
  }

  /** Its conversations stay, but what comes from their endpoints is not of them any more. */
  deleteUser(clientId: Id, id: Id, event: NewEntry): Appended | undefined {
    const stream = this.#streams.findUser(clientId, id)
    if (!stream || !isUser(stream)) return undefined
    const appended = this.#appender.add(stream, event, event)
    stream.deletedAt = stream.lastAt
    // Conversations that were mapped in this batch have no row before.
    this.#streams.flush()
    this.#endEndpointsOfUser(stream.n)
    for (const mergedId of this.#merged(clientId, stream.streamId)) {
      const merged = this.#streams.find(clientId, mergedId)
      if (!merged) continue
      merged.deletedAt = stream.lastAt
      this.#streams.touch(merged)
    }
    return appended
  }

  /** Makes two users one. What was merged into the younger one before is merged into the older one now. */
  merge({ clientId, users: [one, other], event }: MergeUsers): Merged | undefined {
    const [a, b] = [this.#streams.findUser(clientId, one), this.#streams.findUser(clientId, other)]
    if (!a || !b || a === b || !isUser(a) || !isUser(b)) return undefined
    const [older, younger] = a.streamId < b.streamId ? [a, b] : [b, a]
    const last = event(younger.streamId, older.streamId)
    const appended = this.#appender.add(younger, last, last)
    // Rows are changed past the streams in memory, which are written before and read anew after.
    this.#streams.flush()
    const ids = [younger.streamId, ...this.#merged(clientId, younger.streamId), ...this.#ofUser(younger.n)]
    this.#setMerged(older.streamId, clientId, younger.streamId)
    const [own, others] = [this.#dataOf(older.n), this.#dataOf(younger.n)]
    if (others) this.#setData(JSON.stringify({ ...JSON.parse(others), ...(own && JSON.parse(own)) }), older.n)
    this.#setMergedAll(older.streamId, clientId, younger.streamId)
    this.#moveEndpoints(older.streamId, younger.n)
    this.#moveConversations(older.n, younger.n)
    this.#rankAnew(older.n)
    for (const id of [...ids, ...this.#ofUser(older.n)]) this.#streams.drop(clientId, id)
    this.#streams.ranked()
    return { younger: younger.streamId, older: older.streamId, appended }
  }
}

type Walk = Range & { userId?: Id }

function toConversation({
  clientId,
  streamId: id,
  userId,
  createdAt,
  lastMessageAt,
}: Pick<StreamState, 'clientId' | 'streamId' | 'userId' | 'createdAt' | 'lastMessageAt'>): Conversation {
  const conversation: Conversation = { id, clientId, createdAt: new Date(createdAt) }
  if (userId !== undefined) conversation.userId = userId
  if (lastMessageAt !== null) conversation.lastMessageAt = new Date(lastMessageAt)
  return conversation
}
