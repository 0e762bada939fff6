/**
 * Typed client of Plugboard's Messaging API v1, with webhook verification. Runs on any platform with `fetch` and Web
 * Crypto.
 * @packageDocumentation
 */

// Client
export { type ClientOptions, createClient, type PlugboardClient } from './client.js'
// Content
export {
  type AudioContent,
  type CardAction,
  type CardContent,
  type CarouselContent,
  type CarouselItem,
  type Choice,
  type Content,
  type ContentExtras,
  type CustomContent,
  type CustomType,
  customContent,
  type DropdownContent,
  type FileContent,
  type ImageContent,
  type InboundContent,
  type LocationContent,
  type Payload,
  type PostbackContent,
  type QuickReplyContent,
  type ReceivedMedia,
  type SaySomethingContent,
  type SingleChoiceContent,
  type TemplateContent,
  type TextContent,
  type VideoContent,
  type VoiceContent,
} from './content.js'
// Parameters and results of the calls
export type { Conversation, Conversations, PageOptions } from './conversations.js'
export type { DeadLetters } from './dead-letters.js'
export type { ChangeDelivery, DeadLetter, Delivery, DeliveryState, DeliveryTarget } from './delivery.js'
export type { Endpoint, Endpoints } from './endpoints.js'
// Errors
export { type ApiErrorReason, PlugboardApiError } from './errors.js'
// Webhooks
export type {
  Activity,
  ConversationActivityEvent,
  ConversationDeletedEvent,
  ConversationNewEvent,
  ConversationStartedEvent,
  HealthNewEvent,
  MessageFeedbackEvent,
  MessageNewEvent,
  UnknownEvent,
  UnknownType,
  UserDeletedEvent,
  UserMergedEvent,
  UserNewEvent,
  UserUpdatedEvent,
  WebhookEvent,
} from './events.js'
export type { FetchFunction } from './exchange.js'
export type {
  ChannelHealth,
  Health,
  HealthEvent,
  TargetFailure,
  WebhookHealth,
  Webhooks,
} from './health.js'
export type {
  Collected,
  CollectMessage,
  IterateOptions,
  Message,
  MessagePageOptions,
  Messages,
  NewMessage,
} from './messages.js'
export type { PulledEvent, PullHandler, Pulling, PullOptions } from './pull.js'
export {
  type EventsOptions,
  type ResetEvent,
  type StreamedEvent,
  type UserEventsOptions,
  userEvents,
} from './streams.js'
export {
  type ChannelConfig,
  type ChannelConfigs,
  type ConfiguredWebhook,
  type PullWebhook,
  type StandaloneSyncConfig,
  type StandaloneSyncOptions,
  type StandaloneSyncResult,
  type SyncConfig,
  type SyncResult,
  sync,
  type UrlWebhook,
} from './sync.js'
export type { ClientToken, Tokens } from './tokens.js'
export type { CallOptions, CreateOptions } from './transport.js'
export type { User, Users } from './users.js'
export {
  receiveWebhook,
  WebhookError,
  type WebhookErrorReason,
  type WebhookHeaders,
  type WebhookOptions,
  type WebhookRequest,
} from './webhook.js'
