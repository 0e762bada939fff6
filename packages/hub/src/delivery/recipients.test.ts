import { type Author, type Id, newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import {
  integrationOf,
  keyring,
  MemoryClients,
  recordOf,
  storeOf,
  webhookOf,
} from '../../test/support/clients.js'
import { Directory } from '../clients/directory.js'
import type { EndpointRecord } from '../log/endpoint-record.js'
import { endpointTarget, webhookTarget } from '../log/target.js'
import { channelOf, Recipients } from './recipients.js'
import type { WebhookFormat } from './to-webhooks/webhook-format.js'

test('the recipients of a message are the webhooks that receive messages and the endpoints of enabled channels', async () => {
  const { client, recipients, hooks } = await setUp()
  const [served, other] = [endpointOf('acme'), endpointOf('telegram')]
  const custom = { ...endpointOf('acme'), channel: { name: 'acme', custom: true } }
  expect(recipients.message(client, { endpoints: [served, other, custom] }, { author: 'business' })).toEqual([
    webhookTarget(hooks.all.id),
    endpointTarget(served.id),
  ])
})

test('a message is not sent back to the endpoint that it came from', async () => {
  const { client, recipients, hooks } = await setUp()
  const [here, there] = [endpointOf('acme'), endpointOf('acme')]
  expect(
    recipients.message(client, { endpoints: [here, there] }, { author: 'business', origin: here.id }),
  ).toEqual([webhookTarget(hooks.all.id), endpointTarget(there.id)])
})

test('a message of a user is delivered only to the endpoints of that user', async () => {
  const { client, recipients, hooks } = await setUp()
  const [userId, otherId] = [newId(), newId()]
  const endpoints = [endpointOf('acme')]
  const webhooks = [webhookTarget(hooks.all.id)]
  const all = [...webhooks, ...endpoints.map(({ id }) => endpointTarget(id))]
  const owed = (stream: { userId?: Id }, author: Author) =>
    recipients.message(client, { ...stream, endpoints }, { author })
  expect(owed({ userId }, 'business')).toEqual(all)
  expect(owed({ userId }, { userId })).toEqual(all)
  expect(owed({ userId }, { userId: otherId })).toEqual(webhooks)
  // A group has no user whose endpoints they could be.
  expect(owed({}, { userId })).toEqual(webhooks)
  expect(owed({}, 'business')).toEqual(all)
})

test('the recipients of an event are the webhooks whose format has it', async () => {
  const { client, recipients, hooks } = await setUp()
  expect(recipients.webhooks(client, 'user.new')).toEqual([
    webhookTarget(hooks.users.id),
    webhookTarget(hooks.all.id),
  ])
  expect(recipients.webhooks(client, 'health.new')).toEqual([webhookTarget(hooks.all.id)])
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
  const recipients = new Recipients(new Map([formatOf('users', ['user.new']), formatOf('all', 'all')]))
  return { client: await directory.get(record.id), recipients, hooks }
}
