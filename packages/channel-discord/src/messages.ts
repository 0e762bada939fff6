import type { InboundEvent, Person } from '@plugboard/core'
import { endpointOf, messageKey, timeOf } from './endpoint.js'
import { contentsOf } from './message-contents.js'
import { notice } from './notice.js'
import { type Message, readBulkDeleted, readDeleted, readMessage, readReaction } from './payloads.js'
import { nameOf } from './readable-text.js'

/** What the connection knows beside the event. */
export interface About {
  /** The user id of the bot. */
  self: string
  /** Of the event: the same if Discord sends it again. */
  id: string
  /** Whether the bot asked for the content of all messages. */
  hasContent: boolean
  authors: Authors
}

/** Most messages of which the author is remembered. */
const MAX_AUTHORS = 2000

/** Who wrote the newest messages: Discord does not say whose message was deleted. */
export class Authors {
  readonly #authors = new Map<string, string>()

  add(key: string, author: string): void {
    this.#authors.delete(key)
    this.#authors.set(key, author)
    const oldest = this.#authors.keys().next().value
    if (this.#authors.size > MAX_AUTHORS && oldest !== undefined) this.#authors.delete(oldest)
  }

  find(key: string): string | undefined {
    return this.#authors.get(key)
  }
}

/** https://docs.discord.com/developers/resources/message#message-object-message-types: a message, and a reply. */
const WRITTEN = new Set([0, 19])
/** Highest type that is documented. The others up to it are notices of Discord, such as that somebody joined. */
const LAST_TYPE = 46

/**
 * Reads an event of the gateway by its name. Events that are not about what a person did give none.
 * https://docs.discord.com/developers/events/gateway-events#messages
 * @throws PlugboardError INVALID
 */
export function parseDispatch(name: string, data: unknown, about: About): InboundEvent[] {
  switch (name) {
    case 'MESSAGE_CREATE':
      return parseNew(data, about)
    case 'MESSAGE_UPDATE':
      return parseEdited(data, about)
    case 'MESSAGE_DELETE': {
      const { id, channel_id } = readDeleted(data)
      return deleted(channel_id, [id], about)
    }
    case 'MESSAGE_DELETE_BULK': {
      const { ids, channel_id } = readBulkDeleted(data)
      return deleted(channel_id, ids, about)
    }
    case 'MESSAGE_REACTION_ADD':
    case 'MESSAGE_REACTION_REMOVE':
      return parseReaction(data, name === 'MESSAGE_REACTION_REMOVE', about)
    default:
      return []
  }
}

function parseNew(data: unknown, about: About): InboundEvent[] {
  const message = readMessage(data)
  const author = authorOf(message, about)
  if (author === undefined || !isWritten(message)) return []
  const { id, channel_id } = message
  const key = messageKey(channel_id, id)
  about.authors.add(key, author)
  const refersTo = repliesToBot(message, about)
  return contentsShown(message, about).map(({ suffix, content }) => ({
    type: 'message',
    dedupeKey: key + suffix,
    endpoint: endpointOf(author, channel_id),
    at: timeOf(id),
    ...personOf(message),
    ...(refersTo !== undefined && { refersTo }),
    content,
  }))
}

/** The preview of a link, a pin or a thread also changes a message, but not when it was edited last. */
function parseEdited(data: unknown, about: About): InboundEvent[] {
  const message = readMessage(data)
  const author = authorOf(message, about)
  const editedAt = message.edited_timestamp ? new Date(message.edited_timestamp) : undefined
  if (author === undefined || !editedAt || Number.isNaN(editedAt.getTime()) || !isWritten(message)) return []
  const key = messageKey(message.channel_id, message.id)
  about.authors.add(key, author)
  const [first] = contentsShown(message, about)
  if (!first) return []
  return [
    {
      type: 'edited',
      dedupeKey: `${key}:edited:${editedAt.getTime()}`,
      endpoint: endpointOf(author, message.channel_id),
      at: editedAt,
      messageKey: key,
      content: first.content,
    },
  ]
}

/** A message of a kind that is not known has at least its name. One whose content the bot does not get is left out. */
function contentsShown(message: Message, about: About) {
  const contents = contentsOf(message, about.self)
  const isHidden = message.guild_id && !about.hasContent
  if (contents.length > 0 || isHidden) return contents
  const kind = WRITTEN.has(message.type ?? 0) ? 'message' : `message of type ${message.type}`
  return [{ suffix: '', content: notice(kind) }]
}

const deleted = (channel: string, ids: readonly string[], { authors }: About): InboundEvent[] =>
  ids.flatMap((id) => {
    const key = messageKey(channel, id)
    const author = authors.find(key)
    if (author === undefined) return []
    const endpoint = endpointOf(author, channel)
    return [{ type: 'deleted', dedupeKey: `${key}:deleted`, endpoint, at: new Date(0), messageKey: key }]
  })

function parseReaction(data: unknown, isRemoved: boolean, { self, id }: About): InboundEvent[] {
  const { user_id, channel_id, message_id, message_author_id, member, emoji } = readReaction(data)
  if (user_id === self || member?.user?.bot || !emoji.name) return []
  const key = messageKey(channel_id, message_id)
  const name = nameOf(member?.user, member?.nick)
  return [
    {
      type: 'reaction',
      dedupeKey: `reaction:${id}`,
      endpoint: endpointOf(user_id, channel_id),
      at: new Date(0),
      ...(name && { person: { name } }),
      ...(message_author_id === self && { refersTo: key }),
      messageKey: key,
      emoji: emoji.id ? `:${emoji.name}:` : emoji.name,
      isRemoved,
    },
  ]
}

/** The person who wrote it; undefined for this or another bot, for a webhook, and for Discord itself. */
function authorOf({ author, webhook_id }: Message, { self }: About): string | undefined {
  const isPerson = author && !author.bot && !author.system && !webhook_id && author.id !== self
  return isPerson ? author.id : undefined
}

const isWritten = ({ type }: Message): boolean => WRITTEN.has(type ?? 0) || (type ?? 0) > LAST_TYPE

function repliesToBot({ message_reference, referenced_message, channel_id }: Message, { self }: About) {
  const id = message_reference?.message_id
  const isToBot = id && referenced_message?.author?.id === self
  return isToBot ? messageKey(message_reference?.channel_id ?? channel_id, id) : undefined
}

function personOf({ author, member }: Message): { person?: Person } {
  const name = nameOf(author, member?.nick)
  return name ? { person: { name } } : {}
}
