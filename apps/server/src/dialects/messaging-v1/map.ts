import { type Conversation, fromUuid, type Id, isId, type Message, toUuid } from '@plugboard/core'
import {
  type ChannelRef,
  type ClientName,
  type ClientRecord,
  type ClientView,
  type EndpointRecord,
  type Hub,
  integrationOf,
  type NewToken,
  type UserView,
  type WebhookHealth,
} from '@plugboard/hub'

/** Wire shapes of the Messaging API to and from the domain. Pure. */

/** The id of a client in this API: the one chosen by the caller, or the generated one. */
export const clientIdOf = (record: Pick<ClientRecord, 'id' | 'externalId'>): string =>
  record.externalId ?? toUuid(record.id)

/** The client with this id in the API. */
export function clientNameOf(wireId: string): ClientName {
  const id = fromUuid(wireId)
  return id ? { id } : { externalId: wireId.toLowerCase() }
}

/** The client with this id in any of the APIs. */
export const namedClient = (text: string): ClientName => (isId(text) ? { id: text } : clientNameOf(text))

/** `TOKENID.SECRET`, as one opaque text. */
export const tokenText = ({ id, secret }: NewToken): string => `${toUuid(id)}.${secret}`

/** Parses a token, with or without its id. Undefined if it is malformed. */
export function parseToken(text: string): { id?: Id; secret: string } | undefined {
  const parts = text.split('.')
  if (parts.length === 1) return { secret: text }
  const id = fromUuid(parts[0] ?? '')
  return parts.length === 2 && id && parts[1] ? { id, secret: parts[1] } : undefined
}

export function userJson(client: ClientView, { id, facts, data = facts.data }: UserView): object {
  return {
    id: toUuid(id),
    clientId: clientIdOf(client.record),
    ...(data && { data: facts.data ?? data }),
  }
}

export const conversationJson = (client: ClientView, conversation: Conversation): object => ({
  id: toUuid(conversation.id),
  clientId: clientIdOf(client.record),
  userId: conversation.userId ? toUuid(conversation.userId) : null,
  createdOn: conversation.createdAt.toISOString(),
})

/** Caches the last result, because the messages of a list have one conversation and few authors. */
function lastUuid(): (id: Id) => string {
  let last: Id | undefined
  let uuid = ''
  return (id) => {
    if (id === last) return uuid
    last = id
    uuid = toUuid(id)
    return uuid
  }
}

const uuidOfConversation = lastUuid()
const uuidOfAuthor = lastUuid()

/**
 * A message as JSON text. The stored payload is inserted unchanged, which is faster than parsing it and keeps it byte for
 * byte. A message of the bot has `authorId` null when read, and no `authorId` when posted.
 */
export function messageJson(message: Message, nullAuthor: boolean): string {
  const author = message.author === 'business' ? undefined : message.author.userId
  const authorJson = author ? `"authorId":"${uuidOfAuthor(author)}",` : nullAuthor ? '"authorId":null,' : ''
  const head = `{"id":"${toUuid(message.id)}","conversationId":"${uuidOfConversation(message.conversationId)}",${authorJson}`
  return `${head}"sentOn":"${message.sentAt.toISOString()}","payload":${message.payload}}`
}

/** A channel that a plugin serves is an object with its version, a custom one is a text. */
export function channelJson(
  hub: Hub,
  { name, custom }: Pick<ChannelRef, 'name' | 'custom'>,
): string | { name: string; version: string } {
  return custom ? name : { name, version: hub.channels.find(name)?.version ?? '1.0.0' }
}

/** An address. `integration`: its name, if that differs from the name of the channel; its key, if it was removed. */
export function endpointJson(
  hub: Hub,
  client: ClientView,
  { channel, identity, sender, thread }: Omit<EndpointRecord, 'id'>,
): object {
  const integration = integrationOf(client, channel)?.name ?? channel.integration
  return {
    channel: channelJson(hub, channel),
    ...(integration !== undefined && integration !== channel.name && { integration }),
    ...{ identity, sender, thread },
  }
}

/** A webhook with its working state. */
export function webhookJson({ id, lastDeliveredAt, lastFailure, waiting, ...health }: WebhookHealth) {
  return {
    id: toUuid(id),
    ...health,
    ...(lastDeliveredAt && { lastDeliveredAt: lastDeliveredAt.toISOString() }),
    ...(waiting && {
      waiting: {
        conversations: waiting.conversations,
        isMore: waiting.isMore,
        ...(waiting.oldest && { oldest: waiting.oldest.toISOString() }),
      },
    }),
    ...(lastFailure && {
      lastFailure: {
        kind: lastFailure.kind,
        message: lastFailure.message,
        at: lastFailure.at.toISOString(),
        ...(lastFailure.nextAttemptAt && { nextAttemptAt: lastFailure.nextAttemptAt.toISOString() }),
      },
    }),
  }
}
