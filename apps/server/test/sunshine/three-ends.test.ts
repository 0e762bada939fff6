import { fromUuid, toUuid } from '@plugboard/core'
import { afterAll, expect, test } from 'vitest'
import { createClient } from '../support/api.js'
import { newSecret, tell, webhookChannel } from '../support/person.js'
import { startReceiver } from '../support/receiver.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { newKey, officialClient } from '../support/sunshine.js'

const EACH = 30

const server = sharedServer()

afterAll(cleanUp)

test('a reply that a program posts for a person has its value at the bot too', async () => {
  const client = await createClient(server)
  const api = officialClient(server, await newKey(server, { app: fromUuid(client.id) ?? '' }))
  const { user } = await api.createUser({})
  const { conversation } = await api.createConversation({
    ...{ type: 'personal', participants: [{ userId: user.id }] },
  })
  const content = { type: 'text', text: 'Large', payload: 'size-l' }
  await api.postMessage(conversation.id, { author: { type: 'user', userId: user.id }, content })
  await api.postMessage(conversation.id, { author: { type: 'business' }, content })
  const { json } = await client.call('GET', `/messages/conversation/${toUuid(conversation.id)}`)
  expect(json.map(({ payload }: { payload: object }) => payload)).toEqual([
    content,
    { ...content, type: 'quick_reply' },
  ])
  const { messages } = await api.listMessages(conversation.id)
  expect(messages.map((message: { content: object }) => message.content)).toMatchObject([content, content])
})

test('a conversation over three channels has the same messages in the same order on each', async () => {
  const [bot, person] = [await startReceiver(), await startReceiver()]
  const secret = newSecret()
  const client = await createClient(server, {
    channels: webhookChannel(person.url, secret),
    webhooks: [{ url: bot.url }],
  })
  const api = officialClient(server, await newKey(server, { app: fromUuid(client.id) ?? '' }))
  const write = (text: string) =>
    tell(server, { client: client.id, secret }, { sender: 'ann', payload: { type: 'text', text } })

  expect((await write('first')).status).toBeLessThan(300)
  await bot.until(() => bot.ofType('message.new').length > 0)
  const [heard] = bot.ofType('message.new')
  const { conversationId = '', userId = '' } = (heard?.json.data ?? {}) as Record<string, string>
  const [id, author] = [fromUuid(conversationId), { type: 'user', userId: fromUuid(userId) }]
  const post = (text: string, by: object = { type: 'business' }) =>
    api.postMessage(id, { author: by, content: { type: 'text', text } })

  const ends = [
    (i: number) => write(`person ${i}`),
    (i: number) => client.say(conversationId, `bot ${i}`),
    (i: number) => post(`desk ${i}`),
    (i: number) => post(`app ${i}`, author),
  ]
  await Promise.all(
    ends.map(async (say) => {
      for (let i = 0; i < EACH; i += 1) await say(i)
    }),
  )

  const count = 1 + ends.length * EACH
  const messaging = (await client.call('GET', `/messages/conversation/${conversationId}?limit=500`)).json
  const inMessaging = messaging.map(({ payload }: { payload: { text: string } }) => payload.text).reverse()
  expect(inMessaging).toHaveLength(count)

  const newest = await api.listMessages(id)
  const older = await api.listMessages(id, { page: { before: newest.meta.beforeCursor } })
  const inSunshine = [...older.messages, ...newest.messages]
  expect(inSunshine.map(({ content }) => content.text)).toEqual(inMessaging)
  expect(inSunshine.map((message) => message.id)).toEqual(
    messaging.map((message: { id: string }) => fromUuid(message.id)).reverse(),
  )

  await bot.until(() => bot.ofType('message.new').length === count, 30_000)
  const atBot = bot.ofType('message.new').map(({ json }) => json.data.message?.payload.text)
  expect(atBot).toEqual(inMessaging)

  const toPerson = inMessaging.filter((text: string) => !/^(first|person)/.test(text))
  await person.until(() => person.requests.length === toPerson.length, 30_000)
  const atPerson = person.requests.map(
    ({ json }) => (json as unknown as { payload: { text: string } }).payload.text,
  )
  expect(atPerson).toEqual(toPerson)
})
