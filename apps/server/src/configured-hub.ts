import { hostname } from 'node:os'
import { type BlobStore, createHub, type Hub, type Keyring, type Store } from '@plugboard/hub'
import type { Logger } from 'pino'
import { databaseOf } from './config/database.js'
import { isLocalOnly } from './config/local-only.js'
import { type Config, maxAttemptMs } from './config/read-config.js'
import { limits } from './config/settings.js'
import { InternalPassword } from './dialects/internal-password.js'
import { messagingV1Format } from './dialects/messaging-v1/webhook-format.js'
import { smartifyFormat } from './dialects/smartify/webhook-format.js'
import { sunshineV2Format } from './dialects/sunshine-v2/webhook-format.js'
import type { PublicUrls } from './http/public-urls.js'
import { loadChannels } from './load-channels.js'
import type { Metrics } from './metrics/metrics.js'
import { parseAllowance, refusal } from './outbound/guard.js'
import { guardedFetch } from './outbound/guarded-fetch.js'
import { guardedWebSocket } from './outbound/guarded-web-socket.js'
import { createWebhookSender } from './outbound/webhook-sender.js'
import { version } from './version.js'

/** What a hub is made of beside its configuration. */
export interface HubParts {
  store: Store
  blobs: BlobStore
  keyring: Keyring
  metrics: Metrics
  log: Logger
  urls: PublicUrls
}

/** A hub as the configuration describes it. `workerUrl`: the compiled thread of the webhook sender. */
export async function createConfiguredHub(
  config: Config,
  { workerUrl }: { workerUrl?: URL },
  parts: HubParts,
): Promise<Hub> {
  const internal = new InternalPassword(config)
  const allowance = parseAllowance(config.allowPrivateTargets, isLocalOnly(config))
  const { channels: packages, channelOptions, workingFolder } = config
  const schedule = { delaysMs: config.webhookRetryDelays }
  return createHub({
    store: parts.store,
    blobs: parts.blobs,
    keyring: parts.keyring,
    channels: await loadChannels({ packages, options: channelOptions, workingFolder }),
    formats: [
      messagingV1Format({ schedule, internal, pullDeadlineMs: config.pullDeadline }),
      sunshineV2Format({ schedule: { delaysMs: config.sunshineRetryDelays }, internal }),
      smartifyFormat({ schedule, origin: () => parts.urls.base, internal }),
    ],
    sender: createWebhookSender({
      allowance,
      timeoutMs: config.webhookTimeout,
      maxTimeoutMs: maxAttemptMs(config),
      perTargetConcurrency: config.webhookConcurrency,
      log: parts.log,
      ...(workerUrl && { workerUrl }),
    }),
    fetch: guardedFetch(allowance, config.channelTimeout),
    network: {
      fetch: guardedFetch(allowance, limits.longPollTimeoutMs),
      webSocket: guardedWebSocket({ allowance, timeoutMs: config.channelTimeout }),
    },
    urls: parts.urls,
    refuseTarget: (url) => refusal(url, allowance),
    settings: hubSettings(config),
    observer: parts.metrics,
    process: { version, role: config.role, host: hostname() },
    log: parts.log,
  })
}

export const hubSettings = (config: Config) => ({
  delivery: {
    streams: config.maxStreams,
    streamsPerClient: config.maxStreamsPerClient,
    pollMs: config.pollInterval,
    gate: {
      items: config.gateItems,
      bytes: config.gateBytes,
      clientBytes: config.gateClientBytes,
      failures: config.gateFailures,
      pauseMs: config.gatePause,
      maxPauseMs: config.gateMaxPause,
    },
  },
  channelSchedule: { delaysMs: config.channelRetryDelays },
  provisionSchedule: { delaysMs: config.provisionRetryDelays },
  probeTimeoutMs: limits.probeTimeoutMs,
  channelTimeoutMs: config.channelTimeout,
  mediaLinkTtlMs: config.mediaLinkTtl,
  attemptsKeepMs: config.attemptsKeep,
  eventsKeepMs: config.eventsKeep,
  auditKeepMs: config.auditKeep,
  operatorIdleMs: config.consoleSession,
  attachmentMaxBytes: config.attachmentMaxSize,
  clientMaxBytes: config.clientMaxSize,
  collectMaxMs: limits.collectMaxMs,
  cacheSize: config.cacheSize,
  // No other process has an embedded database.
  cacheAgeMs: databaseOf(config).kind === 'sqlite' ? 0 : limits.sharedCacheMaxAgeMs,
  listenerLostAfterMs: Math.min(config.leaseTime, limits.listenerLostAfterMs),
  delivers: config.role !== 'api',
})
