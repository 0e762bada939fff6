import type { HealthEvent } from './health.js'
import type { Message } from './messages.js'

interface EventOf<Type, Data> {
  /** `webhook-id` of the delivery. It stays the same over retries and replays: handle an id once. */
  id: string
  type: Type
  data: Data
}

/** A user was made. */
export type UserNewEvent = EventOf<'user.new', { userId: string; userData?: Record<string, string> }>

/** A user was deleted. */
export type UserDeletedEvent = EventOf<'user.deleted', { userId: string }>

/** A conversation was made; `userId` is absent in all events of one of a group. */
export type ConversationNewEvent = EventOf<'conversation.new', { userId?: string; conversationId: string }>

/** A person opened a conversation without writing yet. */
export type ConversationStartedEvent = EventOf<
  'conversation.started',
  { userId: string; conversationId: string; channel: string; payload?: string }
>

/** A conversation was deleted with its messages. */
export type ConversationDeletedEvent = EventOf<
  'conversation.deleted',
  { conversationId: string; userId?: string }
>

/**
 * A message was posted, by a user or by the bot itself: without `message.authorId` it is the bot's. `userId`
 * is the owner of the conversation, absent in a group. With `collect` somebody waits for the answer: post it with `incomingId`,
 * then end the turn.
 */
export type MessageNewEvent = EventOf<
  'message.new',
  { userId?: string; conversationId: string; channel: string; collect?: boolean; message: Message }
>

/** A person judged a message: 1 = good, -1 = bad. */
export type MessageFeedbackEvent = EventOf<
  'message.feedback',
  { userId: string; conversationId: string; channel: string; messageId: string; feedback: number }
>

/** What is told of a conversation beside its messages; `messageId` is absent where the message is not known. */
export type Activity =
  /** The person changed a message; `payload` is what it says now. */
  | { type: 'edited'; messageId?: string; payload: Record<string, unknown> }
  /** The person took a message back. */
  | { type: 'deleted'; messageId?: string }
  | { type: 'reaction'; messageId?: string; emoji: string; removed: boolean }
  /** What became of a message of the bot after the provider took it. */
  | {
      type: 'delivery'
      messageId?: string
      status: 'sent' | 'delivered' | 'read' | 'failed'
      failure?: { kind: string; message: string }
    }
  /** The person wants to hear no more. */
  | { type: 'blocked' }
  /** Everything up to now was read: by the business, where there is no user. */
  | { type: 'read'; userId?: string }
  | { type: 'typing'; userId?: string; isTyping: boolean }
  /** A user of a group. */
  | { type: 'joined' | 'left'; userId: string }
  /** Nothing more is expected to happen, or something is again. */
  | { type: 'closed' | 'reopened' }

/** Something happened in a conversation beside its messages. */
export type ConversationActivityEvent = EventOf<
  'conversation.activity',
  { userId?: string; conversationId: string; channel: string; activity: Activity }
>

/** Something happened to a channel of the client. */
export type HealthNewEvent = EventOf<'health.new', { channel: string; event: HealthEvent }>

declare const unknownType: unique symbol

/**
 * A `type` that is none of the known ones: a string that the compiler keeps apart, so that `event.type ===
 * 'message.new'` leaves `MessageNewEvent` alone. `String(event.type)` makes a plain one of it.
 */
export interface UnknownType {
  readonly [unknownType]: true
  toString(): string
}

/** An event of a type that this version of the client does not know, as it came. */
export type UnknownEvent = EventOf<UnknownType, unknown>

/** What a webhook of the client is sent. */
export type WebhookEvent =
  | UserNewEvent
  | UserDeletedEvent
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

/** The fields that must be there for `data` to be what its type says; more may be, and are kept. */
const hasShape: Record<KnownType, (data: Fields) => boolean> = {
  'user.new': (data) => hasStrings(data, 'userId'),
  'user.deleted': (data) => hasStrings(data, 'userId'),
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

/** The event in a webhook's JSON, or undefined when it is none or lacks a field of its type. */
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

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
