import type { Id } from '@plugboard/core'
import {
  type ArchiveKind,
  type ArchiveRecord,
  COPY_META,
  type ConversationStream,
  type Counts,
  decodeChannel,
  type StreamRecord,
  type UserStream,
} from '@plugboard/hub'
import type { Clients } from '../clients.js'
import { type Connection, prepareAll, prepareNumber, prepareOne, toBytes, toHex } from '../database/sql.js'
import { PROGRESS_ROW, type ProgressRow, type SavedProgress, toProgress } from '../delivery/progress-table.js'
import {
  ENDPOINT_ROW,
  ENTRY_ROW,
  type EndpointRow,
  type EntryRow,
  newestMessageAt,
  STREAM_KINDS,
  toEndpoint,
  toEntry,
} from '../encoding.js'
import { PULL_ROW, type PullRow, toPullLane } from '../pull-lanes.js'
import { QUEUED_ROW, type QueuedRow, toQueued } from '../queues.js'
import { DOCUMENT_ROW, type DocumentRow, toDocument } from '../stored-documents.js'

/** Records in a page. */
const PAGE = 500
/** Bytes of payload in a page of several entries. */
const PAGE_BYTES = 4_000_000

const META = `SELECT json_array(key, value) AS row FROM meta
  WHERE key > ? AND substr(key, 1, ${COPY_META.length}) <> '${COPY_META}' ORDER BY key LIMIT ${PAGE}`

const KEYS = `SELECT json_array(${toHex('client')}, key, hash, ${toHex('id')}, at) AS row FROM keys
  WHERE (client, key) > (${toBytes}, ?) ORDER BY client, key LIMIT ${PAGE}`

/** A sender whose user was deleted is nobody. */
const OF_USER = `EXISTS (
  SELECT 1 FROM streams s WHERE s.client = senders.client AND s.id = senders.user AND s.deleted_at IS NULL)`

const SENDERS = `
  SELECT json_array(${toHex('client')}, sender, identity, channel, custom, ${toHex('user')}) AS row FROM senders
  WHERE (client, sender, identity, channel, custom) > (${toBytes}, ?, ?, ?, ?) AND ${OF_USER}
  ORDER BY client, sender, identity, channel, custom LIMIT ${PAGE}`

/** With what is read off the entries, as it is when a stream is loaded. */
const STREAMS = `
  SELECT json_array(
    json_array(s.n, ${toHex('s.client')}, ${toHex('s.id')}, ${toHex('u.id')}, s.created_at, s.data, s.deleted_at,
      ${toHex('s.merged')}),
    json_array(e.seq, e.at, iif(s.kind <> 1, NULL, ${newestMessageAt('s.n')})),
    ${PROGRESS_ROW},
    json((SELECT json_group_array(${ENDPOINT_ROW}) FROM (SELECT * FROM endpoints WHERE stream = s.n ORDER BY n)))) AS row
  FROM streams s
    LEFT JOIN streams u ON u.n = s.user
    LEFT JOIN progress p ON p.n = s.n
    LEFT JOIN entries e ON e.stream = s.n AND e.seq = (SELECT max(seq) FROM entries WHERE stream = s.n)
  WHERE s.kind = ? AND s.n > ? ORDER BY s.n LIMIT ${PAGE}`

/** The last entry of a page: one at least, and no more than fit. */
const ENTRIES_END = `
  SELECT max(n) FROM (
    SELECT n, sum(size) OVER (ORDER BY n) AS bytes, row_number() OVER (ORDER BY n) AS place
    FROM (SELECT n, octet_length(payload) + ifnull(octet_length(details), 0) + ifnull(octet_length(sent), 0) AS size
      FROM entries WHERE n > ? ORDER BY n LIMIT ${PAGE}))
  WHERE bytes <= ${PAGE_BYTES} OR place = 1`

/** As they are on disk: what an entry takes from its stream is not in them. */
const ENTRIES = `
  SELECT json_array(e.n, ${toHex('s.client')}, ${toHex('s.id')}, ${ENTRY_ROW}) AS row
  FROM entries e LEFT JOIN streams s ON s.n = e.stream WHERE e.n > ? AND e.n <= ? ORDER BY e.n`

const DOCUMENT_KEY = '(d.client, d.collection, d.id)'

/** As {@link ENTRIES_END}: how many documents are in a page. */
const DOCUMENTS_SIZE = `
  SELECT max(place) FROM (
    SELECT sum(size) OVER (ORDER BY client, collection, id) AS bytes,
      row_number() OVER (ORDER BY client, collection, id) AS place
    FROM (SELECT client, collection, id, octet_length(data) AS size FROM documents d WHERE ${DOCUMENT_KEY} > (${toBytes}, ?, ${toBytes})
      ORDER BY client, collection, id LIMIT ${PAGE}))
  WHERE bytes <= ${PAGE_BYTES} OR place = 1`

const DOCUMENTS = `SELECT json_array(${toHex('client')}, collection, ${DOCUMENT_ROW}) AS row FROM documents d
  WHERE ${DOCUMENT_KEY} > (${toBytes}, ?, ${toBytes}) ORDER BY client, collection, id LIMIT ?`

const COUNTERS = `SELECT json_array(${toHex('client')}, name, value) AS row FROM counters
  WHERE (client, name) > (${toBytes}, ?) ORDER BY client, name LIMIT ${PAGE}`

const QUEUED = `SELECT json_array(${toHex('client')}, ${toHex('queue')}, ${QUEUED_ROW}) AS row FROM queued q
  WHERE (client, queue, n) > (${toBytes}, ${toBytes}, ?) ORDER BY client, queue, n LIMIT ${PAGE}`

const PULLS = `SELECT json_array(rowid, ${PULL_ROW}) AS row FROM pulls p WHERE rowid > ? ORDER BY rowid LIMIT ${PAGE}`

const COUNTS = `SELECT json_object(
  'meta', (SELECT count(*) FROM meta WHERE substr(key, 1, ${COPY_META.length}) <> '${COPY_META}'),
  'client', (SELECT count(*) FROM clients),
  'key', (SELECT count(*) FROM keys),
  ${STREAM_KINDS.map((kind, place) => `'${kind}', (SELECT count(*) FROM streams WHERE kind = ${place}),`).join(' ')}
  'sender', (SELECT count(*) FROM senders WHERE ${OF_USER}),
  'entry', (SELECT count(*) FROM entries),
  'document', (SELECT count(*) FROM documents),
  'counter', (SELECT count(*) FROM counters),
  'queued', (SELECT count(*) FROM queued),
  'pull', (SELECT count(*) FROM pulls))`

type StreamRow<Progress = SavedProgress | undefined> = [
  stream: [
    n: number,
    clientId: Id,
    id: Id,
    userId: Id | '',
    createdAt: number,
    data: string | null,
    deletedAt: number | null,
    mergedInto: Id | '',
  ],
  last: [seq: number | null, at: number | null, messageAt: number | null],
  progress: Progress,
  endpoints: EndpointRow[],
]

/** Records after a place, which is `last` of the page before. */
interface KindPage {
  records: ArchiveRecord[]
  last: string
}

/** Reads each table by its key, a page at a time. */
export class ArchiveReader {
  readonly #pages: Readonly<Record<ArchiveKind, (after: string) => KindPage>>
  readonly #count

  constructor(db: Connection, clients: Clients) {
    this.#count = prepareOne<Counts>(db, COUNTS)
    const readStreams = prepareAll<StreamRow<ProgressRow>>(db, STREAMS)
    const streams = (place: number, after: number): StreamRow[] =>
      readStreams(place, after).map(([stream, last, row, endpoints]) => [
        stream,
        last,
        toProgress(row),
        endpoints,
      ])
    const ofKind = <K extends 'user' | 'conversation' | 'integration'>(
      kind: K,
      toRecord: (row: StreamRow) => Extract<ArchiveRecord, { kind: K }>,
    ) => {
      const place = STREAM_KINDS.indexOf(kind)
      return (after: string) => pageOf(streams(place, Number(after)), toRecord, ([[n]]) => `${n}`)
    }
    this.#pages = {
      meta: metaPages(db),
      client: (after) =>
        pageOf(
          clients.list({ after: after as Id, limit: PAGE }),
          (client) => ({ kind: 'client', ...client }),
          ({ id }) => id,
        ),
      key: keyPages(db),
      user: ofKind('user', (row) => ({ kind: 'user', ...toUser(row) })),
      conversation: ofKind('conversation', (row) => ({ kind: 'conversation', ...toConversation(row) })),
      integration: ofKind('integration', (row) => ({ kind: 'integration', ...toStream(row) })),
      sender: senderPages(db),
      entry: entryPages(db),
      document: documentPages(db),
      counter: counterPages(db),
      queued: queuedPages(db),
      pull: pullPages(db),
    }
  }

  page(kind: ArchiveKind, after: string): KindPage {
    return this.#pages[kind](after)
  }

  count(): Counts {
    return this.#count() as Counts
  }
}

function pageOf<T>(
  rows: readonly T[],
  toRecord: (row: T) => ArchiveRecord,
  placeOf: (row: T) => string,
): KindPage {
  const last = rows.at(-1)
  return { records: rows.map(toRecord), last: last === undefined ? '' : placeOf(last) }
}

function metaPages(db: Connection) {
  const read = prepareAll<[key: string, value: string]>(db, META)
  return (after: string) =>
    pageOf(
      read(after),
      ([key, value]) => ({ kind: 'meta', key, value }),
      ([key]) => key,
    )
}

function keyPages(db: Connection) {
  const read = prepareAll<[clientId: Id, key: string, hash: string, id: Id, at: number]>(db, KEYS)
  return (after: string) => {
    const [client, key] = placeFrom(after, ['', ''])
    return pageOf(
      read(client, key),
      ([clientId, name, hash, id, at]) => ({ kind: 'key', clientId, key: name, hash, id, at: new Date(at) }),
      (row) => JSON.stringify(row.slice(0, 2)),
    )
  }
}

function senderPages(db: Connection) {
  type Row = [clientId: Id, sender: string, identity: string, channel: string, custom: number, userId: Id]
  const read = prepareAll<Row>(db, SENDERS)
  return (after: string) =>
    pageOf(
      read(...placeFrom(after, ['', '', '', '', 0])),
      ([clientId, sender, identity, channel, custom, userId]) => ({
        kind: 'sender',
        ...{ clientId, sender, identity, channel: decodeChannel(channel, custom === 1), userId },
      }),
      (row) => JSON.stringify(row.slice(0, 5)),
    )
}

function entryPages(db: Connection) {
  const endOf = prepareNumber(db, ENTRIES_END)
  const read = prepareAll<[n: number, clientId: Id, streamId: Id, row: EntryRow]>(db, ENTRIES)
  return (after: string) =>
    pageOf(
      read(Number(after), endOf(Number(after)) ?? 0),
      ([, clientId, streamId, row]) => ({
        kind: 'entry',
        ...toEntry(row, { clientId, streamId, seq: row[1], deletedAt: null }),
      }),
      ([n]) => `${n}`,
    )
}

function documentPages(db: Connection) {
  const sizeOf = prepareNumber(db, DOCUMENTS_SIZE)
  const read = prepareAll<[clientId: Id, collection: string, row: DocumentRow]>(db, DOCUMENTS)
  return (after: string) => {
    const place = placeFrom(after, ['', '', ''])
    return pageOf(
      read(...place, sizeOf(...place) ?? 0),
      ([clientId, collection, row]) => ({ kind: 'document', ...toDocument(clientId, collection, row) }),
      ([clientId, collection, [id]]) => JSON.stringify([clientId, collection, id]),
    )
  }
}

function counterPages(db: Connection) {
  const read = prepareAll<[clientId: Id, name: string, value: number]>(db, COUNTERS)
  return (after: string) =>
    pageOf(
      read(...placeFrom(after, ['', ''])),
      ([clientId, name, value]) => ({ kind: 'counter', clientId, name, value }),
      (row) => JSON.stringify(row.slice(0, 2)),
    )
}

function queuedPages(db: Connection) {
  const read = prepareAll<[clientId: Id, queueId: Id, row: QueuedRow]>(db, QUEUED)
  return (after: string) =>
    pageOf(
      read(...placeFrom(after, ['', '', 0])),
      ([clientId, queueId, row]) => ({ kind: 'queued', clientId, queueId, ...toQueued(row) }),
      ([clientId, queueId, [n]]) => JSON.stringify([clientId, queueId, n]),
    )
}

function pullPages(db: Connection) {
  const read = prepareAll<[rowid: number, row: PullRow]>(db, PULLS)
  return (after: string) =>
    pageOf(
      read(Number(after)),
      ([, row]) => ({ kind: 'pull', ...toPullLane(row) }),
      ([rowid]) => `${rowid}`,
    )
}

const placeFrom = <T extends unknown[]>(after: string, first: T): T =>
  after === '' ? first : (JSON.parse(after) as T)

function toStream([[, clientId, id, , createdAt], [seq, lastAt], owed]: StreamRow): StreamRecord {
  const last = new Date(lastAt ?? 0)
  return {
    ...{ id, clientId, createdAt: new Date(createdAt), seq: seq ?? 0, lastAt: last },
    scanned: owed?.scanned ?? seq ?? 0,
    lanes: owed?.lanes ?? {},
    ...(owed && {
      nextAt: owed.hold === 'free' ? new Date(owed.nextAt) : last,
      owedAt: new Date(owed.owedAt),
    }),
  }
}

function toUser(row: StreamRow): UserStream {
  const [[, , , , , data, deletedAt, mergedInto]] = row
  return {
    ...toStream(row),
    ...(deletedAt !== null && { deletedAt: new Date(deletedAt) }),
    ...(mergedInto !== '' && { mergedInto }),
    ...(data !== null && { data: JSON.parse(data) }),
  }
}

function toConversation(row: StreamRow): ConversationStream {
  const [[, , , userId, , , deletedAt], [, , messageAt], , endpoints] = row
  return {
    ...toStream(row),
    endpoints: endpoints.map(toEndpoint),
    ...(userId !== '' && { userId }),
    ...(messageAt !== null && { lastMessageAt: new Date(messageAt) }),
    ...(deletedAt !== null && { deletedAt: new Date(deletedAt) }),
  }
}
