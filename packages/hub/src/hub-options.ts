import type { Logger } from '@plugboard/core'
import type { ProcessInfo } from './administration/processes.js'
import type { LoadedChannel } from './channels/channels.js'
import type { Keyring } from './clients/keyring.js'
import type { DispatcherLimits } from './delivery/dispatcher.js'
import type { DeliveryObserver } from './delivery/outcome-reports.js'
import type { RetrySchedule } from './delivery/retry.js'
import type { WebhookFormat } from './delivery/to-webhooks/webhook-format.js'
import type { WebhookSender } from './delivery/transport.js'
import type { ListenNetwork } from './inbound/source.js'
import type { BlobStore } from './ports/blob-store.js'
import type { PublicAddresses } from './ports/public-addresses.js'
import type { Store } from './ports/store.js'

export interface HubOptions {
  store: Store
  blobs: BlobStore
  /** Encrypts secrets that must be read back. */
  keyring: Keyring
  channels: readonly LoadedChannel[]
  /** One for each dialect that has webhooks. */
  formats: readonly WebhookFormat[]
  sender: WebhookSender
  /** For channels: rejects forbidden addresses. */
  fetch: typeof globalThis.fetch
  /** For channels that listen. */
  network: ListenNetwork
  urls: PublicAddresses
  /** Returns why a URL must not be called, or undefined. */
  refuseTarget(url: string): string | undefined
  settings: HubSettings
  observer: DeliveryObserver
  /** What operators see of this process. Default: of the role `all`, without a version. */
  process?: ProcessInfo
  log: Logger
  now?: () => Date
}

export interface HubSettings {
  delivery: DispatcherLimits
  /** Delays between delivery attempts of a channel. */
  channelSchedule: RetrySchedule
  /** Delays between attempts to set up an integration at its provider. The last one repeats for a day. */
  provisionSchedule: RetrySchedule
  /** How long a sync waits for providers to check credentials, in milliseconds. */
  probeTimeoutMs: number
  /** Time limit of a channel for one part, in milliseconds. */
  channelTimeoutMs: number
  /** Validity of the URL of a file that a person sent, in milliseconds. */
  mediaLinkTtlMs: number
  /** Maximum size of an uploaded file, in bytes. */
  attachmentMaxBytes: number
  /** Default storage limit of a client, in bytes. Default: 0, no limit. */
  clientMaxBytes?: number
  /** Maximum wait of a collect request, in milliseconds. */
  collectMaxMs: number
  /** How long attempts at deliveries are kept, in milliseconds. 0: none are. Default: 7 days. */
  attemptsKeepMs?: number
  /** How long events can be resumed from a feed, in milliseconds. Default: 7 days. */
  eventsKeepMs?: number
  /** How long entries of the audit log are kept, in milliseconds; 0: forever. Default: 365 days. */
  auditKeepMs?: number
  /** How long a session of the console lasts without a request, in milliseconds. Default: 12 hours. */
  operatorIdleMs?: number
  /** Maximum cached clients, users and sessions: this number of each. */
  cacheSize: number
  /** Maximum age of a cached client, in milliseconds. 0: no limit, for a single process. */
  cacheAgeMs: number
  /** After how long without a sign of life other processes take over what a process listened to, in milliseconds. */
  listenerLostAfterMs: number
  /** Whether this process delivers and listens. Default: true. */
  delivers?: boolean
}
