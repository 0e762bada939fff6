import type { Id } from '@plugboard/core'
import {
  ENDPOINT_ROW,
  type EndpointRow,
  fromLanesText,
  HOLDS,
  STREAM_KINDS,
  toEndpoint,
  toLanesText,
} from './rows.js'
import { type Connection, prepareNumber, prepareOne, prepareWrite, toBytes, toHexOrNull } from './sql.js'
import { type Hold, NO_LANES, type StreamState, savedOf, settledUpTo } from './stream-state.js'

type Row = [
  n: number,
  kind: number,
  userId: Id | null,
  createdAt: number,
  seq: number,
  lastAt: number,
  lastMessageAt: number,
  scanned: number,
  lanes: string | null,
  nextAt: number | null,
  owedAt: number | null,
  hold: number,
  deletedAt: number | null,
  newest: number | null,
  endpoints: EndpointRow[],
]

const LOAD = `
  SELECT json_array(n, kind, ${toHexOrNull('user')}, created_at, seq, last_at, last_message_at, scanned, lanes,
    next_at, owed_at, hold, deleted_at, (SELECT max(seq) FROM entries WHERE stream = s.n),
    json((SELECT json_group_array(${ENDPOINT_ROW}) FROM endpoints WHERE stream = s.n)))
  FROM streams s WHERE client = ${toBytes} AND id = ${toBytes}`

const INSERT = `
  INSERT INTO streams (seq, last_at, scanned, lanes, last_message_at, next_at, owed_at, hold, deleted_at,
    n, client, id, kind, user, created_at, data)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${toBytes}, ${toBytes}, ?, ${toBytes}, ?, ?)`

const updating = (columns: string) =>
  `UPDATE streams SET seq = ?, last_at = ?, scanned = ?, lanes = ?${columns} WHERE n = ?`

const TIME_AFTER = 'SELECT at FROM entries WHERE stream = ? AND seq > ? ORDER BY seq LIMIT 1'

/** Rows of streams. An update names an indexed column only when it changed, since the name alone has its price. */
export class StreamRows {
  readonly #load
  readonly #insert
  readonly #updateTail
  readonly #updateSpoken
  readonly #updateDue
  readonly #updateAll
  readonly #timeAfter
  /** The highest row number. */
  readonly lastN: number

  constructor(db: Connection) {
    this.#load = prepareOne<Row>(db, LOAD)
    this.#insert = prepareWrite(db, INSERT)
    this.#updateTail = prepareWrite(db, updating(''))
    this.#updateSpoken = prepareWrite(db, updating(', last_message_at = ?'))
    this.#updateDue = prepareWrite(db, updating(', next_at = ?, owed_at = ?, hold = ?'))
    const all = ', last_message_at = ?, next_at = ?, owed_at = ?, hold = ?, deleted_at = ?'
    this.#updateAll = prepareWrite(db, updating(all))
    this.#timeAfter = prepareNumber(db, TIME_AFTER)
    this.lastN = prepareNumber(db, 'SELECT max(n) FROM streams')() ?? 0
  }

  read(clientId: Id, streamId: Id): StreamState | undefined {
    const row = this.#load(clientId, streamId)
    if (!row) return undefined
    const [
      n,
      kind,
      userId,
      createdAt,
      seq,
      lastAt,
      lastMessageAt,
      scanned,
      lanesText,
      nextAt,
      owedAt,
      hold,
      deletedAt,
    ] = row
    const [newest, endpoints] = [row[13], row[14]]
    const state = {
      n,
      clientId,
      streamId,
      kind: STREAM_KINDS[kind] as StreamState['kind'],
      userId: kind === 0 ? streamId : (userId ?? undefined),
      createdAt,
      endpoints: endpoints.map(toEndpoint),
      seq: Math.max(seq, newest ?? 0),
      lastAt,
      lastMessageAt,
      scanned,
      lanes: lanesText === null ? NO_LANES : fromLanesText(lanesText),
      nextAt,
      owedAt,
      deletedAt,
      hold: HOLDS[hold] as Hold,
    }
    return { ...state, saved: savedOf(state, lanesText) }
  }

  write(state: StreamState): void {
    this.#findOwed(state)
    const { saved, n, seq, lastAt, scanned, lastMessageAt, nextAt, owedAt, deletedAt } = state
    const lanes = state.lanes === saved.lanes ? saved.lanesText : toLanesText(state.lanes)
    const isSpoken = lastMessageAt !== saved.lastMessageAt
    const isDue = nextAt !== saved.nextAt || owedAt !== saved.owedAt || state.hold !== saved.hold
    const hold = HOLDS.indexOf(state.hold)
    if (saved.fresh) {
      const { clientId, streamId, kind, createdAt } = state
      const user = kind === 'conversation' ? (state.userId ?? null) : null
      const fixed = [n, clientId, streamId, STREAM_KINDS.indexOf(kind), user, createdAt, saved.fresh.data]
      this.#insert(seq, lastAt, scanned, lanes, lastMessageAt, nextAt, owedAt, hold, deletedAt, ...fixed)
    } else if ((isSpoken && isDue) || deletedAt !== saved.deletedAt) {
      this.#updateAll(seq, lastAt, scanned, lanes, lastMessageAt, nextAt, owedAt, hold, deletedAt, n)
    } else if (isSpoken) this.#updateSpoken(seq, lastAt, scanned, lanes, lastMessageAt, n)
    else if (isDue) this.#updateDue(seq, lastAt, scanned, lanes, nextAt, owedAt, hold, n)
    else this.#updateTail(seq, lastAt, scanned, lanes, n)
    state.saved = savedOf(state, lanes)
  }

  #findOwed(state: StreamState): void {
    const settled = settledUpTo(state)
    if (state.nextAt === null) state.owedAt = null
    // Most often it is the newest entry, whose time is known.
    else if (settled + 1 >= state.seq) state.owedAt = state.lastAt
    else if (state.owedAt === null || settled !== state.saved.settledUpTo) {
      state.owedAt = this.#timeAfter(state.n, settled) ?? state.lastAt
    }
  }
}
