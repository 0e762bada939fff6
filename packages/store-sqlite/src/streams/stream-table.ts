import type { Id } from '@plugboard/core'
import { type Connection, prepareNumber, prepareOne, prepareWrite, toBytes, toHex } from '../database/sql.js'
import {
  PROGRESS_ROW,
  type ProgressRow,
  type ProgressTable,
  type SavedProgress,
  toProgress,
} from '../delivery/progress-table.js'
import { ENDPOINT_ROW, type EndpointRow, newestMessageAt, STREAM_KINDS, toEndpoint } from '../encoding.js'
import type { Activity } from '../lists/activity.js'
import { NO_LANES, type StreamState } from './stream-state.js'

/** A stream in memory, and what of it is on disk. */
export interface StoredStream extends StreamState {
  /** Names it in memory. */
  readonly key: string
  saved: {
    rank: number | null
    activeAt: number | null
    deletedAt: number | null
    isOver: boolean
    progress: SavedProgress | undefined
  }
  /** Set while it has no row; `data` is a user's, as JSON text. Never deleted, since V8 would make a slow, large hash table. */
  fresh: { data: string | null } | undefined
}

type Row = [
  stream: [
    n: number,
    kind: number,
    userN: number | null,
    userId: Id | '',
    createdAt: number,
    deletedAt: number | null,
    over: number | null,
    rank: number | null,
    mergedInto: Id | '',
    activeAt: number | null,
  ],
  last: [seq: number | null, at: number | null, messageAt: number | null],
  progress: ProgressRow,
  endpoints: EndpointRow[],
]

const LOAD = `
  SELECT json_array(
    json_array(s.n, s.kind, s.user, ${toHex('u.id')}, s.created_at, s.deleted_at, s.over, s.rank,
      ${toHex('s.merged')}, (SELECT at FROM activity WHERE n = s.n LIMIT 1)),
    json_array(e.seq, e.at, iif(s.kind <> 1, NULL, ${newestMessageAt('s.n')})),
    ${PROGRESS_ROW},
    json((SELECT json_group_array(${ENDPOINT_ROW}) FROM endpoints WHERE stream = s.n)))
  FROM streams s
    LEFT JOIN streams u ON u.n = s.user
    LEFT JOIN progress p ON p.n = s.n
    LEFT JOIN entries e ON e.stream = s.n AND e.seq = (SELECT max(seq) FROM entries WHERE stream = s.n)
  WHERE s.client = ${toBytes} AND s.id = ${toBytes}`

const INSERT = `
  INSERT INTO streams (n, client, id, kind, user, created_at, data, rank)
  VALUES (?, ${toBytes}, ${toBytes}, ?, ?, ?, ?, ?)`

/**
 * Streams on disk. A number, and the time of an entry and of a message, are read off the entries themselves, so that
 * an entry costs no write of its stream but the progress while it is owed, and the rank where that changes.
 */
export class StreamTable {
  readonly #progress: ProgressTable
  readonly #activity: Activity
  readonly #load
  readonly #insert
  readonly #end
  readonly #move
  /** The highest row number. */
  readonly lastN: number

  constructor(db: Connection, { progress, activity }: { progress: ProgressTable; activity: Activity }) {
    this.#progress = progress
    this.#activity = activity
    this.#load = prepareOne<Row>(db, LOAD)
    this.#insert = prepareWrite(db, INSERT)
    this.#end = prepareWrite(db, 'UPDATE streams SET deleted_at = ?, over = ?, rank = NULL WHERE n = ?')
    this.#move = prepareWrite(db, 'UPDATE streams SET rank = ? WHERE n = ?')
    this.lastN = prepareNumber(db, 'SELECT max(n) FROM streams')() ?? 0
  }

  read(clientId: Id, streamId: Id): StoredStream | undefined {
    const row = this.#load(clientId, streamId)
    if (!row) return undefined
    const [stream, last, progress, endpoints] = row
    const [n, kind, userN, userId, createdAt, deletedAt, over, rank, mergedInto, activeAt] = stream
    const [seq, lastAt, messageAt] = last
    const owed = toProgress(progress)
    return {
      key: clientId + streamId,
      n,
      clientId,
      streamId,
      kind: STREAM_KINDS[kind] as StreamState['kind'],
      userId: STREAM_KINDS[kind] === 'user' ? streamId : userId || undefined,
      userN,
      mergedInto: mergedInto || undefined,
      createdAt,
      endpoints: endpoints.map(toEndpoint),
      seq: seq ?? 0,
      lastAt: lastAt ?? 0,
      lastMessageAt: messageAt,
      rank,
      activeAt,
      deletedAt,
      scanned: owed?.scanned ?? seq ?? 0,
      lanes: owed?.lanes ?? NO_LANES,
      nextAt: owed?.nextAt ?? null,
      hold: owed?.hold ?? 'free',
      fence: owed?.fence ?? 0,
      reclaimedFrom: undefined,
      fresh: undefined,
      saved: { rank, activeAt, deletedAt, isOver: over !== null, progress: owed },
    }
  }

  write(stream: StoredStream): void {
    if (stream.fresh) this.#create(stream, stream.fresh.data)
    const { n, deletedAt, saved } = stream
    const rank = deletedAt === null ? stream.rank : null
    const isOver = deletedAt !== null && stream.nextAt === null
    if (deletedAt !== saved.deletedAt || isOver !== saved.isOver) this.#end(deletedAt, isOver ? 1 : null, n)
    else if (rank !== saved.rank) this.#move(rank, n)
    const activeAt = this.#writeActivity(stream)
    const progress = this.#progress.write(stream, saved.progress)
    stream.saved = { rank, activeAt, deletedAt, isOver, progress }
  }

  #writeActivity(stream: StoredStream): number | null {
    const { n, activeAt, deletedAt, saved } = stream
    if (deletedAt !== null) {
      // A stream in memory may not know of its rows, if they were added to a file of an earlier version.
      if (saved.deletedAt === null && stream.kind === 'conversation') this.#activity.remove(n)
      return null
    }
    if (activeAt === null || activeAt === saved.activeAt) return saved.activeAt
    if (saved.activeAt === null) this.#activity.put(stream, activeAt)
    else this.#activity.move(n, activeAt)
    return activeAt
  }

  #create(stream: StoredStream, data: string | null): void {
    const { n, clientId, streamId, kind, userN, createdAt, rank, saved } = stream
    this.#insert(n, clientId, streamId, STREAM_KINDS.indexOf(kind), userN, createdAt, data, rank)
    saved.rank = rank
    stream.fresh = undefined
  }
}
