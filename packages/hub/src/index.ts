/**
 * The use cases of Plugboard over a storage port. Dialects and the server call {@link createHub}; stores implement
 * {@link Store}.
 * @packageDocumentation
 */
export {
  type Account,
  Accounts,
  accountCollection,
  type KeyAccount,
  type KeyScope,
  type PersonAccount,
  type Role,
  type WithId,
} from './accounts.js'
export { type Activity, activityOf } from './activity.js'
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
} from './archive.js'
export type { Attachment, Upload } from './attachments.js'
export type { BlobInfo, BlobOwner, BlobStore, NewBlob, OpenBlob } from './blob-store.js'
export type { LoadedChannel } from './channels.js'
export type { ClientRecord, IntegrationRecord, Sealed, TokenRecord, WebhookRecord } from './client-record.js'
export type { NewToken } from './clients.js'
export type { Collected } from './collect.js'
export { Collection, type Index, type Kept } from './collection.js'
export type { NewConversation } from './conversations.js'
export type { DeadLetter, Delivery } from './deliveries.js'
export type { DeliveryObserver, DispatcherLimits } from './delivery/dispatcher.js'
export type { GateLimits } from './delivery/gate.js'
export type { RetrySchedule } from './delivery/retry.js'
export type { DeliveryFailure, Transport, TransportListener } from './delivery/transport.js'
export type { WebhookAddress, WebhookItem, WebhookSender } from './delivery/webhook-sender.js'
export type { ClientName, ClientView, OpenIntegration, OpenWebhook } from './directory.js'
export type { ChannelRef, ConversationRecord, EndpointRecord } from './endpoint-record.js'
export type { Dead, DeadEntry, Entry, EntryType, NewEntry, StreamKind, StreamRef } from './entry.js'
export { yieldIfBusy } from './event-loop.js'
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
} from './facts.js'
export type { Look, Topic, WebhookEvent, WebhookFormat } from './format.js'
export type { HealthEvent, HealthType, IntegrationHealth } from './health.js'
export { healthEventOf } from './health.js'
export { createHub, type Hub } from './hub.js'
export type { HubOptions, HubSettings } from './hub-options.js'
export type { IntegrationKinds, IntegrationView } from './integrations.js'
export { assertKey, KEY_FINGERPRINT } from './key-fingerprint.js'
export { Keyring } from './keyring.js'
export type { LinkedMedia } from './media-links.js'
export { loadFileTypes } from './media-type.js'
export { messageDetailsOf } from './message-details.js'
export { asMessage, type Post } from './messages.js'
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
} from './page.js'
export { MAX_PARTICIPANTS } from './participants.js'
export type { Claimed, LaneState, Lease, Mark, Progress } from './progress.js'
export type { AttachmentPlace, PublicAddresses } from './public-addresses.js'
export type {
  Append,
  Appended,
  Due,
  KeyClaim,
  MapEndpoint,
  Mapped,
  MessageText,
  Replay,
  Replayed,
  Store,
  Watcher,
} from './store.js'
export { NO_CLIENT, type StoredDocument } from './stored-document.js'
export type { ChannelConfiguration, Configuration } from './sync.js'
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
} from './target.js'
export type { NewUser } from './users.js'
export type { NewWebhook, WebhookScope } from './webhooks.js'
