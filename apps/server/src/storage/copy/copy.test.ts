import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId } from '@plugboard/core'
import { KEY_FINGERPRINT, Keyring } from '@plugboard/hub'
import { sqliteStore } from '@plugboard/store-sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { makeKey } from '../../config/key-file.js'
import { readConfig } from '../../config/read-config.js'
import { start } from '../../start.js'
import { rotateKey } from '../rotate-key.js'
import { copy } from './copy.js'

const FROM = 'file:from.db'
const TO = 'file:to.db'

/** A folder with a database `from.db` of this many clients, and its key file. */
async function prepare(clients = 1) {
  const folder = await mkdtemp(join(tmpdir(), 'plugboard-copy-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const key = await makeKey(join(folder, 'from.db.key'))
  await change(join(folder, 'from.db'), async (store) => {
    await store.putMeta(KEY_FINGERPRINT, new Keyring(key).fingerprint)
    for (let i = 0; i < clients; i += 1) {
      const lists = { tokens: [], integrations: [], webhooks: [] }
      await store.insertClient({ id: newId(), version: 1, createdAt: new Date(), ...lists })
    }
  })
  const config = (env: Record<string, string> = {}) =>
    readConfig({ env: { PORT: '0', LOG_LEVEL: 'silent', ...env }, workingFolder: folder })
  return { folder, key, config }
}

type Opened = Awaited<ReturnType<typeof sqliteStore>>

async function change<T>(path: string, work: (store: Opened) => Promise<T>): Promise<T> {
  const store = await sqliteStore({ path })
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** A copy that is cut off after the first page of clients. */
async function cutOff(config: ReturnType<typeof readConfig>): Promise<void> {
  const onProgress = (done: number): void => {
    if (done > 1) throw new Error('cut off')
  }
  await expect(copy(config, { from: FROM, to: TO, onProgress })).rejects.toThrow('cut off')
}

test('copies the key file too, for its owner alone, and says where it is', async () => {
  const { folder, key, config } = await prepare()
  const { next, counts } = await copy(config(), { from: FROM, to: TO })
  expect(counts).toMatchObject({ client: 1, meta: 1 })
  expect(next).toContain(join(folder, 'to.db.key'))
  expect((await readFile(join(folder, 'to.db.key'), 'utf8')).trim()).toBe(key.toString('base64'))
  expect((await stat(join(folder, 'to.db.key'))).mode & 0o777).toBe(0o600)
  expect(next).not.toContain(key.toString('base64'))
  const server = await start(config({ DATABASE_URL: TO }))
  await server.close()
})

test('says what ENCRYPTION_KEY to set where there is no key file to copy', async () => {
  const { folder, key, config } = await prepare()
  const set = await copy(config({ ENCRYPTION_KEY: key.toString('base64') }), { from: FROM, to: TO })
  expect(set.next).toContain('the current ENCRYPTION_KEY')
  await rm(join(folder, 'from.db.key'))
  const unknown = await copy(config(), { from: FROM, to: 'file:other.db' })
  expect(unknown.next).toContain(`the key of ${join(folder, 'from.db')}`)
  await expect(stat(join(folder, 'other.db.key'))).rejects.toThrow('ENOENT')
})

test('leaves another key file as it is, and refuses', async () => {
  const { folder, config } = await prepare()
  const other = await makeKey(join(folder, 'to.db.key'))
  await expect(copy(config(), { from: FROM, to: TO })).rejects.toMatchObject({ code: 'CONFLICT' })
  expect((await readFile(join(folder, 'to.db.key'), 'utf8')).trim()).toBe(other.toString('base64'))
})

test('goes on where it was cut off, and no server starts on the target before', async () => {
  const { folder, config } = await prepare(1_200)
  await cutOff(config())
  const words = 'run `plugboard copy` again'
  await expect(start(config({ DATABASE_URL: TO }))).rejects.toThrow(words)
  await expect(rotateKey(config({ DATABASE_URL: TO }))).rejects.toThrow(words)
  await expect(copy(config(), { from: TO, to: 'file:third.db' })).rejects.toThrow(words)
  const told: number[] = []
  const { counts } = await copy(config(), { from: FROM, to: TO, onProgress: (done) => told.push(done) })
  expect(counts.client).toBe(1_200)
  expect(told).toEqual([1001, 1201])
  const again = await copy(config(), { from: FROM, to: TO, onProgress: () => told.push(0) })
  expect([again.counts.client, told.length]).toEqual([1_200, 2])
  const read = (path: string) => change(path, (store) => store.listClients({ limit: 2_000 }))
  expect(await read(join(folder, 'to.db'))).toEqual(await read(join(folder, 'from.db')))
})

test('does not continue if a server was started on the source in between', async () => {
  const { config } = await prepare(600)
  await cutOff(config())
  const server = await start(config({ DATABASE_URL: FROM }))
  await server.close()
  await expect(copy(config(), { from: FROM, to: TO })).rejects.toThrow('empty the target')
  const fresh = await copy(config(), { from: FROM, to: 'file:third.db' })
  expect(fresh.counts.client).toBe(600)
})

test('refuses a target that has data, and one that has a copy of something else', async () => {
  const { folder, config } = await prepare()
  const refused = { code: 'CONFLICT', message: expect.stringContaining('empty') }
  await change(join(folder, 'other.db'), (store) => store.putMeta('name', 'value'))
  await expect(copy(config(), { from: FROM, to: 'file:other.db' })).rejects.toMatchObject(refused)
  await copy(config(), { from: FROM, to: TO })
  await expect(copy(config(), { from: 'file:other.db', to: TO })).rejects.toMatchObject(refused)
})

test('refuses a database that another process has open, one that is not there and one that is itself', async () => {
  const { folder, config } = await prepare()
  await change(join(folder, 'from.db'), () =>
    expect(copy(config(), { from: FROM, to: TO })).rejects.toMatchObject({ code: 'CONFLICT' }),
  )
  const missing = copy(config(), { from: 'file:missing.db', to: TO })
  await expect(missing).rejects.toThrow(`${join(folder, 'missing.db')} does not exist`)
  await expect(stat(join(folder, 'missing.db'))).rejects.toThrow('ENOENT')
  await expect(copy(config(), { from: FROM, to: 'file:./from.db' })).rejects.toThrow(
    'must differ from --from',
  )
  await expect(copy(config(), { from: FROM, to: 'postgres://u:secret@host/x' })).rejects.toThrow(
    /^(?!.*secret).*--to/s,
  )
})

test('refuses a source whose keys are being changed', async () => {
  const { folder, config } = await prepare()
  await change(join(folder, 'from.db'), (store) => store.putMeta(KEY_FINGERPRINT, 'one>other'))
  await expect(copy(config(), { from: FROM, to: TO })).rejects.toThrow('rotate-key')
})

test('fails when the target does not have what the source has', async () => {
  const { folder, config } = await prepare(1_200)
  await cutOff(config())
  await change(join(folder, 'to.db'), async (store) => {
    const [first] = await store.listClients({ limit: 1 })
    if (first) await store.purgeClient(first.id, 10)
  })
  const words = '1200 of client became 1199'
  await expect(copy(config(), { from: FROM, to: TO })).rejects.toThrow(words)
  await expect(start(config({ DATABASE_URL: TO }))).rejects.toThrow('was interrupted')
})
