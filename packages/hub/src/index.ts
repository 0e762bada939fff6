/**
 * The use cases of Plugboard over a storage port. Dialects and the server call {@link createHub}; stores implement
 * {@link Store}.
 * @packageDocumentation
 */

export {
  Audit,
  type AuditDetails,
  type AuditEntry,
  type AuditFilter,
  type AuditOutcome,
} from './administration/audit.js'
export type {
  ConversationFilter,
  ConversationList,
  ListedConversation,
} from './administration/conversation-list.js'
export type { Job, JobAction, JobActor, JobState, NewJob } from './administration/dead-letter-job.js'
export type { Jobs } from './administration/dead-letter-jobs.js'
export {
  type DeadLetterId,
  type DeliveryList,
  type PendingDelivery,
  type PendingFilter,
  targetOf,
} from './administration/delivery-list.js'
export type { OperatorSession, OperatorSessions, SessionOwner } from './administration/operator-sessions.js'
export {
  FIRST_OPERATOR,
  type Operator,
  type OperatorRecord,
  type OperatorRole,
  type Operators,
} from './administration/operators.js'
export type { Overview, OverviewView } from './administration/overview.js'
export type { People, PersonIdentity, PersonView } from './administration/people.js'
export type {
  Activity as ProcessActivity,
  MinuteOfRates,
  ProcessInfo,
  ProcessView,
  Rates,
} from './administration/processes.js'
export type { Trouble, TroubleFix, TroubleState } from './administration/troubles.js'
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
export { assertEnabled, type NewToken } from './clients/clients.js'
export type { ClientName, ClientView, OpenWebhook } from './clients/directory.js'
export { isFeed } from './clients/feed.js'
export { assertKey, KEY_FINGERPRINT } from './clients/key-fingerprint.js'
export { Keyring } from './clients/keyring.js'
export {
  channelRefOf,
  integrationNamed,
  integrationOf,
  namesOf,
  type OpenIntegration,
} from './clients/open-integration.js'
export type { NewWebhook, WebhookScope } from './clients/webhooks.js'
export type { Collected } from './conversations/collect.js'
export type { NewConversation } from './conversations/conversations.js'
export type { ChangeDelivery, Delivery } from './conversations/deliveries.js'
export type { EndedSession } from './conversations/ended-sessions.js'
export { messageDetailsOf } from './conversations/message-details.js'
export { asMessage, type Post } from './conversations/messages.js'
export { MAX_PARTICIPANTS } from './conversations/participants.js'
export type { Hold, TimelineDelivery, TimelineItem, TimelinePage } from './conversations/timeline.js'
export type { NewUser } from './conversations/users.js'
export type { DispatcherLimits } from './delivery/dispatcher.js'
export type { DeliveryObserver, ObservedTarget } from './delivery/outcome-reports.js'
export type { RetrySchedule } from './delivery/retry.js'
export { type AttemptsOfHour, durationAt, sumOfDurations } from './delivery/targets/attempt-hours.js'
export type { CircuitLimits } from './delivery/targets/circuit-breaker.js'
export type { GateLimits } from './delivery/targets/target-gate.js'
export type {
  DeliveryCounts,
  TargetFailure,
  TargetOutage,
  TargetState,
  WorkingState,
} from './delivery/targets/target-state.js'
export type { Refusals } from './delivery/targets/wrong-signatures.js'
export { resealEndpointStates } from './delivery/to-channels/endpoint-states.js'
export {
  integrationOfEvent,
  type Lookups,
  type Topic,
  type WebhookEvent,
  type WebhookFormat,
} from './delivery/to-webhooks/webhook-format.js'
export type {
  AttemptReport,
  DeliveryFailure,
  Transport,
  TransportListener,
  WebhookAddress,
  WebhookItem,
  WebhookSender,
} from './delivery/transport.js'
export { monotonicMs } from './delivery/transport.js'
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
  WebhookState,
} from './integrations/health.js'
export { healthEventOf } from './integrations/health.js'
export type { IntegrationChange, IntegrationKinds, IntegrationView } from './integrations/integrations.js'
export type { ChannelConfiguration, Configuration, WantedWebhook } from './integrations/sync.js'
export type { FollowOptions, Live } from './live/live.js'
export type { EphemeralEvent, LiveEvent, LivePage, LiveScope, StoredEvent } from './live/live-event.js'
export type { TailEntry, TailEvent, TailScope } from './live/operator-tail.js'
export type { UserListener } from './live/user-watches.js'
export { type Activity, activityOf, changeOf, type Feedback, type MessageChange } from './log/activity.js'
export {
  type Attempt,
  type AttemptRecord,
  KEPT_ATTEMPTS,
  type NewAttempt,
  newestOfEach,
  PROMPT_MS,
  promptSeconds,
} from './log/attempt.js'
export {
  type DeadFilter,
  type DeadKey,
  type DeadLetter,
  type DeadLetters,
  type DeadPage,
  type DeadPlace,
  type DeadRef,
  type DeadSpot,
  type DeadWalk,
  deadLook,
  deadPageOf,
  listedDeaths,
  matchesDead,
} from './log/dead-letter.js'
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
  type Backlog,
  COUNTED_BACKLOG,
  type OwingPage,
  type OwingPlace,
  type OwingStream,
} from './log/owing-streams.js'
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
export { previewOf } from './log/preview.js'
export type { Claimed, LaneState, Lease, Mark, Progress, Schedule } from './log/progress.js'
export {
  type DuePulls,
  type Given,
  offered,
  type PullLane,
  type PullLaneRef,
  type PullOffer,
} from './log/pull-lane.js'
export type { QueuedItem, QueueEnds, QueueItem, QueuePage } from './log/queue.js'
export {
  ACTIVITY_GRAIN_MS,
  COUNTED_DEAD,
  type ConversationState,
  movedActivity,
  PREVIEW_BYTES,
  type RecentConversation,
  type RecentPage,
} from './log/recent.js'
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
  type QueueRecord,
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
export { MAX_POSITION } from './pull/position.js'
export type { PullBacklog, PulledEvent, PullRequest } from './pull/readers.js'
export { pullUrl } from './pull/url.js'
