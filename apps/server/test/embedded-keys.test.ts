import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isId, newId, toUuid } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from './support/api.js'
import { runCommand } from './support/command-line.js'
import { cleanUp, startServer, type TestServer, temporaryFolder } from './support/server.js'
import { type Key, officialClient, refusalOf } from './support/sunshine.js'

const ID = /^[0-9a-f]{24}$/

let server: TestServer
let folder: string

beforeAll(async () => {
  folder = await temporaryFolder()
  // The command reads the file that the server made.
  server = await startServer({ folder, env: { ADMIN_KEY: '' } })
})
afterAll(cleanUp)

const run = (args: string[]) => {
  const env = { DATABASE_URL: 'file:plugboard.db', LOG_LEVEL: 'warn', PORT: new URL(server.url).port }
  return runCommand(['keys', 'create', ...args], { folder, env })
}

/** Makes a key, and expects nothing but one line of JSON. */
async function create(...args: string[]): Promise<Key> {
  const { out, err, code } = await run([...args, '--json'])
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(/^\{.*\}\n$/)
  const key = JSON.parse(out)
  expect(Object.keys(key).sort()).toEqual(['appId', 'keyId', 'secret'])
  expect(key.appId).toMatch(ID)
  return key
}

const appOf = async (key: Key) => (await officialClient(server, key).getApp()).app

/** A key of a new app, and one of the account. */
async function makesKeys(): Promise<{ app: Key; account: Key }> {
  const app = await create('--app', 'new', '--scope', 'app')
  expect(app.keyId).toMatch(/^app_/)
  const account = await create('--app', app.appId, '--scope', 'account', '--name', 'the operator')
  expect(account).toMatchObject({ appId: app.appId, keyId: expect.stringMatching(/^act_/) })
  return { app, account }
}

describe('plugboard keys create', () => {
  test('makes keys of every scope while a server runs, by its admin routes', async () => {
    const { app, account } = await makesKeys()
    expect((await appOf(app)).id).toBe(app.appId)
    expect((await officialClient(server, account).listAppKeys()).keys).toMatchObject([
      { id: app.keyId, displayName: 'operator', secret: app.secret },
    ])
    const webhooks = [{ target: 'http://127.0.0.1:9/', triggers: ['conversation:read'] }]
    const { id } = (await officialClient(server, app).createIntegration({ type: 'custom', webhooks }))
      .integration
    const key = await create('--app', app.appId, '--scope', 'integration', '--integration', id)
    expect(key.keyId).toMatch(/^int_/)
    expect((await officialClient(server, key).listWebhooks('me')).webhooks).toHaveLength(1)
    expect(await refusalOf(officialClient(server, key).getApp())).toMatchObject({ status: 403 })
  })

  test('makes keys while the server is stopped, with the store itself', async () => {
    await server.stop()
    const { app, account } = await makesKeys().finally(async () => {
      server = await server.restart()
    })
    expect((await appOf(app)).id).toBe(app.appId)
    expect((await appOf(account)).id).toBe(app.appId)
  })

  test('makes a key of a client that the Messaging API made', async () => {
    const client = await createClient(server)
    const key = await create('--app', client.id, '--scope', 'app')
    const { user } = await officialClient(server, key).createUser({})
    const known = await client.call('GET', `/users/${isId(user.id) ? toUuid(user.id) : ''}`)
    expect(known.status).toBe(200)
  })

  test('keeps the secret from everybody who reads the store', async () => {
    const { secret } = await create('--app', 'new', '--scope', 'app')
    const names = (await readdir(folder, { recursive: true })).filter((name) => name.includes('plugboard.db'))
    for (const name of names) {
      const bytes = await readFile(join(folder, name)).catch(() => Buffer.alloc(0))
      expect(bytes.includes(secret)).toBe(false)
    }
    expect(server.output()).not.toContain(secret)
  })

  test('says it in words without --json', async () => {
    const { out, code } = await run(['--app', 'new', '--scope', 'app'])
    expect(code).toBe(0)
    expect(out).toMatch(/^App {5}[0-9a-f]{24}\nKey {5}app_[0-9a-f]{24}\nSecret {2}\w{32,}\n$/)
  })

  test.each([
    [['--scope', 'app'], '"app" must be `new` or the id of an app'],
    [['--app', 'new'], '"scope" must be app, account or integration'],
    [['--app', 'new', '--scope', 'user'], '"scope" must be app, account or integration'],
    [['--app', newId(), '--scope', 'app'], 'app not found'],
    [['--app', 'new', '--scope', 'integration'], '"integration" is required for the scope integration'],
    [
      ['--app', 'new', '--scope', 'app', '--integration', newId()],
      '"integration" is required for the scope integration',
    ],
    [
      ['--app', 'new', '--scope', 'app', '--project', 'x'],
      '--project is not an option of the command keys create',
    ],
  ])('says what is wrong with %j', async (args, message) => {
    const { out, err, code } = await run(args)
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(message)
  })

  test('says where it looked for a server that is not there', async () => {
    const { err, code } = await run(['--app', 'new', '--scope', 'app', '--url', 'http://127.0.0.1:9'])
    expect([code, err]).toEqual([1, expect.stringContaining('cannot reach the server at http://127.0.0.1:9')])
  })
})
