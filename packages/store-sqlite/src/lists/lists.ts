import type { Id } from '@plugboard/core'
import {
  COUNTED_DEAD,
  type ConversationState,
  type DeadPage,
  type DeadWalk,
  type Entry,
  type OwingPage,
  type OwingStream,
  type Place,
  PREVIEW_BYTES,
  type RecentConversation,
  type RecentPage,
} from '@plugboard/hub'
import { type Connection, prepareAll, prepareOne, toBytes, toHex } from '../database/sql.js'
import { ENTRY_ROW, type EntryRow, HOLDS, MESSAGE, toEntry } from '../encoding.js'
import type { Conversations } from '../streams/conversations.js'
import type { StreamCache } from '../streams/stream-cache.js'
import { activityReader } from './activity.js'
import { DeadReader } from './dead-letter-index.js'

/** The newest entries of a conversation among which its newest message is looked for. */
const NEAR = 100

const NEWEST = `
  SELECT iif(octet_length(e.payload) + ifnull(octet_length(e.details), 0) > ${PREVIEW_BYTES}, NULL, ${ENTRY_ROW})
  FROM (SELECT * FROM entries WHERE stream = ? ORDER BY seq DESC LIMIT ${NEAR}) e
  WHERE e.type = ${MESSAGE} AND e.deleted_at IS NULL LIMIT 1`

const PLACES = `
  SELECT json_array(${toHex('user')}, ${toHex('conversation')}, ${toHex('id')}) AS row
  FROM endpoints INDEXED BY endpoints_by_address
  WHERE client = ${toBytes} AND sender = ? AND ended = 0 LIMIT ?`

type OwingRow = [streamId: Id, nextAt: number, hold: number]

const owing = (where: string) => `
  SELECT json_array(${toHex('s.id')}, p.next_at, p.hold) AS row
  FROM progress p INDEXED BY progress_of_client JOIN streams s ON s.n = p.n
  WHERE p.client = ${toBytes} AND ${where} ORDER BY p.next_at, p.n LIMIT ?`

/** The row of a stream or, where that was purged, the one before it: streams of one time are in the order of their rows. */
const ROW = `ifnull((
  SELECT n FROM streams INDEXED BY streams_by_id
  WHERE client = ${toBytes} AND id <= ${toBytes} ORDER BY id DESC LIMIT 1), 0)`

/** What operators look for. Its statements are prepared when the first one looks. */
export class Lists {
  readonly #db: Connection
  readonly #streams: StreamCache
  readonly #conversations: Conversations
  #queries: ReturnType<typeof prepare> | undefined

  constructor(db: Connection, streams: StreamCache, conversations: Conversations) {
    this.#db = db
    this.#streams = streams
    this.#conversations = conversations
  }

  get #open() {
    this.#queries ??= prepare(this.#db)
    return this.#queries
  }

  recent(clientId: Id, page: RecentPage): RecentConversation[] {
    return this.#open.recent(clientId, page).flatMap(([id, at]) => {
      const record = this.#conversations.findRecord(clientId, id)
      return record ? { ...record, activeAt: new Date(at) } : []
    })
  }

  newestMessages(clientId: Id, ids: readonly Id[]): Entry[] {
    return ids.flatMap((id) => {
      const stream = this.#conversations.find(clientId, id)
      const row = stream && this.#open.newest(stream.n)
      return row ? toEntry(row, stream) : []
    })
  }

  states(clientId: Id, ids: readonly Id[]): ConversationState[] {
    return ids.flatMap((id) => {
      const stream = this.#conversations.find(clientId, id)
      if (!stream) return []
      return {
        id,
        pending: Object.keys(stream.lanes).length,
        dead: this.#open.dead.count(clientId, id, COUNTED_DEAD),
      }
    })
  }

  places(clientId: Id, sender: string, limit: number): Place[] {
    return this.#open.places(clientId, sender, limit).map(([userId, conversationId, endpointId]) => ({
      ...{ userId, conversationId, endpointId },
    }))
  }

  dead(clientId: Id, page: DeadPage) {
    return this.#open.dead.find(clientId, page)
  }

  walkDead(clientId: Id, walk: DeadWalk) {
    return this.#open.dead.walk(clientId, walk)
  }

  owing(clientId: Id, { after, limit }: OwingPage): OwingStream[] {
    const at = after?.nextAt.getTime() ?? 0
    const rows = after ? this.#open.owingAt(clientId, at, clientId, after.streamId, limit) : []
    if (rows.length < limit) rows.push(...this.#open.owingAfter(clientId, at, limit - rows.length))
    return rows.flatMap(([streamId, nextAt, hold]) => {
      const stream = this.#streams.find(clientId, streamId)
      if (!stream) return []
      const { userId, endpoints, seq, scanned, lanes } = stream
      return {
        ...{ clientId, streamId, endpoints, seq, scanned, lanes, nextAt: new Date(nextAt) },
        ...(userId !== undefined && { userId }),
        isHeld: HOLDS[hold] !== 'free',
      }
    })
  }
}

const prepare = (db: Connection) => ({
  recent: activityReader(db),
  newest: prepareOne<EntryRow>(db, NEWEST),
  places: prepareAll<[Id, Id, Id]>(db, PLACES),
  dead: new DeadReader(db),
  owingAt: prepareAll<OwingRow>(db, owing(`p.next_at = ? AND p.n > ${ROW}`)),
  owingAfter: prepareAll<OwingRow>(db, owing('p.next_at > ?')),
})
