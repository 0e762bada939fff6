import { newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import {
  integrationOf,
  keyring,
  MemoryClients,
  recordOf,
  storeOf,
  webhookOf,
} from '../../test/support/clients.js'
import type { ClientRecord } from '../ports/client-record.js'
import { Directory } from './directory.js'

test('opens the secrets of a client, and reads it once', async () => {
  const record = recordOf({ name: 'acme', externalId: 'their-id' })
  record.webhooks.push(webhookOf(record.id, 'https://a.example'))
  record.integrations.push(integrationOf(record.id, { token: 'x' }))
  const { directory, reads } = setUp(record)
  const view = await directory.find({ name: 'acme' })
  expect(view?.webhooks[0]?.token).toBe('token of https://a.example')
  expect(view?.integrations.get('acme')?.config).toEqual({ token: 'x' })
  for (const by of [{ id: record.id }, { name: 'acme' }]) expect(await directory.find(by)).toBe(view)
  expect(directory.peek(record.id)).toBe(view)
  expect(reads()).toBe(1)
})

test('an unknown client is not found, nor one that was deleted', async () => {
  const gone = recordOf({ deletedAt: new Date() })
  const { directory } = setUp(gone)
  expect(await directory.find({ id: gone.id })).toBe(undefined)
  await expect(directory.get(newId())).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(directory.change(gone.id, (record) => record)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('concurrent changes all succeed, one after another, and each is reported', async () => {
  const record = recordOf()
  const { directory, clients, changed } = setUp(record)
  const names = Array.from({ length: 10 }, (_, i) => `n${i}`)
  await Promise.all(names.map((name) => directory.change(record.id, append(name))))
  const { version, name } = clients.records.get(record.id) as ClientRecord
  expect([version, (name ?? '').match(/n\d/g)?.sort()]).toEqual([11, names])
  expect(directory.peek(record.id)?.record.version).toBe(11)
  expect(changed.length).toBe(10)
})

test('a change that never gets through is a conflict', async () => {
  const record = recordOf()
  const { directory, clients } = setUp(record)
  clients.replaceClient = async () => false
  await expect(directory.change(record.id, append('x'))).rejects.toMatchObject({ code: 'CONFLICT' })
})

test('a change is effective before it is reported, and a reassigned name no longer resolves', async () => {
  const record = recordOf({ name: 'old' })
  const seen: (string | undefined)[] = []
  const { directory } = setUp(record, () => seen.push(directory.peek(record.id)?.record.name))
  await directory.find({ name: 'old' })
  await directory.change(record.id, (client) => ({ ...client, name: 'new' }))
  expect(seen).toEqual(['new'])
  expect(await directory.find({ name: 'old' })).toBe(undefined)
})

test('what was read before a change is not kept after it', async () => {
  const record = recordOf({ name: 'old' })
  const { directory, clients, hold } = setUp(record)
  const release = hold()
  const reading = directory.find({ name: 'old' })
  clients.findClient = MemoryClients.prototype.findClient
  await directory.change(record.id, (client) => ({ ...client, name: 'new' }))
  release()
  await reading
  expect(directory.peek(record.id)?.record.name).toBe('new')
  expect(await directory.find({ name: 'old' })).toBe(undefined)
})

test('a client that was deleted while it was read is not kept', async () => {
  const record = recordOf()
  const { directory, clients, hold } = setUp(record)
  const release = hold()
  const reading = directory.find({ id: record.id })
  clients.findClient = MemoryClients.prototype.findClient
  await directory.change(record.id, (client) => ({ ...client, deletedAt: new Date() }))
  release()
  await reading
  expect(directory.peek(record.id)).toBe(undefined)
  expect(await directory.find({ id: record.id })).toBe(undefined)
})

const append =
  (name: string) =>
  (record: ClientRecord): ClientRecord => ({ ...record, name: `${record.name ?? ''}${name}` })

function setUp(record: ClientRecord, onChange: () => void = () => undefined) {
  const clients = new MemoryClients(record)
  let reads = 0
  const find = clients.findClient.bind(clients)
  clients.findClient = (by) => {
    reads += 1
    return find(by)
  }
  const changed: string[] = []
  const directory = new Directory({
    ...{ store: storeOf(clients), keyring, maxClients: 10, maxAgeMs: 0 },
    changed: async (id) => {
      changed.push(id)
      onChange()
    },
  })
  /** The next read takes until it is released, with what there was when it began. */
  const hold = (): (() => void) => {
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    clients.findClient = async (by) => {
      const record = await find(by)
      await released
      return record
    }
    return () => release()
  }
  return { directory, clients, changed, hold, reads: () => reads }
}
