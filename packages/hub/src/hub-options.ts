import type { Logger } from '@plugboard/core'
import type { LoadedChannel } from './channels/channels.js'
import type { Keyring } from './clients/keyring.js'
import type { DeliveryObserver, DispatcherLimits } from './delivery/dispatcher.js'
import type { RetrySchedule } from './delivery/retry.js'
import type { WebhookFormat } from './delivery/webhook-format.js'
import type { WebhookSender } from './delivery/webhook-sender.js'
import type { BlobStore } from './ports/blob-store.js'
import type { PublicAddresses } from './ports/public-addresses.js'
import type { Store } from './ports/store.js'

export interface HubOptions {
  store: Store
  blobs: BlobStore
  /** Seals what must be read back. */
  keyring: Keyring
  channels: readonly LoadedChannel[]
  /** One for each dialect that has webhooks. */
  formats: readonly WebhookFormat[]
  sender: WebhookSender
  /** For channels: refuses forbidden addresses. */
  fetch: typeof globalThis.fetch
  urls: PublicAddresses
  /** Why a URL may not be called, if it may not. */
  refuseTarget(url: string): string | undefined
  settings: HubSettings
  observer: DeliveryObserver
  log: Logger
  now?: () => Date
}

export interface HubSettings {
  delivery: DispatcherLimits
  /** Waits between the attempts of a channel to deliver. */
  channelSchedule: RetrySchedule
  /** Waits between the attempts to tell a provider of an integration; the last one is repeated for a day. */
  provisionSchedule: RetrySchedule
  /** The longest that a sync waits for providers to say whether credentials work, in milliseconds. */
  probeTimeoutMs: number
  /** The longest that a channel may take for one part, in milliseconds. */
  channelTimeoutMs: number
  /** How long the address of a file works that a person sent, in milliseconds. */
  mediaLinkTtlMs: number
  /** Largest file that a client may keep here. */
  attachmentMaxBytes: number
  /** What one client may keep, in bytes, where it is not said of the client itself; 0, the default: any amount. */
  clientMaxBytes?: number
  /** The longest that a collect request may wait, in milliseconds. */
  collectMaxMs: number
  /** Clients, users and sessions of integrations kept in memory, each. */
  cacheSize: number
  /** How long a client's configuration is used without a look at the store; 0 when there is no other process. */
  cacheAgeMs: number
  /** Whether this process delivers. Default: true; false leaves that to others that have the store open. */
  delivers?: boolean
}
