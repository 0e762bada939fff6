import { type Id, newId, silentLogger } from '@plugboard/core'
import { expect, test } from 'vitest'
import { integrationOf, keyring, recordOf, webhookOf } from '../../test/support/clients.js'
import { Directory } from '../clients/directory.js'
import { Usage } from '../clients/storage-usage.js'
import { TargetMonitor } from '../delivery/targets/target-monitor.js'
import { failing, Sources } from '../integrations/sources.js'
import { webhookTarget } from '../log/target.js'
import type { ClientRecord } from '../ports/client-record.js'
import { NO_CLIENT } from '../ports/stored-document.js'
import { memoryDatabase } from '../testing/memory-store.js'
import { TroubleIndex } from './trouble-index.js'
import { Troubles } from './troubles.js'

const outage = { kind: 'transient', message: 'answered 503' } as const

test('a webhook that fails is a trouble of its client since the first failure, until it works again', async () => {
  const { client, webhook, process, clock } = await setUp()
  const [a, b] = [process(), process()]
  const target = { clientId: client.id, targetId: webhook.id }
  const nextAttemptAt = new Date(90_000)
  a.monitor.failed(target, { ...outage, nextAttemptAt })
  await a.monitor.flush()
  clock.at += 1000
  b.monitor.failed(target, { ...outage, message: 'answered 500', nextAttemptAt })
  await b.monitor.flush()
  const { troubles } = await a.troubles.list()
  expect(troubles).toEqual([
    {
      client: expect.objectContaining({ id: client.id }),
      target: { kind: 'webhook', id: webhook.id, label: 'https://bot.example/hook' },
      ...{ state: 'failing', since: new Date(60_000), reason: 'answered 500', failures: 2, nextAttemptAt },
      fix: 'wait',
    },
  ])
  expect(await b.troubles.list()).toEqual({ troubles, isMore: false })
  clock.at += 1000
  b.monitor.delivered(target)
  await b.monitor.flush()
  expect(await a.list()).toEqual([])
})

test('a failure about one person is no trouble', async () => {
  const { client, webhook, process } = await setUp()
  const one = process()
  one.monitor.failed({ clientId: client.id, targetId: webhook.id }, { kind: 'recipient', message: 'blocked' })
  await one.monitor.flush()
  expect(await one.list()).toEqual([])
})

test.each<[string, (record: ClientRecord) => ClientRecord, string]>([
  [
    'refused credentials',
    (record) => withIntegration(record, { status: 'paused', reason: 'wrong token' }),
    'integration acme: refused, wrong token: credentials',
  ],
  [
    'a provider that cannot be set up',
    (record) => withIntegration(record, { status: 'pending', reason: 'timed out' }),
    'integration acme: not-set-up, timed out: wait',
  ],
  [
    'a webhook that is gone',
    (record) => ({
      ...record,
      webhooks: record.webhooks.map((hook) => ({ ...hook, isGone: true as const })),
    }),
    'webhook https://bot.example/hook: gone, answered 410: sync',
  ],
  [
    'a webhook that an operator holds',
    (record) => ({
      ...record,
      webhooks: record.webhooks.map((hook) => ({ ...hook, pausedAt: new Date(60_000) })),
    }),
    'webhook https://bot.example/hook: held, an operator holds its deliveries: resume',
  ],
  [
    'an integration that an operator holds',
    (record) => withIntegration(record, { pausedAt: new Date(60_000) }),
    'integration acme: held, an operator holds its deliveries: resume',
  ],
])('%s is a trouble from the change of the client on', async (_, change, expected) => {
  const { client, process, clock } = await setUp()
  const one = process()
  expect(await one.list()).toEqual([])
  await one.directory.change(client.id, change)
  clock.at += 5000
  expect(await one.list()).toEqual([expected])
  expect((await one.troubles.list()).troubles[0]?.since).toEqual(new Date(60_000))
  await one.directory.change(client.id, (record) => ({ ...record, webhooks: [], integrations: [] }))
  expect(await one.list()).toEqual([])
})

test('an integration that is set up for the first time is no trouble', async () => {
  const { client, process } = await setUp()
  const one = process()
  await one.directory.change(client.id, (record) => withIntegration(record, { status: 'pending' }))
  await one.index.mark({ clientId: client.id, targetId: record(await one.directory.get(client.id)) })
  expect(await one.list()).toEqual([])
})

test('an integration that listens and has no connection is a trouble', async () => {
  const { client, process, sources } = await setUp()
  const one = process()
  const id = record(await one.directory.get(client.id))
  await one.directory.change(client.id, (before) => withIntegration(before, { mode: 'listen' }))
  await sources.add(id, client.id)
  const source = await sources.find(id)
  if (!source) throw new Error('the source is missing')
  const at = new Date(70_000)
  await sources.write(source, {
    ...source.data,
    state: failing({ kind: 'transient', message: 'another program listens' }, at, new Date(75_000)),
  })
  await one.index.note({ clientId: client.id, targetId: id })
  expect(await one.list()).toEqual(['integration acme: disconnected, another program listens: wait'])
})

test('an integration whose channel is not loaded is a trouble', async () => {
  const { client, process } = await setUp()
  const one = process({ loaded: false })
  const targetId = record(await one.directory.get(client.id))
  await one.index.note({ clientId: client.id, targetId })
  expect(await one.list()).toEqual([expect.stringContaining('integration acme: unloaded')])
})

test('says how many people wait for a webhook, and for an integration', async () => {
  const { client, webhook, process, talk, store, clock } = await setUp()
  const one = process()
  const integrationId = record(await one.directory.get(client.id))
  const waiting = [await talk({ owes: webhook.id }), await talk({ owes: webhook.id })]
  await talk({})
  const later = new Date(clock.at + 1000)
  const { claimed } = await store.claimDue({ now: new Date(clock.at), limit: 10, except: [] })
  for (const { lease, seq, ...stream } of claimed) {
    const waits = waiting.some(({ streamId }) => streamId === stream.streamId)
    const lane = { done: seq - 1, attempt: 1, blockedUntil: later }
    const lanes = waits ? { [webhookTarget(webhook.id)]: lane } : {}
    await store.mark(stream, lease, { scanned: seq, lanes, nextAt: waits ? later : null })
  }
  for (const targetId of [webhook.id, integrationId])
    one.monitor.failed({ clientId: client.id, targetId }, outage)
  await one.monitor.flush()
  const people = async () =>
    Object.fromEntries(
      (await one.troubles.list()).troubles.map(({ target, people }) => [target.kind, people]),
    )
  expect(await people()).toEqual({ webhook: { count: 2, isMore: false }, integration: undefined })
})

test('deliveries that were given up are a trouble until they are replayed or discarded, although the webhook works', async () => {
  const { client, webhook, process, talk, store, clock, marks } = await setUp()
  const one = process()
  const target = { clientId: client.id, targetId: webhook.id }
  const streams = [await talk({ owes: webhook.id }), await talk({ owes: webhook.id })]
  const at = new Date(clock.at)
  for (const stream of streams) {
    const dead = { reason: 'exhausted' as const, error: 'answered 503', attempts: 9, at, label: 'bot' }
    await store.bury(stream, 2, webhookTarget(webhook.id), dead)
    one.monitor.died(target, outage)
  }
  clock.at += 1000
  one.monitor.delivered(target)
  await one.monitor.flush()
  await one.troubles.sweep()
  const { troubles } = await one.troubles.list()
  expect(troubles).toMatchObject([
    {
      ...{ state: 'dead-letters', fix: 'replay', since: at, reason: 'answered 503' },
      ...{ deadLetters: { count: 2, isMore: false }, people: { count: 2, isMore: false } },
    },
  ])
  for (const { clientId, streamId } of streams) {
    const [entry] = await store.readEntries({ clientId, streamId }, 1, 1)
    if (!entry) throw new Error('the entry is missing')
    const to = webhookTarget(webhook.id)
    await store.replay({ clientId, entryId: entry.id, target: to, to, now: at })
  }
  expect(await one.list()).toEqual([])
  await one.troubles.sweep()
  expect(await marks()).toEqual([])
})

test('a webhook that fails says how many did not get what was given up, beside those who wait', async () => {
  const { client, webhook, process, talk, store, clock } = await setUp()
  const one = process()
  for (let i = 0; i < 2; i += 1) {
    const stream = await talk({ owes: webhook.id })
    const dead = { reason: 'exhausted' as const, attempts: 9, at: new Date(clock.at), label: 'bot' }
    await store.bury(stream, 2, webhookTarget(webhook.id), dead)
    // The event about the new person was given up too, and is not a person more.
    await store.bury({ ...stream, streamId: stream.userId }, 1, webhookTarget(webhook.id), dead)
  }
  one.monitor.failed({ clientId: client.id, targetId: webhook.id }, outage)
  await one.monitor.flush()
  const { troubles } = await one.troubles.list()
  const counts = { deadLetters: { count: 4, isMore: false }, people: { count: 2, isMore: false } }
  expect(troubles).toMatchObject([{ state: 'failing', fix: 'wait', ...counts }])
})

test('a delivery that was given up because of one person is no trouble', async () => {
  const { client, webhook, process, talk, store } = await setUp()
  const one = process()
  const stream = await talk({ owes: webhook.id })
  const dead = { reason: 'recipient' as const, attempts: 1, at: new Date(), label: 'bot' }
  await store.bury(stream, 2, webhookTarget(webhook.id), dead)
  one.monitor.died({ clientId: client.id, targetId: webhook.id }, { kind: 'recipient', message: 'blocked' })
  await one.monitor.flush()
  expect(await one.list()).toEqual([])
})

test('a sweep removes the marks of targets that work, of removed targets and of deleted clients', async () => {
  const { client, webhook, process, marks } = await setUp()
  const one = process()
  const target = { clientId: client.id, targetId: webhook.id }
  one.monitor.failed(target, outage)
  await one.monitor.flush()
  const gone = recordOf()
  await one.index.mark({ clientId: gone.id, targetId: webhookOf(gone.id, 'https://x.example').id })
  await one.index.mark({ clientId: client.id, targetId: webhookOf(client.id, 'https://y.example').id })
  await one.troubles.sweep()
  expect(await marks()).toEqual([webhook.id])
  one.monitor.delivered(target)
  await one.monitor.flush()
  await one.troubles.sweep()
  expect(await marks()).toEqual([])
})

test('a trouble that begins while a sweep removes its mark is not lost', async () => {
  const { client, webhook, process, store } = await setUp()
  const [one, other] = [process(), process()]
  const target = { clientId: client.id, targetId: webhook.id }
  await one.index.mark(target)
  const { removeDocument } = store
  store.removeDocument = async (...document) => {
    store.removeDocument = removeDocument
    other.monitor.failed(target, outage)
    await other.monitor.flush()
    return removeDocument(...document)
  }
  await one.troubles.sweep()
  expect(await one.list()).toHaveLength(1)
})

test('a change that cannot be marked is not made', async () => {
  const { client, process, store } = await setUp()
  const one = process()
  store.insertDocument = async () => {
    throw new Error('the store failed')
  }
  const pausing = one.directory.change(client.id, (before) => withIntegration(before, { status: 'paused' }))
  await expect(pausing).rejects.toThrow('the store failed')
  expect((await store.findClient({ id: client.id }))?.integrations[0]?.status).toBe('active')
})

test('many troubles are cut, the longest first, and it says so', async () => {
  const { process, store, clock } = await setUp()
  const one = process()
  for (let i = 0; i < 201; i += 1) {
    const record = recordOf()
    record.webhooks = [webhookOf(record.id, `https://bot${i}.example`)]
    await store.insertClient(record)
    clock.at += 1
    one.monitor.failed({ clientId: record.id, targetId: record.webhooks[0]?.id as never }, outage)
  }
  await one.monitor.flush()
  const { troubles, isMore } = await one.troubles.list()
  expect([troubles.length, isMore]).toEqual([200, true])
  expect(troubles[0]?.target.label).toBe('https://bot0.example')
  const clientId = (await store.listClients({ limit: 1, fromEnd: true }))[0]?.id ?? newId()
  const ofOne = await one.troubles.list({ clientId })
  expect(ofOne.troubles.map(({ client }) => client.id)).toEqual([clientId])
})

test('wrong signatures at an integration are a trouble until a request is authentic', async () => {
  const { client, process } = await setUp()
  const one = process()
  const target = { clientId: client.id, targetId: record({ record: client }) }
  const refuse = async (times: number) => {
    for (let i = 0; i < times; i += 1) one.monitor.refused(target)
    await one.monitor.flush()
    return (await one.troubles.list()).troubles
  }
  expect(await refuse(4)).toEqual([])
  expect(await refuse(1)).toMatchObject([
    {
      state: 'unverified',
      failures: 5,
      since: new Date(60_000),
      fix: 'credentials',
      target: { kind: 'integration' },
    },
  ])
  one.monitor.received(target)
  await one.monitor.flush()
  expect(await one.list()).toEqual([])
})

test('a client at its storage limit is a trouble until there is room', async () => {
  const { client, process, store } = await setUp()
  const one = process()
  const view = await one.directory.get(client.id)
  await one.usage.take(view, 96)
  expect(await one.list()).toEqual([])
  expect(() => one.usage.take(view, 10)).toThrow('storage limit')
  await expect.poll(one.list).toEqual(['client storage: full, it stores 96 of 100 bytes: space'])
  expect((await one.troubles.list({ clientId: client.id })).troubles).toHaveLength(1)
  one.usage.add(client.id, -50)
  expect(await one.list()).toEqual([])
  await one.troubles.sweep()
  expect(await store.listDocuments(NO_CLIENT, 'trouble', { limit: 10 })).toEqual([])
})

const record = ({ record: { integrations } }: { record: ClientRecord }) => {
  const [first] = integrations
  if (!first) throw new Error('the client has no integration')
  return first.id
}

const withIntegration = (record: ClientRecord, change: Partial<ClientRecord['integrations'][number]>) => ({
  ...record,
  integrations: record.integrations.map((integration) => ({ ...integration, ...change })),
})

/** A client with a webhook and an integration, and processes that share its store. */
async function setUp() {
  const clock = { at: 60_000 }
  const now = () => new Date(clock.at)
  const store = memoryDatabase().open()
  const client = recordOf()
  const webhook = webhookOf(client.id, 'https://bot.example/hook')
  client.webhooks = [webhook]
  client.integrations = [integrationOf(client.id)]
  await store.insertClient(client)
  const sources = new Sources(store)
  return {
    ...{ client, webhook, clock, store, sources },
    marks: async () => (await store.listDocuments(NO_CLIENT, 'trouble', { limit: 10 })).map(({ id }) => id),
    /** A conversation of a new person with one message, which is owed to a webhook. */
    async talk({ owes }: { owes?: Id }) {
      const [user, conversation] = [newId(), newId()]
      const event = { payload: '{}', at: now(), owes: [], claim: false }
      await store.createUser(
        { id: user, clientId: client.id, createdAt: now() },
        { ...event, id: newId(), type: 'user.new' },
      )
      await store.createConversation(
        { id: conversation, clientId: client.id, userId: user, createdAt: now() },
        { ...event, id: newId(), type: 'conversation.new' },
      )
      const stream = { clientId: client.id, streamId: conversation, userId: user }
      await store.append({
        ...{ ...stream, kind: 'conversation' },
        entry: { ...event, id: newId(), type: 'message', author: { userId: user } },
        resolve: () => ({ owes: owes ? [webhookTarget(owes)] : [], channel: 'acme' }),
      })
      return stream
    },
    process({ loaded = true } = {}) {
      const index = new TroubleIndex({ store, log: silentLogger, now })
      const directory = new Directory({
        ...{ store, keyring, maxClients: 1, maxAgeMs: 1 },
        changed: async () => undefined,
        changing: (...change) => index.changing(...change),
      })
      const monitor = new TargetMonitor({
        ...{ store, directory, log: silentLogger, now },
        stored: (...state) => index.stored(...state),
      })
      const channels = { isLoaded: () => loaded }
      const usage = new Usage({
        ...{ store, maxBytes: 100, maxCached: 10, log: silentLogger },
        refused: (clientId) => void index.goesOn({ clientId, targetId: clientId }),
      })
      const troubles = new Troubles({
        ...{ store, index, directory, monitor, sources, channels, usage, log: silentLogger, now },
      })
      return {
        ...{ index, directory, monitor, troubles, usage },
        list: async () =>
          (await troubles.list()).troubles.map(
            ({ target: { kind, label }, state, reason, fix }) =>
              `${kind} ${label}: ${state}, ${reason}: ${fix}`,
          ),
      }
    },
  }
}
