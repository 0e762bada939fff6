import { type Id, type JsonObject, truncate, type User } from '@plugboard/core'
import type { ConversationRecord } from '../log/endpoint-record.js'
import type { Store } from '../ports/store.js'
import { Collection, type Index, type Measure } from './collection.js'

/**
 * An id that a caller chose, one namespace per dialect, so that no dialect can pass for another's user. Unique in the
 * client.
 */
export interface ExternalId {
  namespace: string
  value: string
}

/** What is known of a client beside its configuration. */
export interface ClientFacts {
  /** For people. Not unique, unlike the name that stands in addresses. */
  displayName?: string
  /** The account that made it, where one did. */
  createdBy?: Id
  /** The operator's own facts. */
  metadata?: JsonObject
  /** What one dialect alone knows of, by its name. */
  dialect?: Record<string, JsonObject>
}

/** What is known of an integration beside its configuration. */
export interface IntegrationFacts {
  displayName?: string
  /** No channel: a program that acts for the client with keys of its own, and has webhooks. */
  isCustom?: true
  /** What one dialect alone knows of, by its name. */
  dialect?: Record<string, JsonObject>
}

/** What is known of a user. Times are ISO 8601. */
export interface UserFacts {
  externalId?: ExternalId
  givenName?: string
  surname?: string
  email?: string
  avatarUrl?: string
  locale?: string
  signedUpAt?: string
  /** The client's own facts. */
  metadata?: JsonObject
  /** The conversation that is theirs where none is named. */
  defaultConversationId?: Id
  /** What one dialect alone knows of, by its name. */
  dialect?: Record<string, JsonObject>
}

/** What is known of a conversation. Times are ISO 8601. */
export interface ConversationFacts {
  externalId?: ExternalId
  /** Of any number of users, who join and leave. A conversation that is none is of one user from first to last. */
  isGroup?: true
  title?: string
  description?: string
  iconUrl?: string
  /** The client's own facts. */
  metadata?: JsonObject
  /** Of a group: who takes part. Of any other: what is known of how far its user has read. */
  participants?: Participant[]
  /** How far the business has read. */
  businessReadAt?: string
  /** Set while it is closed: nothing more is expected to happen in it. */
  closed?: { at: string; by?: string }
  /** What one dialect alone knows of, by its name. */
  dialect?: Record<string, JsonObject>
}

/** A user in a conversation. */
export interface Participant {
  id: Id
  userId: Id
  joinedAt: string
  /** Number of the newest entry when they last read. */
  readSeq: number
  readAt?: string
}

/** A user with what is known of them. */
export interface UserView extends User {
  facts: UserFacts
}

/** A conversation with what is known of it. */
export interface ConversationView extends ConversationRecord {
  facts: ConversationFacts
}

/** Characters of what somebody said that are kept as a fact: enough to know it by, whatever its length. */
const EXCERPT_CHARS = 256

/** The beginning of what somebody said, for a fact or a list. */
export const excerptOf = (text: string): string => truncate(text, EXCERPT_CHARS)

/** The name of a document by an external id: no two are one text, since a namespace has no blank. */
export const nameOfExternal = ({ namespace, value }: ExternalId): string => `${namespace} ${value}`

/** What a user can be found by. */
export const emailTerm = (email: string): string => `email ${email.toLowerCase()}`

/** What a group can be found by. */
export const memberTerm = (userId: Id): string => `member ${userId}`

/** What a conversation can be found by, of its metadata: numbers and truth values as they are written. */
export const metadataTerm = (key: string, value: unknown): string =>
  `metadata ${JSON.stringify([key, String(value)])}`

export const clientFacts = (store: Store): Collection<ClientFacts> =>
  new Collection<ClientFacts>(store, 'client')

/** What integrations that are no channel can be found by. */
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

/** All that a conversation can be found by. */
export const termsOfConversation = ({
  isGroup,
  participants = [],
  metadata = {},
}: ConversationFacts): readonly string[] => [
  ...(isGroup ? participants.map(({ userId }) => memberTerm(userId)) : []),
  ...Object.entries(metadata).map(([key, value]) => metadataTerm(key, value)),
]
