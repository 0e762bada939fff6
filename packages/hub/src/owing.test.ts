import { newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import {
  integrationOf,
  keyring,
  MemoryClients,
  recordOf,
  storeOf,
  webhookOf,
} from '../test/support/clients.js'
import { Directory } from './directory.js'
import type { EndpointRecord } from './endpoint-record.js'
import type { WebhookFormat } from './format.js'
import { channelOf, Owing } from './owing.js'
import { endpointTarget, webhookTarget } from './target.js'

test('a message is owed to the webhooks that are told of messages and to the endpoints that a channel serves', async () => {
  const { client, owing, hooks } = await setUp()
  const [served, other] = [endpointOf('acme'), endpointOf('telegram')]
  const custom = { ...endpointOf('acme'), channel: { name: 'acme', custom: true } }
  expect(owing.message(client, [served, other, custom], {})).toEqual([
    webhookTarget(hooks.all.id),
    endpointTarget(served.id),
  ])
})

test('a message is not sent back to the endpoint that it came from', async () => {
  const { client, owing, hooks } = await setUp()
  const [here, there] = [endpointOf('acme'), endpointOf('acme')]
  expect(owing.message(client, [here, there], { origin: here.id })).toEqual([
    webhookTarget(hooks.all.id),
    endpointTarget(there.id),
  ])
})

test('an event is owed to the webhooks of formats that tell of it', async () => {
  const { client, owing, hooks } = await setUp()
  expect(owing.webhooks(client, 'user.new')).toEqual([
    webhookTarget(hooks.users.id),
    webhookTarget(hooks.all.id),
  ])
  expect(owing.webhooks(client, 'health.new')).toEqual([webhookTarget(hooks.all.id)])
})

test('the channel of a conversation is that of its one endpoint', () => {
  expect(channelOf([endpointOf('acme')])).toBe('acme')
  expect(channelOf([])).toBe('messaging')
  expect(channelOf([endpointOf('acme'), endpointOf('telegram')])).toBe('messaging')
})

const endpointOf = (name: string): EndpointRecord => ({
  ...{ id: newId(), channel: { name, custom: false } },
  ...{ identity: '*', sender: 'ada', thread: '*' },
})

const formatOf = (name: string, types: readonly string[] | 'all'): [string, WebhookFormat] => [
  name,
  {
    ...{ name, schedule: { delaysMs: [] }, render: () => '{}', headers: () => ({}) },
    tells: (type) => types === 'all' || types.includes(type),
  },
]

async function setUp() {
  const record = recordOf()
  const hooks = {
    users: webhookOf(record.id, 'https://users.example', 'users'),
    all: webhookOf(record.id, 'https://all.example', 'all'),
    stray: webhookOf(record.id, 'https://stray.example', 'a format of before'),
  }
  record.webhooks = Object.values(hooks)
  record.integrations = [integrationOf(record.id)]
  const directory = new Directory({
    ...{ store: storeOf(new MemoryClients(record)), keyring, maxClients: 10, maxAgeMs: 0 },
    changed: async () => undefined,
  })
  const owing = new Owing(new Map([formatOf('users', ['user.new']), formatOf('all', 'all')]))
  return { client: await directory.get(record.id), owing, hooks }
}
