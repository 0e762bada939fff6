import { newId } from '@plugboard/core'
import { afterAll, expect, test } from 'vitest'
import { recordOf } from '../../test/support/clients.js'
import { openHub, SharedStore } from '../../test/support/hub.js'
import type { ClientView } from '../clients/directory.js'
import type { Hub } from '../hub.js'
import type { Store } from '../ports/store.js'

const shared = new SharedStore()
const hubs: Hub[] = []
afterAll(() => Promise.all(hubs.map((hub) => hub.stop(1000))))

/** A process, whose store may fail. */
function open(failing: Partial<Store> = {}): Hub {
  const hub = openHub({ ...shared.open(), ...failing }, [])
  hubs.push(hub)
  return hub
}

const hub = open()

async function newClient(): Promise<ClientView> {
  const record = recordOf()
  await shared.store.insertClient(record)
  return (await hub.clients.find({ id: record.id })) as ClientView
}

async function eventsOf(client: ClientView, userId: string): Promise<unknown[]> {
  const stream = { clientId: client.id, streamId: userId as ClientView['id'] }
  return (await shared.store.readEntries(stream, 0, 100)).map(({ type, payload }) => [
    type,
    JSON.parse(payload),
  ])
}

test('a user has the data that it was created with, and its first event too', async () => {
  const client = await newClient()
  const data = { name: 'Ada', language: 'en' }
  const { id } = await hub.users.create(client, { data })
  expect((await hub.users.view(client, id)).facts.data).toEqual(data)
  expect(await eventsOf(client, id)).toEqual([['user.new', { data }]])
})

test('data that differs replaces all of what was there, and is an event', async () => {
  const client = await newClient()
  const { id } = await hub.users.create(client, { data: { language: 'en', page: '/' } })
  expect(await hub.users.setData(client, id, { name: 'Ada' })).toBe(true)
  const { facts } = await hub.users.view(client, id)
  expect([facts.data, facts.givenName]).toEqual([{ name: 'Ada' }, 'Ada'])
  expect((await eventsOf(client, id))[1]).toEqual(['user.updated', { data: { name: 'Ada' } }])
})

test('data that a user has already is no event, in whichever order', async () => {
  const client = await newClient()
  const { id } = await hub.users.create(client, { data: { a: '1', b: '2' } })
  expect(await hub.users.setData(client, id, { b: '2', a: '1' })).toBe(false)
  expect(await eventsOf(client, id)).toHaveLength(1)
})

test('a process that ends between the event and the change leaves a difference, so the event is repeated', async () => {
  const client = await newClient()
  const { id } = await hub.users.create(client, { data: { a: '1' } })
  const ending = open({
    replaceDocument: async () => {
      throw new Error('the process has ended')
    },
  })
  await expect(ending.users.setData(client, id, { a: '2' })).rejects.toThrow('the process has ended')
  expect(await hub.users.setData(client, id, { a: '2' })).toBe(true)
  expect((await eventsOf(client, id)).slice(1)).toEqual([
    ['user.updated', { data: { a: '2' } }],
    ['user.updated', { data: { a: '2' } }],
  ])
})

test('the data of a user that is not there is not set', async () => {
  await expect(hub.users.setData(await newClient(), newId(), {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
