import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Database, databaseOf } from './database.js'
import { readOrMakeKey } from './key-file.js'

let folder: string
let database: Database

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plugboard-key-'))
  database = databaseOf({ databaseUrl: 'file:./data/plugboard.db', workingFolder: folder })
})
afterEach(() => rm(folder, { recursive: true }))

describe('readOrMakeKey', () => {
  test('makes a key that only its owner can read, and finds it again', async () => {
    const key = await readOrMakeKey(database)
    expect(key).toHaveLength(32)
    expect((await stat(database.keyFile)).mode & 0o777).toBe(0o600)
    expect(await readOrMakeKey(database)).toEqual(key)
    expect(await readFile(database.keyFile, 'utf8')).toBe(`${key.toString('base64')}\n`)
  })

  test('gives concurrent starts the same key, and leaves no temporary file', async () => {
    const keys = await Promise.all(Array.from({ length: 50 }, () => readOrMakeKey(database)))
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1)
    expect(await readdir(join(folder, 'data'))).toEqual(['plugboard.db.key'])
  })

  test('refuses to make a new key for a database that had another', async () => {
    await readOrMakeKey(database)
    await rm(database.keyFile)
    await writeFile(database.place, '')
    await expect(readOrMakeKey(database)).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringMatching(/is missing: restore .*plugboard\.db\.key, or set ENCRYPTION_KEY/),
    })
  })

  test('makes one for MongoDB in the working folder, by the name of the database', async () => {
    const databaseUrl = 'mongodb://user:hunter2@a.example,b.example:27018/hub?replicaSet=rs'
    const mongodb = databaseOf({ databaseUrl, workingFolder: folder })
    expect(mongodb).toMatchObject({
      kind: 'mongodb',
      place: databaseUrl,
      label: 'mongodb://***@a.example,b.example:27018/hub',
      keyFile: join(folder, 'data', 'hub.key'),
    })
    expect(await readOrMakeKey(mongodb)).toEqual(await readOrMakeKey(mongodb))
  })

  test('refuses a damaged key file without showing it', async () => {
    await readOrMakeKey(database)
    await writeFile(database.keyFile, 'hunter2')
    await expect(readOrMakeKey(database)).rejects.toThrow(/is damaged/)
    await expect(readOrMakeKey(database)).rejects.not.toThrow(/hunter2/)
  })

  test('says what to do where no key file can be made', async () => {
    await writeFile(join(folder, 'data'), 'a file in the place of the folder')
    await expect(readOrMakeKey(database)).rejects.toMatchObject({ code: 'INVALID' })
  })
})
