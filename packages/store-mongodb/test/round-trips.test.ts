import { type Id, newId } from '@plugboard/core'
import type { ClientRecord, Store } from '@plugboard/hub'
import { describe, expect, test } from 'vitest'
import { hasServer, openStore } from './database.js'
import { mapping, say, take, talk, target } from './scene.js'

/** A store, and the names of the commands that something sends. */
async function counted() {
  let commands: string[] = []
  const store = await openStore({ onCommand: ({ name }) => commands.push(name) })
  const during = async (work: () => Promise<unknown>): Promise<string[]> => {
    commands = []
    await work()
    const sent = commands
    commands = []
    return sent
  }
  return { store, during }
}

async function aClient(store: Store): Promise<ClientRecord> {
  const lists = { tokens: [], integrations: [], webhooks: [] }
  const client = { id: newId(), version: 1, createdAt: new Date(), ...lists }
  await store.insertClient(client)
  return client
}

/** Each operation on a store that holds so much already. */
async function trips(clients: number, messages: number): Promise<Record<string, string[]>> {
  const { store, during } = await counted()
  for (let n = 1; n < clients; n += 1) await say(store, await talk(store, (await aClient(store)).id))
  const client = await aClient(store)
  const stream = await talk(store, client.id)
  const page = { limit: 20 }
  await Promise.all(Array.from({ length: messages }, () => say(store, stream)))
  const { entry, claimed } = await take(store, stream)
  await store.mark(stream, claimed.lease, { scanned: entry.seq, lanes: {}, nextAt: null })
  const post = await during(() => say(store, stream, { owes: [target()], claim: true }))
  const read = await during(() => store.listMessages(client.id, stream.streamId, page))
  const { claimed: due } = await store.claimDue({ now: new Date(Date.now() + 60_000), limit: 9, except: [] })
  const [mine] = due.filter(({ streamId }) => streamId === stream.streamId)
  if (!mine) throw new Error('what was posted is not due')
  const mark = await during(() =>
    store.mark(mine, mine.lease, { scanned: mine.seq, lanes: {}, nextAt: null }),
  )
  const miss = await during(() => store.mapEndpoint(mapping(client.id)))
  return {
    post,
    'post in a conversation that is owed nothing': await during(() => say(store, stream)),
    'deliver (the mark)': mark,
    'list messages': read,
    'list conversations': await during(() => store.listConversations(client.id, stream.userId, page)),
    'map an endpoint that is known': await during(() => store.mapEndpoint(mapping(client.id))),
    'map a new endpoint': miss,
    'sync that changes nothing': await during(() => store.findClient({ id: client.id })),
    'sync that changes something': await during(() => store.replaceClient({ ...client, version: 2 })),
    'count what is unseen': await during(() =>
      store.countMessages(client.id, stream.streamId, { after: 1, limit: 100 }),
    ),
    'walk the conversations of a user': await during(() =>
      store.walkConversations(client.id, { ...page, userId: stream.userId }),
    ),
    ...(await beside({ store, during }, client.id)),
    'poll when nothing is due': await during(() =>
      store.claimDue({ now: new Date(), limit: 100, except: [] }),
    ),
  }
}

/** What is kept beside the logs. */
async function beside({ store, during }: Awaited<ReturnType<typeof counted>>, clientId: Id) {
  const ids = { clientId, collection: 'user', id: newId() }
  const document = { ...ids, name: 'ann', terms: ['a'], version: 1, data: '{}' }
  await store.increment(clientId, 'tickets')
  return {
    'keep a document': await during(() => store.insertDocument(document)),
    'find a document by its name': await during(() => store.findDocument(clientId, 'user', { name: 'ann' })),
    'find several documents': await during(() => store.findDocuments(clientId, 'user', [ids.id, newId()])),
    'list documents by a term': await during(() =>
      store.listDocuments(clientId, 'user', { term: 'a', limit: 20 }),
    ),
    'change a document': await during(() => store.replaceDocument({ ...document, version: 2 })),
    'count a number on': await during(() => store.increment(clientId, 'tickets')),
  }
}

const expected = {
  post: ['findAndModify', 'insert'],
  'post in a conversation that is owed nothing': ['findAndModify', 'insert'],
  'deliver (the mark)': ['findAndModify'],
  'list messages': ['aggregate'],
  'list conversations': ['find'],
  'map an endpoint that is known': ['find'],
  'map a new endpoint': [
    ...['find', 'findAndModify', 'insert', 'insert', 'update'],
    ...['findAndModify', 'find', 'insert', 'insert', 'update'],
  ],
  'sync that changes nothing': ['find'],
  'sync that changes something': ['update'],
  'count what is unseen': ['find', 'aggregate'],
  'walk the conversations of a user': ['find'],
  'keep a document': ['insert'],
  'find a document by its name': ['find'],
  'find several documents': ['aggregate'],
  'list documents by a term': ['aggregate'],
  'change a document': ['update'],
  'count a number on': ['findAndModify'],
  'poll when nothing is due': ['find'],
}

describe.runIf(hasServer)('round trips', () => {
  test.each([
    [1, 1],
    [1, 200],
    [20, 10],
  ])('are as few with %i clients and %i messages', async (clients, messages) => {
    expect(await trips(clients, messages)).toEqual(expected)
  })

  test('are shared by appends that come at once', async () => {
    const { store, during } = await counted()
    const streams = [await talk(store), await talk(store), await talk(store)]
    const one = await during(() =>
      Promise.all(Array.from({ length: 50 }, () => say(store, streams[0] ?? fail()))),
    )
    // The first goes at once, and those that came meanwhile together.
    expect(one.length).toBeLessThanOrEqual(4)
    const each = await during(() => Promise.all(streams.map((stream) => say(store, stream))))
    expect(each.filter((name) => name === 'findAndModify').length).toBe(3)
    expect(each.filter((name) => name === 'insert').length).toBeLessThanOrEqual(3)
  })

  test('are three for a batch of what is due, however large', async () => {
    const { store, during } = await counted()
    const streams = await Promise.all(Array.from({ length: 20 }, () => talk(store)))
    await Promise.all(streams.map((stream) => say(store, stream, { owes: [target()] })))
    let taken = 0
    const commands = await during(async () => {
      taken = (await store.claimDue({ now: new Date(Date.now() + 1000), limit: 100, except: [] })).claimed
        .length
    })
    expect([taken, commands]).toEqual([20, ['find', 'update', 'find']])
  })
})

const fail = (): never => {
  throw new Error('there is no stream')
}
