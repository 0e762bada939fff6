import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callOf, refusal } from '../../../../packages/channel-telegram/test/fake-telegram.js'
import { createTenant, EXTERNAL_URL, seed, startHub, type Tenant } from '../support/channel-stage.js'
import { type Provider, startProvider } from '../support/providers/provider.js'
import { telegram } from '../support/providers/telegram.js'
import { cleanUp, type TestServer } from '../support/server.js'
import { inboundBehaviour } from './inbound.js'
import { outboundBehaviour } from './outbound.js'

inboundBehaviour(telegram)
outboundBehaviour(telegram)

describe('a bot of Telegram', () => {
  let provider: Provider
  let server: TestServer
  beforeAll(async () => {
    provider = await startProvider(telegram)
    server = await startHub([provider])
  })
  afterAll(async () => {
    await provider.close()
    await cleanUp()
  })

  const callsOf = (token: string | undefined, wanted: string) =>
    provider.calls.flatMap((call) => {
      const { token: by, method, args } = callOf(call) ?? {}
      return by === token && method === wanted && args ? [args] : []
    })

  test('gets the webhook URL and a secret, and loses them when the integration is deleted', async () => {
    const { credentials, path, sync, bot, health } = await createTenant(server, provider)
    const { botToken } = credentials
    expect(callsOf(botToken, 'setWebhook')).toEqual([
      {
        url: EXTERNAL_URL + path,
        secret_token: expect.stringMatching(/^[\w-]{32,256}$/),
        allowed_updates: expect.arrayContaining(['message', 'callback_query', 'message_reaction']),
      },
    ])
    expect(await health()).toMatchObject({ configured: true, webhookUrl: EXTERNAL_URL + path })
    expect((await health()).setup).toBe(undefined)
    await sync()
    expect(callsOf(botToken, 'setWebhook')).toHaveLength(1)
    await sync(null)
    await expect.poll(() => callsOf(botToken, 'deleteWebhook').length).toBe(1)
    await bot.close()
  })

  test('that gets another token calls with the secret of that one, and the old one is taken back', async () => {
    const tenant = await createTenant(server, provider)
    const next = telegram.credentials()
    expect((await tenant.sync(next)).status).toBe(200)
    await expect.poll(() => callsOf(next.botToken, 'setWebhook').length).toBe(1)
    await expect.poll(() => callsOf(tenant.credentials.botToken, 'deleteWebhook').length).toBe(1)
    const told = telegram.write(1, 'hi', 'abcdef')
    expect((await tenant.tell(told)).status).toBe(401)
    expect((await tenant.tell(told, { as: next })).status).toBe(200)
    await tenant.bot.close()
  })

  test('stays in the conversations of a group that becomes a supergroup', async () => {
    const bots = await startProvider(telegram)
    const [old, next] = [-4001, -1009998887776]
    bots.answerInstead = (_, call) =>
      String(callOf(call)?.args?.chat_id) === `${old}` && callOf(call)?.method === 'sendMessage'
        ? refusal(400, 'Bad Request: group chat was upgraded to a supergroup chat', {
            migrate_to_chat_id: next,
          })
        : undefined
    const hub = await startHub([bots])
    const tenant = await createTenant(hub, bots)
    let count = 0
    const tell = async (sender: number, chat: number, content: object) => {
      count += 1
      const message = {
        ...{ message_id: count, date: 1_796_040_000, chat: { id: chat, type: 'group', title: 'Team' } },
        ...{ from: { id: sender, is_bot: false, first_name: `Ada ${sender}` }, ...content },
      }
      const body = JSON.stringify({ update_id: count, message })
      const { status } = await tenant.tell({ headers: { 'content-type': 'application/json' }, body })
      expect(status).toBe(200)
    }
    const conversationOf = async (text: string): Promise<unknown> => {
      const found = () =>
        tenant.bot.requests.find(({ json }) => json.data.message?.payload.text === text)?.json.data
      await tenant.bot.until(() => found() !== undefined)
      return found()?.conversationId
    }
    const reply = (conversationId: unknown, text: string) =>
      tenant.client.call('POST', '/messages', { conversationId, payload: { type: 'text', text } })
    const sent = () =>
      bots.calls.flatMap((call) => {
        const { method, args = {} } = callOf(call) ?? {}
        return method === 'sendMessage' ? [`${args.text} ${args.chat_id}`] : []
      })
    for (const [sender, text] of [
      [501, 'one'],
      [502, 'two'],
      [503, 'three'],
    ] as const)
      await tell(sender, old, { text })
    const [one, two, three] = [
      await conversationOf('one'),
      await conversationOf('two'),
      await conversationOf('three'),
    ]
    // Telegram says it at first where a message is refused.
    const { id } = (await reply(one, 'a')).json
    await expect.poll(async () => (await tenant.delivery(id)).state).toBe('delivered')
    expect(sent()).toEqual([`a ${old}`, `a ${next}`])
    await reply(one, 'b')
    await reply(two, 'c')
    await expect.poll(() => sent().slice(2).sort()).toEqual([`b ${next}`, `c ${next}`])
    // Then both groups say it again.
    await tell(501, old, { migrate_to_chat_id: next })
    await tell(501, next, { migrate_from_chat_id: old })
    for (const [sender, text] of [
      [501, 'one again'],
      [502, 'two again'],
      [503, 'three again'],
    ] as const)
      await tell(sender, next, { text })
    expect(await conversationOf('one again')).toBe(one)
    expect(await conversationOf('two again')).toBe(two)
    expect(await conversationOf('three again')).toBe(three)
    expect(sent()).toHaveLength(4)
    await tenant.bot.close()
    await bots.close()
  })

  test('gets no file from inside when Telegram refuses its address', async () => {
    const visits: string[] = []
    const inside = createServer(({ url }, response) => {
      visits.push(String(url))
      response.end('secret')
    })
    await once(inside.listen(0, '0.0.0.0'), 'listening')
    const bots = await startProvider(telegram)
    bots.answerInstead = (_, call) =>
      callOf(call)?.method === 'sendPhoto'
        ? refusal(400, 'Bad Request: wrong file identifier/HTTP URL specified')
        : undefined
    // All of loopback is closed behind EXTERNAL_URL, and open here where the stand-in for Telegram is.
    const hub = await startHub([bots], { ALLOW_PRIVATE_TARGETS: '127.0.0.1' })
    const tenant = await createTenant(hub, bots)
    const image = `http://127.0.0.2:${(inside.address() as AddressInfo).port}/latest/meta-data`
    await tenant.say(1, { type: 'image', image })
    await expect.poll(() => tenant.shownTo(1).map(({ text }) => text), { timeout: 10_000 }).toEqual([image])
    expect(visits).toEqual([])
    await Promise.all([hub.stop(), bots.close(), tenant.bot.close()])
    inside.close()
  })

  describe('in a group with topics', () => {
    const group = { id: -1002003004005, title: 'Team', type: 'supergroup', is_forum: true }
    const person = (id: number, first_name: string) => ({ id, is_bot: false, first_name })
    const [ada, bob] = [person(501, 'Ada'), person(502, 'Bob')]
    let tenant: Tenant
    let lastId = 0
    beforeAll(async () => {
      tenant = await createTenant(server, provider)
    })
    afterAll(() => tenant.bot.close())

    const tell = (update: object) => {
      lastId += 1
      const headers = { 'content-type': 'application/json' }
      return tenant.tell({ headers, body: JSON.stringify({ update_id: lastId, ...update }) })
    }
    const message = (from: object, content: object) => {
      const at = { date: 1_796_040_000, chat: group, message_thread_id: 42, is_topic_message: true }
      return { message_id: lastId + 100, from, ...at, ...content }
    }
    /** The conversations of what people said, in the order of `heard`. */
    const conversations = () =>
      tenant.bot
        .ofType('message.new')
        .flatMap(({ json: { data } }) =>
          data.message && 'authorId' in data.message ? [String(data.conversationId)] : [],
        )

    test('gets the button that a colleague presses, in the conversation of its message', async () => {
      await tell({ message: message(ada, { text: 'May I?' }) })
      await tenant.hears(1)
      const [conversationId] = conversations()
      const question = { type: 'card', title: 'Approve?', actions: [] as object[] }
      question.actions.push({ action: 'Postback', title: 'Approve', payload: 'approve:42' })
      const posted = await tenant.client.call('POST', '/messages', { conversationId, payload: question })
      const sent = () => callsOf(tenant.credentials.botToken, 'sendMessage')
      await expect.poll(() => sent().length, { timeout: 10_000 }).toBe(1)
      const { reply_markup } = sent()[0] as {
        reply_markup: { inline_keyboard: { callback_data: string }[][] }
      }
      const data = reply_markup.inline_keyboard[0]?.[0]?.callback_data
      const shown = { ...message(person(7, 'Plug'), { text: 'Approve?' }), reply_markup }
      await tell({ callback_query: { id: '9', from: bob, data, message: shown } })
      const [asked, pressed] = await tenant.hears(2)
      expect(pressed?.payload).toEqual({ type: 'postback', payload: 'approve:42', messageId: posted.json.id })
      expect(conversations()).toEqual([conversationId, conversationId])
      expect(pressed?.authorId).not.toBe(asked?.authorId)
      await expect.poll(() => tenant.bot.ofType('user.new').length).toBe(2)
    })

    test('gets what people write, and neither service messages nor copies of posts, nor a conversation from them', async () => {
      const before = tenant.heard().length
      const eve = person(503, 'Eve')
      for (const content of [
        { new_chat_participant: eve, new_chat_member: eve, new_chat_members: [eve] },
        { new_chat_title: 'Team 2' },
        { forum_topic_created: { name: 'Orders', icon_color: 1 } },
        {
          text: 'News',
          is_automatic_forward: true,
          sender_chat: { id: -1007, title: 'News', type: 'channel' },
        },
      ])
        expect((await tell({ message: message(eve, content) })).status).toBe(200)
      const blocks = [{ type: 'paragraph', text: ['Read ', { type: 'bold', text: 'this' }] }]
      const external_reply = { origin: { type: 'hidden_user', date: 1_796_039_000, sender_user_name: 'Zoe' } }
      const quote = { text: 'the rules', position: 4 }
      await tell({ message: message(ada, { rich_message: { blocks }, external_reply, quote }) })
      const heard = (await tenant.hears(before + 1)).slice(before)
      expect(heard.map(({ payload }) => payload)).toEqual([
        {
          type: 'text',
          text: 'Read this',
          quote: 'the rules',
          externalReply: { name: 'Zoe', at: '2026-11-30T11:43:20.000Z' },
        },
      ])
      expect(tenant.bot.ofType('user.new')).toHaveLength(2)
    })

    test('answers in the chat when the topic is gone', async () => {
      const conversationId = conversations().at(-1)
      provider.answerInstead = (_, call) =>
        callOf(call)?.args.message_thread_id === undefined
          ? undefined
          : refusal(400, 'Bad Request: message thread not found')
      const payload = { type: 'text', text: 'Still here' }
      const { json } = await tenant.client.call('POST', '/messages', { conversationId, payload })
      await expect
        .poll(() => tenant.delivery(json.id), { timeout: 10_000 })
        .toMatchObject({ state: 'delivered' })
      provider.answerInstead = () => undefined
      expect(callsOf(tenant.credentials.botToken, 'sendMessage').at(-1)).toEqual({
        chat_id: String(group.id),
        text: 'Still here',
      })
    })

    test('hears why a file is not there', async () => {
      const before = tenant.heard().length
      const document = { file_id: 'too-large', file_unique_id: 'u', file_size: 30_000_000 }
      await tell({ message: message(ada, { document }) })
      const [heard] = (await tenant.hears(before + 1)).slice(before)
      provider.answerInstead = (_, call) =>
        callOf(call)?.method === 'getFile' ? refusal(400, 'Bad Request: file is too big') : undefined
      const file = await fetch(String(heard?.payload.url).replace(EXTERNAL_URL, server.url))
      provider.answerInstead = () => undefined
      expect(file.status).toBe(404)
      expect(await file.text()).toContain('larger than 20 MB')
    })
  })

  test('belongs to one client, until that one gives it up', async () => {
    const first = await createTenant(server, provider)
    const channels = { telegram: { version: '1.0.0', ...first.credentials } }
    const { status, text } = await seed(server, { channels })
    expect([status, text]).toEqual([409, expect.stringContaining('channels.telegram')])
    expect(text).not.toContain(first.credentials.botToken)
    expect(callsOf(first.credentials.botToken, 'setWebhook')).toHaveLength(1)
    await first.sync(null)
    expect((await seed(server, { channels })).status).toBe(200)
    await expect.poll(() => callsOf(first.credentials.botToken, 'setWebhook').length).toBe(2)
    await first.bot.close()
  })
})
