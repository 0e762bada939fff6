import type { Author, Conversation, Id, User } from '@plugboard/core'
import {
  type Appended,
  type Claimed,
  type ConversationRecord,
  decodeChannel,
  type EndpointRecord,
  type Entry,
  encodeChannel,
  type Lease,
  type NewEntry,
  type Progress,
} from '@plugboard/hub'
import { Types } from 'mongoose'
import type { EndpointDoc, EntryDoc, ObjectId, StreamDoc } from './database/document-types.js'

export const oid = (id: Id): ObjectId => Types.ObjectId.createFromHexString(id)
export const idOf = (id: ObjectId): Id => id.toHexString() as Id
export const later = (a: Date, b: Date): Date => (a < b ? b : a)

/** Stands for "no message yet" in `listAt`, so that such conversations come first. */
export const NEVER = new Date('9999-12-31T23:59:59.999Z')

const authorOf = (author: Author): ObjectId | null => (author === 'business' ? null : oid(author.userId))

/** Where an entry gets into a stream. */
export interface Place {
  clientId: ObjectId
  streamId: ObjectId
  seq: number
  at: Date
}

type GivenEntry = Omit<Entry, 'clientId' | 'streamId' | 'seq' | 'owes' | 'channel'>

export function toEntryDoc(
  given: GivenEntry,
  { owes, channel }: Pick<NewEntry, 'owes' | 'channel'>,
  { clientId, streamId, seq, at }: Place,
): EntryDoc {
  const { id, type, payload, details, author, incomingId, collectUntil, dedupe } = given
  const doc: EntryDoc = { _id: oid(id), clientId, streamId, seq, at, type, payload, owes: [...owes] }
  if (details !== undefined) doc.details = details
  if (author !== undefined) doc.authorId = authorOf(author)
  if (channel !== undefined) doc.channel = channel
  if (incomingId !== undefined) doc.incomingId = oid(incomingId)
  if (collectUntil !== undefined) doc.collectUntil = collectUntil
  if (dedupe !== undefined) doc.dedupe = dedupe
  if (type === 'message') doc.listed = true
  return doc
}

/** Fills a number that nobody will use. */
export const toVoidDoc = ({ clientId, streamId, seq, at }: Place): EntryDoc => ({
  _id: new Types.ObjectId(),
  ...{ clientId, streamId, seq, at, type: 'void', payload: '', owes: [] },
})

/** What an entry takes from its stream: all entries of a deleted one but the last read as deleted. */
export type StreamEnd = Pick<StreamDoc, 'seq'> & { deletedAt?: Date }

export function toEntry(doc: EntryDoc, stream: StreamEnd | undefined): Entry {
  const deletedAt = doc.deletedAt ?? (stream && doc.seq < stream.seq ? stream.deletedAt : undefined)
  const {
    seq,
    type,
    at,
    owes,
    authorId,
    channel,
    incomingId,
    collectUntil,
    dedupe,
    turnEndedAt,
    dead,
    sent,
  } = doc
  const entry: Entry = {
    id: idOf(doc._id),
    clientId: idOf(doc.clientId),
    streamId: idOf(doc.streamId),
    ...{ seq, type, at, owes },
    payload: deletedAt ? '' : doc.payload,
  }
  if (doc.details !== undefined && !deletedAt) entry.details = doc.details
  if (authorId !== undefined) entry.author = authorId === null ? 'business' : { userId: idOf(authorId) }
  if (channel !== undefined) entry.channel = channel
  if (incomingId !== undefined) entry.incomingId = idOf(incomingId)
  if (collectUntil !== undefined) entry.collectUntil = collectUntil
  if (dedupe !== undefined) entry.dedupe = dedupe
  if (turnEndedAt !== undefined) entry.turnEndedAt = turnEndedAt
  if (dead !== undefined && Object.keys(dead).length > 0) entry.dead = dead
  if (sent !== undefined) entry.sent = sent
  if (deletedAt !== undefined) entry.deletedAt = deletedAt
  return entry
}

export const toEndpoint = ({
  _id,
  channel,
  custom,
  identity,
  sender,
  thread,
}: EndpointDoc): EndpointRecord => ({
  id: idOf(_id),
  channel: decodeChannel(channel, custom),
  identity,
  sender,
  thread,
})

export const toEndpointDoc = ({ id, channel, identity, sender, thread }: EndpointRecord): EndpointDoc => ({
  _id: oid(id),
  channel: encodeChannel(channel),
  custom: channel.custom,
  identity,
  sender,
  thread,
})

export function toUser({ _id, clientId, createdAt, data }: StreamDoc): User {
  const user: User = { id: idOf(_id), clientId: idOf(clientId), createdAt }
  if (data !== undefined) user.data = JSON.parse(data)
  return user
}

export function toConversation({ _id, clientId, userId, createdAt, lastMessageAt }: StreamDoc): Conversation {
  const conversation: Conversation = { id: idOf(_id), clientId: idOf(clientId), createdAt }
  if (userId) conversation.userId = idOf(userId)
  if (lastMessageAt) conversation.lastMessageAt = lastMessageAt
  return conversation
}

export const toConversationRecord = (doc: StreamDoc): ConversationRecord => ({
  ...toConversation(doc),
  seq: doc.seq,
  endpoints: doc.endpoints.map(toEndpoint),
})

export const toProgress = ({ scanned, lanes }: Pick<StreamDoc, 'scanned' | 'lanes'>): Progress => ({
  scanned,
  lanes,
})

export type HeldStream = Pick<
  StreamDoc,
  '_id' | 'clientId' | 'kind' | 'userId' | 'endpoints' | 'scanned' | 'lanes'
>

/** What someone needs to know who delivers a stream. */
export function toClaimed(doc: HeldStream, seq: number, lease: Lease): Claimed {
  const claimed: Claimed = {
    clientId: idOf(doc.clientId),
    streamId: idOf(doc._id),
    endpoints: doc.endpoints.map(toEndpoint),
    seq,
    ...toProgress(doc),
    lease,
  }
  if (doc.userId) claimed.userId = idOf(doc.userId)
  return claimed
}

export function toAppended(entry: Entry, duplicate: boolean, userId: ObjectId | undefined): Appended {
  return { entry, duplicate, ...(userId && { userId: idOf(userId) }) }
}
