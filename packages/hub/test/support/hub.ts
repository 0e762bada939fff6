import { type Channel, silentLogger } from '@plugboard/core'
import { createHub, type Hub } from '../../src/hub.js'
import type { HubSettings } from '../../src/hub-options.js'
import type { ClientRecord } from '../../src/ports/client-record.js'
import type { Append, Store } from '../../src/ports/store.js'
import { urls } from './acme-channel.js'
import { keyring, MemoryClients, storeOf } from './clients.js'
import { MemoryBlobs } from './memory-blobs.js'
import { MemoryStore } from './memory-store.js'

/** What replicas have in common. */
export class SharedStore {
  readonly streams = new MemoryStore(() => new Date())
  readonly clients: MemoryClients
  readonly meta = new Map<string, string>()
  readonly store: Store

  constructor(...records: ClientRecord[]) {
    this.clients = new MemoryClients(...records)
    this.store = storeFrom(this.streams, this.clients, this.meta)
  }

  /** What happened to integrations, oldest first. */
  get events(): string[] {
    return [...this.streams.streams.values()]
      .flatMap(({ entries }) => entries)
      .filter(({ type }) => type === 'health.new')
      .map(({ payload }) => (JSON.parse(payload) as { type: string }).type)
  }
}

/** A process with a hub on a shared store. */
export function openHub(
  shared: SharedStore,
  channels: readonly Channel[],
  more: Partial<HubSettings> = {},
): Hub {
  const hub = createHub({
    ...{
      store: shared.store,
      blobs: new MemoryBlobs(),
      keyring,
      channels: channels.map((channel) => ({ channel })),
      formats: [],
      fetch,
    },
    ...{ log: silentLogger, urls, refuseTarget: () => undefined },
    sender: {
      start: () => undefined,
      push: () => undefined,
      renew: () => undefined,
      cancel: () => undefined,
      close: async () => undefined,
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
      ...{ cacheSize: 10, cacheAgeMs: 1 },
      ...more,
    },
  })
  hub.start()
  return hub
}

/** A store of both, whose streams of integrations begin with their first entry. */
function storeFrom(memory: MemoryStore, clients: MemoryClients, meta: Map<string, string>): Store {
  const later =
    <Input extends unknown[], Answer>(method: (...input: Input) => Answer) =>
    async (...input: Input): Promise<Answer> =>
      method.apply(memory, input)
  return storeOf({
    getMeta: async (key) => meta.get(key),
    async putMetaIfAbsent(key, value) {
      if (!meta.has(key)) meta.set(key, value)
      return meta.get(key) ?? value
    },
    async replaceMeta(key, from, to) {
      if (meta.get(key) !== from) return false
      meta.set(key, to)
      return true
    },
    findClient: (by) => clients.findClient(by),
    replaceClient: (client) => clients.replaceClient(client),
    async append(append: Append) {
      if (!memory.streams.has(append.streamId)) memory.addStream(append.clientId, append.streamId)
      return memory.append(append)
    },
    listEntries: async (_, streamId) => [...(memory.streams.get(streamId)?.entries ?? [])].reverse(),
    claimDue: later(memory.claimDue),
    readEntries: later(memory.readEntries),
    mark: later(memory.mark),
    bury: later(memory.bury),
    wakeClient: later(memory.wakeClient),
    // Nobody keeps anything beside the logs here.
    findDocument: async () => undefined,
    listDocuments: async () => [],
    watch: async () => ({ isInstant: false }),
  })
}
