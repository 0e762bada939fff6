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
      return user && { id, clientId, createdAt: user.createdAt, ...(user.data && { data: user.data }) }
    },

    deleteUser(clientId, id, event) {
      const stream = database.user(clientId, id)
      if (!stream) return undefined
      // Who writes from an address of the user is somebody new from now on.
      for (const [address, person] of database.people)
        if (person.clientId === clientId && person.userId === id) database.people.delete(address)
      return end(database, owner, stream, event)
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

    listConversations(clientId, userId, { before, limit }) {
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

    walkConversations: (clientId, { userId, ...range }) =>
      rangeOf(conversationsOf(database, clientId, userId).filter(isThere).map(recordOf), range),

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
  if (userId !== undefined && !database.user(clientId, userId))
    throw new PlugboardError('NOT_FOUND', 'there is no such user')
  const fields = { clientId, streamId: id, kind: 'conversation', createdAt, endpoints } as const
  const stream = begin(database, { ...fields, ...(userId !== undefined && { userId }) })
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

/** Of one user, or all; deleted ones too. */
const conversationsOf = (database: Database, clientId: Id, userId?: Id): Stream[] =>
  database
    .streamsOf(clientId)
    .filter((stream) => stream.kind === 'conversation' && (userId === undefined || stream.userId === userId))

const isThere = ({ deletedAt }: Stream): boolean => deletedAt === undefined

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

const recordOf = (stream: Stream): ConversationRecord => ({
  ...conversationOf(stream),
  ...{ seq: stream.entries.length, endpoints: stream.endpoints },
})
