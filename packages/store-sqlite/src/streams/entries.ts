import type { Id } from '@plugboard/core'
import {
  bytesOf,
  type Entry,
  type MessageCount,
  type MessagePage,
  type MessageText,
  PAGE_BYTES,
  type ReplyPage,
} from '@plugboard/hub'
import {
  type Connection,
  prepareAll,
  prepareNumber,
  prepareOne,
  prepareTexts,
  prepareWrite,
  removable,
  toBytes,
  toHex,
} from '../database/sql.js'
import {
  BUSINESS,
  ENTRY_ROW,
  ENTRY_TYPES,
  type EntryRow,
  LEAN_ENTRY_ROW,
  type LeanEntryRow,
  MESSAGE,
  type Place,
  toAuthorHex,
  toEntry,
  wholeRow,
} from '../encoding.js'
import type { StreamState } from './stream-state.js'

const INSERT = `
  INSERT INTO entries (id, stream, seq, at, type, author, channel, payload, owes, dedupe, incoming, collect_until,
    details)
  VALUES (${toBytes}, ?, ?, ?, ?, ${toBytes}, ?, ?, ?, ?, ${toBytes}, ?, ?)`
/** Of an entry like most, which costs a fifth less: each value has a price at the border to native code. */
const INSERT_PLAIN = `
  INSERT INTO entries (id, stream, seq, at, type, author, channel, payload, owes)
  VALUES (${toBytes}, ?, ?, ?, ?, ${toBytes}, ?, ?, ?)`

const entries = (row: string, rest: string) => `SELECT ${row} AS row FROM entries e ${rest}`
/** Of several, which are cut to a page before the long texts are read. */
const several = (rest: string) => entries(LEAN_ENTRY_ROW, rest)
/** With what an entry takes from its stream, where that is not known. */
export const placed = (row: string, rest: string) => `
  SELECT json_array(${toHex('s.id')}, s.deleted_at,
    iif(s.deleted_at IS NULL, 0, (SELECT max(seq) FROM entries WHERE stream = s.n)), ${row}) AS row
  FROM entries e JOIN streams s ON s.n = e.stream ${rest}`

export type PlacedRow = [streamId: Id, deletedAt: number | null, seq: number, row: EntryRow]

/** Entries on disk. What is asked of a stream here was found for the client before. */
export class Entries {
  readonly #insert
  readonly #insertPlain
  readonly #byId
  readonly #byDedupe
  readonly #seqOf
  readonly #timeOf
  readonly #messages
  readonly #nextMessages
  readonly #count
  readonly #size
  readonly #sizeOfActivities
  readonly #newest
  readonly #texts
  readonly #after
  readonly #replies
  readonly #endTurn
  readonly #edit
  readonly #deleteOne
  readonly #deleteFirst

  constructor(db: Connection) {
    this.#insert = prepareWrite(db, INSERT)
    this.#insertPlain = prepareWrite(db, INSERT_PLAIN)
    this.#byId = prepareOne<PlacedRow>(
      db,
      placed(ENTRY_ROW, `WHERE e.id = ${toBytes} AND s.client = ${toBytes}`),
    )
    this.#byDedupe = prepareOne<EntryRow>(db, entries(ENTRY_ROW, 'WHERE e.stream = ? AND e.dedupe = ?'))
    this.#seqOf = prepareNumber(db, `SELECT seq FROM entries WHERE id = ${toBytes} AND stream = ?`)
    this.#timeOf = prepareNumber(
      db,
      'SELECT at FROM entries WHERE stream = ? AND seq <= ? ORDER BY seq DESC LIMIT 1',
    )
    const messages = `type = ${MESSAGE} AND deleted_at IS NULL`
    const page = 'ORDER BY seq DESC LIMIT ?'
    this.#texts = prepareTexts(db, 'SELECT payload, details FROM entries WHERE stream = ? AND seq = ?')
    this.#messages = prepareAll<LeanEntryRow>(
      db,
      several(`WHERE stream = ? AND seq <= ? AND ${messages} ${page}`),
    )
    this.#nextMessages = prepareAll<LeanEntryRow>(
      db,
      several(`WHERE stream = ? AND seq > ? AND ${messages} ORDER BY seq LIMIT ?`),
    )
    const others = `author <> ${toBytes} OR ?`
    this.#count = prepareNumber(
      db,
      `SELECT count(*) FROM (SELECT 1 FROM entries WHERE stream = ? AND seq > ? AND ${messages} AND (${others}) LIMIT ?)`,
    )
    const bytes = "octet_length(payload) + octet_length(coalesce(details, ''))"
    const sizeOf = (which: string) =>
      prepareNumber(db, `SELECT sum(${bytes}) FROM entries WHERE stream = ? AND ${which}`)
    this.#size = sizeOf(messages)
    this.#sizeOfActivities = sizeOf(`type = ${ENTRY_TYPES.indexOf('activity')}`)
    // A store of another kind, which this one is a copy of, may have filled numbers that it did not use.
    const used = `type <> ${ENTRY_TYPES.indexOf('void')}`
    this.#newest = prepareAll<LeanEntryRow>(db, several(`WHERE stream = ? AND seq <= ? AND ${used} ${page}`))
    this.#after = prepareAll<LeanEntryRow>(db, several('WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?'))
    const replies = `WHERE stream = ? AND incoming = ${toBytes} AND author = x'${BUSINESS}' AND seq > ?
      AND ${messages} ORDER BY seq LIMIT ?`
    this.#replies = prepareAll<LeanEntryRow>(db, several(replies))
    const ending = 'UPDATE entries SET turn_ended_at = coalesce(turn_ended_at, ?)'
    this.#endTurn = prepareWrite(db, `${ending} WHERE stream = ? AND seq = ? AND ${messages}`)
    const editing = `UPDATE entries SET payload = ?, details = ? WHERE stream = ? AND ${messages}`
    this.#edit = prepareWrite(db, `${editing} AND id = ${toBytes}`)
    const deleting = "UPDATE entries SET payload = '', details = NULL, deleted_at = ?"
    this.#deleteOne = prepareWrite(db, `${deleting} WHERE stream = ? AND ${messages} AND id = ${toBytes}`)
    const first = removable(`stream = ? AND seq <= ? AND ${messages}`)
    this.#deleteFirst = prepareWrite(db, `${deleting} WHERE n IN (${first})`)
  }

  insert(n: number, entry: Entry): void {
    const { id, seq, at, type, payload, owes, dedupe, incomingId, collectUntil, details } = entry
    const ms = at.getTime()
    const typeNumber = ENTRY_TYPES.indexOf(type)
    const author = toAuthorHex(entry.author)
    const channel = entry.channel ?? null
    const owesText = owes.length === 0 ? null : owes.join(' ')
    if (
      dedupe === undefined &&
      incomingId === undefined &&
      collectUntil === undefined &&
      details === undefined
    ) {
      this.#insertPlain(id, n, seq, ms, typeNumber, author, channel, payload, owesText)
      return
    }
    const until = collectUntil?.getTime() ?? null
    this.#insert(
      id,
      n,
      seq,
      ms,
      typeNumber,
      author,
      channel,
      payload,
      owesText,
      dedupe ?? null,
      incomingId ?? null,
      until,
      details ?? null,
    )
  }

  find(clientId: Id, id: Id): Entry | undefined {
    const row = this.#byId(id, clientId)
    return row && fromPlaced(clientId, row)
  }

  findDuplicate(stream: StreamState, dedupe: string): Entry | undefined {
    const row = this.#byDedupe(stream.n, dedupe)
    return row && toEntry(row, stream)
  }

  listMessages(stream: StreamState, page: MessagePage): Entry[] {
    const { limit } = page
    if (page.after !== undefined) {
      const from = this.#seqOf(page.after, stream.n)
      if (from === undefined) return []
      return this.#page(stream, { from, limit, isOnwards: true }, this.#nextMessages).reverse()
    }
    let last = stream.seq
    if (page.before !== undefined) last = (this.#seqOf(page.before, stream.n) ?? 0) - 1
    if (page.until) last = this.#lastUntil(stream, page.until.getTime(), last)
    return this.#page(stream, { from: last, limit }, this.#messages)
  }

  /** Stops counting at the limit. */
  countMessages(stream: StreamState, { after, except, limit }: MessageCount): number {
    return this.#count(stream.n, after, except ?? BUSINESS, except ? 0 : 1, limit) ?? 0
  }

  sizeOfMessages(stream: StreamState): number {
    return this.#size(stream.n) ?? 0
  }

  sizeOfActivities(stream: StreamState): number {
    return this.#sizeOfActivities(stream.n) ?? 0
  }

  listNewest(stream: StreamState, limit: number): Entry[] {
    return this.#page(stream, { from: stream.seq, limit }, this.#newest)
  }

  listAfter(stream: StreamState, from: number, limit: number): Entry[] {
    return this.#page(stream, { from, limit, isOnwards: true }, this.#after)
  }

  listReplies(stream: StreamState, incomingId: Id, { after = 0, limit }: ReplyPage): Entry[] {
    return this.#page(stream, { from: after, limit, isOnwards: true }, (n, from, size) =>
      this.#replies(n, incomingId, from, size),
    )
  }

  endTurn(stream: StreamState, seq: number, at: Date): boolean {
    return this.#endTurn(at.getTime(), stream.n, seq) > 0
  }

  edit(stream: StreamState, id: Id, { payload, details }: MessageText): boolean {
    return this.#edit(payload, details ?? null, stream.n, id) > 0
  }

  deleteMessage(stream: StreamState, id: Id, at: Date): number {
    return this.#deleteOne(at.getTime(), stream.n, id)
  }

  /** The first messages up to a number, as many as one write removes. Answers how many: 0 when none is left. */
  deleteMessages(stream: StreamState, upTo: number, at: Date): number {
    return this.#deleteFirst(at.getTime(), stream.n, upTo, DELETED_AT_ONCE)
  }

  /** Up to the entry that fills a page. Only what is on it is read, where that is long. */
  #page(
    stream: StreamState,
    { from, limit, isOnwards = false }: Walk,
    read: (n: number, from: number, limit: number) => LeanEntryRow[],
  ): Entry[] {
    const page: Entry[] = []
    let bytes = 0
    let next = from
    for (let size = FIRST_ROWS; ; size *= 2) {
      const wanted = Math.min(size, limit - page.length)
      const rows = read(stream.n, next, wanted)
      for (const row of rows) {
        const entry = toEntry(
          wholeRow(row, () => this.#texts(stream.n, row[1]) ?? ['', null]),
          stream,
        )
        page.push(entry)
        bytes += bytesOf(entry)
        if (bytes >= PAGE_BYTES) return page
        next = isOnwards ? entry.seq : entry.seq - 1
      }
      if (rows.length < wanted || page.length >= limit) return page
    }
  }

  /** Times never run against the numbers, so that the last entry of a time is found by halves. */
  #lastUntil(stream: StreamState, until: number, last: number): number {
    if (until >= stream.lastAt) return last
    let [low, high] = [0, last]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#timeOf(stream.n, middle) ?? 0) <= until) low = middle
      else high = middle - 1
    }
    return low
  }
}

/**
 * Rows that are read at once at first, twice as many then: what a row has behind a long text costs a walk through all of
 * the text, so few are read that are not on the page.
 */
const FIRST_ROWS = 20

const DELETED_AT_ONCE = 1000

/** The entries of a page: from this number back, it included, or onwards from the one after it. */
interface Walk {
  from: number
  limit: number
  isOnwards?: boolean
}

export const fromPlaced = (clientId: Id, [streamId, deletedAt, seq, row]: PlacedRow): Entry =>
  toEntry(row, { clientId, streamId, seq, deletedAt } satisfies Place)
