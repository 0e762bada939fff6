import type { Id } from '@plugboard/core'
import {
  type ArchiveRecord,
  type ConversationStream,
  type Entry,
  encodeChannel,
  type KeyClaim,
  listedDeaths,
  type MetaRecord,
  type QueuedItem,
  type SenderRecord,
  type StreamKind,
  type StreamRecord,
} from '@plugboard/hub'
import type { Clients } from '../clients.js'
import { NEVER } from '../database/migrations.js'
import { type Connection, prepareNumber, prepareWrite, toBytes } from '../database/sql.js'
import {
  ENTRY_TYPES,
  HOLDS,
  newestMessageAt,
  STREAM_KINDS,
  toAuthorHex,
  toDeadText,
  toLanesText,
  toSentText,
} from '../encoding.js'
import { Activity } from '../lists/activity.js'
import { DeadIndex } from '../lists/dead-letter-index.js'
import { Pulls } from '../pull-lanes.js'
import { Queues } from '../queues.js'
import { StoredDocuments } from '../stored-documents.js'
import type { StreamCache } from '../streams/stream-cache.js'

/** A record does not fit. No PlugboardError, so that the transaction takes back what went before it. */
export class Refused extends Error {}

const META = 'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING'

const KEY = `INSERT INTO keys (client, key, hash, id, at) VALUES (${toBytes}, ?, ?, ${toBytes}, ?)
  ON CONFLICT (client, key) DO NOTHING`

const SENDER = `INSERT INTO senders (client, sender, identity, channel, custom, user)
  VALUES (${toBytes}, ?, ?, ?, ?, ${toBytes}) ON CONFLICT (client, sender, identity, channel, custom) DO NOTHING`

const STREAM = `INSERT INTO streams (n, client, id, kind, user, created_at, data, deleted_at, over, rank, merged)
  VALUES (?, ${toBytes}, ${toBytes}, ?, ?, ?, ?, ?, ?, ?, ${toBytes}) ON CONFLICT (client, id) DO NOTHING`

const PROGRESS = `INSERT INTO progress (n, client, scanned, lanes, next_at, owed_at, hold)
  VALUES (?, ${toBytes}, ?, ?, ?, ?, ${HOLDS.indexOf('free')})`

const ENDPOINT = `INSERT INTO endpoints
  (client, sender, identity, channel, custom, thread, id, stream, conversation, user, ended)
  VALUES (${toBytes}, ?, ?, ?, ?, ?, ${toBytes}, ?, ${toBytes}, ${toBytes}, ?)`

const ENTRY = `INSERT INTO entries (id, stream, seq, at, type, author, channel, payload, owes, dedupe, incoming,
    collect_until, turn_ended_at, dead, dead_client, deleted_at, details, sent)
  VALUES (${toBytes}, ?, ?, ?, ?, ${toBytes}, ?, ?, ?, ?, ${toBytes}, ?, ?, ?, ${toBytes}, ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`

const COUNTER = `INSERT INTO counters (client, name, value) VALUES (${toBytes}, ?, ?)
  ON CONFLICT (client, name) DO NOTHING`

const msOf = (time: Date | undefined): number | null => time?.getTime() ?? null

/** Writes records into the tables. Everything here runs within a transaction of the writer. */
export class ArchiveWriter {
  readonly #streams: StreamCache
  readonly #clients: Clients
  readonly #documents: StoredDocuments
  readonly #queues: Queues
  readonly #pulls: Pulls
  readonly #activity: Activity
  readonly #dead: DeadIndex
  readonly #meta
  readonly #key
  readonly #sender
  readonly #stream
  readonly #rank
  readonly #progress
  readonly #endpoint
  readonly #entry
  readonly #counter
  readonly #rowOf
  readonly #hasUser
  readonly #rowOfKind
  readonly #hasEntry

  constructor(db: Connection, streams: StreamCache, clients: Clients) {
    this.#streams = streams
    this.#clients = clients
    this.#documents = new StoredDocuments(db)
    this.#queues = new Queues(db)
    this.#pulls = new Pulls(db)
    this.#activity = new Activity(db)
    this.#dead = new DeadIndex(db)
    this.#meta = prepareWrite(db, META)
    this.#key = prepareWrite(db, KEY)
    this.#sender = prepareWrite(db, SENDER)
    this.#stream = prepareWrite(db, STREAM)
    const newest = newestMessageAt('?1')
    this.#rank = prepareWrite(db, `UPDATE streams SET rank = ${newest} WHERE n = ?1 AND rank IS NOT NULL`)
    this.#progress = prepareWrite(db, PROGRESS)
    this.#endpoint = prepareWrite(db, ENDPOINT)
    this.#entry = prepareWrite(db, ENTRY)
    this.#counter = prepareWrite(db, COUNTER)
    const row = `SELECT n FROM streams WHERE client = ${toBytes} AND id = ${toBytes}`
    this.#rowOf = prepareNumber(db, row)
    this.#hasUser = prepareNumber(db, 'SELECT 1 FROM streams WHERE n = ? AND deleted_at IS NULL')
    this.#rowOfKind = prepareNumber(db, `${row} AND kind = ?`)
    const here = `SELECT 1 FROM entries WHERE id = ${toBytes} AND stream = ? AND seq = ?`
    this.#hasEntry = prepareNumber(db, here)
  }

  write(records: readonly ArchiveRecord[]): void {
    const entries: Entry[] = []
    for (const record of records) {
      if (record.kind === 'entry') entries.push(record)
      else this.#writeOne(record)
    }
    this.#addEntries(entries)
  }

  #writeOne(record: Exclude<ArchiveRecord, { kind: 'entry' }>): void {
    switch (record.kind) {
      case 'meta':
        return this.#addMeta(record)
      case 'client': {
        const { kind: _, ...client } = record
        if (!this.#clients.find({ id: client.id })) this.#clients.insert(client)
        return
      }
      case 'key':
        return this.#addKey(record)
      case 'sender':
        return this.#addSender(record)
      case 'user': {
        const { data, mergedInto = null } = record
        this.#addStream('user', record, { data: data ? JSON.stringify(data) : null, mergedInto })
        return
      }
      case 'conversation':
        return this.#addConversation(record)
      case 'integration':
        this.#addStream('integration', record)
        return
      case 'document':
        return this.#addDocument(record)
      case 'counter':
        this.#counter(record.clientId, record.name, record.value)
        return
      case 'queued': {
        const { kind: _, clientId, queueId, ...item } = record
        this.#addQueued(clientId, queueId, item)
        return
      }
      case 'pull': {
        const { kind: _, ...lane } = record
        this.#pulls.insert(lane)
      }
    }
  }

  #addMeta({ key, value }: MetaRecord): void {
    this.#meta(key, value)
  }

  #addKey({ clientId, key, hash, id, at }: KeyClaim): void {
    this.#key(clientId, key, hash, id, at.getTime())
  }

  #addDocument({ kind: _, ...document }: Extract<ArchiveRecord, { kind: 'document' }>): void {
    const { clientId, collection, id, name } = document
    if (!this.#documents.insert(document) && !this.#documents.find(clientId, collection, { id }))
      throw new Refused(`the name ${name} of a document is taken`)
  }

  #addQueued(clientId: Id, queueId: Id, item: QueuedItem): void {
    if (this.#queues.put(clientId, queueId, item)) return
    const { n, streamId, seq } = item
    const [there] = this.#queues.read(clientId, queueId, { after: n - 1, limit: 1 })
    if (there?.n !== n || there.streamId !== streamId || there.seq !== seq)
      throw new Refused(`the number ${n} of the queue ${queueId} is taken`)
  }

  #addSender({ clientId, channel, identity, sender, userId }: SenderRecord): void {
    this.#sender(clientId, sender, identity, encodeChannel(channel), channel.custom ? 1 : 0, userId)
  }

  /** Answers the row of a stream that was not there. */
  #addStream(
    kind: StreamKind,
    stream: StreamRecord & { deletedAt?: Date },
    {
      data = null,
      userN = null,
      mergedInto = null,
    }: { data?: string | null; userN?: number | null; mergedInto?: Id | null } = {},
  ): number | undefined {
    const { clientId, id, createdAt, deletedAt, nextAt, owedAt, lastAt, scanned, lanes } = stream
    const n = this.#streams.takeRow()
    const [kindN, deleted, over, rank] = [
      STREAM_KINDS.indexOf(kind),
      msOf(deletedAt),
      deletedAt && !nextAt ? 1 : null,
      userN === null || deletedAt ? null : NEVER,
    ]
    const fields = [data, deleted, over, rank, mergedInto] as const
    if (this.#stream(n, clientId, id, kindN, userN, createdAt.getTime(), ...fields) === 0) {
      if (this.#rowOfKind(clientId, id, kindN) === undefined) throw new Refused(`the id ${id} is taken`)
      return undefined
    }
    if (nextAt) {
      const owed = (owedAt ?? lastAt).getTime()
      this.#progress(n, clientId, scanned, toLanesText(lanes), nextAt.getTime(), owed)
      this.#streams.dueFrom(nextAt.getTime())
    }
    this.#streams.drop(clientId, id)
    return n
  }

  #addConversation(conversation: ConversationStream): void {
    const { clientId, id, userId, endpoints, deletedAt } = conversation
    const userN = (userId && this.#rowOf(clientId, userId)) ?? null
    const n = this.#addStream('conversation', conversation, { userN })
    if (n === undefined) return
    if (!deletedAt) {
      const at = conversation.lastMessageAt ?? conversation.createdAt
      this.#activity.put({ n, clientId, streamId: id, endpoints }, at.getTime())
    }
    const leads = !deletedAt && userN !== null && this.#hasUser(userN) !== undefined
    for (const { id: endpointId, channel, identity, sender, thread } of endpoints) {
      const address = [
        clientId,
        sender,
        identity,
        encodeChannel(channel),
        channel.custom ? 1 : 0,
        thread,
      ] as const
      this.#endpoint(...address, endpointId, n, id, userId ?? '', leads ? 0 : 1)
    }
  }

  #addEntries(entries: readonly Entry[]): void {
    const moved = new Set<number>()
    for (const entry of entries) {
      const { clientId, streamId, id, seq, type } = entry
      const n = this.#rowOf(clientId, streamId)
      if (n === undefined) throw new Refused(`the entry ${id} is of a stream that is not there`)
      if (type === 'message') moved.add(n)
      const isAdded = this.#addEntry(n, entry)
      if (!isAdded && this.#hasEntry(id, n, seq) === undefined) throw new Refused(`the id ${id} is taken`)
      const key = { clientId, streamId, seq, entryId: id, type: ENTRY_TYPES.indexOf(type) }
      if (isAdded) for (const [target, dead] of listedDeaths(entry)) this.#dead.put(key, target, dead)
      this.#streams.drop(clientId, streamId)
    }
    for (const n of moved) this.#rank(n)
    this.#streams.ranked()
  }

  /** False when there is an entry with this id. */
  #addEntry(n: number, entry: Entry): boolean {
    const { id, clientId, seq, at, type, author, channel, payload, owes, dedupe, incomingId, dead } = entry
    const deadText = dead ? toDeadText(dead) : null
    return (
      this.#entry(
        ...([id, n, seq, at.getTime(), ENTRY_TYPES.indexOf(type), toAuthorHex(author)] as const),
        ...([channel ?? null, payload, owes.length === 0 ? null : owes.join(' '), dedupe ?? null] as const),
        ...([incomingId ?? null, msOf(entry.collectUntil), msOf(entry.turnEndedAt)] as const),
        ...([deadText, listedDeaths(entry).length > 0 ? clientId : null, msOf(entry.deletedAt)] as const),
        ...([entry.details ?? null, entry.sent ? toSentText(entry.sent) : null] as const),
      ) > 0
    )
  }
}
