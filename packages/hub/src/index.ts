/**
 * The use cases of Plugboard over a storage port. Dialects and the server call {@link createHub}; stores implement
 * {@link Store}.
 * @packageDocumentation
 */

export type { LoadedChannel } from './channels/channels.js'
export { resealIntegrationStates } from './channels/integration-states.js'
export {
  type Account,
  Accounts,
  accountCollection,
  type KeyAccount,
  type KeyScope,
  type PersonAccount,
  type Role,
  type WithId,
} from './clients/accounts.js'
export type { NewToken } from './clients/clients.js'
export type { ClientName, ClientView, OpenWebhook } from './clients/directory.js'
export { assertKey, KEY_FINGERPRINT } from './clients/key-fingerprint.js'
export { Keyring } from './clients/keyring.js'
export {
  channelRefOf,
  integrationNamed,
  integrationOf,
  type OpenIntegration,
} from './clients/open-integration.js'
export type { NewWebhook, WebhookScope } from './clients/webhooks.js'
export type { Collected } from './conversations/collect.js'
export type { NewConversation } from './conversations/conversations.js'
export type { ChangeDelivery, DeadLetter, Delivery } from './conversations/deliveries.js'
export { messageDetailsOf } from './conversations/message-details.js'
export { asMessage, type Post } from './conversations/messages.js'
export { MAX_PARTICIPANTS } from './conversations/participants.js'
export type { NewUser } from './conversations/users.js'
export type { DeliveryObserver, DispatcherLimits, ObservedTarget } from './delivery/dispatcher.js'
export { resealEndpointStates } from './delivery/endpoint-states.js'
export type { RetrySchedule } from './delivery/retry.js'
export type { GateLimits } from './delivery/target-gate.js'
export type {
  DeliveryCounts,
  TargetFailure,
  TargetState,
  WorkingState,
} from './delivery/target-monitor.js'
export type {
  DeliveryFailure,
  Transport,
  TransportListener,
  WebhookAddress,
  WebhookItem,
  WebhookSender,
} from './delivery/transport.js'
export { monotonicMs } from './delivery/transport.js'
export {
  integrationOfEvent,
  type Lookups,
  type Topic,
  type WebhookEvent,
  type WebhookFormat,
} from './delivery/webhook-format.js'
export { Collection, type Index, type Kept } from './documents/collection.js'
export {
  type ClientFacts,
  type ConversationFacts,
  type ConversationView,
  type ExternalId,
  excerptOf,
  type IntegrationFacts,
  metadataTerm,
  type Participant,
  type UserFacts,
  type UserView,
} from './documents/facts.js'
export { yieldIfBusy } from './event-loop.js'
export type { Attachment, Upload } from './files/attachments.js'
export type { LinkedMedia } from './files/media-links.js'
export { loadFileTypes } from './files/media-type.js'
export { createHub, type Hub } from './hub.js'
export type { HubOptions, HubSettings } from './hub-options.js'
export type { ListenNetwork } from './inbound/source.js'
export type {
  HealthEvent,
  HealthType,
  IntegrationHealth,
  ListeningHealth,
  WebhookHealth,
} from './integrations/health.js'
export { healthEventOf } from './integrations/health.js'
export type { IntegrationKinds, IntegrationView } from './integrations/integrations.js'
export type { ChannelConfiguration, Configuration } from './integrations/sync.js'
export { type Activity, activityOf, changeOf, type MessageChange } from './log/activity.js'
export {
  type ChannelRef,
  type ConversationRecord,
  decodeChannel,
  type EndpointRecord,
  encodeChannel,
} from './log/endpoint-record.js'
export {
  type Dead,
  type DeadEntry,
  type Entry,
  type EntryType,
  eventOf,
  type NewEntry,
  type SentMessage,
  type SentMessagePart,
  type StreamKind,
  type StreamRef,
} from './log/entry.js'
export { type MergedUser, mergedUserOf } from './log/merged-user.js'
export {
  bytesOf,
  firstPage,
  isFull,
  type MessageCount,
  type MessagePage,
  PAGE_BYTES,
  type Page,
  type Range,
  type ReplyPage,
  type Texts,
} from './log/page.js'
export type { Claimed, LaneState, Lease, Mark, Progress } from './log/progress.js'
export {
  endpointTarget,
  integrationTarget,
  type LaneKey,
  parseLaneKey,
  parseTarget,
  replayLane,
  type Target,
  type TargetKind,
  webhookTarget,
} from './log/target.js'
export {
  ARCHIVE_KINDS,
  type Archive,
  type ArchivedStore,
  type ArchiveKind,
  type ArchivePage,
  type ArchiveRecord,
  COPY_META,
  type ConversationStream,
  type CounterRecord,
  type Counts,
  type MetaRecord,
  type SenderRecord,
  type StreamRecord,
  type UserStream,
} from './ports/archive.js'
export type { BlobInfo, BlobOwner, BlobStore, NewBlob, OpenBlob } from './ports/blob-store.js'
export type {
  ClientRecord,
  FormerIntegration,
  IntegrationRecord,
  Sealed,
  TokenRecord,
  WebhookRecord,
} from './ports/client-record.js'
export type { AttachmentPlace, PublicAddresses } from './ports/public-addresses.js'
export type {
  Append,
  Appended,
  Due,
  KeyClaim,
  MapEndpoint,
  Mapped,
  MapSender,
  Merged,
  MergeUsers,
  MessageText,
  Place,
  Replay,
  Replayed,
  Store,
  Watcher,
} from './ports/store.js'
export { NO_CLIENT, type StoredDocument } from './ports/stored-document.js'
