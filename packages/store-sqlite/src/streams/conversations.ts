import type { Conversation, Id, User } from '@plugboard/core'
import type { Appended, ConversationRecord, NewEntry, Page, Range } from '@plugboard/hub'
import { NEVER } from '../database/migrations.js'
import { type Connection, prepareAll, prepareOne, prepareWrite, toBytes, toHex } from '../database/sql.js'
import { newestMessageAt } from '../encoding.js'
import { type Appender, isUser } from './append.js'
import type { StreamCache } from './stream-cache.js'
import type { StreamState } from './stream-state.js'

type UserRow = [createdAt: number, data: string | null]
type ConversationRow = [streamId: Id, createdAt: number, lastMessageAt: number | null]

const FIND_USER = `
  SELECT json_array(created_at, data) FROM streams WHERE client = ${toBytes} AND id = ${toBytes} AND kind = 0
    AND deleted_at IS NULL`

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
  }

  findUser(clientId: Id, id: Id): User | undefined {
    const row = this.#findUser(clientId, id)
    if (!row) return undefined
    const [createdAt, data] = row
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
    const user = userId === undefined ? undefined : this.#streams.find(clientId, userId)
    if (userId !== undefined && !user) return []
    const [ofUser, ofClient] = fromEnd ? this.#walkBack : this.#walk
    const ids = user ? ofUser(user.n, after, before, limit) : ofClient(clientId, after, before, limit)
    const found = ids.flatMap((id) => this.findRecord(clientId, id) ?? [])
    return fromEnd ? found.reverse() : found
  }

  list(clientId: Id, userId: Id, { before, limit }: Page): Conversation[] {
    const user = this.#streams.find(clientId, userId)
    if (user?.kind !== 'user') return []
    const last = before && this.#streams.find(clientId, before)
    if (before && last?.userN !== user.n) return []
    // One that was deleted has no rank any more, and stood where its last message was.
    const [rank, n] = last ? [last.rank ?? last.lastMessageAt ?? NEVER, last.n] : START
    return this.#list(user.n, rank, n, limit).map(([streamId, createdAt, lastMessageAt]) =>
      toConversation({ clientId, streamId, userId, createdAt, lastMessageAt }),
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
    const stream = this.#streams.find(clientId, id)
    if (!stream || !isUser(stream)) return undefined
    const appended = this.#appender.add(stream, event, event)
    stream.deletedAt = stream.lastAt
    // Conversations that were mapped in this batch have no row before.
    this.#streams.flush()
    this.#endEndpointsOfUser(stream.n)
    return appended
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
