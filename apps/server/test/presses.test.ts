import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createClient, type TestClient } from './support/api.js'
import {
  type CourierProvider,
  startCourierProvider,
  startWithCouriers,
  tellEvents,
} from './support/courier-channel.js'
import { type Receiver, startReceiver } from './support/receiver.js'
import { cleanUp, type TestServer } from './support/server.js'

const PATIENT = { timeout: 20_000 }
const choices = [
  { title: 'Small', value: 'size-s' },
  { title: 'Large', value: 'size-l' },
]

let server: TestServer
let provider: CourierProvider
beforeAll(async () => {
  provider = await startCourierProvider()
  server = await startWithCouriers(provider.url)
})
afterAll(async () => {
  await provider.close()
  await cleanUp()
})

let bot: Receiver
let client: TestClient
let token: string
beforeEach(async () => {
  provider.calls.length = 0
  bot = await startReceiver()
  token = randomUUID()
  const config = { version: '1.0.0', token, account: randomUUID() }
  const channels = { courier: config, postman: { ...config, account: randomUUID() } }
  client = await createClient(server, { webhooks: [{ url: bot.url }], channels })
})

interface Heard {
  authorId?: string
  conversationId: string
  id: string
  payload: { type: string }
}

/** Everything that people said, as the bot heard it. After a crash, it may hear something again. */
const said = () =>
  bot
    .ofType('message.new')
    .map(({ json }) => (json.data as { message: Heard }).message)
    .filter(({ authorId, id }, i, all) => authorId && all.findIndex((other) => other.id === id) === i)

async function hears(count: number): Promise<Heard[]> {
  await bot.until(() => said().length >= count, PATIENT.timeout)
  expect(said()).toHaveLength(count)
  return said()
}

async function tell(event: object): Promise<void> {
  const of = { client: client.id, channel: 'courier', token }
  expect((await tellEvents(server, of, { dedupeKey: randomUUID(), ...event })).status).toBe(200)
}

const at = (sender: string, thread = '*') => ({ endpoint: { identity: '*', sender, thread } })
const press = (token: string, label?: string, more: object = {}) =>
  tell({ type: 'choice', token, ...(label && { label }), ...more })

/** The person of an endpoint writes. */
async function converse(endpoint: object = {}): Promise<Heard> {
  await tell({ type: 'message', content: { type: 'text', text: 'hello' }, ...endpoint })
  const [hello] = await hears(1)
  if (!hello) throw new Error('nothing was said')
  return hello
}

/** The bot asks; returns the message and the value of its last button at the provider. */
async function ask(conversationId: string): Promise<{ id: string; token: string }> {
  const before = provider.to('/send').length
  const payload = { type: 'single-choice', text: 'Size?', choices }
  const { json } = await client.call('POST', '/messages', { conversationId, payload })
  await expect.poll(() => provider.to('/send').length, PATIENT).toBe(before + 1)
  return { id: json.id, token: provider.to('/send')[before]?.body.content.choices[1].value }
}

const quickReply = (text: string, payload: string, more: object = {}) => ({
  ...{ type: 'quick_reply', text, payload },
  ...more,
})
const foreign = { foreign: true }

describe('a press', () => {
  test('of a colleague in the room is that person’s, in the conversation of the message, also after a restart', async () => {
    const { conversationId, authorId } = await converse(at('ada', 'room-1'))
    const { id, token } = await ask(conversationId)
    await server.stop()
    await server.restart()
    await press(token, 'Large', at('bob', 'room-1'))
    const [, pressed] = await hears(2)
    expect(pressed).toMatchObject({
      conversationId,
      payload: quickReply('Large', 'size-l', { messageId: id }),
    })
    expect(pressed?.payload).not.toHaveProperty('foreign')
    expect(pressed?.authorId).not.toBe(authorId)
  })

  test('with any value that is not the bot’s own arrives with it, marked, from whoever pressed', async () => {
    const hello = await converse()
    const { token } = await ask(hello.conversationId)
    const sha1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709'
    const forged = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
    await press('confirm_1', 'Confirm', { refersTo: 'wamid.1' })
    await press(sha1, 'Commit')
    await press('{"__proto__":1}', 'Odd')
    await press(forged, 'Forged')
    await press(token, 'Stolen', at('eve'))
    await press('unlabelled', undefined, at('mallory', 'elsewhere'))
    const [, ...presses] = await hears(7)
    expect(presses.map(({ payload }) => payload)).toEqual(
      expect.arrayContaining([
        quickReply('Confirm', 'confirm_1', { ...foreign, replyTo: 'wamid.1' }),
        quickReply('Commit', sha1, foreign),
        quickReply('Odd', '{"__proto__":1}', foreign),
        quickReply('Forged', forged, foreign),
        quickReply('Stolen', token, foreign),
        quickReply('unlabelled', 'unlabelled', foreign),
      ]),
    )
    const own = presses.filter(({ authorId }) => authorId === hello.authorId)
    expect(own.map(({ conversationId }) => conversationId)).toEqual(Array(4).fill(hello.conversationId))
    const others = presses.filter(({ authorId }) => authorId !== hello.authorId)
    expect(new Set(others.map(({ conversationId }) => conversationId)).size).toBe(2)
    for (const other of others) expect(other.conversationId).not.toBe(hello.conversationId)
  })

  test('under a message that was deleted, or whose conversation was, arrives with what the person saw', async () => {
    const { conversationId, authorId } = await converse()
    const [deleted, orphan] = [await ask(conversationId), await ask(conversationId)]
    await client.call('DELETE', `/messages/${deleted.id}`)
    await press(deleted.token, 'Large')
    await press(deleted.token)
    const of = { messageId: deleted.id, ...foreign }
    expect((await hears(3)).slice(1)).toMatchObject([
      { conversationId, payload: quickReply('Large', 'Large', of) },
      { conversationId, payload: quickReply(deleted.token, deleted.token, of) },
    ])
    await client.call('DELETE', `/conversations/${conversationId}`)
    await press(orphan.token, 'Large')
    const last = (await hears(4)).at(-1)
    expect(last?.payload).toEqual(quickReply('Large', 'Large', foreign))
    expect(last?.authorId).toBe(authorId)
    expect(last?.conversationId).not.toBe(conversationId)
  })

  test('of a button of the provider’s own names the message that it is under, if the bot sent that', async () => {
    const postman = (event: object) =>
      tellEvents(
        server,
        { client: client.id, channel: 'postman', token },
        { dedupeKey: randomUUID(), ...event },
      )
    await postman({ type: 'message', content: { type: 'text', text: 'hello' } })
    const [hello] = await hears(1)
    const payload = { type: 'template', name: 'confirm', language: 'en' }
    const { conversationId } = hello ?? {}
    const { json } = await client.call('POST', '/messages', { conversationId, payload })
    await expect.poll(() => provider.to('/send').length, PATIENT).toBe(1)
    await vi.waitFor(async () => {
      const { deliveries } = (await client.call('GET', `/messages/${json.id}/deliveries`)).json
      expect(deliveries).toMatchObject([{}, {}].map(() => ({ state: 'delivered' })))
    }, PATIENT)
    const refersTo = `m${provider.calls.findIndex(({ path }) => path === '/send') + 1}`
    await postman({ type: 'choice', token: 'confirm_1', label: 'Confirm', refersTo })
    const [, pressed] = await hears(2)
    expect(pressed?.payload).toEqual(quickReply('Confirm', 'confirm_1', { ...foreign, messageId: json.id }))
  })

  test('that is repeated by the provider is one message', async () => {
    const { conversationId } = await converse()
    const { token } = await ask(conversationId)
    const again = { dedupeKey: randomUUID() }
    for (let i = 0; i < 3; i += 1) await press(token, 'Large', again)
    const foreignAgain = { dedupeKey: randomUUID() }
    for (let i = 0; i < 3; i += 1) await press('confirm_1', 'Confirm', foreignAgain)
    await tell({ type: 'message', content: { type: 'text', text: 'that was it' } })
    const texts = (await hears(4)).map(({ payload }) => Object(payload).text)
    expect(texts).toEqual(['hello', 'Large', 'Confirm', 'that was it'])
  })
})
