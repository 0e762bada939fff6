import type { Id } from '@plugboard/core'
import type { Entry } from '../../log/entry.js'
import { bytesOf, firstPage } from '../../log/page.js'
import type { Database, Methods } from './database.js'
import type { Stream } from './stream.js'

/** What readers get of the logs, and the few changes of an entry. */
export function entryMethods(database: Database) {
  /** The messages of a conversation, where it was not deleted. */
  const messagesOf = (clientId: Id, conversationId: Id): Entry[] | undefined =>
    database.conversation(clientId, conversationId)?.entries.filter(isMessage)

  return {
    findEntry: (clientId, id) => findEntry(database, clientId, id),

    findByDedupe: (clientId, streamId, dedupe) =>
      database.find(clientId, streamId)?.entries.find((entry) => entry.dedupe === dedupe),

    listMessages(clientId, conversationId, { before, after, until, limit }) {
      const entries = database.conversation(clientId, conversationId)?.entries
      if (!entries) return undefined
      const messages = entries.filter(isMessage)
      // Both name any entry of the conversation, also an event or a deleted message.
      const seqOf = (id: Id) => entries.find((entry) => entry.id === id)?.seq
      if (after !== undefined) {
        const start = seqOf(after) ?? Number.POSITIVE_INFINITY
        const later = messages.filter(({ seq }) => seq > start)
        return firstPage(later, limit).reverse()
      }
      const end = before === undefined ? Number.POSITIVE_INFINITY : (seqOf(before) ?? 0)
      const earlier = messages.filter(({ seq, at }) => seq < end && (!until || at <= until))
      return firstPage(earlier.reverse(), limit)
    },

    countMessages(clientId, conversationId, { after, except, limit }) {
      const counted = messagesOf(clientId, conversationId)?.filter(
        ({ seq, author }) => seq > after && (except === undefined || !isBy(except, author)),
      )
      return Math.min(counted?.length ?? 0, limit)
    },

    sizeOfMessages: (clientId, conversationId) => sizeOf(messagesOf(clientId, conversationId)),

    sizeOfActivities(clientId, conversationId) {
      const entries = database.conversation(clientId, conversationId)?.entries
      return sizeOf(entries?.filter(({ type }) => type === 'activity'))
    },

    listEntries: (clientId, streamId, limit) =>
      firstPage(database.find(clientId, streamId)?.entries.toReversed() ?? [], limit),

    listReplies(clientId, conversationId, incomingId, { after = 0, limit }) {
      const replies = messagesOf(clientId, conversationId)?.filter(
        (entry) => entry.seq > after && entry.incomingId === incomingId && entry.author === 'business',
      )
      return firstPage(replies ?? [], limit)
    },

    readEntries: ({ clientId, streamId }, after, limit) =>
      firstPage(database.find(clientId, streamId)?.entries.slice(after) ?? [], limit),

    findHeads: (streams) =>
      streams.map(({ clientId, streamId }) => database.find(clientId, streamId)?.entries.length),

    signal(stream, text) {
      database.announceAppend((watcher) => watcher.signalled({ ...stream }, text))
    },

    endTurn(clientId, messageId, at) {
      const message = findEntry(database, clientId, messageId)
      const stream = message && database.conversation(clientId, message.streamId)
      if (!stream || !isMessage(message)) return false
      if (message.turnEndedAt) return true
      replaceEntry(stream, { ...message, turnEndedAt: new Date(at) })
      database.announce((watcher) => watcher.turnEnded(messageId))
      return true
    },

    editMessage(clientId, conversationId, id, { payload, details }) {
      const stream = database.conversation(clientId, conversationId)
      const message = stream?.entries.filter(isMessage).find((entry) => entry.id === id)
      if (!stream || !message) return false
      const { details: _, ...rest } = message
      replaceEntry(stream, { ...rest, payload, ...(details !== undefined && { details }) })
      return true
    },

    deleteMessages(clientId, conversationId, only, at) {
      const stream = database.conversation(clientId, conversationId)
      if (!stream) return 0
      const messages = stream.entries.filter(
        (entry) => isMessage(entry) && (only === 'all' || entry.id === only),
      )
      for (const message of messages) replaceEntry(stream, tombstoneOf(message, at))
      return messages.length
    },
  } satisfies Partial<Methods>
}

export function findEntry(database: Database, clientId: Id, id: Id): Entry | undefined {
  for (const { entries } of database.streamsOf(clientId)) {
    const found = entries.find((entry) => entry.id === id)
    if (found) return found
  }
  return undefined
}

/** Puts another entry in the place of the one with its number. */
export function replaceEntry({ entries }: Stream, entry: Entry): void {
  entries[entry.seq - 1] = entry
}

/** Keeps its number, its id and its time; what it said is gone, and deliveries pass it. */
export function tombstoneOf({ details: _, ...entry }: Entry, at: Date): Entry {
  return { ...entry, payload: '', deletedAt: entry.deletedAt ?? new Date(at) }
}

const isMessage = ({ type, deletedAt }: Entry): boolean => type === 'message' && !deletedAt

const isBy = (userId: Id, author: Entry['author']): boolean =>
  typeof author === 'object' && author.userId === userId

const sizeOf = (entries: readonly Entry[] = []): number =>
  entries.reduce((sum, entry) => sum + bytesOf(entry), 0)
