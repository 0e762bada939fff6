import {
  type Id,
  isJsonObject,
  type Json,
  type JsonObject,
  type Message,
  type MessageDetails,
  parseJsonObject,
} from '@plugboard/core'
import {
  type ClientView,
  type ConversationView,
  integrationOf,
  messageDetailsOf,
  type Participant,
  type UserView,
} from '@plugboard/hub'
import { fromPayload } from './content.js'

/** Shapes of the domain in the form of this API. Pure. */

/** This dialect's name, in what it alone keeps. */
export const DIALECT = 'sunshine-v2'

/** Omits unknown members: this API does not return nulls. */
export function known(fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  const found: JsonObject = {}
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) found[key] = value
  return found
}

/** Data of this dialect. */
export const ownOf = (facts: { dialect?: Record<string, JsonObject> }): JsonObject =>
  facts.dialect?.[DIALECT] ?? {}

/** The same with other own facts; those that are undefined go. */
export const withOwn = <T extends { dialect?: Record<string, JsonObject> }>(
  facts: T,
  own: Readonly<Record<string, Json | undefined>>,
): T => ({
  ...facts,
  dialect: { ...facts.dialect, [DIALECT]: known({ ...ownOf(facts), ...own }) },
})

const typeOf = ({ facts }: Pick<ConversationView, 'facts'>): 'personal' | 'sdkGroup' =>
  facts.isGroup ? 'sdkGroup' : 'personal'

export function conversationJson(conversation: ConversationView, isDefault: boolean): JsonObject {
  const { id, createdAt, lastMessageAt = createdAt, facts } = conversation
  const { title, description, iconUrl, metadata, businessReadAt } = facts
  return {
    id,
    type: typeOf(conversation),
    isDefault,
    ...known({ displayName: title, description, iconUrl, metadata, businessLastRead: businessReadAt }),
    lastUpdatedAt: lastMessageAt.toISOString(),
    createdAt: createdAt.toISOString(),
  }
}

/** As it stands in webhooks. */
export const shortConversationJson = (conversation: Pick<ConversationView, 'id' | 'facts'>): JsonObject => ({
  id: conversation.id,
  type: typeOf(conversation),
  ...(conversation.facts.metadata && { metadata: conversation.facts.metadata }),
})

/** How this API names a user by the caller's own id. */
export const externalOf = (value: string) => ({ namespace: DIALECT, value })

/** The id that callers of this API chose. */
const externalIdOf = ({ facts: { externalId } }: Pick<UserView, 'facts'>): string | undefined =>
  externalId?.namespace === DIALECT ? externalId.value : undefined

export function userJson(user: UserView): JsonObject {
  const { givenName, surname, email, avatarUrl, locale, signedUpAt, metadata = {} } = user.facts
  const { toBeRetained, brandId } = ownOf(user.facts)
  return {
    id: user.id,
    ...known({ externalId: externalIdOf(user), brandId, signedUpAt, toBeRetained }),
    authenticated: false,
    profile: known({ givenName, surname, email, avatarUrl, locale }),
    metadata,
    identities: identitiesOf(user),
  }
}

/** What the provider of a channel vouches for. The names of the verification are ours. */
function identitiesOf({ data = {} }: UserView): JsonObject[] {
  const { email, phone, verified = '' } = data
  const isVerified = (field: string): boolean => verified.split(' ').includes(field)
  return [
    ...(email !== undefined && isVerified('email')
      ? [{ type: 'email', value: email, verification: 'channel' }]
      : []),
    ...(phone !== undefined && isVerified('phone')
      ? [{ type: 'phoneNumber', value: phone, verification: 'channel' }]
      : []),
  ]
}

/** As it stands in webhooks. */
export const shortUserJson = (user: UserView): JsonObject => ({
  id: user.id,
  authenticated: false,
  ...known({ externalId: externalIdOf(user) }),
})

export const participantJson = (
  { id, userId, readAt }: Participant,
  user: UserView | undefined,
  unreadCount: number,
  clientAssociations: readonly { type: string; clientId: Id }[] = [],
): JsonObject => ({
  id,
  userId,
  ...known({ userExternalId: user && externalIdOf(user), lastRead: readAt }),
  unreadCount,
  clientAssociations: [...clientAssociations],
})

/** `users`: those of the authors that are known, for what they are called. */
export function messageJson(
  client: ClientView,
  message: Message,
  users?: ReadonlyMap<Id, UserView>,
): JsonObject {
  const details = messageDetailsOf(message)
  // The posted content, if the payload differs, and data that the payload cannot contain.
  const { content, quotedMessage, references } = ownOf(details)
  const json: JsonObject = {
    id: message.id,
    received: message.sentAt.toISOString(),
    author: authorJson(message, details, users),
    content: isJsonObject(content) ? content : fromPayload(parseJsonObject(message.payload)),
    source: sourceJson(client, message),
  }
  if (details.metadata) json.metadata = details.metadata
  if (isJsonObject(quotedMessage)) json.quotedMessage = quotedMessage
  if (Array.isArray(references)) json.references = references
  return json
}

/** A payload with only a text is used unchanged as content. */
const PLAIN = /^\{"type":"text","text":"(?:[^"\\]|\\.)*"\}$/

/**
 * Messages as JSON text: what most of them are is put in as it is stored, which is faster than to parse and print it, and
 * what an author is called is printed once.
 */
export function messagesText(
  client: ClientView,
  messages: readonly Message[],
  users: ReadonlyMap<Id, UserView>,
): string {
  const authors = new Map<Id | 'business', string>()
  const texts = messages.map((message) => {
    const { id, sentAt, payload, details, source, author } = message
    if (details !== undefined || source || !PLAIN.test(payload))
      return JSON.stringify(messageJson(client, message, users))
    const who = author === 'business' ? author : author.userId
    const by = authors.get(who) ?? JSON.stringify(authorJson(message, {}, users))
    authors.set(who, by)
    return `{"id":"${id}","received":"${sentAt.toISOString()}","author":${by},"content":${payload},"source":${POSTED}}`
  })
  return `[${texts.join(',')}]`
}

const SUBTYPES = { ai: 'AI', bot: 'bot', agent: 'agent', activity: 'activity' } as const

function authorJson(
  { author }: Message,
  { author: as = {} }: MessageDetails,
  users: ReadonlyMap<Id, UserView> | undefined,
): JsonObject {
  const shown = known({
    displayName: as.name,
    avatarUrl: as.avatarUrl,
    subtypes: as.kind && [SUBTYPES[as.kind]],
  })
  if (author === 'business') return { type: 'business', ...shown }
  const facts = users?.get(author.userId)?.facts
  const name = [facts?.givenName, facts?.surname].filter(Boolean).join(' ') || undefined
  return {
    type: 'user',
    userId: author.userId,
    ...known({ displayName: name, avatarUrl: facts?.avatarUrl }),
    ...shown,
  }
}

/** Where messages come from that were posted. */
const POSTED = JSON.stringify({ type: 'api:conversations' })

/** How this API calls a channel: by its own name, where that is one that it has. */
export function sourceJson(client: ClientView, { source }: Pick<Message, 'source'>): JsonObject {
  if (!source) return { type: 'api:conversations' }
  const { channel: name, integration, key } = source
  const ref = { name, ...(integration !== undefined && { integration }), custom: false }
  return {
    type: name,
    ...known({ integrationId: integrationOf(client, ref)?.id, originalMessageId: key }),
  }
}
