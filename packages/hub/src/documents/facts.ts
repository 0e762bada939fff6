import { type Id, type JsonObject, truncate, type User } from '@plugboard/core'
import type { ConversationRecord } from '../log/endpoint-record.js'
import type { Store } from '../ports/store.js'
import { Collection, type Index, type Measure } from './collection.js'

/**
 * An id chosen by the caller, with one namespace per dialect, so that dialects cannot impersonate each other's users.
 * Unique within the client.
 */
export interface ExternalId {
  namespace: string
  value: string
}

/** Data of a client besides its configuration. */
export interface ClientFacts {
  /** Display name. Not unique, unlike the name in URLs. */
  displayName?: string
  /** The account that created it, if any. */
  createdBy?: Id
  /** Metadata of the operator. */
  metadata?: JsonObject
  /** Data of a single dialect, by its name. */
  dialect?: Record<string, JsonObject>
}

/** Data of an integration besides its configuration. */
export interface IntegrationFacts {
  displayName?: string
  /** Not a channel: a program with its own keys and webhooks that acts for the client. */
  isCustom?: true
  /** Data of a single dialect, by its name. */
  dialect?: Record<string, JsonObject>
}

/** Data of a user. Times are ISO 8601. */
export interface UserFacts {
  externalId?: ExternalId
  givenName?: string
  surname?: string
  email?: string
  avatarUrl?: string
  locale?: string
  signedUpAt?: string
  /** Data that the page of the person gave, in place of that of a provider. */
  data?: Record<string, string>
  /** Metadata of the client. */
  metadata?: JsonObject
  /** The default conversation. */
  defaultConversationId?: Id
  /** Of a user that was merged into another: its external id, while that is given to the other. */
  movedExternalId?: ExternalId
  /** Users that were merged into this one, whose external ids still find it. */
  mergedIds?: Id[]
  /** Tokens that were issued until then are revoked. */
  tokensValidFrom?: string
  /** Data of a single dialect, by its name. */
  dialect?: Record<string, JsonObject>
}

/** Data of a conversation. Times are ISO 8601. */
export interface ConversationFacts {
  externalId?: ExternalId
  /** A group, whose users join and leave. Any other conversation always has one user. */
  isGroup?: true
  title?: string
  description?: string
  iconUrl?: string
  /** Metadata of the client. */
  metadata?: JsonObject
  /** Of a group: its participants. Otherwise: the read position of its user. */
  participants?: Participant[]
  /** When the business last read. */
  businessReadAt?: string
  /** Set while the conversation is closed. */
  closed?: { at: string; by?: string }
  /** Data of a single dialect, by its name. */
  dialect?: Record<string, JsonObject>
}

/** A user in a conversation. */
export interface Participant {
  id: Id
  userId: Id
  joinedAt: string
  /** Number of the newest entry at the last read. */
  readSeq: number
  readAt?: string
}

/** A user with its facts. */
export interface UserView extends User {
  facts: UserFacts
}

/** A conversation with its facts. */
export interface ConversationView extends ConversationRecord {
  facts: ConversationFacts
}

/** Maximum length of a stored excerpt of a message: enough to recognize it. */
const EXCERPT_CHARS = 256

/** An excerpt of a message, for a fact or a list. */
export const excerptOf = (text: string): string => truncate(text, EXCERPT_CHARS)

/** Document name of an external id. Unique, because a namespace has no space. */
export const nameOfExternal = ({ namespace, value }: ExternalId): string => `${namespace} ${value}`

/** Search term for users by e-mail address. */
export const emailTerm = (email: string): string => `email ${email.toLowerCase()}`

/** Search term for groups by member. */
export const memberTerm = (userId: Id): string => `member ${userId}`

/** Search term for conversations by metadata; numbers and booleans as text. */
export const metadataTerm = (key: string, value: unknown): string =>
  `metadata ${JSON.stringify([key, String(value)])}`

export const clientFacts = (store: Store): Collection<ClientFacts> =>
  new Collection<ClientFacts>(store, 'client')

/** Search term for custom integrations. */
export const CUSTOM_TERM = 'custom'

export const integrationFacts = (store: Store): Collection<IntegrationFacts> =>
  new Collection<IntegrationFacts>(store, 'integration', {
    termsOf: ({ isCustom }) => (isCustom ? [CUSTOM_TERM] : []),
  })

export const userFacts = (store: Store, measure?: Measure): Collection<UserFacts> => {
  const index: Index<UserFacts> = {
    nameOf: ({ externalId }) => externalId && nameOfExternal(externalId),
    termsOf: ({ email }) => (email ? [emailTerm(email)] : []),
  }
  return new Collection(store, 'user', index, measure)
}

export const conversationFacts = (store: Store, measure?: Measure): Collection<ConversationFacts> => {
  const index: Index<ConversationFacts> = {
    nameOf: ({ externalId }) => externalId && nameOfExternal(externalId),
    termsOf: termsOfConversation,
  }
  return new Collection(store, 'conversation', index, measure)
}

/** All search terms of a conversation. */
export const termsOfConversation = ({
  isGroup,
  participants = [],
  metadata = {},
}: ConversationFacts): readonly string[] => [
  ...(isGroup ? participants.map(({ userId }) => memberTerm(userId)) : []),
  ...Object.entries(metadata).map(([key, value]) => metadataTerm(key, value)),
]
