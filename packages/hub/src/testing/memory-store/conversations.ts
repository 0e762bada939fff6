import { type Conversation, type Id, PlugboardError, type User } from '@plugboard/core'
import type { ConversationRecord } from '../../log/endpoint-record.js'
import type { NewEntry } from '../../log/entry.js'
import type { Appended } from '../../ports/store.js'
import { add, alreadyThere, begin } from './append.js'
import type { Database, Methods } from './database.js'
import { replaceEntry, tombstoneOf } from './entries.js'
import { rangeOf } from './range.js'
import type { Owner, Stream } from './stream.js'

/** Users and conversations. Each is a stream, and is made with its first entry. */
export const conversationMethods = (database: Database, owner: Owner) =>
  ({
    createUser(user, event) {
      const known = database.find(user.clientId, user.id)
      return known ? firstOf(database, known, 'user') : openUser(database, owner, user, event)
    },

    findUser(clientId, id) {
      const user = database.user(clientId, id)
      if (!user) return undefined
      const { streamId, createdAt, data } = user
      return { id: streamId, clientId, createdAt, ...(data && { data }) }
    },

    mergeUsers({ clientId, users, event }) {
      const [older, younger] = users.map((id) => database.user(clientId, id)).sort(byId)
      if (!older || !younger || older === younger) return undefined
      const last = event(younger.streamId, older.streamId)
      const appended = add(database, owner, younger, last, last)
      younger.mergedInto = older.streamId
      if (younger.data) older.data = { ...younger.data, ...older.data }
      for (const stream of database.streamsOf(clientId)) {
        if (stream.kind === 'conversation' && stream.userId === younger.streamId)
          stream.userId = older.streamId
      }
      return { younger: younger.streamId, older: older.streamId, appended }
    },

    deleteUser(clientId, id, event) {
      const stream = database.user(clientId, id)
      if (!stream) return undefined
      // Who writes from an address of the user is somebody new from now on.
      for (const [address, person] of database.people)
        if (person.clientId === clientId && database.user(clientId, person.userId) === stream)
          database.people.delete(address)
      const appended = end(database, owner, stream, event)
      for (const merged of database.streamsOf(clientId))
        if (merged.mergedInto === stream.streamId) endMerged(merged, appended.entry.at)
      return appended
    },

    createConversation(conversation, event) {
      const known = database.find(conversation.clientId, conversation.id)
      if (known) return firstOf(database, known, 'conversation')
      return openConversation(database, owner, conversation, event)
    },

    findConversation(clientId, id) {
      const stream = database.conversation(clientId, id)
      return stream && recordOf(stream)
    },

    findConversations: (clientId, ids) =>
      ids.flatMap((id) => {
        const stream = database.conversation(clientId, id)
        return stream ? recordOf(stream) : []
      }),

    listConversations(clientId, user, { before, limit }) {
      const userId = database.user(clientId, user)?.streamId ?? user
      const all = conversationsOf(database, clientId, userId).sort(byNewestMessage)
      // The page before may have ended with one that was deleted since.
      const last = all.findIndex(({ streamId }) => streamId === before)
      if (before !== undefined && last < 0) return []
      const page = all
        .slice(last + 1)
        .filter(isThere)
        .slice(0, limit)
      return page.map(conversationOf)
    },

    walkConversations(clientId, { userId: user, ...range }) {
      const userId = user && (database.user(clientId, user)?.streamId ?? user)
      return rangeOf(conversationsOf(database, clientId, userId).filter(isThere).map(recordOf), range)
    },

    deleteConversation(clientId, id, event) {
      const stream = database.conversation(clientId, id)
      return stream && end(database, owner, stream, event)
    },
  }) satisfies Partial<Methods>

/** Begins the stream of a user whose id is new. */
export function openUser(database: Database, owner: Owner, user: User, event: NewEntry): Appended {
  const { id, clientId, createdAt, data } = user
  const fields = { clientId, streamId: id, kind: 'user', userId: id, createdAt } as const
  return add(database, owner, begin(database, { ...fields, ...(data && { data }) }), event, event)
}

/** Begins the stream of a conversation whose id is new. @throws NOT_FOUND when the client has no such user */
export function openConversation(
  database: Database,
  owner: Owner,
  { id, clientId, userId, createdAt }: Conversation,
  event: NewEntry,
  endpoints: Stream['endpoints'] = [],
): Appended {
  const user = userId === undefined ? undefined : database.user(clientId, userId)
  if (userId !== undefined && !user) throw new PlugboardError('NOT_FOUND', 'there is no such user')
  const fields = { clientId, streamId: id, kind: 'conversation', createdAt, endpoints } as const
  const stream = begin(database, { ...fields, ...(user && { userId: user.streamId }) })
  return add(database, owner, stream, event, event)
}

/** The answer to one who creates what is there. */
function firstOf(database: Database, { kind, entries: [first] }: Stream, wanted: Stream['kind']): Appended {
  if (kind !== wanted || !first) throw new PlugboardError('CONFLICT', 'this id is taken')
  return alreadyThere(database, first)
}

/** Appends the last entry, which is still delivered; all before it read as deleted from now on. */
function end(database: Database, owner: Owner, stream: Stream, event: NewEntry): Appended {
  const before = [...stream.entries]
  const appended = add(database, owner, stream, event, event)
  stream.deletedAt = appended.entry.at
  for (const entry of before) replaceEntry(stream, tombstoneOf(entry, stream.deletedAt))
  return appended
}

/** Who was merged into a user ends with that one. */
function endMerged(stream: Stream, at: Date): void {
  stream.deletedAt = at
  for (const entry of stream.entries) replaceEntry(stream, tombstoneOf(entry, at))
}

const byId = (a: Stream | undefined, b: Stream | undefined): number =>
  a && b && a.streamId > b.streamId ? 1 : -1

/** Of one user, or all; deleted ones too. */
export const conversationsOf = (database: Database, clientId: Id, userId?: Id): Stream[] =>
  database
    .streamsOf(clientId)
    .filter((stream) => stream.kind === 'conversation' && (userId === undefined || stream.userId === userId))

export const isThere = ({ deletedAt }: Stream): boolean => deletedAt === undefined

/** Those without messages come first. */
const byNewestMessage = (a: Stream, b: Stream): number =>
  Number(lastMessageAt(a) !== undefined) - Number(lastMessageAt(b) !== undefined) || b.order - a.order

const lastMessageAt = ({ entries }: Stream): Date | undefined =>
  entries.findLast(({ type }) => type === 'message')?.at

function conversationOf(stream: Stream): Conversation {
  const { clientId, streamId: id, userId, createdAt } = stream
  const at = lastMessageAt(stream)
  return {
    ...{ id, clientId, createdAt },
    ...(userId !== undefined && { userId }),
    ...(at && { lastMessageAt: at }),
  }
}

export const recordOf = (stream: Stream): ConversationRecord => ({
  ...conversationOf(stream),
  ...{ seq: stream.entries.length, endpoints: stream.endpoints },
})
