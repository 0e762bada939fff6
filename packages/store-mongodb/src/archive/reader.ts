import type { Id } from '@plugboard/core'
import {
  type ArchiveKind,
  type ArchiveRecord,
  COPY_META,
  type ConversationStream,
  type Counts,
  decodeChannel,
  type SenderRecord,
  type StreamKind,
  type StreamRecord,
  type UserStream,
} from '@plugboard/hub'
import type { mongo } from 'mongoose'
import { toClient } from '../clients.js'
import type { DatabaseClock } from '../database/clock.js'
import type {
  AddressDoc,
  ClientDoc,
  CounterDoc,
  EntryDoc,
  KeyDoc,
  MetaDoc,
  PullDoc,
  QueuedDoc,
  StoredDoc,
  StreamDoc,
} from '../database/document-types.js'
import type { Models } from '../database/schemas.js'
import { idOf, oid, toEndpoint, toEntry, toProgress } from '../encoding.js'
import { Pulls } from '../pull-lanes.js'
import { toQueued } from '../queues.js'
import { toDocument } from '../stored-documents.js'
import { Completion } from './completion.js'

/** Documents in a page. */
const PAGE = 500
/** Characters of payload in a page of several entries. */
const PAGE_CHARS = 4_000_000

/** Some consecutive records, and the `_id` of the last. */
interface KindPage {
  records: ArchiveRecord[]
  last: string
}

type Pages = (after: string) => AsyncIterable<KindPage>

/** Reads each collection by `_id`, a page at a time. */
export class ArchiveReader {
  readonly #models: Models
  readonly #clock: DatabaseClock
  readonly #completion: Completion
  readonly #pages: Readonly<Record<ArchiveKind, Pages>>

  constructor(models: Models, clock: DatabaseClock) {
    this.#models = models
    this.#clock = clock
    this.#completion = new Completion(models)
    const { meta, clients, keys, addresses, entries, documents, counters, queued } = models
    const pulls = new Pulls(models, clock)
    this.#pages = {
      meta: (after) =>
        pagesOf<MetaDoc>(meta.collection, { _id: { $gt: after } }, (docs) =>
          docs
            .filter(({ _id }) => !_id.startsWith(COPY_META))
            .map(({ _id: key, value }) => ({ kind: 'meta', key, value })),
        ),
      client: (after) =>
        pagesOf<ClientDoc>(clients.collection, from(after), (docs) =>
          docs.map((doc) => ({ kind: 'client', ...toClient(doc) })),
        ),
      key: (after) =>
        pagesOf<KeyDoc>(keys.collection, from(after), (docs) =>
          docs.map(({ clientId, key, hash, id, at }) => ({
            kind: 'key',
            ...{ clientId: idOf(clientId), key, hash, id: idOf(id), at },
          })),
        ),
      user: this.#streams('user', (docs) => docs.map((doc) => ({ kind: 'user', ...this.#toUser(doc) }))),
      conversation: this.#streams('conversation', async (docs) =>
        (await withoutPurged(models.streams, docs)).map((doc) => ({
          kind: 'conversation',
          ...this.#toConversation(doc),
        })),
      ),
      integration: this.#streams('integration', (docs) =>
        docs.map((doc) => ({ kind: 'integration', ...this.#toStream(doc) })),
      ),
      sender: (after) =>
        pagesOf<AddressDoc>(addresses.collection, { ...from(after), ...SENDER }, async (docs) =>
          (await this.#completion.senders(docs)).map((doc) => ({ kind: 'sender', ...toSender(doc) })),
        ),
      entry: (after) =>
        pagesOf<EntryDoc>(entries.collection, from(after), (docs) =>
          docs.map((doc) => ({ kind: 'entry', ...toEntry(doc, undefined) })),
        ),
      document: (after) =>
        pagesOf<StoredDoc>(documents.collection, from(after), (docs) =>
          docs.map((doc) => ({ kind: 'document', ...toDocument(doc) })),
        ),
      counter: (after) =>
        pagesOf<CounterDoc>(counters.collection, from(after), (docs) =>
          docs.map(({ clientId, name, value }) => ({
            kind: 'counter',
            ...{ clientId: idOf(clientId), name, value },
          })),
        ),
      queued: (after) =>
        pagesOf<QueuedDoc>(queued.collection, from(after), (docs) =>
          docs.map((doc) => ({
            kind: 'queued',
            ...{ clientId: idOf(doc.clientId), queueId: idOf(doc.queueId), ...toQueued(doc) },
          })),
        ),
      pull: (after) =>
        pagesOf<PullDoc>(models.pulls.collection, { _id: { $gt: after } }, (docs) =>
          docs.map((doc) => ({ kind: 'pull', ...pulls.toLane(doc) })),
        ),
    }
  }

  pages(kind: ArchiveKind, after: string): AsyncIterable<KindPage> {
    return this.#pages[kind](after)
  }

  async count(): Promise<Counts> {
    const { meta, clients, keys, addresses, streams, entries, documents, counters, queued, pulls } =
      this.#models
    const ofCopies = { _id: { $gte: COPY_META, $lt: AFTER_COPY_META } }
    const ofKind = (kind: StreamKind) => streams.countDocuments({ kind })
    return {
      meta: (await meta.countDocuments()) - (await meta.countDocuments(ofCopies)),
      client: await clients.countDocuments(),
      key: await keys.countDocuments(),
      user: await ofKind('user'),
      conversation: await ofKind('conversation'),
      integration: await ofKind('integration'),
      sender: await addresses.countDocuments(SENDER),
      entry: await entries.countDocuments(),
      document: await documents.countDocuments(),
      counter: await counters.countDocuments(),
      queued: await queued.countDocuments(),
      pull: await pulls.countDocuments(),
    }
  }

  #streams(
    kind: StreamKind,
    toRecords: (docs: readonly StreamDoc[]) => ArchiveRecord[] | Promise<ArchiveRecord[]>,
  ): Pages {
    const { collection } = this.#models.streams
    return (after) =>
      pagesOf<StreamDoc>(collection, { ...from(after), kind }, async (docs) => {
        await this.#completion.streams(docs)
        return toRecords(docs)
      })
  }

  #toStream(doc: StreamDoc): StreamRecord {
    const { _id, clientId, createdAt, seq, lastAt, nextAt, owedAt, owner } = doc
    const dueAt = owner ? lastAt : nextAt && this.#clock.fromDatabase(nextAt)
    return {
      ...{ id: idOf(_id), clientId: idOf(clientId), createdAt, seq, lastAt },
      ...toProgress(doc),
      ...(nextAt && dueAt && { nextAt: dueAt, owedAt: owedAt ?? lastAt }),
    }
  }

  #toUser(doc: StreamDoc): UserStream {
    const { deletedAt, mergedInto, data } = doc
    return {
      ...this.#toStream(doc),
      ...(deletedAt && { deletedAt }),
      ...(mergedInto && { mergedInto: idOf(mergedInto) }),
      ...(data !== undefined && { data: JSON.parse(data) }),
    }
  }

  #toConversation(doc: StreamDoc): ConversationStream {
    const { userId, endpoints, lastMessageAt, deletedAt } = doc
    return {
      ...this.#toStream(doc),
      endpoints: endpoints.map(toEndpoint),
      ...(userId && { userId: idOf(userId) }),
      ...(lastMessageAt && { lastMessageAt }),
      ...(deletedAt && { deletedAt }),
    }
  }
}

/** Of addresses, those of senders. */
const SENDER = { conversationId: { $exists: false } } as const

/** Above every text that begins so. */
const AFTER_COPY_META = COPY_META.replace(/.$/, (last) => String.fromCharCode(last.charCodeAt(0) + 1))

const from = (after: string) => (after === '' ? {} : { _id: { $gt: oid(after as Id) } })

/** Conversations as they are, those of users who were purged without them. */
async function withoutPurged(streams: Models['streams'], docs: readonly StreamDoc[]): Promise<StreamDoc[]> {
  const there = await streams
    .find({ _id: { $in: docs.flatMap(({ userId }) => userId ?? []) } }, { _id: 1 })
    .lean<Pick<StreamDoc, '_id'>[]>()
  const known = new Set(there.map(({ _id }) => idOf(_id)))
  return docs.map((doc) => {
    const { userId, ...rest } = doc
    return userId && !known.has(idOf(userId)) ? rest : doc
  })
}

/** A document, and what of it can be large. */
interface Sized {
  _id: EntryDoc['_id'] | string
  payload?: string
  details?: string
  data?: string
}

/** One cursor for all, cut into pages as the documents come. */
async function* pagesOf<T extends Sized>(
  collection: unknown,
  filter: object,
  toRecords: (docs: T[]) => ArchiveRecord[] | Promise<ArchiveRecord[]>,
): AsyncIterable<KindPage> {
  const found = (collection as mongo.Collection<mongo.Document>).find(filter)
  let docs: T[] = []
  let chars = 0
  const page = async (): Promise<KindPage> => {
    const last = String(docs.at(-1)?._id)
    const records = await toRecords(docs)
    docs = []
    chars = 0
    return { records, last }
  }
  for await (const doc of found.sort({ _id: 1 }).batchSize(PAGE)) {
    const { payload = '', details = '', data = '' } = doc as T
    const size = payload.length + details.length + data.length
    if (docs.length === PAGE || (docs.length > 0 && chars + size > PAGE_CHARS)) yield await page()
    docs.push(doc as T)
    chars += size
  }
  if (docs.length > 0) yield await page()
}

function toSender({ clientId, address, userId }: AddressDoc): SenderRecord {
  const [sender, identity, channel, custom] = JSON.parse(address) as [string, string, string, boolean]
  return {
    ...{ clientId: idOf(clientId), userId: idOf(userId) },
    ...{ channel: decodeChannel(channel, custom), identity, sender },
  }
}
