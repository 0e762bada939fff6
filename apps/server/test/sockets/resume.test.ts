import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createClient, type TestClient } from '../support/api.js'
import { type Line, lineTo } from '../support/replicas.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { closeSockets, type Dialled, dial, guestWithConversation, openPage } from '../support/sockets.js'

const server = sharedServer()
let client: TestClient
let line: Line
let over: { url: string }

beforeAll(async () => {
  client = await createClient(server)
})
beforeEach(async () => {
  line = await lineTo(server.url)
  over = { url: new URL(line.url).origin }
})
afterEach(() => line.close())
afterAll(closeSockets)
afterAll(cleanUp)

/** The connection breaks, and comes back at once. */
const drop = (): void => {
  line.cut()
  line.mend()
}

/** Waits until a socket is there again after a drop. */
const back = async ({ logins }: Dialled, count: number) =>
  expect.poll(() => logins.length, { timeout: 5_000 }).toBe(count)

describe('a drop of the connection', () => {
  /** The npm client tries again after about a second, once: a server that is away for longer loses it. */
  test('of a second leaves a first-time visitor the same user, with the npm client', async () => {
    const { socket, creds, messages } = await openPage(over, client.id)
    const { id } = await socket.createConversation()
    await socket.sendText('before')
    drop()
    await client.say(id, 'while it was away')
    await expect.poll(() => messages.map(({ payload }) => payload.text)).toEqual(['while it was away'])
    expect(await socket.getUser()).toMatchObject({ id: creds.userId })
    await socket.sendText('after')
    await client.say(id, 'again')
    await expect
      .poll(() => messages.map(({ payload }) => payload.text))
      .toEqual(['while it was away', 'again'])
  })

  test('loses no message, repeats none, and keeps their order', async () => {
    const { page, creds, conversationId } = await guestWithConversation(over, client.id)
    const said: string[] = []
    for (let drops = 1; drops <= 5; drops += 1) {
      for (let i = 0; i < 4; i += 1) {
        said.push(`${drops}-${i}`)
        if (i === 2) drop()
        await client.say(conversationId, `${drops}-${i}`)
      }
      await back(page, drops + 1)
    }
    await expect.poll(() => page.texts()).toEqual(said)
    expect(new Set(page.logins.map(({ userId }) => userId))).toEqual(new Set([creds.userId]))
  })

  test('does not bring back what the socket said itself, or knows from before', async () => {
    const { page, conversationId } = await guestWithConversation(over, client.id)
    await client.say(conversationId, 'known')
    await expect.poll(() => page.texts()).toEqual(['known'])
    await page.ask('messages.create', { conversationId, payload: { type: 'text', text: 'mine' } })
    drop()
    await back(page, 2)
    await client.say(conversationId, 'last')
    await expect.poll(() => page.texts()).toEqual(['known', 'last'])
  })

  test('brings a message of its own whose reply was lost', async () => {
    const { page, conversationId } = await guestWithConversation(over, client.id)
    page.socket.emit('message', {
      ...{ request: 'lost', type: 'messages.create' },
      data: { conversationId, payload: { type: 'text', text: 'mine' } },
    })
    // Written, and not answered yet.
    await new Promise<void>((resolve) => page.socket.io.engine.once('drain', () => resolve()))
    drop()
    await back(page, 2)
    const stored = await page.ask('messages.list', { conversationId, limit: 0 })
    await expect.poll(() => page.texts()).toEqual(stored.length === 0 ? [] : ['mine'])
  })

  test('brings conversations that began while it was away, with their messages', async () => {
    const { page, creds } = await guestWithConversation(over, client.id)
    page.pushes.length = 0
    line.cut()
    const { userId } = creds
    const { id } = (await client.call('POST', '/conversations', { userId })).json
    for (const text of ['one', 'two']) await client.say(id, text)
    line.mend()
    await back(page, 2)
    await expect
      .poll(() => page.pushes.map(({ type }) => type))
      .toEqual(['conversation.new', 'message.new', 'message.new'])
    expect(page.texts()).toEqual(['one', 'two'])
  })

  test('before all that was missed was sent brings the rest at the next time', async () => {
    const { page, creds } = await guestWithConversation(server, client.id)
    const { userId } = creds
    const auth = { clientId: client.id, pid: 'any', offset: page.offsets[0] }
    page.close()
    const { id } = (await client.call('POST', '/conversations', { userId })).json
    await client.say(id, 'missed')
    const again = await dial(server, { auth })
    await expect.poll(() => again.texts()).toEqual(['missed'])
    // With the offset of the login, as if nothing had come after it.
    const once = await dial(server, { auth: { ...auth, offset: again.offsets[0] } })
    await expect.poll(() => once.texts()).toEqual(['missed'])
    expect(once.logins[0]?.userId).toBe(userId)
  })

  test('of a page with credentials brings what was missed too', async () => {
    const { creds, conversationId } = await guestWithConversation(server, client.id)
    await client.say(conversationId, 'long ago')
    const page = await dial(over, { auth: { clientId: client.id, creds } })
    line.cut()
    await client.say(conversationId, 'missed')
    line.mend()
    await back(page, 2)
    await expect.poll(() => page.texts().slice(-1)).toEqual(['missed'])
  })

  test('brings more than one page of what was missed', async () => {
    const { page, conversationId } = await guestWithConversation(over, client.id)
    line.cut()
    const said = Array.from({ length: 300 }, (_, i) => `${i}`)
    for (const text of said) await client.say(conversationId, text)
    line.mend()
    await back(page, 2)
    await expect.poll(() => page.texts().length).toBe(said.length)
    expect(page.texts()).toEqual(said)
  })
})

describe('where a socket continues', () => {
  /** The offset that a client of socket.io keeps, which is not for others. */
  const offsetOf = ({ socket }: Dialled) => (socket as unknown as { _lastOffset: string })._lastOffset
  const userAt = async (auth: object) => (await dial(server, { auth })).logins[0]?.userId

  test('is in the offset that came with its last event, which is good without its `pid`', async () => {
    const { page, creds } = await guestWithConversation(server, client.id)
    const auth = { clientId: client.id, pid: 'any', offset: offsetOf(page) }
    expect(await userAt(auth)).toBe(creds.userId)
  })

  test.each([
    ['another client', async (offset: string) => ({ clientId: (await createClient(server)).id, offset })],
    [
      'a changed offset',
      async (offset: string) => ({ clientId: client.id, offset: `${offset.slice(0, -6)}AAAAAA` }),
    ],
    ['a short offset', async () => ({ clientId: client.id, offset: 'v1.AAAA' })],
    ['a long offset', async (offset: string) => ({ clientId: client.id, offset: offset.repeat(30) })],
    ['no text', async (offset: string) => ({ clientId: client.id, offset: [offset] })],
  ])('is not taken from %s', async (_, authOf) => {
    const { page, creds } = await guestWithConversation(server, client.id)
    const userId = await userAt({ pid: 'any', ...(await authOf(offsetOf(page))) })
    expect(userId).toMatch(/^[0-9a-f-]{36}$/)
    expect(userId).not.toBe(creds.userId)
  })

  test('does not stand for the token of a user who had one', async () => {
    const { creds } = await guestWithConversation(server, client.id)
    const page = await dial(server, { auth: { clientId: client.id, creds } })
    const auth = { clientId: client.id, pid: 'any', offset: offsetOf(page) }
    expect(await userAt(auth)).not.toBe(creds.userId)
    expect(await userAt({ ...auth, creds })).toBe(creds.userId)
  })

  test('ends with the user, and when its tokens are revoked', async () => {
    const { page, creds } = await guestWithConversation(server, client.id)
    const auth = { clientId: client.id, pid: 'any', offset: offsetOf(page) }
    await client.call('DELETE', `/users/${creds.userId}/tokens`)
    expect(await userAt(auth)).not.toBe(creds.userId)
  })
})
