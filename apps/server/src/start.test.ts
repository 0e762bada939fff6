import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readConfig } from './config/read-config.js'
import { createLog } from './logging.js'
import { start } from './start.js'

/** The compiled one, since this test runs from the sources. */
const workerUrl = new URL('../dist/outbound/sender.worker.js', import.meta.url)

let workingFolder: string
let logged: string[]

beforeEach(async () => {
  workingFolder = await mkdtemp(join(tmpdir(), 'plugboard-start-'))
  logged = []
})
afterEach(() => rm(workingFolder, { recursive: true }))

const startWith = (env: NodeJS.ProcessEnv = {}) =>
  start(readConfig({ env: { PORT: '0', ...env }, workingFolder }), {
    log: createLog('warn', { write: (line) => void logged.push(line) }),
    workerUrl,
  })

describe('start', () => {
  test('listens, keeps its data in the working folder, and can be closed more than once', async () => {
    const server = await startWith()
    expect(server.database).toBe(join(workingFolder, 'data', 'plugboard.db'))
    expect(await (await fetch(`${server.url}/readyz`)).json()).toEqual({ status: 'ok', problems: [] })
    await Promise.all([server.close(), server.close()])
    await expect(fetch(`${server.url}/status`)).rejects.toThrow()
    const again = await startWith()
    await again.close()
  })

  test('answers a collect request that waits, with what is there, when it is closed', async () => {
    const server = await startWith()
    const post = async (path: string, body: object, headers: Record<string, string> = {}) =>
      fetch(`${server.url}/api/v1${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
    const { id, token } = (await (await post('/sync', {})).json()) as { id: string; token: string }
    const headers = { 'x-bp-messaging-client-id': id, 'x-bp-messaging-client-token': token }
    const user = (await (await post('/users', {}, headers)).json()) as { id: string }
    const made = await post('/conversations', { userId: user.id }, headers)
    const { id: conversationId } = (await made.json()) as { id: string }
    const body = { conversationId, authorId: user.id, payload: { type: 'text', text: 'hi' }, timeout: 40_000 }
    const waiting = post('/messages/collect', body, headers)
    await new Promise((resolve) => setTimeout(resolve, 200))
    await server.close()
    const answer = await waiting
    expect(answer.status).toBe(201)
    expect(await answer.json()).toMatchObject({ message: { conversationId }, responses: [] })
  })

  test('refuses a port that is taken, and leaves nothing open', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const PORT = String((other.address() as AddressInfo).port)
    await expect(startWith({ PORT })).rejects.toMatchObject({
      code: 'INVALID',
      message: `cannot listen on 127.0.0.1, port ${PORT}: the port is in use; set "PORT" to another port, or to 0 for any free port`,
    })
    other.close()
    await (await startWith()).close()
  })

  test('refuses a database that was made with another key', async () => {
    await (await startWith()).close()
    const ENCRYPTION_KEY = Buffer.alloc(32, 9).toString('base64')
    await expect(startWith({ ENCRYPTION_KEY })).rejects.toThrow('uses another encryption key')
  })

  test('refuses a database that another server has open', async () => {
    const server = await startWith()
    await expect(startWith()).rejects.toMatchObject({ code: 'CONFLICT' })
    await server.close()
  })

  test('stops at a channel that is not installed', async () => {
    await expect(startWith({ PLUGBOARD_CHANNELS: '@acme/nothing' })).rejects.toThrow('is not installed')
  })

  test('makes a key for the admin routes where none is set, and keeps it', async () => {
    const server = await startWith()
    const { adminKeyFile = '' } = server
    expect(adminKeyFile).toBe(join(workingFolder, 'data', 'plugboard.db.admin-key'))
    const key = (await readFile(adminKeyFile, 'utf8')).trim()
    expect(Buffer.from(key, 'base64')).toHaveLength(32)
    expect((await stat(adminKeyFile)).mode & 0o777).toBe(0o600)
    const list = (url: string, headers = {}) => fetch(`${url}/api/v1/admin/clients`, { headers })
    expect((await list(server.url)).status).toBe(401)
    expect((await list(server.url, { 'x-bp-messaging-admin-key': key })).status).toBe(200)
    await server.close()
    const again = await startWith({ HOST: '0.0.0.0', EXTERNAL_URL: 'https://x.example' })
    const url = again.url.replace('0.0.0.0', '127.0.0.1')
    expect((await list(url, { 'x-bp-messaging-admin-key': key })).status).toBe(200)
    await again.close()
    const own = await startWith({ ADMIN_KEY: 'key' })
    expect(own.adminKeyFile).toBeUndefined()
    expect((await list(own.url, { 'x-bp-messaging-admin-key': key })).status).toBe(401)
    await own.close()
  })

  test('keeps its data from others, and warns where they can read them all the same', async () => {
    await (await startWith()).close()
    const data = join(workingFolder, 'data')
    const modes = async () =>
      Promise.all((await readdir(data)).map(async (name) => (await stat(join(data, name))).mode & 0o077))
    expect(new Set(await modes())).toEqual(new Set([0]))
    expect((await stat(data)).mode & 0o777).toBe(0o700)
    expect(logged.join('')).not.toContain('readable by other users')
    await chmod(data, 0o755)
    await chmod(join(data, 'plugboard.db.key'), 0o640)
    await (await startWith()).close()
    const warned = logged
      .filter((line) => line.includes('other users of this machine'))
      .map((line) => JSON.parse(line).path)
    expect(warned.sort()).toEqual([data, join(data, 'plugboard.db.key')])
  })

  test('warns that others cannot use the addresses it gives out when it does not know its own', async () => {
    for (const [env, warns] of [
      [{}, false],
      [{ HOST: '0.0.0.0' }, true],
      [{ HOST: '0.0.0.0', EXTERNAL_URL: 'http://localhost:3100' }, false],
    ] as const) {
      logged.length = 0
      await (await startWith(env)).close()
      expect(logged.some((line) => line.includes('EXTERNAL_URL is not set'))).toBe(warns)
    }
  })

  test('warns that callers share one address when a proxy before it is not known', async () => {
    for (const [env, warns] of [
      [{}, false],
      [{ EXTERNAL_URL: 'http://localhost:3100' }, false],
      [{ EXTERNAL_URL: 'https://x.example' }, true],
      [{ EXTERNAL_URL: 'https://x.example', TRUSTED_PROXIES: '10.0.0.1' }, false],
      [{ EXTERNAL_URL: 'https://x.example', TRUSTED_PROXIES: 'none' }, false],
    ] as const) {
      logged.length = 0
      await (await startWith(env)).close()
      expect(logged.some((line) => line.includes('TRUSTED_PROXIES is not set'))).toBe(warns)
    }
  })
})
