import { newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { keyring, recordOf } from '../../test/support/clients.js'
import { NO_CLIENT } from '../ports/stored-document.js'
import { memoryDatabase } from '../testing/memory-store.js'
import { Directory } from './directory.js'
import { Webhooks } from './webhooks.js'

const FORMAT = 'test'
const url = 'https://bot.example/hook'

test('a webhook that can be located is found by its id alone, until it is gone', async () => {
  const { webhooks, client, places } = await setUp()
  const hook = await webhooks.create(client, { format: FORMAT, url, isLocatable: true }, { max: 10 })
  expect(await webhooks.locate(hook.id, FORMAT)).toMatchObject({ client: { id: client.id }, webhook: hook })
  expect(await webhooks.locate(hook.id, 'another format')).toBeUndefined()
  expect(await webhooks.locate(newId(), FORMAT)).toBeUndefined()
  await webhooks.delete(client, { format: FORMAT }, hook.id)
  expect(await webhooks.locate(hook.id, FORMAT)).toBeUndefined()
  expect(await places()).toEqual([])
})

test('the same webhook, made again, stays the one that it was, and leaves nothing else', async () => {
  const { webhooks, client, places } = await setUp()
  const make = () =>
    webhooks.create(
      client,
      { format: FORMAT, url, isLocatable: true },
      { max: 1, isSame: (hook) => hook.url === url },
    )
  const [first, second] = [await make(), await make()]
  expect(second).toEqual(first)
  const other = webhooks.create(client, { format: FORMAT, url, isLocatable: true }, { max: 1 })
  await expect(other).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(await places()).toEqual([first.id])
})

test('one that nobody asked to locate is not', async () => {
  const { webhooks, client } = await setUp()
  const hook = await webhooks.create(client, { format: FORMAT, url }, { max: 10 })
  expect(await webhooks.locate(hook.id, FORMAT)).toBeUndefined()
})

async function setUp() {
  const record = recordOf()
  const store = memoryDatabase().open()
  await store.insertClient(record)
  const directory = new Directory({ store, keyring, maxClients: 10, maxAgeMs: 0, changed: async () => {} })
  const webhooks = new Webhooks({
    ...{ store, directory, keyring },
    refuseTarget: () => undefined,
    now: () => new Date(),
  })
  /** Of those that can be located. */
  const places = async () =>
    (await store.listDocuments(NO_CLIENT, 'webhook', { limit: 10 })).map(({ id }) => id)
  return { webhooks, places, client: await directory.get(record.id) }
}
