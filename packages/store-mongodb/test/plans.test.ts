import { type Id, newId } from '@plugboard/core'
import type { Range, Store, Target } from '@plugboard/hub'
import { createConnection } from 'mongoose'
import { beforeAll, describe, expect, test } from 'vitest'
import { indexes } from '../src/database/indexes.js'
import { openMongoStore } from '../src/index.js'
import { dropDatabase, hasServer, newDatabaseUrl } from './database.js'
import { flawOf, type Query, queriesOf, stagesOf } from './plans.js'
import { event, mapping, say, take, talk, target } from './scene.js'

/** Calls everything that the port has, in each of its ways; answers what was asked of the database, one of each form. */
async function everyQuery(url: string): Promise<Query[]> {
  const queries = new Map<string, Query>()
  const store = await openMongoStore({
    url,
    onCommand: ({ name, body }) => {
      for (const query of queriesOf(name, body)) queries.set(shapeOf(query), query)
    },
  })
  const lists = { tokens: [], integrations: [], webhooks: [] }
  const client = { id: newId(), version: 1, createdAt: new Date(), name: 'shop', externalId: 'ext', ...lists }
  const [now, page] = [new Date(), { limit: 10 }]
  await store.putMeta('key', 'text')
  await store.getMeta('key')
  await store.putMetaIfAbsent('key', 'other')
  await store.insertClient(client)
  for (const by of [{ id: client.id }, { name: 'shop' }, { externalId: 'ext' }]) await store.findClient(by)
  await store.replaceClient({ ...client, version: 2 })
  await store.listClients(page)
  await store.listClients({ ...page, after: client.id })
  await store.listClients({ ...page, before: client.id, fromEnd: true })
  await store.findClients('sh', page)
  await store.findClients('sh', { ...page, after: 'shop' })
  const claim = {
    clientId: client.id,
    key: 'POST key',
    hash: 'sha',
    id: newId(),
    at: now,
    expiresBefore: now,
  }
  await store.claimKey(claim)
  await store.claimKey(claim)
  const stream = await talk(store, client.id)
  const to = target()
  await say(store, stream, { dedupe: 'event 1' })
  await say(store, stream, { dedupe: 'event 1' })
  const { entry, claimed } = await take(store, stream, to)
  await say(store, stream, { incomingId: entry.id })
  const id = entry.id
  for (const more of [{}, { before: id }, { after: id }, { until: now }, { before: id, until: now }]) {
    await store.listMessages(client.id, stream.streamId, { ...page, ...more })
  }
  await store.countMessages(client.id, stream.streamId, { after: 1, limit: 10 })
  await store.countMessages(client.id, stream.streamId, { after: 1, except: stream.userId, limit: 10 })
  await walks((range) => store.walkConversations(client.id, range))
  await walks((range) => store.walkConversations(client.id, { ...range, userId: stream.userId }))
  await keep(store, client.id)
  await queue(store, stream)
  await store.listEntries(client.id, stream.streamId, 10)
  await store.listReplies(client.id, stream.streamId, entry.id, page)
  await store.listConversations(client.id, stream.userId, page)
  await store.listConversations(client.id, stream.userId, { ...page, before: stream.streamId })
  await store.findUser(client.id, stream.userId)
  await store.findConversation(client.id, stream.streamId)
  await store.findEntry(client.id, entry.id)
  await store.readEntries(stream, 0, 10)
  await store.endTurn(client.id, entry.id, now)
  await store.bury(stream, entry.seq, to, { reason: 'invalid', attempts: 1, at: now, label: 'url' })
  await store.listDead(client.id, page)
  await store.listDead(client.id, { ...page, before: newId() })
  await search(store, stream, to)
  await store.discard(client.id, entry.id, to)
  await store.replay({ clientId: client.id, entryId: entry.id, target: to, to, now })
  await store.replay({ clientId: client.id, entryId: entry.id, target: to, to, now })
  await store.mark(stream, claimed.lease, { scanned: 4, lanes: { [to]: { done: 1 } }, nextAt: now })
  await store.wakeClient(client.id, new Date(0))
  await store.claimDue({ now, limit: 10, except: [newId()] })
  await store.claimDue({ now: new Date(now.getTime() + 3_600_000), limit: 10, except: [] })
  await store.findProgress(stream)
  await store.backlog(10)
  await store.deleteMessages(client.id, stream.streamId, entry.id, now)
  await store.deleteMessages(client.id, stream.streamId, 'all', now)
  const mapped = await store.mapEndpoint(mapping(client.id))
  await store.mapEndpoint(mapping(client.id))
  await store.deleteConversation(client.id, mapped.conversationId, event('conversation.deleted'))
  const again = await store.mapEndpoint(mapping(client.id))
  await store.removeEndpoint(client.id, again.conversationId, again.endpointId)
  await store.mapEndpoint(mapping(client.id))
  await store.deleteUser(client.id, again.userId, event('user.deleted'))
  await store.mapEndpoint(mapping(client.id))
  await store.purgeDeleted(100)
  await store.purgeKeys(new Date(now.getTime() + 1), 10)
  while (!(await store.purgeClient(client.id, 3)));
  await store.close()
  return [...queries.values()]
}

/** Every form of a range. */
async function walks(read: (range: Range) => Promise<unknown>): Promise<void> {
  const [after, before] = [newId(), newId()]
  for (const bounds of [{}, { after }, { before }, { after, before }])
    for (const fromEnd of [false, true]) await read({ limit: 10, fromEnd, ...bounds })
}

/** What is kept beside the logs. */
async function keep(store: Store, clientId: Id): Promise<void> {
  const ids = { clientId, collection: 'user', id: newId() }
  const document = { ...ids, name: 'ann', terms: ['a'], version: 1, data: '{}' }
  await store.insertDocument(document)
  for (const by of [{ id: ids.id }, { name: 'ann' }]) await store.findDocument(clientId, 'user', by)
  await store.findDocuments(clientId, 'user', [ids.id])
  await store.replaceDocument({ ...document, version: 2 })
  await walks((range) => store.listDocuments(clientId, 'user', range))
  await walks((range) => store.listDocuments(clientId, 'user', { ...range, term: 'a' }))
  await store.removeDocument(clientId, 'user', ids.id)
  for (let times = 0; times < 2; times += 1) await store.increment(clientId, 'tickets')
  await store.insertDocument(document)
}

/** What is queued, and what waits for readers. */
async function queue(
  store: Store,
  { clientId, streamId, userId }: Awaited<ReturnType<typeof talk>>,
): Promise<void> {
  const [queueId, at] = [newId(), new Date()]
  const items = [1, 2, 3].map((seq) => ({ streamId, seq, userId, at }))
  await store.enqueue(clientId, queueId, items)
  await store.enqueue(clientId, queueId, items)
  await store.readQueue(clientId, queueId, { after: 0, limit: 10 })
  await store.readQueue(clientId, queueId, { after: 0, limit: 10, userId })
  await store.queueEnds(clientId, queueId)
  await store.purgeQueue(clientId, queueId, new Date(at.getTime() + 1), 1)
  const offer = { webhookId: queueId, streamId, after: 0, upTo: 1, at }
  await store.offerPulls(clientId, [offer, { ...offer, replay: '1-1' }], at)
  const { lanes } = await store.duePulls(clientId, queueId, { now: at, limit: 10 })
  await store.replacePulls(lanes)
  const [first] = await store.findPulls(clientId, [offer])
  if (!first) throw new Error('a lane that was offered is not there')
  const { dueAt: _, ...idle } = { ...first, done: 1, version: first.version + 1 }
  await store.replacePulls([idle])
  await store.listPulls(clientId, queueId, { before: new Date(at.getTime() + 1), limit: 10 })
  await store.pullBacklog(clientId, queueId, 9)
  await store.purgePulls(new Date(at.getTime() + 1), 1)
}

/** What operators look for, in each of its ways. */
async function search(
  store: Store,
  { clientId, streamId }: Awaited<ReturnType<typeof talk>>,
  to: Target,
): Promise<void> {
  const [at, limit] = [new Date(), 10]
  for (const channel of [undefined, 'telegram'])
    for (const before of [undefined, { activeAt: at, id: newId() }])
      for (const times of [{}, { since: at }, { until: at }])
        await store.recentConversations(clientId, {
          ...{ limit, ...times },
          ...(channel && { channel }),
          ...(before && { before }),
        })
  await store.newestMessages(clientId, [streamId, newId()])
  await store.conversationStates(clientId, [streamId, newId()])
  await store.findConversations(clientId, [streamId, newId()])
  await store.findPlaces(clientId, 'ann', limit)
  const place = { at, entryId: newId(), target: to }
  const filters = [
    { target: to },
    { reason: 'gone' },
    { channel: 'telegram' },
    { integrationId: newId() },
  ] as const
  for (const filter of [{}, ...filters])
    for (const before of [undefined, place])
      for (const since of [undefined, at])
        await store.findDead(clientId, {
          ...filter,
          limit,
          ...(before && { before }),
          ...(since && { since }),
        })
  for (const after of [undefined, { streamId, seq: 1, target: to }]) {
    await store.walkDead(clientId, { limit, ...(after && { after }) })
    await store.walkDead(clientId, { streamId, limit, ...(after && { after }) })
  }
  for (const after of [undefined, { nextAt: at, streamId }])
    await store.listOwing(clientId, { limit, ...(after && { after }) })
}

/** Values do not matter for how a query is done. */
const shapeOf = ({ collection, filter, sort, command }: Query): string =>
  JSON.stringify([Object.keys(command)[0], collection, sort, filter], (key, value: unknown) =>
    key === '' || typeof value === 'object' || key.startsWith('$') ? value : typeof value,
  ).replaceAll(/"[0-9a-f]{24}"|"\d{4}-[^"]+Z"/g, '"…"')

describe.runIf(hasServer)('each query', () => {
  const url = newDatabaseUrl()
  let queries: Query[] = []

  beforeAll(async () => {
    queries = await everyQuery(url)
    return () => dropDatabase(url)
  })

  test('has an index that bounds it and gives its order', () => {
    expect(queries.length).toBeGreaterThan(70)
    expect(queries.map(flawOf).filter((flaw) => flaw !== undefined)).toEqual([])
  })

  test('finds its indexes in the database', async () => {
    const connection = await createConnection(url).asPromise()
    for (const [collection, declared] of Object.entries(indexes)) {
      const found = await connection.collection(collection).indexes()
      const made = found
        .filter(({ name }) => name !== '_id_')
        .map(({ name, key }) => [name, Object.entries(key)])
      const wanted = declared.map(([name, key]) => [name, Object.entries(key)])
      expect(new Map(made as never)).toEqual(new Map(wanted as never))
    }
    await connection.close()
  })

  test('is done by it, as the server explains', async () => {
    const connection = await createConnection(url).asPromise()
    const explained: [Query, string[]][] = []
    let isExact = true
    for (const query of queries) {
      const plan = await connection.db?.command({ explain: query.command, verbosity: 'queryPlanner' })
      // SecantusDB explains by other rules than it reads by: partial indexes and orders count for nothing there.
      isExact &&= plan?.serverInfo?.host !== 'secantus'
      explained.push([query, stagesOf(winningPlanOf(plan))])
    }
    await connection.close()
    expect(explained.every(([, stages]) => stages.length > 0)).toBe(true)
    const bad = explained.filter(([query, stages]) => {
      if (isExact) return stages.includes('COLLSCAN') || stages.includes('SORT')
      return isPlain(query) && stages.includes('COLLSCAN')
    })
    expect(bad.map(([{ collection, filter }]) => [collection, filter])).toEqual([])
  })
})

/** What SecantusDB too explains as it does it: points on a whole index, with nothing beside. */
const isPlain = ({ collection, filter, command }: Query): boolean =>
  'find' in command &&
  (indexes[collection] ?? []).some(
    ([, keys, options]) =>
      !options?.partialFilterExpression &&
      Object.keys(filter).every((field) => field in keys) &&
      Object.keys(keys).every((field) => field in filter),
  )

function winningPlanOf(explained: unknown): unknown {
  const plan = explained as { queryPlanner?: { winningPlan?: unknown }; stages?: unknown[] } | undefined
  if (plan?.stages) return (plan.stages[0] as { $cursor?: { queryPlanner?: unknown } }).$cursor?.queryPlanner
  return plan?.queryPlanner?.winningPlan
}

describe('the check of indexes', () => {
  const query = (filter: Query['filter'], sort = {}): Query => ({
    collection: 'entries',
    filter,
    sort,
    command: {},
  })
  const stream = { clientId: 1, streamId: 2 }
  const lookup = ($match: Query['filter']): Query => {
    const $lookup = { from: 'entries', localField: '_id', foreignField: 'streamId', pipeline: [{ $match }] }
    return queriesOf('aggregate', { aggregate: 'streams', pipeline: [{ $lookup }] })[1] ?? query({ _id: 1 })
  }

  test.each([
    ['a field that no index begins with', query({ payload: 'x' })],
    ['everything', query({})],
    ['an order that the index does not have', query({ ...stream, seq: { $gt: 3 } }, { at: 1 })],
    ['two directions', query({ ...stream, listed: true }, { at: -1, seq: 1 })],
    ['a partial index that may lack what is asked for', query({ clientId: 1 }, { _id: -1 })],
    ['a hole before the order', query({ clientId: 1 }, { seq: 1 })],
    ['a lookup by what no index begins with', lookup({ at: { $gt: 1 } })],
  ])('finds fault with %s', (_, asked) => {
    expect(flawOf(asked)).toContain('no index of entries')
  })
})
