import type { HealthEvent } from './health.js'
import type { Message } from './messages.js'

interface EventOf<Type, Data> {
  /** `webhook-id` of the delivery. It stays the same for retries and replays: handle each id once. */
  id: string
  type: Type
  data: Data
}

/** A user was created. */
export type UserNewEvent = EventOf<'user.new', { userId: string; userData?: Record<string, string> }>

/** The data of a user was replaced, by the page that its person has open. */
export type UserUpdatedEvent = EventOf<'user.updated', { userId: string; userData: Record<string, string> }>

/** A user was deleted. */
export type UserDeletedEvent = EventOf<'user.deleted', { userId: string }>

/**
 * Two users are one person: the younger one was merged into the older one. `userId` now has the conversations of both;
 * `mergedUserId` still finds it.
 */
export type UserMergedEvent = EventOf<'user.merged', { userId: string; mergedUserId: string }>

/** A conversation was created. `userId` is absent in all events of a group. */
export type ConversationNewEvent = EventOf<'conversation.new', { userId?: string; conversationId: string }>

/**
 * A person opened a conversation without writing yet. In all events, `integration` is the name of the integration, if it
 * differs from the name of the channel.
 */
export type ConversationStartedEvent = EventOf<
  'conversation.started',
  { userId: string; conversationId: string; channel: string; integration?: string; payload?: string }
>

/** A conversation was deleted with its messages. */
export type ConversationDeletedEvent = EventOf<
  'conversation.deleted',
  { conversationId: string; userId?: string }
>

/**
 * A message was posted, by a user or by the bot (without `message.authorId`). `userId` is the owner of the
 * conversation, absent in a group. With `collect`, a caller waits for the reply: post it with `incomingId`, then end the
 * turn.
 */
export type MessageNewEvent = EventOf<
  'message.new',
  {
    userId?: string
    conversationId: string
    channel: string
    integration?: string
    collect?: boolean
    message: Message
  }
>

/** A person rated a message: 1 = good, -1 = bad. */
export type MessageFeedbackEvent = EventOf<
  'message.feedback',
  {
    userId: string
    conversationId: string
    channel: string
    integration?: string
    messageId: string
    feedback: number
  }
>

/** An event of a conversation other than a message. `messageId` is absent if the message is unknown. */
export type Activity =
  /** A message was edited, by the person or through the API; `payload` is its new content. */
  | { type: 'edited'; messageId?: string; payload: Record<string, unknown> }
  /** A message was deleted through the API. */
  | { type: 'removed'; messageId: string }
  /** The person deleted a message. */
  | { type: 'deleted'; messageId?: string }
  | { type: 'reaction'; messageId?: string; emoji: string; removed: boolean }
  /** Status of a bot's message after the provider accepted it. */
  | {
      type: 'delivery'
      messageId?: string
      status: 'sent' | 'delivered' | 'read' | 'failed'
      /** `code` is the provider's own. */
      failure?: { kind: string; message: string; code?: string }
    }
  /** The person blocked the bot. */
  | { type: 'blocked' }
  /** Everything up to now was read; without a user, by the business. */
  | { type: 'read'; userId?: string }
  | { type: 'typing'; userId?: string; isTyping: boolean }
  /** A user joined or left a group. */
  | { type: 'joined' | 'left'; userId: string }
  /** The conversation was closed or reopened. */
  | { type: 'closed' | 'reopened' }
  /** Only in streams of a client: the provider accepted a message, or all attempts failed. */
  | { type: 'handed-over'; messageId: string; endpointId: string }
  | { type: 'given-up'; messageId: string; endpointId: string; reason: string; error?: string; code?: string }

/** Something other than a message happened in a conversation. */
export type ConversationActivityEvent = EventOf<
  'conversation.activity',
  { userId?: string; conversationId: string; channel: string; integration?: string; activity: Activity }
>

/** Something happened to a channel of the client. */
export type HealthNewEvent = EventOf<
  'health.new',
  { channel: string; integration?: string; event: HealthEvent }
>

declare const unknownType: unique symbol

/**
 * An unknown `type`: a string that the compiler distinguishes from the known types, so that `event.type ===
 * 'message.new'` narrows to `MessageNewEvent`. `String(event.type)` converts it to a plain string.
 */
export interface UnknownType {
  readonly [unknownType]: true
  toString(): string
}

/** An unchanged event of a type unknown to this version of the client. */
export type UnknownEvent = EventOf<UnknownType, unknown>

/** An event sent to a webhook of the client. */
export type WebhookEvent =
  | UserNewEvent
  | UserUpdatedEvent
  | UserDeletedEvent
  | UserMergedEvent
  | ConversationNewEvent
  | ConversationStartedEvent
  | ConversationDeletedEvent
  | ConversationActivityEvent
  | MessageNewEvent
  | MessageFeedbackEvent
  | HealthNewEvent
  | UnknownEvent

type KnownType = Exclude<WebhookEvent, UnknownEvent>['type']
type Fields = Record<string, unknown>

/** Checks the required fields of `data` per type. Additional fields are kept. */
const hasShape: Record<KnownType, (data: Fields) => boolean> = {
  'user.new': (data) => hasStrings(data, 'userId'),
  'user.updated': (data) => hasStrings(data, 'userId') && isObject(data.userData),
  'user.deleted': (data) => hasStrings(data, 'userId'),
  'user.merged': (data) => hasStrings(data, 'userId', 'mergedUserId'),
  'conversation.new': (data) => hasStrings(data, 'conversationId'),
  'conversation.started': (data) => hasStrings(data, 'userId', 'conversationId', 'channel'),
  'conversation.deleted': (data) => hasStrings(data, 'conversationId'),
  'conversation.activity': (data) =>
    hasStrings(data, 'conversationId', 'channel') &&
    isObject(data.activity) &&
    hasStrings(data.activity, 'type'),
  'message.new': (data) => hasStrings(data, 'conversationId', 'channel') && isMessage(data.message),
  'message.feedback': (data) =>
    hasStrings(data, 'userId', 'conversationId', 'channel', 'messageId') && typeof data.feedback === 'number',
  'health.new': (data) =>
    hasStrings(data, 'channel') && isObject(data.event) && hasStrings(data.event, 'type', 'time'),
}

/** Parses the event in a webhook's JSON. Undefined if it is not an event or lacks a field of its type. */
export function toEvent(id: string, json: unknown): WebhookEvent | undefined {
  if (!isObject(json) || typeof json.type !== 'string') return undefined
  const { type, data } = json
  if (isKnown(type) && !(isObject(data) && hasShape[type](data))) return undefined
  // The compiler cannot follow the table: type and data fit together since the line above.
  return { id, type, data } as unknown as WebhookEvent
}

function isKnown(type: string): type is KnownType {
  return Object.hasOwn(hasShape, type)
}

function isMessage(value: unknown): boolean {
  if (!isObject(value) || !hasStrings(value, 'id', 'conversationId', 'sentOn')) return false
  return (value.authorId == null || typeof value.authorId === 'string') && isObject(value.payload)
}

function hasStrings(fields: Fields, ...names: string[]): boolean {
  return names.every((name) => typeof fields[name] === 'string')
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
