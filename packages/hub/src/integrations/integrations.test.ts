import { type Channel, type Failure, FailureError, newId } from '@plugboard/core'
import { afterEach, expect, test, vi } from 'vitest'
import { acmeChannel } from '../../test/support/acme-channel.js'
import { integrationOf, recordOf, webhookOf } from '../../test/support/clients.js'
import { openHub, SharedStore } from '../../test/support/hub.js'
import type { Runtime } from '../channels/channels.js'
import type { Hub } from '../hub.js'
import { NO_CLIENT } from '../ports/stored-document.js'

const hubs: Hub[] = []

afterEach(async () => {
  await Promise.all(hubs.splice(0).map((hub) => hub.stop(0)))
})

test('a channel is enabled, changed and taken out, and the others and the webhooks stay as they are', async () => {
  const { hub, client } = await setUp()
  const before = (await client()).record
  const { id } = await hub.integrations.enable(await client(), 'beta', { config: { token: 'a' }, facts: {} })
  const facts = () => ({ displayName: 'B' })
  const changed = await hub.integrations.change(await client(), id, { config: { token: 'b' }, facts })
  expect(changed).toMatchObject({ id, channel: { config: { token: 'b' } }, facts: { displayName: 'B' } })
  const { integrations, webhooks } = (await client()).record
  expect(integrations[0]).toEqual(before.integrations[0])
  expect([integrations.length, webhooks]).toEqual([2, before.webhooks])
  await hub.integrations.delete(await client(), id)
  expect((await client()).record).toMatchObject({
    integrations: before.integrations,
    webhooks: before.webhooks,
  })
})

test('two that enable a channel concurrently get an integration each, with names of their own', async () => {
  const { hub, client } = await setUp()
  const known = await client()
  const enable = (token: string) => hub.integrations.enable(known, 'beta', { config: { token }, facts: {} })
  const made = await Promise.all(['a', 'b', 'c'].map(enable))
  expect(made.map(({ channel }) => channel?.name).sort()).toEqual(['beta', 'beta-2', 'beta-3'])
  expect((await client()).integrations.get(made[1]?.channel?.name ?? '')).toMatchObject({
    ...{ id: made[1]?.id, config: { token: 'b' } },
  })
})

test('a generated name is none that a channel has, and not longer than a name may be', async () => {
  const long = 'b'.repeat(31)
  const { hub, client } = await setUp([long, 'beta-2'])
  const enable = async (channel: string) => {
    const made = await hub.integrations.enable(await client(), channel, {
      config: { token: newId() },
      facts: {},
    })
    return made.channel?.name
  }
  expect([await enable('beta'), await enable('beta')]).toEqual(['beta', 'beta-3'])
  expect([await enable(long), await enable(long)]).toEqual([long, `${'b'.repeat(29)}-2`])
})

test('of two that add the same account concurrently, one succeeds, and no other client can take it', async () => {
  const { hub, client } = await setUp()
  const other = (await hub.clients.create()).client
  const enable = async (name: string, whose = client()) =>
    hub.integrations.enable(await whose, 'beta', { config: { account: 'one', name }, facts: {} })
  const results = await Promise.allSettled([enable('a'), enable('b')])
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  const [lost] = results.filter((result) => result.status === 'rejected')
  expect(lost?.reason).toMatchObject({ code: 'CONFLICT' })
  await expect(enable('c', Promise.resolve(other))).rejects.toMatchObject({ code: 'CONFLICT' })
})

test('an integration that a concurrent sync replaced is not found, and the new one stays', async () => {
  const { hub, client } = await setUp()
  const { id } = await hub.integrations.enable(await client(), 'beta', { config: { token: 'a' }, facts: {} })
  const stale = await client()
  await hub.sync.run(stale.id, 'test', { channels: [], webhooks: [] })
  const beta = { name: 'beta', isEnabled: true, config: { token: 'c' } }
  await hub.sync.run(stale.id, 'test', { channels: [beta], webhooks: [] })
  const change = hub.integrations.change(stale, id, { config: { token: 'b' }, facts: (known) => known })
  await expect(change).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(hub.integrations.delete(stale, id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect((await client()).integrations.get('beta')?.config).toEqual({ token: 'c' })
})

test('channels and custom ones are listed in one order, from either end and between any two', async () => {
  const { hub, client } = await setUp()
  const made = [...(await client()).integrations.values()].map(({ id }) => id)
  made.push((await hub.integrations.createCustom(await client(), {})).id)
  const beta = await hub.integrations.enable(await client(), 'beta', { config: {}, facts: {} })
  made.push(beta.id, (await hub.integrations.createCustom(await client(), {})).id)
  const list = async (...asked: [range: object, kinds?: object]) =>
    (await hub.integrations.list(await client(), { limit: 10, ...asked[0] }, asked[1])).map(({ id }) => id)
  expect(await list({})).toEqual(made)
  expect(await list({ limit: 2 })).toEqual(made.slice(0, 2))
  expect(await list({ limit: 2, fromEnd: true })).toEqual(made.slice(2))
  expect(await list({ after: made[0], before: made[3] })).toEqual(made.slice(1, 3))
  expect(await list({}, { channels: ['beta'], custom: false })).toEqual([beta.id])
  expect(await list({}, { channels: [], custom: true })).toEqual([made[1], made[3]])
})

test('an operator changes a configuration without its secrets, which stay, and removes them with null', async () => {
  const { hub, client } = await setUp()
  const config = { account: 'one', token: 'secret', more: 'secret too', note: 'a' }
  const { id } = await hub.integrations.enable(await client(), 'beta', {
    ...{ name: 'support', config, facts: {} },
  })
  const configOf = async () => (await client()).integrations.get('support')?.config
  await hub.integrations.configure(await client(), id, { config: { account: 'one', note: 'b' } })
  expect(await configOf()).toEqual({ ...config, note: 'b' })
  await hub.integrations.configure(await client(), id, {
    config: { account: 'one', token: 'new', more: null },
  })
  expect(await configOf()).toEqual({ account: 'one', token: 'new' })
  const named = await hub.integrations.configure(await client(), id, { displayName: 'Support' })
  expect([named.facts, await configOf()]).toEqual([
    { displayName: 'Support' },
    { account: 'one', token: 'new' },
  ])
  expect((await hub.integrations.configure(await client(), id, { displayName: null })).facts).toEqual({})
  const again = { name: 'support', config: { account: 'two' }, facts: {} }
  await expect(hub.integrations.enable(await client(), 'beta', again)).rejects.toMatchObject({
    code: 'CONFLICT',
  })
})

test('a check asks the provider about the stored credentials, and changes nothing', async () => {
  const { hub, client, provider } = await setUp()
  const { id } = await hub.integrations.enable(await client(), 'beta', { config: { token: 'a' }, facts: {} })
  const before = (await client()).record
  provider.failure = { kind: 'auth', message: 'wrong token', field: 'token' }
  expect(await hub.integrations.check(await client(), id)).toMatchObject({
    kind: 'auth',
    message: 'wrong token',
  })
  provider.failure = undefined
  expect(await hub.integrations.check(await client(), id)).toBeUndefined()
  expect(provider.checked.at(-1)).toEqual({ token: 'a' })
  expect((await client()).record).toEqual(before)
  await expect(hub.integrations.check(await client(), newId())).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('a paused integration is tried again when its provider is to be set up once more', async () => {
  const { hub, client, provider } = await setUp()
  const [paused] = (await client()).record.integrations
  if (!paused) throw new Error('the client has no integration')
  hub.start()
  const status = async () => (await client()).record.integrations[0]
  provider.failure = { kind: 'auth', message: 'still wrong' }
  await hub.integrations.provision(await client(), paused.id)
  await vi.waitFor(async () =>
    expect(await status()).toMatchObject({ status: 'paused', reason: 'still wrong' }),
  )
  provider.failure = undefined
  const { channel } = await hub.integrations.provision(await client(), paused.id)
  expect(channel).toMatchObject({ status: 'pending' })
  await vi.waitFor(async () => expect(await status()).toMatchObject({ status: 'active' }))
  expect(await status()).not.toHaveProperty('reason')
})

test('a custom integration goes with its keys and webhooks, and takes no other along', async () => {
  const { hub, client, keys } = await setUp()
  const [mine, theirs] = [
    await hub.integrations.createCustom(await client(), {}),
    await hub.integrations.createCustom(await client(), {}),
  ]
  for (const { id } of [mine, theirs]) {
    await hub.integrations.createKey(await client(), id, 'a key')
    const webhook = { format: 'test', ownerId: id, url: `https://${id}.example` }
    await hub.integrations.createWebhook(await client(), webhook, { max: 9 })
  }
  await hub.integrations.delete(await client(), mine.id)
  expect((await client()).webhooks.map(({ ownerId }) => ownerId)).toEqual([undefined, theirs.id])
  expect((await keys()).map(({ data }) => JSON.parse(data).integrationId)).toEqual([theirs.id])
  await expect(hub.integrations.get(await client(), mine.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('what is created for a concurrently deleted integration is reverted', async () => {
  const { hub, client, store, keys } = await setUp()
  const { id } = await hub.integrations.createCustom(await client(), {})
  const insert = store.insertDocument
  store.insertDocument = async (document) => {
    const isInserted = await insert(document)
    await store.removeDocument((await client()).id, 'integration', id)
    return isInserted
  }
  const making = hub.integrations.createKey(await client(), id, 'a key')
  await expect(making).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await keys()).toEqual([])
})

test('a channel has neither keys nor webhooks', async () => {
  const { hub, client } = await setUp()
  const known = await client()
  const [channel] = [...known.integrations.values()]
  const id = channel?.id ?? newId()
  const webhook = { format: 'test', ownerId: id, url: 'https://x.example' }
  await expect(hub.integrations.createKey(known, id, 'a key')).rejects.toMatchObject({ code: 'INVALID' })
  const hooking = hub.integrations.createWebhook(known, webhook, { max: 9 })
  await expect(hooking).rejects.toMatchObject({ code: 'INVALID' })
})

/** A hub whose client has a channel that is paused, and a webhook. */
async function setUp(more: readonly string[] = []) {
  const record = recordOf()
  record.integrations = [{ ...integrationOf(record.id, { token: 'old' }), status: 'paused', reason: 'no' }]
  record.webhooks = [webhookOf(record.id, 'https://bot.example')]
  const shared = new SharedStore(record)
  const store = shared.open()
  const account = (config: unknown) => (config as { account?: string }).account ?? JSON.stringify(config)
  const provider: { failure: Failure | undefined; checked: unknown[] } = { failure: undefined, checked: [] }
  const check: Runtime['check'] = async ({ integration }) => {
    provider.checked.push(integration.config)
    if (provider.failure) throw new FailureError(provider.failure)
  }
  const classify: Runtime['classify'] = (error) =>
    error instanceof FailureError ? error.failure : { kind: 'transient', message: 'no' }
  const acme = acmeChannel({ check, classify })
  const beta: Channel = { ...acme, name: 'beta', account, secrets: ['token', 'more'] }
  const others = more.map((name): Channel => ({ ...acmeChannel(), name }))
  const hub = openHub(store, [acme, beta, ...others])
  hubs.push(hub)
  const client = async () => {
    const found = await hub.clients.find({ id: record.id })
    if (!found) throw new Error('the client is gone')
    return found
  }
  /** What is kept of the keys of integrations. */
  const keys = () => store.listDocuments(NO_CLIENT, 'account', { limit: 10 })
  return { hub, client, store, keys, provider }
}
