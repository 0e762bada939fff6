import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientOf, createClient, type TestClient } from '../support/api.js'
import { type Line, lineTo, newDatabase, startReplicas, usualTopologies } from '../support/replicas.js'
import { cleanUp, isSoak, type TestServer } from '../support/server.js'
import { closeSockets, dial, guestWithConversation, openPage } from '../support/sockets.js'

/** Each ends a connection, at a time when it may have just begun. */
const DROPS = isSoak ? 1_000 : 10

afterAll(closeSockets)
afterAll(cleanUp)

describe.each(usualTopologies())('sockets at two replicas on one database, %s', (_, mongodbUrl) => {
  let servers: [TestServer, TestServer]
  let client: TestClient
  let line: Line
  beforeAll(async () => {
    servers = await startReplicas(2, newDatabase(mongodbUrl()))
    client = await createClient(servers[0])
    line = await lineTo(servers[0].url)
  }, 60_000)
  afterAll(() => line.close())

  const elsewhere = () => clientOf(servers[1], client)
  const over = () => ({ url: new URL(line.url).origin })

  test('get what was said at the other one', async () => {
    const { page, creds, conversationId } = await guestWithConversation(servers[0], client.id)
    const other = await dial(servers[1], { auth: { clientId: client.id, creds } })
    await page.ask('messages.create', { conversationId, payload: { type: 'text', text: 'from the person' } })
    await elsewhere().say(conversationId, 'from the bot')
    await expect.poll(() => page.texts()).toEqual(['from the bot'])
    await expect.poll(() => other.texts()).toEqual(['from the person', 'from the bot'])
  })

  test('stay those of a first-time visitor at the other one, and miss nothing there', async () => {
    line.turnTo(servers[0].url)
    const { socket, creds, messages } = await openPage(over(), client.id)
    const { id } = await socket.createConversation()
    await client.say(id, 'one')
    await expect.poll(() => messages.map(({ payload }) => payload.text)).toEqual(['one'])
    line.cut()
    line.turnTo(servers[1].url)
    line.mend()
    await client.say(id, 'two')
    await expect.poll(() => messages.map(({ payload }) => payload.text)).toEqual(['one', 'two'])
    expect(await socket.getUser()).toMatchObject({ id: creds.userId })
    await client.say(id, 'three')
    await expect.poll(() => messages.map(({ payload }) => payload.text)).toEqual(['one', 'two', 'three'])
  })

  test(`get all that is said, once and in order, over ${DROPS} drops at any time`, async () => {
    line.turnTo(servers[0].url)
    const { page, conversationId } = await guestWithConversation(over(), client.id)
    const said: string[] = []
    let isOver = false
    async function talk(): Promise<void> {
      for (let i = 0; !isOver; i += 1) {
        const at = i % 2 === 0 ? client : elsewhere()
        expect((await at.say(conversationId, `${i}`)).status).toBe(201)
        said.push(`${i}`)
      }
    }
    const talking = talk()
    for (let i = 0; i < DROPS; i += 1) {
      await sleep(50 + Math.random() * 400)
      line.turnTo(servers[Math.random() < 0.5 ? 0 : 1].url)
      line.cut()
      line.mend()
    }
    isOver = true
    await talking
    await expect.poll(() => page.texts().length, { timeout: 20_000 }).toBe(said.length)
    expect(page.texts()).toEqual(said)
    expect(new Set(page.logins.map(({ userId }) => userId)).size).toBe(1)
  })

  test('continue at the other one when theirs stops', async () => {
    line.turnTo(servers[0].url)
    const { page, creds, conversationId } = await guestWithConversation(over(), client.id)
    const before = page.logins.length
    await elsewhere().say(conversationId, 'before')
    await expect.poll(() => page.texts()).toEqual(['before'])
    line.turnTo(servers[1].url)
    expect(await servers[0].stop()).toBe(0)
    await elsewhere().say(conversationId, 'after')
    await expect.poll(() => page.texts()).toEqual(['before', 'after'])
    expect(page.logins.slice(before).map(({ userId }) => userId)).toEqual([creds.userId])
  })
})
