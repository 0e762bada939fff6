import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyFileOf, readOrMakeKey } from './key-file.js'

let folder: string
let database: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plugboard-key-'))
  database = join(folder, 'data', 'plugboard.db')
})
afterEach(() => rm(folder, { recursive: true }))

describe('readOrMakeKey', () => {
  it('makes a key that only its owner can read, and finds it again', async () => {
    const key = await readOrMakeKey(database)
    expect(key).toHaveLength(32)
    expect((await stat(keyFileOf(database))).mode & 0o777).toBe(0o600)
    expect(await readOrMakeKey(database)).toEqual(key)
    expect(await readFile(keyFileOf(database), 'utf8')).toBe(`${key.toString('base64')}\n`)
  })

  it('gives one key to any number of starts at once, and leaves no draft behind', async () => {
    const keys = await Promise.all(Array.from({ length: 50 }, () => readOrMakeKey(database)))
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1)
    expect(await readdir(join(folder, 'data'))).toEqual(['plugboard.db.key'])
  })

  it('refuses to make a new key for a database that had another', async () => {
    await readOrMakeKey(database)
    await rm(keyFileOf(database))
    await writeFile(database, '')
    await expect(readOrMakeKey(database)).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringMatching(/is missing: put .*plugboard\.db\.key back, or set ENCRYPTION_KEY/),
    })
  })

  it('refuses a damaged key file without showing it', async () => {
    await readOrMakeKey(database)
    await writeFile(keyFileOf(database), 'hunter2')
    await expect(readOrMakeKey(database)).rejects.toThrow(/is damaged/)
    await expect(readOrMakeKey(database)).rejects.not.toThrow(/hunter2/)
  })

  it('says what to do where no key file can be made', async () => {
    await writeFile(join(folder, 'data'), 'a file in the place of the folder')
    await expect(readOrMakeKey(database)).rejects.toMatchObject({ code: 'INVALID' })
  })
})
