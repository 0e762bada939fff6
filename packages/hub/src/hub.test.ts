import { type Failure, newId, silentLogger } from '@plugboard/core'
import { expect, test, vi } from 'vitest'
import { acmeChannel, urls } from '../test/support/acme-channel.js'
import { integrationOf, keyring, MemoryClients, recordOf, storeOf } from '../test/support/clients.js'
import { MemoryBlobs } from '../test/support/memory-blobs.js'
import { MemoryStore } from '../test/support/memory-store.js'
import { assertKey, createHub } from './hub.js'
import { Keyring } from './keyring.js'
import type { Append, Store } from './store.js'

test('an integration whose credentials are refused pauses, says so, and resumes with the next sync', async () => {
  const { hub, say, client, attempts, outcomes, health } = await setUp({ token: 'old' })
  outcomes.push(refused)
  await say()
  await say()
  await vi.waitFor(() => expect(health()).toEqual(['pause']))
  await settle()
  expect(attempts).toEqual(['old'])
  expect(await hub.health.list(await client())).toMatchObject([{ status: 'paused', reason: 'wrong token' }])
  await hub.sync.run((await client()).id, 'test', { channels: [acme('new')], webhooks: [] })
  await vi.waitFor(() => expect(attempts).toEqual(['old', 'new', 'new']))
  await hub.stop(1000)
})

test('a refusal that comes after the sync which put it right pauses nothing', async () => {
  const { hub, say, client, attempts, outcomes, health } = await setUp({ token: 'old' })
  let fail = (_: Failure): void => undefined
  outcomes.push(new Promise<Failure>((resolve) => (fail = resolve)))
  await say()
  await vi.waitFor(() => expect(attempts).toEqual(['old']))
  await hub.sync.run((await client()).id, 'test', { channels: [acme('new')], webhooks: [] })
  fail(refused)
  await vi.waitFor(() => expect(attempts).toEqual(['old', 'new']), { timeout: 5000 })
  expect(health()).not.toContain('pause')
  expect(await hub.health.list(await client())).toMatchObject([{ status: 'active' }])
  await hub.stop(1000)
})

test('a store that was made with another key is refused', async () => {
  let fingerprint: string | undefined
  const store = storeOf({
    async putMetaIfAbsent(_, value) {
      fingerprint ??= value
      return fingerprint
    },
  })
  await assertKey(store, keyring)
  await assertKey(store, keyring)
  const another = new Keyring(new Uint8Array(32).fill(8))
  await expect(assertKey(store, another)).rejects.toMatchObject({ code: 'CONFLICT' })
})

const refused: Failure = { kind: 'auth', message: 'wrong token' }
const acme = (token: string) => ({ name: 'acme', isEnabled: true, config: { token } })

/** Lets all happen that would happen by itself. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50))

/** A hub with one client, whose one conversation is at an endpoint of a channel that answers as the test says. */
async function setUp(config: object) {
  const record = recordOf()
  record.integrations = [integrationOf(record.id, config)]
  const clients = new MemoryClients(record)
  const memory = new MemoryStore(() => new Date())
  const endpoint = {
    id: newId(),
    channel: { name: 'acme', custom: false },
    identity: '*',
    sender: 'ada',
    thread: '*',
  }
  const { streamId: conversationId } = Object.assign(memory.addStream(record.id), { endpoints: [endpoint] })
  const attempts: unknown[] = []
  const outcomes: (Failure | Promise<Failure>)[] = []
  const channel = acmeChannel({
    async deliver(_, { integration }) {
      attempts.push((integration.config as { token: string }).token)
      const failure = await outcomes.shift()
      if (failure) throw failure
      return { providerMessageIds: [] }
    },
    classify: (error) => error as Failure,
  })
  const hub = createHub({
    blobs: new MemoryBlobs(),
    ...{ store: storeFrom(memory, clients), keyring, channels: [{ channel }], formats: [], fetch },
    ...{ log: silentLogger, urls, refuseTarget: () => undefined },
    sender: {
      start: () => undefined,
      push: () => undefined,
      cancel: () => undefined,
      close: async () => undefined,
    },
    observer: { delivered: () => undefined, retried: () => undefined, died: () => undefined },
    settings: {
      delivery: {
        ...{ streams: 10, streamsPerClient: 10, pollMs: 100 },
        gate: { items: 10, bytes: 1000, failures: 3, pauseMs: 100, maxPauseMs: 1000 },
      },
      ...{ channelSchedule: { delaysMs: [1000] }, channelTimeoutMs: 5000, collectMaxMs: 1000 },
      ...{ provisionSchedule: { delaysMs: [20] }, probeTimeoutMs: 200, mediaLinkTtlMs: 1000 },
      ...{ cacheSize: 10, cacheAgeMs: 0, attachmentMaxBytes: 1000 },
    },
  })
  hub.start()
  const client = async () => {
    const found = await hub.clients.find({ id: record.id })
    if (!found) throw new Error('there is no client')
    return found
  }
  return {
    ...{ hub, client, attempts, outcomes },
    say: async () =>
      hub.messages.post(await client(), {
        conversationId,
        author: 'business',
        payload: { type: 'text', text: 'hi' },
      }),
    /** What happened to integrations. */
    health: (): string[] =>
      [...memory.streams.values()]
        .flatMap(({ entries }) => entries)
        .filter(({ type }) => type === 'health.new')
        .map(({ payload }) => (JSON.parse(payload) as { type: string }).type),
  }
}

/** A store of both, whose streams of integrations begin with their first entry. */
function storeFrom(memory: MemoryStore, clients: MemoryClients): Store {
  const later =
    <Input extends unknown[], Answer>(method: (...input: Input) => Answer) =>
    async (...input: Input): Promise<Answer> =>
      method.apply(memory, input)
  return storeOf({
    getMeta: async () => undefined,
    putMetaIfAbsent: async (_, value) => value,
    replaceMeta: async () => true,
    findClient: (by) => clients.findClient(by),
    replaceClient: (client) => clients.replaceClient(client),
    async append(append: Append) {
      if (!memory.streams.has(append.streamId)) memory.addStream(append.clientId, append.streamId)
      return memory.append(append)
    },
    listEntries: async (_, streamId) => memory.streams.get(streamId)?.entries ?? [],
    claimDue: later(memory.claimDue),
    readEntries: later(memory.readEntries),
    mark: later(memory.mark),
    bury: later(memory.bury),
    wakeClient: later(memory.wakeClient),
  })
}
