import { newId } from '@plugboard/core'
import { expect, test, vi } from 'vitest'
import { keyring, recordOf } from '../../test/support/clients.js'
import { openHub, SharedStore } from '../../test/support/hub.js'
import { Directory } from './directory.js'
import { EventQueues } from './event-queues.js'
import { Feed } from './feed.js'

async function setUp() {
  const record = recordOf()
  const shared = new SharedStore(record)
  const now = () => new Date()
  const queues = new EventQueues({ store: shared.store, now })
  const processOf = () => {
    const options = { store: shared.store, keyring, maxClients: 9, maxAgeMs: 0 }
    const directory = new Directory({ ...options, changed: async () => undefined })
    return { directory, feed: new Feed({ directory, keyring, queues, now }) }
  }
  const known = async () => {
    const ids: string[] = []
    for await (const { id } of queues.walk()) ids.push(id)
    return ids
  }
  return { record, shared, processOf, known }
}

test('is made by the first who opens it, once, however many do', async () => {
  const { record, processOf, known } = await setUp()
  const processes = [processOf(), processOf(), processOf()]
  const opened = await Promise.all(
    processes.map(async ({ directory, feed }) => feed.open(await directory.get(record.id))),
  )
  const [first] = opened
  expect(new Set(opened.map(({ queueId }) => queueId)).size).toBe(1)
  expect(await known()).toEqual([first?.queueId])
  for (const { directory, feed } of processes) {
    directory.forget()
    const client = await directory.get(record.id)
    expect(feed.find(client)).toBe(first?.queueId)
    expect(client.webhooks).toMatchObject([{ mode: 'feed', format: 'events' }])
    expect((await feed.open(client)).client).toBe(client)
  }
})

test('has every event of a client once it is open, in the order of each conversation, and no list shows it', async () => {
  const { record, shared, processOf } = await setUp()
  const { directory, feed } = processOf()
  const { queueId } = await feed.open(await directory.get(record.id))
  const hub = openHub(shared.open(), [])
  const client = await directory.get(record.id)
  const user = await hub.users.create(client)
  const conversation = await hub.conversations.create(client, { userId: user.id })
  const payload = { type: 'text', text: 'hi' }
  const post = () =>
    hub.messages.post(client, { conversationId: conversation.id, author: 'business', payload })
  const messages = [await post(), await post()]
  await hub.messages.edit(client, messages[0]?.id ?? newId(), { payload, details: (known) => known })
  const read = async (userId = user.id) =>
    (await shared.store.readQueue(record.id, queueId, { after: 0, limit: 99, userId })).map(
      ({ streamId, seq }) => [streamId, seq],
    )
  await vi.waitFor(async () => expect(await read()).toHaveLength(5))
  const ofConversation = (await read()).filter(([streamId]) => streamId === conversation.id)
  expect(ofConversation.map(([, seq]) => seq)).toEqual([1, 2, 3, 4])
  expect(await read(newId())).toEqual([])
  expect(await hub.deliveries.ofMessage(client, messages[0]?.id ?? newId())).toEqual([])
  await hub.stop(1000)
})
