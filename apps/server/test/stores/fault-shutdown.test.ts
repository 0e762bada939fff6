import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from '../support/api.js'
import { converseMany, forAll, listAll, messageOf } from '../support/fault-load.js'
import { startReceiver } from '../support/receiver.js'
import {
  cleanUp,
  isOnMongodb,
  isSoak,
  SHORT_LEASE,
  startProcess,
  startServer,
  temporaryFolder,
} from '../support/server.js'

const POSTERS = 16
const CONVERSATIONS = isSoak ? 20 : 10
/** Accepted messages before the stop. */
const LOAD = isSoak ? 500 : 40

/** Of all servers, one after another. */
let folder: string
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(cleanUp)

describe('a server that stops under load', () => {
  test('ends with 0, loses nothing, repeats nothing and keeps the order', async () => {
    // The webhook takes a while, so that much is under way, but far less than the grace period.
    const server = await (isSoak ? startProcess : startServer)({ folder, env: { SHUTDOWN_GRACE: '20s' } })
    const bot = await startReceiver(async () => {
      await sleep(5)
      return 200
    })
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const conversations = await converseMany(client, CONVERSATIONS)
    const accepted = new Set<string>()
    const statuses = new Set<number>()
    let isOver = false
    const post = async (): Promise<void> => {
      for (let i = 0; !isOver; i += 1) {
        const answer = await client.say(conversations[i % CONVERSATIONS] ?? '', 'hi').catch(() => undefined)
        if (answer) statuses.add(answer.status)
        if (answer?.status === 201) accepted.add(answer.json.id)
        // Else it asks in vain, as fast as it can, for as long as the stop takes.
        else await sleep(20)
      }
    }
    const posters = Array.from({ length: POSTERS }, post)
    while (accepted.size < LOAD) await sleep(1)
    const code = await server.stop()
    isOver = true
    await Promise.all(posters)
    expect(code).toBe(0)
    expect([...statuses].filter((status) => status !== 201 && status !== 503)).toEqual([])

    const again = await server.restart()
    const lists: Awaited<ReturnType<typeof listAll>>[] = []
    await forAll(conversations, async (id, i) => {
      lists[i] = await listAll(client, id)
    })
    const listed = lists.flat().map(({ id }) => id)
    expect([...accepted].filter((id) => !listed.includes(id))).toEqual([])
    await bot.until(
      () => new Set(bot.ofType('message.new').map((each) => messageOf(each)?.id)).size >= listed.length,
    )
    // Once a later message has arrived in every conversation, nothing more is to come.
    const last = new Set<string>()
    await forAll(conversations, async (id) => last.add((await client.say(id, 'last')).json.id))
    const lastSeen = () => bot.ofType('message.new').filter((each) => last.has(messageOf(each)?.id ?? ''))
    await bot.until(() => lastSeen().length >= CONVERSATIONS)
    for (const [i, list] of lists.entries()) {
      const got = bot
        .ofType('message.new')
        .filter(({ json }) => json.data.conversationId === conversations[i])
      const ids = got.map((request) => messageOf(request)?.id ?? '')
      expect(ids.filter((id) => !last.has(id))).toEqual(list.map(({ id }) => id))
    }
    expect(await again.stop()).toBe(0)
    await bot.close()
  }, 60_000)

  test('ends with 0 within the grace period though a webhook hangs, and delivers after the restart', async () => {
    // What a signal does to a process has nothing to do with the store.
    const start = isOnMongodb && !isSoak ? startServer : startProcess
    const server = await start({ folder, env: { ...SHORT_LEASE, SHUTDOWN_GRACE: '300ms' } })
    const bot = await startReceiver(() => undefined)
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    for (const text of ['0', '1', '2']) await client.say(conversationId, text)
    await bot.until((requests) => requests.length > 0)
    expect(await server.stop()).toBe(0)
    bot.answer = () => 200
    const before = bot.requests.length
    const again = await server.restart()
    const texts = () =>
      bot.requests.slice(before).flatMap((request) => messageOf(request)?.payload.text ?? [])
    await bot.until(() => texts().length >= 3)
    expect(texts()).toEqual(['0', '1', '2'])
    expect(await again.stop()).toBe(0)
    await bot.close()
  })

  test('for longer than its schedule gives what waited its attempts after the start', async () => {
    const env = { ...SHORT_LEASE, WEBHOOK_RETRY_DELAYS: '200ms,800ms,1s,1s,1s,1s' }
    const server = await startServer({ folder, env })
    const bot = await startReceiver(() => 503)
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await client.converse()
    await bot.until((requests) => requests.length > 0)
    for (const text of ['0', '1']) await client.say(conversationId, text)
    expect(await server.stop()).toBe(0)
    await sleep(5_200)
    const before = bot.requests.length
    const again = await server.restart()
    // The bot is up again a little later than the server.
    await bot.until((requests) => requests.length > before)
    bot.answer = () => 200
    const texts = () => bot.requests.flatMap((request) => messageOf(request)?.payload.text ?? [])
    await bot.until(() => texts().length >= 2)
    expect(texts()).toEqual(['0', '1'])
    expect((await client.call('GET', '/dead-letters')).json).toMatchObject({ deadLetters: [] })
    expect(await again.stop()).toBe(0)
    await bot.close()
  })

  test('answers a collect that waits, with what is there', async () => {
    const server = await startServer({ folder })
    const bot = await startReceiver()
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { conversationId, userId } = await client.converse()
    const body = { conversationId, authorId: userId, payload: { type: 'text', text: 'hi' }, timeout: 0 }
    const answer = client.call('POST', '/messages/collect', body)
    await bot.until(() => bot.ofType('message.new').length === 1)
    const incomingId = bot.ofType('message.new')[0]?.json.data.message?.id
    const reply = { conversationId, payload: { type: 'text', text: 'a reply' }, incomingId }
    await client.call('POST', '/messages', reply)
    const stopped = server.stop()
    const { status, json } = await answer
    expect(status).toBe(201)
    expect(json.responses).toMatchObject([{ payload: reply.payload }])
    expect(await stopped).toBe(0)
    await bot.close()
  })
})
