import { type Id, newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { keyring, MemoryClients, recordOf } from '../../test/support/clients.js'
import type { Store } from '../ports/store.js'
import type { StoredDocument } from '../ports/stored-document.js'
import { Directory } from './directory.js'
import { Webhooks } from './webhooks.js'

const FORMAT = 'test'
const url = 'https://bot.example/hook'

test('a webhook that can be located is found by its id alone, until it is gone', async () => {
  const { webhooks, client, documents } = await setUp()
  const hook = await webhooks.create(client, { format: FORMAT, url, isLocatable: true }, { max: 10 })
  expect(await webhooks.locate(hook.id, FORMAT)).toMatchObject({ client: { id: client.id }, webhook: hook })
  expect(await webhooks.locate(hook.id, 'another format')).toBeUndefined()
  expect(await webhooks.locate(newId(), FORMAT)).toBeUndefined()
  await webhooks.delete(client, { format: FORMAT }, hook.id)
  expect(await webhooks.locate(hook.id, FORMAT)).toBeUndefined()
  expect(documents.size).toBe(0)
})

test('the same webhook, made again, stays the one that it was, and leaves nothing else', async () => {
  const { webhooks, client, documents } = await setUp()
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
  expect([...documents.keys()]).toEqual([first.id])
})

test('one that nobody asked to locate is not', async () => {
  const { webhooks, client } = await setUp()
  const hook = await webhooks.create(client, { format: FORMAT, url }, { max: 10 })
  expect(await webhooks.locate(hook.id, FORMAT)).toBeUndefined()
})

async function setUp() {
  const record = recordOf()
  const documents = new Map<Id, StoredDocument>()
  const store = Object.assign(new MemoryClients(record), {
    insertDocument: async (document: StoredDocument) => documents.set(document.id, document).size > 0,
    findDocument: async (_client: Id, _collection: string, { id }: { id: Id }) => documents.get(id),
    removeDocument: async (_client: Id, _collection: string, id: Id) => documents.delete(id),
  }) as unknown as Store
  const directory = new Directory({ store, keyring, maxClients: 10, maxAgeMs: 0, changed: async () => {} })
  const webhooks = new Webhooks({
    ...{ store, directory, keyring },
    refuseTarget: () => undefined,
    now: () => new Date(),
  })
  return { webhooks, documents, client: await directory.get(record.id) }
}
