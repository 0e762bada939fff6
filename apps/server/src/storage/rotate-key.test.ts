import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Id, newId } from '@plugboard/core'
import { Accounts, assertKey, type ClientRecord, Keyring, type Store } from '@plugboard/hub'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { databaseOf } from '../config/database.js'
import { readOrMakeKey } from '../config/key-file.js'
import { readConfig } from '../config/read-config.js'
import { openStore } from './open-store.js'
import { assertNotRotating, rotateKey } from './rotate-key.js'

let workingFolder: string

beforeEach(async () => {
  workingFolder = await mkdtemp(join(tmpdir(), 'plugboard-rotate-'))
})
afterEach(() => rm(workingFolder, { recursive: true }))

const oldKey = Buffer.alloc(32, 1)
const newKey = Buffer.alloc(32, 2)
const read = (env: NodeJS.ProcessEnv = {}) => readConfig({ env, workingFolder })
const database = () => databaseOf(read())

async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(read())
  return work(store).finally(() => store.close())
}

/** A database with some clients whose secrets have this key. */
async function seed(key: Buffer, count = 3): Promise<ClientRecord[]> {
  const keyring = new Keyring(key)
  return withStore(async (store) => {
    await assertKey(store, keyring)
    const clients = Array.from({ length: count }, (): ClientRecord => {
      const id = newId()
      return {
        id,
        version: 1,
        createdAt: new Date(),
        tokens: [],
        integrations: [
          {
            id: newId(),
            channel: 'webhook',
            version: '1.0.0',
            config: keyring.seal(`{"of":"${id}"}`, id),
            status: 'active',
          },
        ],
        webhooks: [
          { id: newId(), url: 'https://x.example', token: keyring.seal(`token ${id}`, id), format: 'f' },
        ],
      }
    })
    for (const client of clients) await store.insertClient(client)
    return clients
  })
}

/** Every secret opens with this key, and the store knows it as its own. */
async function expectKey(key: Buffer, clients: readonly ClientRecord[]): Promise<void> {
  const keyring = new Keyring(key)
  await withStore(async (store) => {
    await assertNotRotating(store)
    await assertKey(store, keyring)
    for (const { id } of clients) {
      const client = await store.findClient({ id })
      expect(client?.integrations.map(({ config }) => keyring.open(config, id))).toEqual([`{"of":"${id}"}`])
      expect(client?.webhooks.map(({ token }) => keyring.open(token, id))).toEqual([`token ${id}`])
    }
  })
}

const keys = { ENCRYPTION_KEY: oldKey.toString('base64'), NEW_ENCRYPTION_KEY: newKey.toString('base64') }

describe('rotateKey', () => {
  test('seals the contexts of endpoints with the new key', async () => {
    const [client] = await seed(oldKey, 1)
    const [clientId, ids] = [client?.id ?? newId(), [newId(), newId()]]
    const document = (id: Id, data: object) => ({
      ...{ clientId, id, collection: 'endpoint', version: 1, terms: [] },
      data: JSON.stringify(data),
    })
    const boundTo = (id: Id) => `endpoint ${clientId} ${id}`
    await withStore(async (store) => {
      for (const id of ids) {
        const sealed = new Keyring(oldKey).seal(`{"of":"${id}"}`, boundTo(id))
        await store.insertDocument(document(id, { context: { sealed, at: '2026-11-22T08:00:00Z', seq: 1 } }))
      }
      await store.insertDocument(document(newId(), { lastInboundAt: '2026-11-22T08:00:00Z' }))
    })
    await rotateKey(read(keys))
    await withStore(async (store) => {
      for (const id of ids) {
        const { context } = JSON.parse((await store.findDocument(clientId, 'endpoint', { id }))?.data ?? '{}')
        expect(context.at).toBe('2026-11-22T08:00:00Z')
        expect(new Keyring(newKey).open(context.sealed, boundTo(id))).toBe(`{"of":"${id}"}`)
      }
    })
  })

  test('seals what channels remember about integrations with the new key', async () => {
    const [client] = await seed(oldKey, 1)
    const [clientId, id] = [client?.id ?? newId(), newId()]
    await withStore(async (store) => {
      const sealed = new Keyring(oldKey).seal('a state', `state ${id}`)
      const data = JSON.stringify({ version: 4, sealed })
      await store.insertDocument({
        ...{ clientId, id, collection: 'integration-state', version: 1, terms: [], data },
      })
    })
    await rotateKey(read(keys))
    await withStore(async (store) => {
      const found = await store.findDocument(clientId, 'integration-state', { id })
      const { version, sealed } = JSON.parse(found?.data ?? '{}')
      expect([version, new Keyring(newKey).open(sealed, `state ${id}`)]).toEqual([4, 'a state'])
    })
  })

  test('seals every secret of every client with the new key', async () => {
    const clients = await seed(oldKey, 120)
    expect(await rotateKey(read(keys))).toMatchObject({ clients: 120 })
    await expectKey(newKey, clients)
  })

  test('seals the secrets of API keys with the new key, those of people and all else stay as they are', async () => {
    await seed(oldKey, 1)
    const accountsWith = (store: Store, key: Buffer) =>
      new Accounts({ store, keyring: new Keyring(key), now: () => new Date(), maxCached: 10, maxAgeMs: 0 })
    const made = await withStore(async (store) => {
      const accounts = accountsWith(store, oldKey)
      const person = { email: 'ann@example.org', passwordHash: 'hash', memberships: [] }
      await accounts.createPerson(person)
      return [
        await accounts.createKey({ scope: 'account', displayName: 'all' }),
        await accounts.createKey({ scope: 'app', clientId: newId(), displayName: 'one' }),
      ]
    })
    await rotateKey(read(keys))
    await withStore(async (store) => {
      const accounts = accountsWith(store, newKey)
      for (const { key, secret } of made) {
        const known = await accounts.findKey(key.id)
        expect(known && accounts.secretOf(known)).toBe(secret)
        expect(() => accountsWith(store, oldKey).secretOf(known ?? key)).toThrow('cannot decrypt')
      }
      expect(await accounts.findPerson({ email: 'ann@example.org' })).toMatchObject({ passwordHash: 'hash' })
    })
  })

  test('changes the key file, and keeps the old key for backups', async () => {
    const before = await readOrMakeKey(database())
    const clients = await seed(before)
    const { next } = await rotateKey(read())
    const after = await readOrMakeKey(database())
    expect(after).not.toEqual(before)
    await expectKey(after, clients)
    const [old] = (await readdir(join(workingFolder, 'data'))).filter((name) => name.endsWith('.old'))
    expect(next).toContain(old)
    expect(await readFile(join(workingFolder, 'data', String(old)), 'utf8')).toContain(
      before.toString('base64'),
    )
  })

  test('changes from a key file to a key in the environment', async () => {
    const clients = await seed(await readOrMakeKey(database()))
    await rotateKey(read({ NEW_ENCRYPTION_KEY: keys.NEW_ENCRYPTION_KEY }))
    await expectKey(newKey, clients)
    expect(await readdir(join(workingFolder, 'data'))).not.toContain('plugboard.db.key')
  })

  test('changes from a key in the environment to a key file', async () => {
    const clients = await seed(oldKey)
    await rotateKey(read({ ENCRYPTION_KEY: keys.ENCRYPTION_KEY }))
    await expectKey(await readOrMakeKey(database()), clients)
  })

  test('goes on where it was cut off, and no server starts in between', async () => {
    const clients = await seed(oldKey)
    const [done] = clients
    const [from, to] = [new Keyring(oldKey), new Keyring(newKey)]
    await withStore(async (store) => {
      await store.putMeta('encryption-key', `${from.fingerprint}>${to.fingerprint}`)
      const first = done && (await store.findClient({ id: done.id }))
      if (!first) throw new Error('the client is gone')
      const again = first.webhooks.map((hook) => ({
        ...hook,
        token: to.seal(from.open(hook.token, first.id), first.id),
      }))
      await store.replaceClient({ ...first, version: 2, webhooks: again })
      await expect(assertNotRotating(store)).rejects.toThrow('run `plugboard rotate-key` again')
      await expect(assertKey(store, from)).rejects.toMatchObject({ code: 'CONFLICT' })
    })
    await rotateKey(read(keys))
    await expectKey(newKey, clients)
  })

  test('does not mix a third key into a change that was cut off', async () => {
    await seed(oldKey)
    const mark = `${new Keyring(oldKey).fingerprint}>${new Keyring(newKey).fingerprint}`
    await withStore((store) => store.putMeta('encryption-key', mark))
    const third = { ...keys, NEW_ENCRYPTION_KEY: Buffer.alloc(32, 3).toString('base64') }
    await expect(rotateKey(read(third))).rejects.toThrow('with the same two keys')
  })

  test('refuses a key that is not the one of the database', async () => {
    await seed(newKey)
    const wrong = {
      ENCRYPTION_KEY: keys.ENCRYPTION_KEY,
      NEW_ENCRYPTION_KEY: Buffer.alloc(32, 3).toString('base64'),
    }
    await expect(rotateKey(read(wrong))).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('refuses while a server has the database open', async () => {
    await seed(oldKey)
    await withStore(() => expect(rotateKey(read(keys))).rejects.toMatchObject({ code: 'CONFLICT' }))
  })

  test('says when there is no key to change', async () => {
    await expect(rotateKey(read())).rejects.toThrow(`${database().keyFile} does not exist`)
  })
})
