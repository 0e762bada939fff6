import { once } from 'node:events'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { call, createClient, type TestClient } from '../support/api.js'
import { hostileWholes } from '../support/hostile.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'
import { type Creds, closeSockets, type Dialled, guestWithConversation } from '../support/sockets.js'

let server: TestServer
let client: TestClient
let bystander: Dialled
let creds: Creds
let conversationId: string

beforeAll(async () => {
  const env = {
    GUEST_RATE_LIMIT: '0',
    SOCKET_RATE_LIMIT: '0',
    GUEST_MESSAGE_LIMIT: '0',
    GUEST_DAILY_SIZE: '0',
  }
  server = await startServer({ env })
  client = await createClient(server)
  ;({ page: bystander, creds, conversationId } = await guestWithConversation(server, client.id))
})
afterAll(closeSockets)
afterAll(cleanUp)

/** Nothing that is sent ends the process, is logged as a fault, changes what all objects have, or delays others. */
beforeEach(() => async () => {
  const begin = performance.now()
  expect(await bystander.ask('users.get')).toMatchObject({ id: creds.userId })
  expect(performance.now() - begin).toBeLessThan(5_000)
  expect(server.output()).not.toMatch(/"level":(50|60)/)
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
})

interface Wire {
  socket: WebSocket
  received: string[]
  closed: Promise<void>
  /** Waits for a packet that begins with this, or until it is closed; answers the newest one. */
  until(begin: string): Promise<string | undefined>
}

/** A WebSocket that speaks the protocol by hand, signed in unless `auth` is something else. */
async function wire(auth: unknown = { clientId: client.id, creds }, query = ''): Promise<Wire> {
  const url = `${server.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket${query}`
  const socket = new WebSocket(url)
  const received: string[] = []
  const looks = new Set<() => void>()
  const look = () => {
    for (const each of looks) each()
  }
  socket.on('message', (data) => {
    received.push(String(data))
    look()
  })
  socket.on('error', () => undefined)
  const closed = once(socket, 'close').then(look)
  const until = (begin: string) =>
    new Promise<string | undefined>((resolve) => {
      const done = () => {
        const found = received.findLast((packet) => packet.startsWith(begin))
        if (found === undefined && socket.readyState !== WebSocket.CLOSED) return
        looks.delete(done)
        resolve(found)
      }
      looks.add(done)
      done()
    })
  expect(await until('0{')).toBeDefined()
  if (auth !== undefined) socket.send(`40${typeof auth === 'string' ? auth : JSON.stringify(auth)}`)
  return { socket, received, closed, until }
}

const signedIn = async () => {
  const made = await wire()
  expect(await made.until('42["login"')).toBeDefined()
  return made
}

describe('credentials of any shape', () => {
  const error = '44{"message":"an error occurred authenticating socket"}'

  test.each([
    ['none', '{}'],
    ['a list', '{"clientId":["a"]}'],
    ['a prototype', `{"__proto__":{"clientId":"CLIENT","polluted":1}}`],
    ['an object with a method', '{"clientId":{"toString":1}}'],
    ['a number', '{"clientId":1e999}'],
    ['a long text', `{"clientId":"${'a'.repeat(10_000)}"}`],
    ['other credentials', '{"clientId":"CLIENT","creds":{"userId":{"$ne":1},"userToken":{"$ne":1}}}'],
    ['a list of credentials', '{"clientId":"CLIENT","creds":[]}'],
  ])('are refused: %s', async (_, text) => {
    const { until } = await wire(text.replace('CLIENT', client.id))
    expect(await until('44')).toBe(error)
  })

  test.each([
    ['an offset that is an object', { pid: 'a', offset: { a: 1 } }],
    ['a process that is none', { pid: '__proto__', offset: '__proto__' }],
    ['an offset that is sealed by another', { pid: 'a', offset: `v1.${'A'.repeat(300)}` }],
    [
      'a token with many parts',
      { creds: { userId: '6cc0a1d5-0f5d-4a06-8ea5-0a6d9a1f3c11', userToken: '.'.repeat(4_000) } },
    ],
  ])('are those of a new user: %s', async (_, more) => {
    const { until } = await wire({ clientId: client.id, ...more })
    expect(await until('42["login"')).toMatch(/^42\["login",\{"userId":"[^"]+","userToken":"/)
  })

  test.each([
    ['a prototype', '{"__proto__":{"polluted":"1"},"constructor":"a"}'],
    ['nested', '{"a":{"b":"c"}}'],
    ['a list', '["a"]'],
    ['deep', '['.repeat(1_500)],
    ['many members', JSON.stringify(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [i, ''])))],
    ['half a surrogate pair', '{"a":"\\ud800"}'],
    ['no JSON', '{'],
  ])('with data of the user that is left out: %s', async (_, userData) => {
    const query = `&userData=${encodeURIComponent(userData)}`
    const { socket, until } = await wire({ clientId: client.id }, query)
    expect(await until('42["login"')).toBeDefined()
    socket.send('42["message",{"request":"a","type":"users.get","data":{}}]')
    const answer = await until('42["message",{"request":"a"')
    expect([answer !== undefined, answer?.includes('polluted')]).toEqual([true, false])
  })

  test('are not taken before they are there, in another namespace, or twice', async () => {
    const early = await wire(undefined)
    early.socket.send('42["message",{"request":"a","type":"users.get","data":{}}]')
    await early.closed
    const other = await wire(undefined)
    other.socket.send('40/admin,{}')
    expect(await other.until('44')).toBe('44/admin,{"message":"Invalid namespace"}')
    const many = await wire(undefined)
    for (let i = 0; i < 20; i += 1) many.socket.send(`40${JSON.stringify({ clientId: client.id })}`)
    await many.closed
    expect(many.received.filter((packet) => packet.startsWith('42["login"')).length).toBeLessThan(2)
    const twice = await signedIn()
    twice.socket.send(`40${JSON.stringify({ clientId: client.id })}`)
    await twice.closed
  })
})

describe('packets of any shape', () => {
  const closes: Record<string, string | Buffer> = {
    'a binary event': '451-["message",{"_placeholder":true,"num":0}]',
    'binary data': Buffer.from([4, 1, 2, 3]),
    'an acknowledgement': '431["a"]',
    'an error of the server': '44{"message":"a"}',
    'an event that is no list': '42{}',
    'a reserved event': '42["disconnect"]',
    'no JSON': '42[',
    'an unknown type': '49',
    'no type': '4',
    'values without end': `42["message",${'[],'.repeat(20_000)}0]`,
    'levels without end': `42["message",${'['.repeat(50_000)}`,
  }

  test.each(Object.entries(closes))('end the socket: %s', async (_, packet) => {
    const { socket, closed } = await signedIn()
    socket.send(packet)
    await closed
  })

  test('that are too large end the socket', async () => {
    const { socket, closed } = await signedIn()
    socket.send(`42["message",{"request":"a","type":"users.get","data":"${'x'.repeat(200_000)}"}]`)
    await closed
  })

  test('that are valid JSON of any shape are answered or end the socket', async () => {
    const bodies = hostileWholes(100_000)
    for (const [name, json] of Object.entries(bodies)) {
      const made = await signedIn()
      const packet = `42["message",{"request":"a","type":"messages.create","data":{"conversationId":"${conversationId}","payload":{"type":"text","x":${json}}}}]`
      made.socket.send(packet)
      const answer = await made.until('42["message"')
      expect([name, answer ?? 'closed']).toEqual([
        name,
        expect.stringMatching(/^(closed|42\["message",\{"request":"a")/),
      ])
      made.socket.terminate()
    }
  }, 300_000)

  test('without a name, of other events or of other shapes are left out', async () => {
    const made = await signedIn()
    for (const packet of [
      ...[
        '["message"]',
        '["message",null]',
        '["message",[]]',
        '["message",{"request":1,"type":"users.get"}]',
      ],
      ...['["message",{"type":"users.get"}]', '["other",{"request":"a","type":"users.get"}]', '[1]'],
      ...['["message",{"request":"","type":"users.get"}]', '["message",{"request":"a","type":{}}]'],
      ...['["message",{"__proto__":{"request":"a","type":"users.get"}}]', '["login",{"userId":"a"}]'],
      `["message",{"request":"${'a'.repeat(200)}","type":"users.get"}]`,
    ])
      made.socket.send(`42${packet}`)
    made.socket.send('42["message",{"request":"z","type":"users.get","data":{}}]')
    expect(await made.until('42["message"')).toMatch(/^42\["message",\{"request":"z"/)
  })

  test('of any bytes neither end the process nor another socket', async () => {
    const property = fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.string(),
          fc.uint8Array({ maxLength: 100 }),
          fc.json().map((json) => `42["message",${json}]`),
        ),
        {
          minLength: 1,
          maxLength: 5,
        },
      ),
      async (packets) => {
        const { socket } = await signedIn()
        for (const packet of packets) socket.send(packet)
        expect(await bystander.ask('users.get')).toMatchObject({ id: creds.userId })
        socket.terminate()
      },
    )
    await fc.assert(property, { numRuns: 20 })
  }, 300_000)

  test('that flood end the socket', async () => {
    const pongs = await signedIn()
    for (let i = 0; i < 1_000; i += 1) pongs.socket.send('3')
    await pongs.closed
    const bytes = await signedIn()
    const packet = `42["other","${'x'.repeat(150_000)}"]`
    for (let i = 0; i < 30; i += 1) bytes.socket.send(packet)
    await bytes.closed
  })
})

describe('lists without end', () => {
  test('end with what fits into a reply, newest first', async () => {
    const { page, conversationId: id } = await guestWithConversation(server, client.id)
    const payload = { type: 'text', text: 'x'.repeat(140_000) }
    for (let i = 0; i < 40; i += 1)
      await client.call('POST', '/messages', { conversationId: id, payload: { ...payload, i } })
    const list = await page.ask('messages.list', { conversationId: id, limit: 0 })
    expect(list.length).toBeGreaterThan(20)
    expect(list.length).toBeLessThan(32)
    expect(list[0].payload.i).toBe(39)
    const again = await page.ask('messages.list', { conversationId: id, limit: Number.MAX_SAFE_INTEGER })
    expect(again).toHaveLength(list.length)
    expect(await page.ask('messages.list', { conversationId: id, limit: 1e300 })).toMatchObject({
      error: true,
    })
    expect((await call(server, 'GET', '/status')).status).toBe(200)
  }, 300_000)
})
