import type { Conversation, Id, User } from '@plugboard/core'
import type { Appended, ConversationRecord, NewEntry, Page } from '@plugboard/hub'
import type { Log } from './log.js'
import { NEVER } from './migrations.js'
import { type Connection, prepareAll, prepareOne, prepareWrite, toBytes, toHex } from './sql.js'
import type { StreamState } from './stream-state.js'
import type { Streams } from './streams.js'

type UserRow = [createdAt: number, data: string | null]
type ConversationRow = [id: Id, createdAt: number, lastMessageAt: number]

const FIND_USER = `
  SELECT json_array(created_at, data) FROM streams WHERE client = ${toBytes} AND id = ${toBytes} AND kind = 0`

const LIST = `
  SELECT json_array(${toHex('s.id')}, s.created_at, t.last_message_at) AS row
  FROM talks t JOIN streams s ON s.n = t.n
  WHERE t.user = ? AND (t.last_message_at, t.n) < (?, ?)
  ORDER BY t.last_message_at DESC, t.n DESC LIMIT ?`

/** Before the first conversation of any user. */
const START = [NEVER + 1, 0] as const

/** Users and their conversations, to read and to end. */
export class Conversations {
  readonly #streams: Streams
  readonly #log: Log
  readonly #findUser
  readonly #list
  readonly #endEndpoints

  constructor(db: Connection, streams: Streams, log: Log) {
    this.#streams = streams
    this.#log = log
    this.#findUser = prepareOne<UserRow>(db, FIND_USER)
    this.#list = prepareAll<ConversationRow>(db, LIST)
    this.#endEndpoints = prepareWrite(db, 'UPDATE endpoints SET ended = 1 WHERE stream = ?')
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
    if (!stream) return undefined
    const { createdAt, lastMessageAt, endpoints } = stream
    const userId = stream.userId as Id
    return { ...toConversation(clientId, userId, [id, createdAt, lastMessageAt]), endpoints }
  }

  list(clientId: Id, userId: Id, { before, limit }: Page): Conversation[] {
    const user = this.#streams.find(clientId, userId)
    if (user?.kind !== 'user') return []
    const last = before && this.#streams.find(clientId, before)
    if (before && last?.userN !== user.n) return []
    const [at, n] = last ? [last.lastMessageAt, last.n] : START
    return this.#list(user.n, at, n, limit).map((row) => toConversation(clientId, userId, row))
  }

  /** Its entries but the last read as deleted from then on, and its endpoints can be mapped anew. */
  delete(clientId: Id, id: Id, event: NewEntry): Appended | undefined {
    const stream = this.find(clientId, id)
    if (!stream) return undefined
    const appended = this.#log.add(stream, event, event)
    stream.deletedAt = stream.lastAt
    this.#endEndpoints(stream.n)
    return appended
  }
}

function toConversation(
  clientId: Id,
  userId: Id,
  [id, createdAt, lastMessageAt]: ConversationRow,
): Conversation {
  const conversation: Conversation = { id, clientId, userId, createdAt: new Date(createdAt) }
  if (lastMessageAt !== NEVER) conversation.lastMessageAt = new Date(lastMessageAt)
  return conversation
}
