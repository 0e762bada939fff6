import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { call, createClient, type TestClient } from '../support/api.js'
import { raw } from '../support/raw.js'
import { cleanUp, isSoak, startServer, type TestServer } from '../support/server.js'
import { closeSockets, type Dialled, dial, guestWithConversation } from '../support/sockets.js'

const run = promisify(execFile)

const reasonOf = (error: unknown) => (error as Error & { description?: { message?: string } }).message

let server: TestServer
let client: TestClient
const auth = () => ({ clientId: client.id })

async function start(env: Record<string, string>): Promise<void> {
  await server?.stop()
  server = await startServer({ env })
  client = await createClient(server)
}

afterAll(closeSockets)
afterAll(cleanUp)

/** The status of an upgrade, and its text. */
async function upgrade(
  query: string,
  headers: Record<string, string> = {},
): Promise<[number | undefined, string]> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/socket.io/?${query}`, { headers })
  return new Promise((resolve) => {
    socket.once('open', () => {
      socket.terminate()
      resolve([101, ''])
    })
    socket.once('unexpected-response', async (_, response) => {
      const chunks = await response.toArray()
      resolve([response.statusCode, Buffer.concat(chunks).toString()])
    })
    socket.once('error', () => undefined)
  })
}
const GOOD = 'EIO=4&transport=websocket'

/** A socket whose page can stop reading. Resolves when the server has answered it. */
async function openLine(auth: object): Promise<WebSocket> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/socket.io/?${GOOD}`)
  onTestFinished(() => socket.terminate())
  socket.on('error', () => undefined)
  await once(socket, 'message')
  socket.send(`40${JSON.stringify(auth)}`)
  await once(socket, 'message')
  return socket
}

describe('a server that takes sockets of some pages only', () => {
  beforeAll(() => start({ SOCKET_ORIGINS: 'https://shop.example,http://localhost:8080', SOCKETS: 'known' }))

  test.each([
    ['https://shop.example', 101],
    ['HTTPS://SHOP.EXAMPLE', 101],
    ['http://localhost:8080', 101],
    ['https://shop.example.evil.example', 403],
    ['https://evil.example', 403],
    ['http://shop.example', 403],
    ['null', 403],
    ['', 403],
  ])('answers the origin "%s" with %i', async (origin, status) => {
    expect((await upgrade(GOOD, { origin }))[0]).toBe(status)
  })

  test('takes programs, which have no origin', async () => {
    expect((await upgrade(GOOD))[0]).toBe(101)
  })

  test('takes only users that are known', async () => {
    expect(await dial(server, { auth: auth() }).catch(reasonOf)).toBe('a user token is required')
    const { userId } = await client.converse()
    const { token: userToken } = (await client.call('POST', '/users/tokens', { userId })).json
    const { logins } = await dial(server, { auth: { ...auth(), creds: { userId, userToken } } })
    expect(logins).toEqual([{ userId }])
  })

  test('answers what is no WebSocket, in the form of socket.io', async () => {
    const polling = await call(server, 'GET', '/socket.io/?EIO=4&transport=polling')
    expect([polling.status, polling.json]).toEqual([
      400,
      { code: 0, message: "Transport unknown: only WebSocket is supported, set transports to ['websocket']" },
    ])
    expect(polling.headers.get('access-control-allow-origin')).toBe('*')
    const noUpgrade = await call(server, 'GET', `/socket.io/?${GOOD}`)
    expect([noUpgrade.status, noUpgrade.json.code]).toEqual([400, 3])
    for (const query of ['EIO=4&transport=polling', 'EIO=3&transport=websocket', `${GOOD}&sid=a`, ''])
      expect((await upgrade(query))[0]).toBe(400)
  })

  test('answers other requests with an `Upgrade` header in HTTP/1.1', async () => {
    const headers = [
      ['Connection', 'Upgrade, HTTP2-Settings'],
      ['Upgrade', 'h2c'],
      ['HTTP2-Settings', 'AAMAAABkAARAAAAAAAIAAAAA'],
      ['Content-Type', 'application/json'],
    ] as const
    const made = await raw(server, { method: 'POST', path: '/api/v1/sync', headers, body: '{"webhooks":[]}' })
    expect([made.status, JSON.parse(made.text).id]).toEqual([200, expect.any(String)])
    for (const path of ['/status', '/socket.iox', '/socket.io/more', '//socket.io/'])
      expect((await raw(server, { path, headers })).status).toBe(path === '/status' ? 200 : 404)
  })
})

describe('a server without sockets', () => {
  beforeAll(() => start({ SOCKETS: 'off' }))

  test('has nothing there', async () => {
    expect((await call(server, 'GET', `/socket.io/?${GOOD}`)).status).toBe(404)
    const [status] = await upgrade(GOOD)
    expect(status).toBe(404)
  })
})

test('socket.io is not loaded before it is needed', async () => {
  const start = JSON.stringify(new URL('../../dist/start.js', import.meta.url).href)
  const code = `await import(${start}); import { Module } from 'node:module'; console.log(JSON.stringify(Object.keys(Module._cache)))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code])
  const loaded = JSON.parse(stdout) as string[]
  expect(loaded.filter((path) => /fastify\.js$/.test(path))).not.toEqual([])
  expect(loaded.filter((path) => /(?:socket|engine)\.io/.test(path))).toEqual([])
})

describe('a server with few sockets', () => {
  beforeEach(() =>
    start({
      SOCKETS_PER_ADDRESS: '3',
      SOCKETS_PER_CLIENT: '2',
      GUEST_RATE_LIMIT: '3',
      SOCKET_RATE_LIMIT: '8',
    }),
  )

  test('takes so many of an address and of a client, until one of them ends', async () => {
    const [one] = [await dial(server, { auth: auth() }), await dial(server, { auth: auth() })]
    expect(await dial(server, { auth: auth() }).catch(reasonOf)).toBe('too many connections; try again later')
    expect((await call(server, 'GET', '/metrics')).text).toMatch(/^plugboard_sockets 2$/m)
    one.close()
    const other = await createClient(server)
    await expect
      .poll(async () => (await call(server, 'GET', '/metrics')).text)
      .toMatch(/^plugboard_sockets 1$/m)
    await dial(server, { auth: { clientId: other.id } })
    await expect.poll(async () => (await upgrade(GOOD))[0]).toBe(101)
  })

  test('makes so many users of an address in a minute, and takes those that are known', async () => {
    const made: Dialled[] = []
    for (let i = 0; i < 3; i += 1) {
      const page = await dial(server, { auth: auth() })
      page.close()
      made.push(page)
    }
    expect(await dial(server, { auth: auth() }).catch(reasonOf)).toBe('too many connections; try again later')
    const creds = made[0]?.logins[0]
    expect((await dial(server, { auth: { ...auth(), creds } })).logins).toEqual([{ userId: creds?.userId }])
  })

  test('takes so many connections of an address in a minute', async () => {
    const statuses: unknown[] = []
    for (let i = 0; i < 9; i += 1) {
      statuses.push((await upgrade(GOOD))[0])
    }
    expect(statuses.at(-1)).toBe(429)
    expect(statuses.slice(0, 3)).toEqual([101, 101, 101])
  })
})

describe('one socket', () => {
  beforeAll(() => start({ GUEST_MESSAGE_LIMIT: '5', GUEST_DAILY_SIZE: '10000' }))

  test('posts so many messages in a minute', async () => {
    const { page, conversationId } = await guestWithConversation(server, client.id)
    const post = (text: string) =>
      page.ask('messages.create', { conversationId, payload: { type: 'text', text } })
    const answers = [await post('1'), await post('2'), await post('3'), await post('4'), await post('5')]
    expect(answers.filter(({ error }) => error)).toEqual([
      { error: true, message: 'A guest may post at most 5 messages in a minute. Try again later.' },
    ])
  })

  test('posts so many bytes in a day', async () => {
    const { page, conversationId } = await guestWithConversation(server, client.id)
    const payload = { type: 'text', text: 'x'.repeat(6_000) }
    expect(await page.ask('messages.create', { conversationId, payload })).toHaveProperty('id')
    expect(await page.ask('messages.create', { conversationId, payload })).toHaveProperty('error')
  })

  test('is answered with errors when it asks too much, and is cut when it goes on', async () => {
    const page = await dial(server, { auth: auth() })
    const isCut = once(page.socket as never, 'disconnect')
    const answers = await Promise.all(Array.from({ length: 250 }, () => page.ask('users.get')))
    const failed = answers.filter(({ error }) => error)
    expect(failed.length).toBeGreaterThan(20)
    expect(failed[0]).toEqual({ error: true, message: 'too many requests; try again later' })
    for (let i = 0; i < 200; i += 1) page.socket.emit('message', { request: `${i}`, type: 'users.get' })
    expect((await isCut)[0]).toMatch(/^transport /)
    page.close()
    expect((await call(server, 'GET', '/metrics')).text).toMatch(
      /^plugboard_sockets_cut_total\{reason="flood"\} 1$/m,
    )
  })

  test('is cut when it does not read', async () => {
    const { creds, conversationId } = await guestWithConversation(server, client.id)
    const socket = await openLine({ ...auth(), creds })
    socket.pause()
    const isClosed = new Promise((resolve) => socket.once('close', resolve))
    const payload = { type: 'text', text: 'x'.repeat(140_000) }
    const slow = async () =>
      (await call(server, 'GET', '/metrics')).text.includes('plugboard_sockets_cut_total{reason="slow"} 1')
    let count = 0
    for (; count < 120 && !(await slow()); count += 1)
      await client.call('POST', '/messages', { conversationId, payload })
    // What the system itself takes, and a megabyte.
    expect(count).toBeLessThan(120)
    socket.terminate()
    await isClosed
  })
})

describe('sockets that continue and do not read', () => {
  beforeAll(() => start({}))
  beforeEach(async () => {
    client = await createClient(server)
  })

  /** What a client gives back that missed more than the system itself takes. */
  async function missedMuch() {
    const { page, creds, conversationId } = await guestWithConversation(server, client.id)
    page.close()
    const payload = { type: 'text', text: 'x'.repeat(140_000) }
    for (let i = 0; i < 60; i += 1) await client.call('POST', '/messages', { conversationId, payload })
    await client.say(conversationId, 'the last')
    return { auth: { ...auth(), pid: 'any', offset: page.offsets[0] }, creds }
  }

  test.runIf(isSoak)('hold up no others', { timeout: 60_000 }, async () => {
    const { auth: slow } = await missedMuch()
    const { page: other, conversationId } = await guestWithConversation(server, client.id)
    other.close()
    await client.say(conversationId, 'missed')
    for (let i = 0; i < 16; i += 1) (await openLine(slow)).pause()
    const before = performance.now()
    const again = await dial(server, { auth: { ...auth(), pid: 'any', offset: other.offsets[0] } })
    await expect.poll(() => again.texts(), { timeout: 30_000 }).toEqual(['missed'])
    // What one of them is waited for alone is 20 seconds.
    expect(performance.now() - before).toBeLessThan(12_000)
  })

  test('get nothing more once their tokens are revoked', { timeout: 60_000 }, async () => {
    const { auth: slow, creds } = await missedMuch()
    const socket = await openLine(slow)
    socket.pause()
    await client.call('DELETE', `/users/${creds.userId}/tokens`)
    const texts: string[] = []
    socket.on('message', (data) => texts.push(String(data)))
    socket.resume()
    await once(socket, 'close')
    expect(texts.length).toBeGreaterThan(0)
    expect(texts.filter((text) => text.includes('the last'))).toEqual([])
  })
})

describe('lists that sockets ask for', () => {
  beforeAll(() => start({ LISTS_PER_CLIENT: '1' }))

  test('keep the client itself from no list', { timeout: 60_000 }, async () => {
    const { creds, conversationId } = await guestWithConversation(server, client.id)
    const payload = { type: 'text', text: 'x'.repeat(140_000) }
    for (let i = 0; i < 32; i += 1) await client.call('POST', '/messages', { conversationId, payload })
    const ask = { request: 'a', type: 'messages.list', data: { conversationId, limit: 0 } }
    const packet = `42${JSON.stringify(['message', ask])}`
    for (let i = 0; i < 4; i += 1) {
      const slow = await openLine({ ...auth(), creds })
      slow.send(packet)
      slow.pause()
    }
    const pages = await Promise.all(
      Array.from({ length: 10 }, () => dial(server, { auth: { ...auth(), creds } })),
    )
    const answers = pages.map(({ ask }) => ask('messages.list', { conversationId, limit: 0 }))
    await Promise.race(answers)
    const { status } = await client.call('GET', `/conversations/user/${creds.userId}`)
    expect(status).toBe(200)
    await Promise.all(answers)
  })
})
