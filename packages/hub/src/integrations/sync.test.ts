import { type Channel, type Id, newId, PlugboardError } from '@plugboard/core'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { acmeChannel } from '../../test/support/acme-channel.js'
import { integrationOf as recordedIntegration, recordOf } from '../../test/support/clients.js'
import { openHub, SharedStore } from '../../test/support/hub.js'
import { channelRefOf, integrationNamed, integrationOf } from '../clients/open-integration.js'
import type { Hub } from '../hub.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'
import { SLOW_RUNS } from '../testing/random-runs.js'

const hubs: Hub[] = []
afterEach(async () => {
  await Promise.all(hubs.splice(0).map((hub) => hub.stop(1000)))
})

/** Wanted integrations by name: the account of a bot, or the whole configuration of a channel without accounts. */
type Wish = Record<string, { bot: string } | { plain: string }>

test('an account under another name is the same integration, and keeps its conversations', async () => {
  const { sync, write } = setUp()
  const before = (await sync({ bot: { bot: 'a' } })).get('bot')
  const conversation = await write('a')
  const after = await sync({ support: { bot: 'a' } })
  expect([...after.keys()]).toEqual(['support'])
  expect(after.get('support')).toMatchObject({ id: before?.id, key: 'bot' })
  expect(await write('a')).toBe(conversation)
})

test('without accounts, the whole configuration under another name is the same integration', async () => {
  const { sync } = setUp()
  const before = (await sync({ plain: { plain: 'a' } })).get('plain')
  const after = await sync({ desk: { plain: 'a' }, plain: { plain: 'b' } })
  expect(after.get('desk')).toMatchObject({ id: before?.id, key: 'plain' })
  expect(after.get('plain')?.id).not.toBe(before?.id)
})

test('another account under the same name is the same integration, if nothing else is', async () => {
  const { sync } = setUp()
  const before = (await sync({ bot: { bot: 'a' } })).get('bot')
  expect((await sync({ bot: { bot: 'b' } })).get('bot')).toMatchObject({ id: before?.id, key: 'bot' })
})

test('two that swap their names in one sync keep what is theirs, and the paths follow the names', async () => {
  const { sync, write, view } = setUp()
  const before = await sync({ one: { bot: 'a' }, two: { bot: 'b' } })
  const [a, b] = [await write('a'), await write('b')]
  expect(a).not.toBe(b)
  const after = await sync({ one: { bot: 'b' }, two: { bot: 'a' } })
  expect(after.get('one')?.id).toBe(before.get('two')?.id)
  expect(after.get('two')?.id).toBe(before.get('one')?.id)
  expect([await write('a'), await write('b')]).toEqual([a, b])
  expect(integrationNamed(await view(), 'one')?.config).toEqual({ bot: 'b' })
})

test('the old path of a renamed one works until another has that name', async () => {
  const { sync, view } = setUp()
  const before = (await sync({ bot: { bot: 'a' } })).get('bot')
  await sync({ support: { bot: 'a' } })
  expect(integrationNamed(await view(), 'bot')?.id).toBe(before?.id)
  const other = (await sync({ support: { bot: 'a' }, bot: { bot: 'b' } })).get('bot')
  expect(integrationNamed(await view(), 'bot')?.id).toBe(other?.id)
  expect(other?.id).not.toBe(before?.id)
})

test('one that is removed and added again finds its conversations, whatever its name was before', async () => {
  const { sync, write } = setUp()
  await sync({ bot: { bot: 'a' } })
  const conversation = await write('a')
  await sync({ support: { bot: 'a' } })
  await sync({ bot: { bot: 'b' } })
  const strange = await write('b')
  expect(strange).not.toBe(conversation)
  await sync({ support: { bot: 'a' } })
  expect(await write('a')).toBe(conversation)
  await sync({ support: { bot: 'a' }, bot: { bot: 'b' } })
  expect(await write('b')).toBe(strange)
})

test('a client that was written before integrations had names keeps all that is its own', async () => {
  const record = recordOf()
  record.integrations = [{ ...recordedIntegration(record.id, { bot: 'a' }), channel: 'bot' }]
  const shared = new SharedStore(record)
  const map = { clientId: record.id, at: new Date(), channel: { name: 'bot', custom: false } }
  const ids = { user: newId(), conversation: newId(), endpoint: newId() }
  const first = { id: newId(), payload: '{}', at: new Date(), owes: [], claim: false }
  await shared.store.mapEndpoint({
    ...{ ...map, ids, endpoint: { identity: '*', sender: 'ada', thread: '*' } },
    events: {
      user: () => ({ ...first, type: 'user.new' }),
      conversation: () => ({ ...first, id: newId(), type: 'conversation.new' }),
    },
  })
  const { sync, write, view } = setUp(shared, record.id)
  expect((await view()).integrations.get('bot')).toMatchObject({ name: 'bot', key: 'bot' })
  expect(await write('a')).toBe(ids.conversation)
  await sync({ bot: { bot: 'a' } })
  expect((await view()).record).toMatchObject({ integrations: record.integrations, version: 1 })
  await sync({ support: { bot: 'a' } })
  expect(await write('a')).toBe(ids.conversation)
})

test('each fault of each integration is named at once', async () => {
  const { sync } = setUp()
  const wrong = { X: { bot: 'b' }, two: { bot: 'a' }, Y: { bot: 'c' }, four: { bot: 'a' } }
  await expect(sync(wrong)).rejects.toMatchObject({
    code: 'INVALID',
    issues: ['X', 'Y', 'four'].map((name) => ({ path: ['channels', name] })),
  })
})

test('one account under two names, and a name that is none, are refused with the field', async () => {
  const { sync } = setUp()
  await expect(sync({ one: { bot: 'a' }, two: { bot: 'a' } })).rejects.toMatchObject({
    code: 'INVALID',
    issues: [{ path: ['channels', 'two'], message: 'is the same account as "channels.one"' }],
  })
  for (const name of ['', 'A', 'a', '1a', 'a/b', 'ä-b', 'a b', 'x'.repeat(32), '..', '__proto__'])
    await expect(sync(Object.fromEntries([[name, { bot: 'a' }]]))).rejects.toMatchObject({
      code: 'INVALID',
      issues: [{ path: ['channels', name] }],
    })
  const inherited = await sync({ constructor: { bot: 'a' } })
  expect([...inherited.keys()]).toEqual(['constructor'])
})

test('a renamed integration is set up at the provider again, under its new address', async () => {
  const { sync, view, provisioned } = setUp()
  await sync({ bot: { bot: 'a' } })
  await expect.poll(async () => (await view()).integrations.get('bot')?.status).toBe('active')
  await sync({ support: { bot: 'a' } })
  await expect.poll(async () => (await view()).integrations.get('support')?.status).toBe('active')
  expect(provisioned.map((url) => url.split('/').at(-1))).toEqual(['bot', 'support'])
})

test('whatever is synced in whatever order: an account keeps its key while it is there, and no two have one key', async () => {
  const { hub } = setUp()
  const name = fc.constantFrom('bot', 'plain', 'one', 'two')
  const target = fc.oneof(
    fc.record({ bot: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ plain: fc.constantFrom('a', 'b', 'c') }),
  )
  const wish = fc
    .dictionary(name, target, { maxKeys: 4 })
    .filter(
      (made) =>
        new Set(Object.values(made).map((each) => JSON.stringify(each))).size === Object.keys(made).length,
    )
  await fc.assert(
    fc.asyncProperty(fc.array(wish, { minLength: 2, maxLength: 6 }), async (wishes) => {
      const { client } = await hub.clients.create()
      const { sync } = clientOf(hub, async () => client.id)
      try {
        let before = new Map<string, { id: Id; key: string }>()
        for (const each of wishes) {
          const after = [...(await sync(each)).values()]
          const names = Object.entries(each).map(([wished, of]) => [wished, JSON.stringify(of)])
          const textOf = ({ config }: { config: object }) => JSON.stringify(config)
          expect(after.map((one) => [one.name, textOf(one)]).sort()).toEqual(names.sort())
          expect(new Set(after.map(({ key }) => key)).size).toBe(after.length)
          for (const one of after) {
            const known = before.get(textOf(one))
            if (known) expect(one).toMatchObject(known)
            expect(
              integrationOf({ integrations: new Map(after.map((it) => [it.name, it])) }, channelRefOf(one)),
            ).toBe(one)
          }
          before = new Map(after.map((one) => [textOf(one), { id: one.id, key: one.key }]))
        }
      } finally {
        // The accounts are free for the next run.
        await sync({})
      }
    }),
    { numRuns: SLOW_RUNS },
  )
})

test('a new client is seen by no process without its webhooks and integrations', async () => {
  const shared = new SharedStore()
  const { hub: elsewhere } = setUp(shared)
  const seen: unknown[] = []
  const look = async (id: Id) => {
    const client = await elsewhere.clients.find({ id })
    const urls = client?.webhooks.map(({ url }) => url)
    seen.push({ name: client?.record.name, urls, names: [...(client?.integrations.keys() ?? [])] })
  }
  const { hub } = setUp(shared, undefined, (store) => ({
    ...store,
    insertClient: (record) => store.insertClient(record).then(() => look(record.id)),
    replaceClient: async (record) => {
      const isReplaced = await store.replaceClient(record)
      await look(record.id)
      return isReplaced
    },
  }))
  const { client, token } = await hub.sync.create('test', wantedBot('new'), { name: 'Shop' })
  expect(seen[0]).toEqual({ name: 'Shop', urls: ['https://bot.example', 'pull:bot'], names: ['bot'] })
  expect(await elsewhere.clients.authenticate({ name: 'Shop' }, token.secret)).toMatchObject({
    id: client.id,
  })
  await expect.poll(() => shared.events).toEqual(['create', 'configure', 'start', 'initialize'])
})

test('a new client that is refused leaves nothing: no client, no account, no queue of a pull webhook', async () => {
  const shared = new SharedStore()
  const { hub } = setUp(shared)
  await hub.clients.create({ name: 'Shop' })
  const refused = hub.sync.create('test', wantedBot('of-the-refused'), { name: 'Shop' })
  await expect(refused).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(await shared.store.listClients({ limit: 10 })).toHaveLength(1)
  expect(await shared.store.listDocuments(NO_CLIENT, 'event-queue', { limit: 10 })).toEqual([])
  await hub.sync.create('test', wantedBot('of-the-refused'))
})

test('a new client whose events cannot be stored is deleted, because nobody gets its token', async () => {
  const shared = new SharedStore()
  const { hub } = setUp(shared, undefined, (store) => ({
    ...store,
    append: async () => {
      throw new PlugboardError('UNAVAILABLE', 'the store is away')
    },
  }))
  await expect(hub.sync.create('test', wantedBot('lost'))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect(await hub.clients.list({ limit: 10 })).toEqual([])
})

/** A bot with this account, and two webhooks. */
const wantedBot = (account: string) => ({
  channels: [{ name: 'bot', isEnabled: true, config: { bot: account } }],
  webhooks: [{ url: 'https://bot.example' }, { pull: 'bot' }],
})

/** A client of a hub with a channel with accounts, and one without. */
function setUp(shared = new SharedStore(), known?: Id, wrap = (store: Store) => store) {
  const provisioned: string[] = []
  const provision = async ({ webhookUrl }: { webhookUrl: string }) => void provisioned.push(webhookUrl)
  const account = (config: unknown) => (config as { bot: string }).bot
  const bot: Channel = { ...acmeChannel({ provision }), name: 'bot', account }
  const hub = openHub(wrap(shared.open()), [bot, { ...acmeChannel(), name: 'plain' }])
  hubs.push(hub)
  let made: Promise<Id> | undefined
  const id = () =>
    (made ??= known ? Promise.resolve(known) : hub.clients.create().then(({ client }) => client.id))
  return { ...clientOf(hub, id), hub, provisioned }
}

/** One client, whose configuration is what was synced last. */
function clientOf(hub: Hub, idOf: () => Promise<Id>) {
  const view = async () => {
    const client = await hub.clients.find({ id: await idOf() })
    if (!client) throw new Error('the client is gone')
    return client
  }
  const sync = async (wish: Wish) => {
    const channels = Object.entries(wish).map(([name, of]) => {
      const channel = 'bot' in of ? 'bot' : 'plain'
      return { name, channel, isEnabled: true, config: { ...of } }
    })
    return (await hub.sync.run(await idOf(), 'test', { channels, webhooks: [] })).integrations
  }
  /** The conversation of one person with the bot of this account. */
  const write = async (of: string) => {
    const client = await view()
    const integration = [...client.integrations.values()].find(({ config }) => config.bot === of)
    if (!integration) throw new Error(`no integration has the account ${of}`)
    const endpoint = { identity: '*', sender: 'ada', thread: '*' }
    return (await hub.endpoints.conversationOf(client, channelRefOf(integration), endpoint)).conversationId
  }
  return { view, sync, write }
}
