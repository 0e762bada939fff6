import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { adminKeyFor, findAdminKey } from './admin-key.js'
import { databaseOf } from './database.js'

let workingFolder: string

beforeEach(async () => {
  workingFolder = await mkdtemp(join(tmpdir(), 'plugboard-admin-key-'))
})
afterEach(() => rm(workingFolder, { recursive: true }))

const sqlite = () => databaseOf({ databaseUrl: 'file:./data/hub.db', workingFolder })
const mongodb = () => databaseOf({ databaseUrl: 'mongodb://localhost/hub', workingFolder })
const unset = (host = '127.0.0.1') => ({ adminKey: undefined, host })

test('is the setting, and then no file is made', async () => {
  expect(await adminKeyFor(sqlite(), { adminKey: 'mine', host: '127.0.0.1' })).toEqual({ key: 'mine' })
  expect(await findAdminKey(sqlite(), { adminKey: 'mine' })).toBe('mine')
  expect(await readdir(workingFolder)).toEqual([])
})

test('is in a file next to the database, which only its owner can read, wherever the server listens', async () => {
  expect(await findAdminKey(sqlite(), unset())).toBeUndefined()
  const made = await adminKeyFor(sqlite(), unset('0.0.0.0'))
  const file = join(workingFolder, 'data', 'hub.db.admin-key')
  expect(made).toEqual({ key: expect.stringMatching(/^[\w+/]{43}=$/), file })
  expect(await readFile(file, 'utf8')).toBe(`${made?.key}\n`)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await adminKeyFor(sqlite(), unset())).toEqual(made)
  expect(await findAdminKey(sqlite(), unset())).toBe(made?.key)
})

test('is the same for all concurrent starts', async () => {
  const made = await Promise.all(Array.from({ length: 20 }, () => adminKeyFor(sqlite(), unset())))
  expect(new Set(made.map((each) => each?.key)).size).toBe(1)
})

test('is in the data folder on MongoDB, on loopback only', async () => {
  expect(await adminKeyFor(mongodb(), unset('0.0.0.0'))).toBeUndefined()
  expect(await readdir(workingFolder)).toEqual([])
  expect((await adminKeyFor(mongodb(), unset('::1')))?.file).toBe(
    join(workingFolder, 'data', 'hub.admin-key'),
  )
})

test('is neither replaced nor shown where the file is damaged', async () => {
  await adminKeyFor(sqlite(), unset())
  await writeFile(sqlite().adminKeyFile, 'hunter2')
  await expect(adminKeyFor(sqlite(), unset())).rejects.toThrow(/admin-key is damaged/)
  await expect(findAdminKey(sqlite(), unset())).rejects.not.toThrow(/hunter2/)
})
