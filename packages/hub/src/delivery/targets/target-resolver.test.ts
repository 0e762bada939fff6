import { type Id, newId, PlugboardError, silentLogger } from '@plugboard/core'
import { expect, test } from 'vitest'
import { acmeChannel, urls } from '../../../test/support/acme-channel.js'
import {
  integrationOf,
  keyring,
  MemoryClients,
  recordOf,
  storeOf,
  webhookOf,
} from '../../../test/support/clients.js'
import { Channels } from '../../channels/channels.js'
import { NO_STATE } from '../../channels/integration-states.js'
import { Directory } from '../../clients/directory.js'
import type { ConversationRecord, EndpointRecord } from '../../log/endpoint-record.js'
import type { Entry } from '../../log/entry.js'
import type { Claimed } from '../../log/progress.js'
import { endpointTarget, type LaneKey, replayLane, type Target, webhookTarget } from '../../log/target.js'
import type { ClientRecord } from '../../ports/client-record.js'
import type { EndpointItem } from '../to-channels/channel-delivery.js'
import type { EndpointAddress } from '../to-channels/endpoint-address.js'
import type { QueueAddress, QueueEntry } from '../to-readers/queue-transport.js'
import type { Lookups, WebhookFormat } from '../to-webhooks/webhook-format.js'
import type {
  IntegrationAddress,
  IntegrationItem,
  Transport,
  WebhookAddress,
  WebhookItem,
} from '../transport.js'
import type { Resolved, TargetConfig } from './target-config.js'
import { TargetResolver } from './target-resolver.js'

test('a webhook gets its entries in its format, each with an id that never changes', async () => {
  const { configOf, hook, stream, sender } = setUp()
  const [first, second] = [entryOf(1), entryOf(2)]
  for (const generation of [0, 1])
    await send(await configOf(webhookTarget(hook.id)), [first, second], { generation })
  const [one, again] = sender.pushes
  expect(one).toMatchObject({ lane: 7, generation: 0, address: { id: hook.id, url: hook.url } })
  expect(one?.address.signingSecret).toBe(`token of ${hook.url}`)
  expect(one?.address.headers).toEqual({ 'x-token': `token of ${hook.url}` })
  expect(one?.items.map(({ seq, body }) => [seq, body])).toEqual([
    [1, `1 of ${stream.userId} false`],
    [2, `2 of ${stream.userId} false`],
  ])
  expect(again?.items.map(({ id }) => id)).toEqual(one?.items.map(({ id }) => id))
  expect(new Set(one?.items.map(({ id }) => id)).size).toBe(2)
})

test('a stream that is delivered for long is that of the user whom another process made of its user', async () => {
  const { configOf, hook, stream, sender, store, pass } = setUp()
  const into = newId()
  const lookups: Id[] = []
  store.findConversation = async (_, streamId) => {
    lookups.push(streamId)
    return { userId: into } as ConversationRecord
  }
  const config = await configOf(webhookTarget(hook.id))
  await send(config, [entryOf(1)])
  expect(lookups).toEqual([])
  pass(10_000)
  for (const seq of [2, 3]) await send(config, [entryOf(seq)])
  await send(await configOf(webhookTarget(hook.id)), [entryOf(4)])
  expect(lookups).toEqual([stream.streamId])
  expect(sender.pushes.map(({ items }) => items[0]?.body.split(' ')[2])).toEqual([
    stream.userId,
    ...[into, into, into],
  ])
})

test('a bot gets the mark of a collect request for as long as one waits for its reply', async () => {
  const { configOf, hook, sender, now } = setUp()
  const until = (ms: number): { collectUntil: Date } => ({ collectUntil: new Date(now.getTime() + ms) })
  const entries = [entryOf(1, until(1)), entryOf(2, until(0)), entryOf(3, { ...until(1), turnEndedAt: now })]
  await send(await configOf(webhookTarget(hook.id)), entries)
  expect(sender.pushes[0]?.items.map(({ body }) => body.split(' ').at(-1))).toEqual([
    'true',
    'false',
    'false',
  ])
})

test('an entry that cannot be rendered is reported, and the entries after it wait', async () => {
  for (const isLate of [false, true]) {
    const { configOf, hook } = setUp({ isLate })
    const entries = [entryOf(1), entryOf(2, { payload: BROKEN }), entryOf(3)]
    const config = await configOf(webhookTarget(hook.id))
    const batch = await config.render(entries, HEAD)
    expect(batch).toMatchObject({ count: 1, unrendered: { seq: 2, failure: { kind: 'invalid' } } })
    expect(await config.render(entries.slice(1), HEAD)).toMatchObject({ count: 0, unrendered: { seq: 2 } })
  }
})

test('events that need look-ups are rendered later, and not at all while the store fails', async () => {
  const { configOf, hook, sender, lookups } = setUp({ isLate: true })
  const config = await configOf(webhookTarget(hook.id))
  const rendering = config.render([entryOf(1), entryOf(2)], HEAD)
  expect(rendering).toBeInstanceOf(Promise)
  ;(await rendering).push(3, 0, Number.POSITIVE_INFINITY)
  expect(sender.pushes[0]?.items.map(({ seq }) => seq)).toEqual([1, 2])
  lookups.user = async () => {
    throw new PlugboardError('UNAVAILABLE', 'the store is down')
  }
  await expect(config.render([entryOf(3)], HEAD)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})

test('entries for the readers of a webhook are stored for them, a replay apart from the order', async () => {
  const { configOf, pull, stream, queueTransport } = setUp()
  const target = webhookTarget(pull.id)
  const entries = [entryOf(1), entryOf(4)]
  const config = await configOf(target)
  expect(config).toMatchObject({ isForReaders: true, label: 'pull:default' })
  await send(config, entries)
  await send(await configOf(target, replayLane(4, new Date(5), target)), entries.slice(1))
  const { clientId, streamId, userId } = stream
  const address = { clientId, webhookId: pull.id, mode: 'pull', streamId, userId }
  expect(queueTransport.pushes.map((push) => [push.address, push.items.map(({ seq }) => seq)])).toEqual([
    [address, [1, 4]],
    [{ ...address, replay: '4-5' }, [4]],
  ])
})

test('an endpoint gets its entries through its channel, the first from the part where it stopped', async () => {
  const { configOf, endpoint, transport } = setUp()
  const config = await configOf(endpointTarget(endpoint.id))
  await send(config, [entryOf(1), entryOf(2)], { part: 3 })
  expect(transport.pushes[0]?.items.map(({ seq, part }) => [seq, part])).toEqual([
    [1, 3],
    [2, 0],
  ])
  expect(config.label).not.toContain(endpoint.sender)
})

test('a removed target resolves to gone', async () => {
  const { targets, stream, stray, elsewhere, record, hook } = setUp()
  const gone = [
    ...[webhookTarget(newId()), webhookTarget(stray.id)],
    ...[endpointTarget(newId()), endpointTarget(elsewhere.id)],
  ]
  for (const target of gone) expect(await targets.resolve(stream, target)).toBe('gone')
  record.deletedAt = new Date()
  expect(await setUp({ record }).targets.resolve(stream, webhookTarget(hook.id))).toBe('gone')
})

test.each([
  ['is paused', { status: 'paused' }, 'paused'],
  ['whose channel is not loaded', { isLoaded: false }, 'unloaded'],
] as const)('an integration that %s waits', async (_, setting, expected) => {
  const { targets, stream, endpoint } = setUp(setting)
  expect(await targets.resolve(stream, endpointTarget(endpoint.id))).toBe(expected)
})

test('the credentials of a target differ when the configuration of its integration does', async () => {
  const { configOf, endpoint, directory, record } = setUp()
  const credentials = async () => (await configOf(endpointTarget(endpoint.id))).credentials
  const before = await credentials()
  await directory.change(record.id, (client) => ({ ...client, name: 'acme' }))
  expect(await credentials()).toBe(before)
  await directory.change(record.id, (client) => ({ ...client, integrations: [integrationOf(record.id)] }))
  expect(await credentials()).not.toBe(before)
})

const BROKEN = '{"type":"broken"}'

const HEAD = { part: 0, attempt: 0 }

/** Renders entries and hands them to the transport. */
async function send(
  config: TargetConfig,
  entries: readonly Entry[],
  { generation = 0, part = 0 }: { generation?: number; part?: number } = {},
): Promise<void> {
  const batch = await config.render(entries, { part, attempt: 0 })
  batch.push(7, generation, Number.POSITIVE_INFINITY)
}

const formatOf = (isLate: boolean): WebhookFormat => ({
  ...{ name: 'test', schedule: { delaysMs: [1000] }, tells: () => true, isLate },
  render({ entry, userId, isCollecting, lookups }) {
    if (entry.payload === BROKEN) throw new Error('broken')
    const body = `${entry.seq} of ${userId} ${isCollecting}`
    return isLate ? lookups.user(newId()).then(() => body) : body
  },
  headers: (_, { token }) => ({ 'x-token': token }),
})

const entryOf = (seq: number, fields: Partial<Entry> = {}): Entry => ({
  ...{
    id: newId(),
    clientId: newId(),
    streamId: newId(),
    type: 'message',
    payload: '{}',
    at: new Date(),
    owes: [],
  },
  ...{ seq, ...fields },
})

const endpointOf = (name: string): EndpointRecord => ({
  ...{ id: newId(), channel: { name, custom: false } },
  ...{ identity: '*', sender: '+41791234567', thread: '*' },
})

interface Setting {
  record?: ClientRecord
  status?: 'active' | 'paused'
  isLoaded?: boolean
  isLate?: boolean
}

function setUp({ record = recordOf(), status = 'active', isLoaded = true, isLate = false }: Setting = {}) {
  const hook = webhookOf(record.id, 'https://a.example')
  const stray = webhookOf(record.id, 'https://b.example', 'a format of before')
  const pull = { ...webhookOf(record.id, 'pull:default'), mode: 'pull' as const }
  record.webhooks = [hook, stray, pull]
  record.integrations = [{ ...integrationOf(record.id), status }]
  const [endpoint, elsewhere] = [endpointOf('acme'), endpointOf('telegram')]
  const store = storeOf(new MemoryClients(record))
  const directory = new Directory({
    store,
    keyring,
    maxClients: 10,
    maxAgeMs: 0,
    changed: async () => undefined,
  })
  const channels = isLoaded ? [{ channel: acmeChannel() }] : []
  const sender = new Recorder<WebhookAddress, WebhookItem>()
  const transport = new Recorder<EndpointAddress, EndpointItem>()
  const queueTransport = new Recorder<QueueAddress, QueueEntry>()
  const now = new Date()
  let passed = 0
  const lookups: Lookups = {
    conversation: async () => undefined,
    user: async () => undefined,
    message: async () => undefined,
    messages: async () => [],
    person: async () => undefined,
  }
  const targets = new TargetResolver({
    ...{
      store,
      directory,
      sender,
      queueTransport,
      channelTransport: transport,
      channelSchedule: { delaysMs: [] },
      now: () => new Date(now.getTime() + passed),
    },
    lookupsOf: () => lookups,
    currentOf: () => undefined,
    log: silentLogger,
    ...{ urls, provisionTransport: new Recorder<IntegrationAddress, IntegrationItem>() },
    provisionSchedule: { delaysMs: [] },
    channels: new Channels({
      channels,
      log: silentLogger,
      fetch,
      maxSessions: 10,
      states: { of: () => NO_STATE },
    }),
    formats: new Map([['test', formatOf(isLate)]]),
  })
  const stream: Claimed = {
    ...{ clientId: record.id, streamId: newId(), userId: newId(), endpoints: [endpoint, elsewhere] },
    ...{ scanned: 0, lanes: {}, seq: 1, lease: { fence: 1 } },
  }
  const configOf = async (target: Target, key: LaneKey = target): Promise<TargetConfig> => {
    const config: Resolved = await targets.resolve(stream, target, key)
    if (typeof config === 'string') throw new Error(`the target is ${config}`)
    return config
  }
  return {
    targets,
    store,
    pass(ms: number): void {
      passed += ms
    },
    lookups,
    configOf,
    directory,
    record,
    stream,
    hook,
    stray,
    pull,
    queueTransport,
    endpoint,
    elsewhere,
    sender,
    transport,
    now,
  }
}

/** A transport that records its calls. */
class Recorder<Address, Item> implements Transport<Address, Item> {
  readonly pushes: { lane: number; generation: number; address: Address; items: readonly Item[] }[] = []

  start(): void {}

  push(lane: number, generation: number, address: Address, items: readonly Item[]): void {
    this.pushes.push({ lane, generation, address, items })
  }

  renew(): void {}

  cancel(): void {}

  async close(): Promise<void> {}
}
