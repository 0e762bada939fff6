import { PlugboardError } from '@plugboard/core'
import {
  type ArchiveKind,
  type ArchiveRecord,
  type ConversationStream,
  type CounterRecord,
  type Entry,
  type KeyClaim,
  listedDeaths,
  type SenderRecord,
  type StreamKind,
  type StreamRecord,
} from '@plugboard/hub'
import { type mongo, Types } from 'mongoose'
import { toDoc } from '../clients.js'
import type { DatabaseClock } from '../database/clock.js'
import type {
  AddressDoc,
  CounterDoc,
  DeadLetterDoc,
  EntryDoc,
  KeyDoc,
  PullDoc,
  QueuedDoc,
  StoredDoc,
  StreamDoc,
} from '../database/document-types.js'
import { isTakenWrite, refusedOf } from '../database/failure.js'
import type { Models } from '../database/schemas.js'
import { idOf, NEVER, oid, toEndpointDoc, toEntryDoc } from '../encoding.js'
import { toDeadDoc } from '../lists/dead-letter-index.js'
import { Pulls } from '../pull-lanes.js'
import { toQueuedDoc } from '../queues.js'
import { toStoredDoc } from '../stored-documents.js'
import { addressText, senderText } from '../streams/endpoints.js'

type NewDoc = Omit<StoredDoc, '_id'>

type Of<K extends ArchiveKind> = Extract<ArchiveRecord, { kind: K }>

/** Writes records as documents, in as few round trips as there are kinds. */
export class ArchiveWriter {
  readonly #models: Models
  readonly #clock: DatabaseClock
  readonly #pulls: Pulls

  constructor(models: Models, clock: DatabaseClock) {
    this.#models = models
    this.#clock = clock
    this.#pulls = new Pulls(models, clock)
  }

  async write(records: readonly ArchiveRecord[]): Promise<void> {
    const { meta, clients, keys, streams, addresses, entries, documents, counters, queued, pulls } =
      this.#models
    const of = <K extends ArchiveKind>(kind: K) =>
      records.filter((record): record is Of<K> => record.kind === kind)
    const metaDocs = of('meta').map(({ key, value }) => ({ _id: key, value }))
    await putAll(meta.collection, metaDocs, byId, ({ _id }) => _id)
    const clientDocs = of('client').map(({ kind: _, ...client }) => toDoc(client))
    await putAll(clients.collection, clientDocs, byId, ({ _id }) => `${_id}`)
    await putAll(keys.collection, of('key').map(toKeyDoc), byKey, keyPlace)
    await putAll(streams.collection, this.#streamDocs(of), byId, streamPlace)
    const talks = await this.#leading(of('conversation'))
    const addressDocs = [...talks.flatMap(toAddressDocs), ...of('sender').map(toSenderDoc)]
    await putAll(addresses.collection, addressDocs, byAddress, addressPlace)
    const entryDocs = of('entry').map(toArchivedEntryDoc)
    await putAll(entries.collection, entryDocs, byId, entryPlace)
    const deadDocs = entryDocs.flatMap(toDeadDocs)
    await putAll(this.#models.deadLetters.collection, deadDocs, byId, ({ _id }) => _id)
    await putAll(documents.collection, of('document').map(toStoredDoc), byDocument, documentPlace)
    await putAll(counters.collection, of('counter').map(toCounterDoc), byCounter, counterPlace)
    const queuedDocs = of('queued').map(({ clientId, queueId, kind: _, ...item }) =>
      toQueuedDoc(clientId, queueId, item),
    )
    await putAll(queued.collection, queuedDocs, byNumber, numberPlace)
    const pullDocs = of('pull').map(({ kind: _, ...lane }) => this.#pulls.toDoc(lane))
    await putAll(pulls.collection, pullDocs, byId, lanePlace)
  }

  /** Conversations that endpoints lead to: neither they nor their users were deleted. */
  async #leading(talks: readonly Of<'conversation'>[]): Promise<Of<'conversation'>[]> {
    const live = talks.filter(({ deletedAt, endpoints }) => !deletedAt && endpoints.length > 0)
    if (live.length === 0) return []
    const ids = live.flatMap(({ userId }) => (userId ? oid(userId) : []))
    const users = await this.#models.streams
      .find({ _id: { $in: ids }, deletedAt: null }, { _id: 1 })
      .lean<Pick<StreamDoc, '_id'>[]>()
    const there = new Set(users.map(({ _id }) => idOf(_id)))
    return live.filter(({ userId }) => userId && there.has(userId))
  }

  #streamDocs(of: <K extends StreamKind>(kind: K) => Of<K>[]): StreamDoc[] {
    return [
      ...of('user').map((user) => ({
        ...this.#toStreamDoc('user', user),
        userId: oid(user.id),
        ...(user.data && { data: JSON.stringify(user.data) }),
        ...(user.deletedAt && { deletedAt: user.deletedAt }),
        ...(user.mergedInto && { mergedInto: oid(user.mergedInto) }),
        ...(user.deletedAt && !user.nextAt && { isOver: true as const }),
      })),
      ...of('conversation').map((conversation) => this.#toConversationDoc(conversation)),
      ...of('integration').map((stream) => this.#toStreamDoc('integration', stream)),
    ]
  }

  /** Whose entries are all written apart: none are kept in it. */
  #toStreamDoc(kind: StreamKind, stream: StreamRecord): StreamDoc {
    const { id, clientId, createdAt, seq, lastAt, scanned, lanes, nextAt, owedAt } = stream
    const doc: StreamDoc = {
      ...{ _id: oid(id), clientId: oid(clientId), kind, createdAt, endpoints: [], kept: [] },
      ...{ seq, lastAt, scanned, lanes, fence: 0 },
    }
    if (!nextAt) return doc
    const dueAt = this.#clock.toDatabase(nextAt)
    return { ...doc, nextAt: dueAt, wakeAt: dueAt, owedAt: owedAt ?? lastAt }
  }

  #toConversationDoc(conversation: ConversationStream): StreamDoc {
    const { userId, endpoints, lastMessageAt, deletedAt, nextAt } = conversation
    return {
      ...this.#toStreamDoc('conversation', conversation),
      endpoints: endpoints.map((endpoint) => toEndpointDoc(endpoint)),
      ...(userId && { userId: oid(userId) }),
      ...(lastMessageAt && { lastMessageAt }),
      ...(deletedAt
        ? { deletedAt }
        : { listAt: lastMessageAt ?? NEVER, activeAt: lastMessageAt ?? conversation.createdAt }),
      ...(deletedAt && !nextAt && { isOver: true as const }),
    }
  }
}

/**
 * Inserts what is not there. What was refused since something is there must be in its very place.
 * @throws CONFLICT when it is not
 */
async function putAll<T extends object>(
  collection: unknown,
  docs: readonly T[],
  among: (docs: readonly T[]) => object,
  placeOf: (doc: T) => string,
): Promise<void> {
  if (docs.length === 0) return
  const raw = collection as mongo.Collection<mongo.Document>
  try {
    await raw.insertMany([...docs] as mongo.Document[], { ordered: false })
  } catch (error) {
    const refused = refusedOf(error)
    if (!refused?.every(isTakenWrite)) throw error
    const taken = refused.flatMap(({ index }) => docs[index] ?? [])
    const there = new Set((await raw.find(among(taken)).toArray()).map((doc) => placeOf(doc as never)))
    const misplaced = taken.find((doc) => !there.has(placeOf(doc)))
    if (misplaced)
      throw new PlugboardError('CONFLICT', `the place or the id of a record is taken: ${placeOf(misplaced)}`)
  }
}

const byId = (docs: readonly { _id: unknown }[]) => ({ _id: { $in: docs.map(({ _id }) => _id) } })

const byKey = (docs: readonly KeyDoc[]) => ({
  clientId: { $in: docs.map(({ clientId }) => clientId) },
  key: { $in: docs.map(({ key }) => key) },
})

const byAddress = (docs: readonly AddressDoc[]) => ({
  clientId: { $in: docs.map(({ clientId }) => clientId) },
  address: { $in: docs.map(({ address }) => address) },
})

const byDocument = (docs: readonly NewDoc[]) => ({
  clientId: { $in: docs.map(({ clientId }) => clientId) },
  kind: { $in: docs.map(({ kind }) => kind) },
  documentId: { $in: docs.map(({ documentId }) => documentId) },
})

const byCounter = (docs: readonly CounterDoc[]) => ({
  clientId: { $in: docs.map(({ clientId }) => clientId) },
  name: { $in: docs.map(({ name }) => name) },
})

const byNumber = (docs: readonly Omit<QueuedDoc, '_id'>[]) => ({
  clientId: { $in: docs.map(({ clientId }) => clientId) },
  queueId: { $in: docs.map(({ queueId }) => queueId) },
  n: { $in: docs.map(({ n }) => n) },
})

const documentPlace = ({ clientId, kind, documentId }: NewDoc): string =>
  `${kind} ${documentId} of ${clientId}`
const numberPlace = ({ queueId, n, streamId, seq }: Omit<QueuedDoc, '_id'>): string =>
  `number ${n} of the queue ${queueId}, with ${seq} of ${streamId}`
const lanePlace = ({ _id, clientId }: PullDoc): string => `the lane ${_id} of ${clientId}`
const counterPlace = ({ clientId, name }: CounterDoc): string => `the counter ${name} of ${clientId}`
const keyPlace = ({ clientId, key, id }: KeyDoc): string => `${clientId} ${key} ${id}`
const streamPlace = ({ _id, clientId, kind }: StreamDoc): string => `${kind} ${_id} of ${clientId}`
const entryPlace = ({ _id, clientId, streamId, seq }: EntryDoc): string =>
  `${_id}, number ${seq} of ${streamId} of ${clientId}`
const addressPlace = ({ clientId, address, userId, conversationId, endpointId }: AddressDoc): string =>
  `${address} ${clientId} ${userId} ${conversationId ?? ''} ${endpointId ?? ''}`

const toDeadDocs = (entry: EntryDoc): DeadLetterDoc[] =>
  listedDeaths(entry).map(([target, dead]) => toDeadDoc(entry, target, dead))

const toKeyDoc = ({ clientId, key, hash, id, at }: KeyClaim): KeyDoc => ({
  _id: new Types.ObjectId(),
  ...{ clientId: oid(clientId), key, hash, id: oid(id), at },
})

const toAddressDocs = ({ id, clientId, userId, endpoints }: ConversationStream): AddressDoc[] =>
  !userId
    ? []
    : endpoints.map((endpoint) => ({
        _id: new Types.ObjectId(),
        clientId: oid(clientId),
        address: addressText(endpoint.channel, endpoint),
        userId: oid(userId),
        conversationId: oid(id),
        endpointId: oid(endpoint.id),
      }))

const toCounterDoc = ({ clientId, name, value }: CounterRecord): CounterDoc => ({
  _id: new Types.ObjectId(),
  ...{ clientId: oid(clientId), name, value },
})

const toSenderDoc = ({ clientId, channel, identity, sender, userId }: SenderRecord): AddressDoc => ({
  _id: new Types.ObjectId(),
  ...{ clientId: oid(clientId), address: senderText(channel, { identity, sender }), userId: oid(userId) },
})

function toArchivedEntryDoc({ kind: _, ...entry }: Of<'entry'>): EntryDoc {
  const { clientId, streamId, seq, at, turnEndedAt, deletedAt, dead, sent } = entry satisfies Entry
  const place = { clientId: oid(clientId), streamId: oid(streamId), seq, at }
  const doc = toEntryDoc(entry, entry, place)
  if (turnEndedAt) doc.turnEndedAt = turnEndedAt
  if (dead) Object.assign(doc, { dead, ...(listedDeaths(entry).length > 0 && { isDead: true }) })
  if (sent) Object.assign(doc, { sent })
  if (!deletedAt) return doc
  const { listed: _listed, ...tombstone } = doc
  return { ...tombstone, deletedAt }
}
