import { newId, silentLogger } from '@plugboard/core'
import { expect, test } from 'vitest'
import { acmeChannel, urls } from '../../test/support/acme-channel.js'
import {
  integrationOf,
  keyring,
  MemoryClients,
  recordOf,
  storeOf,
  webhookOf,
} from '../../test/support/clients.js'
import { Channels } from '../channels/channels.js'
import { Directory } from '../clients/directory.js'
import type { EndpointRecord } from '../log/endpoint-record.js'
import type { Entry } from '../log/entry.js'
import type { Claimed } from '../log/progress.js'
import { endpointTarget, webhookTarget } from '../log/target.js'
import type { EndpointAddress, EndpointItem } from './channel-delivery.js'
import type { IntegrationAddress, IntegrationItem } from './integration-event.js'
import type { Route, Routing } from './route.js'
import { Router } from './router.js'
import type { Transport } from './transport.js'
import type { WebhookFormat } from './webhook-format.js'
import type { WebhookAddress, WebhookItem } from './webhook-sender.js'

test('a webhook gets its entries as its format tells them, each under an id that never changes', async () => {
  const { routeTo, hook, stream, sender } = setUp()
  const [first, second] = [entryOf(1), entryOf(2)]
  for (const generation of [0, 1])
    (await routeTo(webhookTarget(hook.id))).push(7, generation, [first, second], { part: 0, attempt: 0 })
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

test('a bot is told that someone waits for its reply as long as that is so', async () => {
  const { routeTo, hook, sender, now } = setUp()
  const until = (ms: number): { collectUntil: Date } => ({ collectUntil: new Date(now.getTime() + ms) })
  const entries = [entryOf(1, until(1)), entryOf(2, until(0)), entryOf(3, { ...until(1), turnEndedAt: now })]
  ;(await routeTo(webhookTarget(hook.id))).push(1, 0, entries, { part: 0, attempt: 0 })
  expect(sender.pushes[0]?.items.map(({ body }) => body.split(' ').at(-1))).toEqual([
    'true',
    'false',
    'false',
  ])
})

test('what cannot be rendered is reported, and what comes after it waits for that', async () => {
  const { router, routeTo, hook, sender } = setUp()
  const reported: unknown[] = []
  router.start({
    unrendered: (lane, generation, seq, { kind }) => reported.push([lane, generation, seq, kind]),
  })
  const entries = [entryOf(1), entryOf(2, { payload: BROKEN }), entryOf(3)]
  const route = await routeTo(webhookTarget(hook.id))
  route.push(7, 1, entries, { part: 0, attempt: 0 })
  expect(sender.pushes.map(({ items }) => items.map(({ seq }) => seq))).toEqual([[1]])
  expect(reported).toEqual([[7, 1, 2, 'invalid']])
  route.push(7, 2, entries.slice(1), { part: 0, attempt: 0 })
  expect(sender.pushes).toHaveLength(1)
  expect(reported).toHaveLength(2)
})

test('an endpoint gets its entries through its channel, the first from the part where it stopped', async () => {
  const { routeTo, endpoint, transport } = setUp()
  const route = await routeTo(endpointTarget(endpoint.id))
  route.push(1, 0, [entryOf(1), entryOf(2)], { part: 3, attempt: 0 })
  expect(transport.pushes[0]?.items.map(({ seq, part }) => [seq, part])).toEqual([
    [1, 3],
    [2, 0],
  ])
  expect(route.label).not.toContain(endpoint.sender)
})

test('what is not there any more is gone', async () => {
  const { router, stream, stray, elsewhere, record, hook } = setUp()
  const targets = [
    ...[webhookTarget(newId()), webhookTarget(stray.id)],
    ...[endpointTarget(newId()), endpointTarget(elsewhere.id)],
  ]
  for (const target of targets) expect(await router.route(stream, target)).toBe('gone')
  record.deletedAt = new Date()
  expect(await setUp(record).router.route(stream, webhookTarget(hook.id))).toBe('gone')
})

test('an integration that is paused, or whose channel is not installed, waits', async () => {
  for (const status of ['paused', 'active'] as const) {
    const { router, stream, endpoint } = setUp(undefined, status, status === 'paused')
    expect(await router.route(stream, endpointTarget(endpoint.id))).toBe('paused')
  }
})

test('the credentials of a route differ when the configuration of its integration does', async () => {
  const { routeTo, endpoint, directory, record } = setUp()
  const credentials = async () => (await routeTo(endpointTarget(endpoint.id))).credentials
  const before = await credentials()
  await directory.change(record.id, (client) => ({ ...client, name: 'acme' }))
  expect(await credentials()).toBe(before)
  await directory.change(record.id, (client) => ({ ...client, integrations: [integrationOf(record.id)] }))
  expect(await credentials()).not.toBe(before)
})

const BROKEN = '{"type":"broken"}'

const format: WebhookFormat = {
  ...{ name: 'test', schedule: { delaysMs: [1000] }, tells: () => true },
  render({ entry, userId, isCollecting }) {
    if (entry.payload === BROKEN) throw new Error('broken')
    return `${entry.seq} of ${userId} ${isCollecting}`
  },
  headers: (_, { token }) => ({ 'x-token': token }),
}

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

function setUp(record = recordOf(), status: 'active' | 'paused' = 'active', isInstalled = true) {
  const hook = webhookOf(record.id, 'https://a.example')
  const stray = webhookOf(record.id, 'https://b.example', 'a format of before')
  record.webhooks = [hook, stray]
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
  const channels = isInstalled ? [{ channel: acmeChannel() }] : []
  const sender = new Recorder<WebhookAddress, WebhookItem>()
  const transport = new Recorder<EndpointAddress, EndpointItem>()
  const now = new Date()
  const router = new Router({
    ...{ directory, sender, channelTransport: transport, channelSchedule: { delaysMs: [] }, now: () => now },
    lookupsOf: () => ({
      conversation: async () => undefined,
      user: async () => undefined,
      message: async () => undefined,
      messages: async () => [],
      person: async () => undefined,
    }),
    log: silentLogger,
    ...{ urls, provisionTransport: new Recorder<IntegrationAddress, IntegrationItem>() },
    provisionSchedule: { delaysMs: [] },
    channels: new Channels({ channels, log: silentLogger, fetch, maxSessions: 10 }),
    formats: new Map([['test', format]]),
  })
  const stream: Claimed = {
    ...{ clientId: record.id, streamId: newId(), userId: newId(), endpoints: [endpoint, elsewhere] },
    ...{ scanned: 0, lanes: {}, seq: 1, lease: { fence: 1 } },
  }
  const isRoute = (routing: Routing): routing is Route => typeof routing === 'object'
  const routeTo = async (target: Parameters<Router['route']>[1]): Promise<Route> => {
    const routing = await router.route(stream, target)
    if (!isRoute(routing)) throw new Error(`the target is ${routing}`)
    return routing
  }
  return {
    router,
    routeTo,
    directory,
    record,
    stream,
    hook,
    stray,
    endpoint,
    elsewhere,
    sender,
    transport,
    now,
  }
}

/** A transport that writes down what it is given. */
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
