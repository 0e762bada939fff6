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
  SELECT json_array(${toHex('id')}, created_at, last_message_at) AS row FROM streams
  WHERE user = ${toBytes} AND client = ${toBytes} AND deleted_at IS NULL
    AND (last_message_at, id) < (?, ${toBytes})
  ORDER BY last_message_at DESC, id DESC LIMIT ?`

/** Before the first conversation of any user. */
const START = [NEVER + 1, ''] as const

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
    const last = before && this.#streams.find(clientId, before)
    if (before && last?.userId !== userId) return []
    const [at, id] = last ? [last.lastMessageAt, last.streamId] : START
    return this.#list(userId, clientId, at, id, limit).map((row) => toConversation(clientId, userId, row))
  }

  /** Its entries but the last read as deleted from then on, and its endpoints can be mapped anew. */
  delete(clientId: Id, id: Id, event: NewEntry): Appended | undefined {
    const stream = this.find(clientId, id)
    if (!stream) return undefined
    const appended = this.#log.add(stream, event)
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
