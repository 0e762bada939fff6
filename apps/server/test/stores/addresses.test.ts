import { fromUuid } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient, type TestClient } from '../support/api.js'
import {
  type CourierProvider,
  heardOnce,
  speech,
  startCourierProvider,
  startWithCouriers,
} from '../support/courier-channel.js'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, type TestServer } from '../support/server.js'
import { newKey, officialClient } from '../support/sunshine.js'

const PHONE = '+1555'
const both = [{ sender: 'US.1' }, { sender: PHONE, isReassignable: true }]

describe('a person with a telephone number and an id', () => {
  let server: TestServer
  let provider: CourierProvider
  let bot: Receiver
  let client: TestClient
  let say: ReturnType<typeof speech>
  beforeAll(async () => {
    provider = await startCourierProvider()
    bot = await startReceiver()
    server = await startWithCouriers(provider.url)
    client = await createClient(server, {
      channels: { courier: { version: '1.0.0', enabled: true, token: 'courier', account: 'a' } },
      webhooks: [{ url: bot.url }],
    })
    say = speech(server, client, bot)
  })
  afterAll(async () => {
    await provider.close()
    await bot.close()
    await cleanUp()
  })

  test('becomes one user, whose merged id works in every API', async () => {
    const key = await newKey(server, { app: fromUuid(client.id) as string })
    const sunshine = officialClient(server, key)
    const hook = await startReceiver()
    await sunshine.createIntegration({
      ...{ type: 'custom', status: 'active', displayName: 'bot' },
      webhooks: [{ target: hook.url, triggers: ['user:merge'] }],
    })
    const older = await say('US.1')
    const younger = await say(PHONE)
    expect(younger.userId).not.toBe(older.userId)
    expect(await say('US.1', both)).toEqual(older)
    expect(await say(PHONE)).toEqual(older)
    const merged = () => heardOnce(bot).filter(({ type }) => type === 'user.merged')
    await bot.until(() => merged().length === 1)
    expect(merged()[0]?.data).toEqual({ userId: older.userId, mergedUserId: younger.userId })

    expect((await client.call('GET', `/users/${younger.userId}`)).json.id).toBe(older.userId)
    const listed = (await client.call('GET', `/conversations/user/${younger.userId}`)).json
    expect(listed.map(({ id }: { id: string }) => id).sort()).toEqual(
      [older.conversationId, younger.conversationId].sort(),
    )
    const payload = { type: 'text', text: 'as the merged one' }
    const { conversationId } = younger
    const posted = await client.call('POST', '/messages', {
      conversationId,
      authorId: younger.userId,
      payload,
    })
    expect([posted.status, posted.json.authorId]).toEqual([201, older.userId])

    const ids = [older, younger].map(({ userId }) => fromUuid(userId) as string)
    const [surviving = '', discarded = ''] = ids
    expect((await sunshine.getUser(discarded)).user.id).toBe(surviving)
    const { conversations } = await sunshine.listConversations({ userId: discarded })
    expect(conversations).toHaveLength(2)
    await hook.until(() => hook.requests.length > 0)
    expect(
      heardOnce(hook).flatMap((json) => (json as unknown as { events: unknown[] }).events),
    ).toMatchObject([
      {
        type: 'user:merge',
        payload: {
          mergedUsers: { surviving: { id: surviving }, discarded: { id: discarded } },
          reason: 'channelLinking',
        },
      },
    ])
    await hook.close()
  })

  test('is the user of what waits for the bot when it becomes one', async () => {
    const [phone, id] = ['+1888', 'US.8']
    const older = await say(id)
    const younger = await say(phone)
    let goOn = (_: number): void => undefined
    const held = new Promise<number>((resolve) => {
      goOn = resolve
    })
    bot.answer = ({ json }) => (json.data.conversationId === younger.conversationId ? held : 200)
    await say(phone)
    // It waits behind the one that the bot is busy with.
    const waiting = say(phone)
    expect(await say(id, [{ sender: id }, { sender: phone, isReassignable: true }])).toEqual(older)
    goOn(200)
    expect(await waiting).toEqual({ ...younger, userId: older.userId })
  })

  test('is one user in the end, in whatever order and however many events arrive at once', async () => {
    const people = ['2', '3', '4'].map((n) => ({ phone: `+1777${n}`, id: `US.${n}` }))
    const told = people.flatMap(({ phone, id }) => {
      const aliases = [{ sender: id }, { sender: phone, isReassignable: true }]
      const kinds = [[phone], [id], [id, aliases], [phone, aliases]] as const
      return kinds.flatMap((kind) => [kind, kind])
    })
    const inAnyOrder = told.map((kind) => ({ kind, at: Math.random() })).sort((a, b) => a.at - b.at)
    await Promise.all(inAnyOrder.map(({ kind: [sender, aliases] }) => say(sender, aliases as object)))
    for (const { phone, id } of people) {
      const last = await say(id, [{ sender: phone, isReassignable: true }])
      for (const sender of [phone, id]) expect(await say(sender)).toEqual(last)
      const { json } = await client.call('GET', `/conversations/user/${last.userId}`)
      const lists = (json as { id: string }[]).map(async (conversation) => {
        const listed = await client.call('GET', `/messages/conversation/${conversation.id}?limit=50`)
        return listed.json as unknown[]
      })
      expect((await Promise.all(lists)).flat()).toHaveLength(11)
    }
  })

  test('gets replies where the person wrote last', async () => {
    const { conversationId } = await say(PHONE, [...both])
    await say('US.1')
    await client.call('POST', '/messages', { conversationId, payload: { type: 'text', text: 'reply' } })
    await expect.poll(() => provider.to('/send').at(-1)?.body).toMatchObject({ endpoint: { sender: 'US.1' } })
  })
})
