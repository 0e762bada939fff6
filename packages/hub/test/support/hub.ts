import { type Channel, silentLogger } from '@plugboard/core'
import type { WebhookFormat } from '../../src/delivery/to-webhooks/webhook-format.js'
import { createHub, type Hub } from '../../src/hub.js'
import type { HubSettings } from '../../src/hub-options.js'
import type { ClientRecord } from '../../src/ports/client-record.js'
import type { Store } from '../../src/ports/store.js'
import { memoryDatabase } from '../../src/testing/memory-store.js'
import { urls } from './acme-channel.js'
import { keyring } from './clients.js'
import { MemoryBlobs } from './memory-blobs.js'

/** What replicas have in common. */
export class SharedStore {
  readonly database = memoryDatabase()
  /** The handle of the test itself. */
  readonly store = this.open()

  constructor(...records: readonly ClientRecord[]) {
    for (const record of records) void this.store.insertClient(record)
  }

  /** The handle of a process. It is never notified of changes by others, so that the process has to poll. */
  open(): Store {
    return {
      ...this.database.open(),
      watch: async () => ({ isInstant: false }),
      watchAppends: async () => false,
    }
  }

  /** What happened to integrations, oldest first. */
  get events(): string[] {
    return this.database
      .streams()
      .flatMap(({ entries }) => entries)
      .filter(({ type }) => type === 'health.new')
      .map(({ payload }) => (JSON.parse(payload) as { type: string }).type)
  }
}

/** A process with a hub. */
export function openHub(
  store: Store,
  channels: readonly Channel[],
  more: Partial<HubSettings> = {},
  now = () => new Date(),
  formats: readonly WebhookFormat[] = [],
): Hub {
  const hub = createHub({
    ...{
      store,
      blobs: new MemoryBlobs(),
      keyring,
      channels: channels.map((channel) => ({ channel })),
      formats,
      fetch,
    },
    network: { fetch, webSocket: () => unreachable() },
    ...{ log: silentLogger, urls, now, refuseTarget: () => undefined },
    sender: {
      start: () => undefined,
      push: () => undefined,
      renew: () => undefined,
      cancel: () => undefined,
      close: async () => undefined,
      request: async () => ({ startedAt: 0, durationMs: 0 }),
    },
    observer: { delivered: () => undefined, retried: () => undefined, died: () => undefined },
    settings: {
      delivery: {
        ...{ streams: 10, streamsPerClient: 10, pollMs: 20 },
        gate: { items: 10, bytes: 10_000, failures: 100, pauseMs: 10, maxPauseMs: 20 },
      },
      ...{ channelSchedule: { delaysMs: [1000] }, channelTimeoutMs: 5000, collectMaxMs: 1000 },
      ...{ provisionSchedule: { delaysMs: [10, 10, 10] }, probeTimeoutMs: 100, mediaLinkTtlMs: 60_000 },
      attachmentMaxBytes: 1000,
      listenerLostAfterMs: 15_000,
      ...{ cacheSize: 10, cacheAgeMs: 1 },
      ...more,
    },
  })
  hub.start()
  return hub
}

function unreachable(): never {
  throw new Error('these tests open no sockets')
}
