import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { call, createClient, type TestClient } from './support/api.js'
import {
  type CourierProvider,
  startCourierProvider,
  startWithCouriers,
  tellEvents,
} from './support/courier-channel.js'
import { type Receiver, startReceiver } from './support/receiver.js'
import { cleanUp, type TestServer } from './support/server.js'

let server: TestServer
let provider: CourierProvider
let bot: Receiver
let client: TestClient
let token: string
beforeAll(async () => {
  provider = await startCourierProvider()
  server = await startWithCouriers(provider.url, { MEDIA_MAX_SIZE: '100KiB', LOG_LEVEL: 'info' })
  bot = await startReceiver()
})
afterAll(async () => {
  await Promise.all([bot.close(), provider.close()])
  await cleanUp()
})
beforeEach(async () => {
  provider.answer = () => 200
  provider.calls.length = 0
  bot.requests.length = 0
  token = randomUUID()
  const config = { version: '1.0.0', token, account: randomUUID() }
  client = await createClient(server, {
    webhooks: [{ url: bot.url }],
    channels: {
      courier: config,
      ...Object.fromEntries(
        ['telegraph', 'postman'].map((name) => [name, { ...config, account: randomUUID() }]),
      ),
    },
  })
})

const tell = (channel: string, ...events: object[]) =>
  tellEvents(server, { client: client.id, channel, token }, ...events)
const write = (channel: string, text: string, key: string = randomUUID()) =>
  tell(channel, { type: 'message', dedupeKey: key, content: { type: 'text', text } })

interface Heard {
  authorId?: string
  conversationId: string
  id: string
  payload: { type: string }
}

/** Everything that people said, as the bot heard it. */
const said = () =>
  bot
    .ofType('message.new')
    .map(({ json }) => (json.data as { message: Heard }).message)
    .filter(({ authorId }) => authorId)
const heard = () => said().map(({ payload }) => payload)

/** Lets a person say hello; answers the conversation. */
async function converse(channel: string): Promise<string> {
  expect((await write(channel, 'hello')).status).toBe(200)
  await bot.until(() => heard().length === 1)
  bot.requests.splice(0, bot.requests.length, ...bot.ofType('message.new'))
  return bot.requests[0]?.json.data.conversationId as string
}

const post = (conversationId: string, payload: object) =>
  client.call('POST', '/messages', { conversationId, payload })

async function shown(path = '/send', count = 1) {
  await expect.poll(() => provider.to(path).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count)
  return provider.to(path)
}

describe('buttons', () => {
  const choices = [
    { title: 'Small', value: 'size-s' },
    { title: 'Large', value: 'size-l' },
  ]

  test('come back as what stands behind them, which never went out', async () => {
    const conversationId = await converse('courier')
    const actions = [
      { action: 'Say something', title: 'Say', text: 'said' },
      { action: 'Postback', title: 'Post', payload: 'posted' },
      { action: 'Open URL', title: 'Open', url: 'https://shop.example/' },
    ]
    const posted = [
      await post(conversationId, { type: 'card', title: 'Card', actions, choices: [] }),
      await post(conversationId, { type: 'single-choice', text: 'Size?', choices }),
    ]
    const [card, question] = (await shown('/send', 2)).map(({ body }) => body.content)
    expect(JSON.stringify([card, question])).not.toMatch(/size-|posted|"said"/)
    const tokens = [card.actions[0].text, card.actions[1].payload, question.choices[1].value]
    for (const each of tokens) expect(each).toMatch(/^[\w-]{40}$/)
    for (const each of tokens) {
      await tell('courier', { type: 'choice', dedupeKey: randomUUID(), token: each, label: 'label' })
    }
    await bot.until(() => heard().length === 4)
    const [shownCard, shownQuestion] = posted.map(({ json }) => ({ messageId: json.id }))
    expect(heard().slice(1)).toEqual([
      { type: 'say_something', text: 'said', ...shownCard },
      { type: 'postback', payload: 'posted', ...shownCard },
      { type: 'quick_reply', text: 'Large', payload: 'size-l', ...shownQuestion },
    ])
  })

  test('that a colleague presses in the same room answer there, as that person', async () => {
    const room = (sender: string) => ({ identity: '*', sender, thread: 'room-1' })
    const text = { type: 'text', text: 'hello' }
    await tell('courier', {
      ...{ type: 'message', dedupeKey: randomUUID() },
      ...{ content: text, endpoint: room('ada') },
    })
    await bot.until(() => heard().length === 1)
    const [hello] = said() as [Heard]
    await post(hello.conversationId, { type: 'single-choice', text: 'Approve?', choices })
    const value = (await shown())[0]?.body.content.choices[1].value
    const press = { type: 'choice', dedupeKey: randomUUID(), token: value, label: 'Large' }
    for (let i = 0; i < 2; i += 1) await tell('courier', { ...press, endpoint: room('bob') })
    const outside = { identity: '*', sender: 'eve', thread: 'room-2' }
    await tell('courier', { ...press, dedupeKey: randomUUID(), endpoint: outside })
    await bot.until(() => heard().length === 3)
    const [, approved, elsewhere] = said()
    expect(approved).toMatchObject({
      conversationId: hello.conversationId,
      payload: { type: 'quick_reply', text: 'Large', payload: 'size-l' },
    })
    expect(approved?.authorId).not.toBe(hello.authorId)
    const foreign = { type: 'quick_reply', text: 'Large', payload: value, foreign: true }
    expect(elsewhere?.payload).toEqual(foreign)
    expect(elsewhere?.conversationId).not.toBe(hello.conversationId)
    // Of ada and of eve: the press of a colleague makes no conversation.
    await expect.poll(() => bot.ofType('conversation.new').length).toBe(2)
    // What the colleague pressed is not sent back to the room.
    expect(provider.to('/send')).toHaveLength(1)
  })

  test('in a message to a person answer from wherever the provider shows it', async () => {
    const conversationId = await converse('courier')
    await post(conversationId, { type: 'single-choice', text: 'Size?', choices })
    const token = (await shown())[0]?.body.content.choices[0].value
    const endpoint = { identity: '*', sender: 'ada', thread: 'direct-1' }
    await tell('courier', { type: 'choice', dedupeKey: randomUUID(), token, label: 'Small', endpoint })
    await bot.until(() => heard().length === 2)
    expect(said()[1]).toMatchObject({
      conversationId,
      payload: { type: 'quick_reply', payload: 'size-s' },
    })
    expect(said()[1]?.authorId).toBe(said()[0]?.authorId)
  })

  const quickReply = (text: string, payload: string, more: object = {}) => ({
    ...{ type: 'quick_reply', text, payload },
    ...more,
  })

  test('that were numbered are answered by number or label, until the next question', async () => {
    const conversationId = await converse('telegraph')
    await write('telegraph', '1')
    const size = await post(conversationId, { type: 'single-choice', text: 'Size?', choices })
    expect((await shown())[0]?.body.content.text).toBe('Size?\n1. Small\n2. Large')
    await post(conversationId, { type: 'text', text: 'Take your time' })
    await write('telegraph', ' 2. ')
    await write('telegraph', 'SMALL')
    await write('telegraph', 'none of these')
    const town = await post(conversationId, {
      type: 'dropdown',
      message: 'Town?',
      options: [{ label: 'Bern', value: 'brn' }],
    })
    await write('telegraph', '2')
    await write('telegraph', '1')
    await bot.until(() => heard().length === 7)
    expect(heard().slice(1)).toEqual([
      { type: 'text', text: '1' },
      quickReply('Large', 'size-l', { messageId: size.json.id }),
      quickReply('Small', 'size-s', { messageId: size.json.id }),
      { type: 'text', text: 'none of these' },
      { type: 'text', text: '2' },
      quickReply('Bern', 'brn', { messageId: town.json.id }),
    ])
  })

  test('that are shown as buttons are not answered by number', async () => {
    const conversationId = await converse('courier')
    await post(conversationId, { type: 'single-choice', text: 'Size?', choices })
    await write('courier', '1')
    await bot.until(() => heard().length === 2)
    expect(heard()[1]).toEqual({ type: 'text', text: '1' })
  })
})

describe('files', () => {
  const file = { ref: 'file-1', mime: 'image/png', size: 5, name: 'Ein "Bild" ☃.png' }
  /** Answers what the bot hears of it; a message of an earlier test may arrive late. */
  const send = async (media: object = file) => {
    const dedupeKey = randomUUID()
    const title = `Look ${dedupeKey}`
    await tell('courier', { type: 'message', dedupeKey, content: { type: 'image', media, title } })
    const own = () => heard().find((payload) => 'title' in payload && payload.title === title)
    await bot.until(() => own() !== undefined)
    return own() as unknown as { type: string; url: string }
  }
  const answerWith = (status: number, headers: Record<string, string>, body: string | Buffer) => {
    provider.answer = ({ path }, response) => {
      if (!path.startsWith('/files/')) return 200
      response.writeHead(status, headers).end(body)
      return undefined
    }
  }

  test('have an address of ours, which streams them with the credentials on our side', async () => {
    answerWith(200, { 'content-type': 'image/png' }, 'bytes')
    const payload = await send()
    expect(payload).toEqual({
      type: 'image',
      url: expect.stringMatching(`^${server.url}/media/v1/[\\w.-]+$`),
      ...{ mime: 'image/png', size: 5, name: 'Ein "Bild" ☃.png', title: expect.stringMatching(/^Look /) },
    })
    expect(payload.url).not.toContain(token)
    const response = await fetch(payload.url)
    expect([response.status, await response.text()]).toEqual([200, 'bytes'])
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': `attachment; filename*=UTF-8''Ein%20%22Bild%22%20%E2%98%83.png`,
      'x-content-type-options': 'nosniff',
    })
    expect(provider.to('/files/file-1')[0]?.token).toBe(token)
    const head = await fetch(payload.url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([200, 'image/png', ''])
  })

  test('never come as what a browser would run', async () => {
    for (const type of ['text/html', 'image/svg+xml', 'text/html; charset=x', 'not a type']) {
      answerWith(200, { 'content-type': type }, '<script>')
      const response = await fetch((await send({ ...file, mime: 'text/html' })).url)
      expect(response.headers.get('content-type')).toBe('application/octet-stream')
      await response.text()
    }
  })

  test('are not found under an address that was changed, or when the message or the integration is gone', async () => {
    answerWith(200, { 'content-type': 'image/png' }, 'bytes')
    const { url } = await send()
    const status = async (address: string) => (await fetch(address)).status
    const at = url.length - 20
    const forged = url.slice(0, at) + (url[at] === 'A' ? 'B' : 'A') + url.slice(at + 1)
    for (const address of [forged, `${server.url}/media/v1/`, `${server.url}/media/v1/v1.AAAA`, `${url}/x`])
      expect(await status(address)).toBe(404)
    expect(await status(url)).toBe(200)
    const own = bot.ofType('message.new').find(({ json }) => json.data.message?.payload.url === url)
    await client.call('DELETE', `/messages/${own?.json.data.message?.id}`)
    expect(await status(url)).toBe(404)
    bot.requests.length = 0
    const second = (await send()).url
    expect(await status(second)).toBe(200)
    await client.call('POST', '/sync', { channels: {}, webhooks: [{ url: bot.url }] })
    expect(await status(second)).toBe(404)
    expect(provider.calls.filter(({ path }) => path.startsWith('/files/'))).toHaveLength(2)
  })

  test('that are too large are refused, or broken off where that was not known', async () => {
    answerWith(200, { 'content-type': 'image/png', 'x-size': '200000' }, Buffer.alloc(200_000))
    expect((await fetch((await send()).url)).status).toBe(413)
    answerWith(200, { 'content-type': 'image/png' }, Buffer.alloc(200_000))
    const response = await fetch((await send()).url)
    await expect(response.arrayBuffer()).rejects.toThrow()
  })

  test('that the provider does not give are not found, with the reason, or to be asked for again', async () => {
    const { url } = await send()
    answerWith(404, {}, 'gone')
    const gone = await fetch(url)
    expect(gone.status).toBe(404)
    expect(await gone.text()).toMatch(/^the provider does not return the file: ./)
    expect(await (await fetch(`${server.url}/media/v1/v1.AAAA`)).text()).toBe('Not Found')
    answerWith(500, {}, 'later')
    const { status, headers } = await fetch(url)
    expect([status, headers.has('retry-after')]).toEqual([503, true])
  })

  test('are let go at the provider when who reads them goes away', async () => {
    let ended = false
    provider.answer = ({ path }, response) => {
      if (!path.startsWith('/files/')) return 200
      response.writeHead(200, { 'content-type': 'image/png' }).write('first')
      response.on('close', () => (ended = true))
      return undefined
    }
    const controller = new AbortController()
    const response = await fetch((await send()).url, { signal: controller.signal })
    await response.body?.getReader().read()
    expect(ended).toBe(false)
    controller.abort()
    await expect.poll(() => ended, { timeout: 10_000 }).toBe(true)
  })
})

describe('provider events other than messages', () => {
  test('reach the bot as activity, with the message they refer to', async () => {
    const conversationId = await converse('courier')
    await write('courier', 'first', 'provider-key')
    await bot.until(() => heard().length === 2)
    const messageId = bot.ofType('message.new').at(-1)?.json.data.message?.id
    const about = { messageKey: 'provider-key' }
    const { id } = (await post(conversationId, { type: 'text', text: 'hi' })).json
    const deliveryId = (await shown())[0]?.body.deliveryId
    const failure = { kind: 'recipient', message: 'the number is wrong' }
    await tell(
      'courier',
      { type: 'edited', dedupeKey: 'e', ...about, content: { type: 'text', text: 'changed' } },
      { type: 'reaction', dedupeKey: 'r', ...about, emoji: '👍', isRemoved: false },
      { type: 'deleted', dedupeKey: 'd', ...about },
      { type: 'deleted', dedupeKey: 'd2', messageKey: 'unknown' },
      { type: 'delivery', dedupeKey: 's', deliveryId, status: 'failed', failure },
      { type: 'blocked', dedupeKey: 'b' },
      { type: 'blocked', dedupeKey: 'b' },
    )
    await bot.until(() => bot.ofType('conversation.activity').length >= 6)
    const events = bot.ofType('conversation.activity').map(({ json }) => json.data)
    for (const event of events) expect(event).toMatchObject({ conversationId, channel: 'courier' })
    expect(events.map(({ activity }) => activity)).toEqual([
      { type: 'edited', messageId, payload: { type: 'text', text: 'changed' } },
      { type: 'reaction', messageId, emoji: '👍', removed: false },
      { type: 'deleted', messageId },
      { type: 'deleted' },
      { type: 'delivery', messageId: id, status: 'failed', failure },
      { type: 'blocked' },
    ])
    expect((await client.call('GET', `/messages/conversation/${conversationId}`)).json ?? []).toHaveLength(3)
    const health = (await client.call('GET', '/health')).json.channels.courier
    expect(health.lastFailure).toMatchObject(failure)
  })

  test('that say later that a delivery failed make it failed, with the reason, until it is replayed', async () => {
    const conversationId = await converse('courier')
    const { id } = (await post(conversationId, { type: 'text', text: 'hi' })).json
    const deliveryId = (await shown())[0]?.body.deliveryId
    const failure = { kind: 'recipient', message: 'the number is wrong', code: '30003' }
    // The provider chose another number of the business.
    const endpoint = { identity: 'other-number', sender: 'ada', thread: '*' }
    const failed = { type: 'delivery', dedupeKey: 'f', endpoint, deliveryId, status: 'failed', failure }
    await tell('courier', failed)
    const courierOf = async () => {
      const { deliveries } = (await client.call('GET', `/messages/${id}/deliveries`)).json
      return deliveries.find(({ target }: { target: { type: string } }) => target.type === 'endpoint')
    }
    expect(await courierOf()).toMatchObject({ state: 'failed', error: failure.message, code: '30003' })
    expect(server.output()).toContain('"reason":"undelivered"')
    const { deadLetters } = (await client.call('GET', '/dead-letters')).json
    expect(deadLetters).toMatchObject([
      { messageId: id, reason: 'undelivered', error: failure.message, code: '30003' },
    ])
    await bot.until(() => bot.ofType('conversation.activity').length === 1)
    expect(bot.ofType('conversation.activity')[0]?.json.data).toMatchObject({
      conversationId,
      activity: { type: 'delivery', messageId: id, status: 'failed', failure },
    })
    expect(bot.ofType('conversation.new')).toHaveLength(0)

    await client.call('POST', `/dead-letters/${deadLetters[0].id}/replay`)
    await shown('/send', 2)
    await expect.poll(async () => (await courierOf()).state).toBe('delivered')
    await tell('courier', failed)
    expect(await courierOf()).toMatchObject({ state: 'delivered' })
  })

  describe('that say later that the content was refused', () => {
    const image = 'https://files.example/blue.png'
    const failure = { kind: 'invalid', message: 'the file is too large' }
    const refusalOf = (deliveryId: string, dedupeKey: string) => ({
      ...{ type: 'delivery', dedupeKey, deliveryId, status: 'failed', failure, isContentRefused: true },
    })
    const contents = async (count: number) => (await shown('/send', count)).map(({ body }) => body.content)
    const stateOf = async (id: string) => {
      const { deliveries } = (await client.call('GET', `/messages/${id}/deliveries`)).json
      return deliveries.find(({ target }: { target: { type: string } }) => target.type === 'endpoint')
    }

    test('send the second form once, after what was sent', async () => {
      const conversationId = await converse('courier')
      const { id } = (await post(conversationId, { type: 'image', image })).json
      await post(conversationId, { type: 'text', text: 'next' })
      await contents(2)
      const [first] = provider.to('/send')
      const refusal = refusalOf(first?.body.deliveryId, 'refused')
      await Promise.all([tell('courier', refusal), tell('courier', refusal)])
      await tell('courier', refusal, refusal)
      await post(conversationId, { type: 'text', text: 'the end' })
      expect(await contents(4)).toEqual([
        { type: 'image', image },
        { type: 'text', text: 'next' },
        { type: 'text', text: image },
        { type: 'text', text: 'the end' },
      ])
      expect(await stateOf(id)).toMatchObject({ state: 'delivered' })
      expect((await client.call('GET', '/dead-letters')).json.deadLetters).toEqual([])
      expect((await client.call('GET', '/health')).json.channels.courier.lastFailure).toMatchObject(failure)
      expect((await client.call('GET', `/messages/conversation/${conversationId}`)).json).toHaveLength(4)
    })

    test('make the message failed when its second form fails too, at once or later', async () => {
      const conversationId = await converse('courier')
      const atOnce = (await post(conversationId, { type: 'image', image })).json.id
      await contents(1)
      provider.answer = () => 404
      await tell('courier', refusalOf(provider.to('/send')[0]?.body.deliveryId, 'refused-1'))
      await expect.poll(async () => (await stateOf(atOnce)).state).toBe('dead')
      provider.answer = () => 200
      const later = (await post(conversationId, { type: 'image', image })).json.id
      await contents(3)
      await tell('courier', refusalOf(provider.to('/send')[2]?.body.deliveryId, 'refused-2'))
      await contents(4)
      await tell('courier', refusalOf(provider.to('/send')[3]?.body.deliveryId, 'refused-3'))
      await expect.poll(() => stateOf(later)).toMatchObject({ state: 'failed', error: failure.message })
      expect(provider.to('/send')).toHaveLength(4)
      const { deadLetters } = (await client.call('GET', '/dead-letters')).json
      expect(deadLetters.map(({ messageId }: { messageId: string }) => messageId)).toEqual([later, atOnce])
      expect(deadLetters.map(({ event }: { event: string }) => event)).toEqual(['message.new', 'message.new'])
      await bot.until(() => bot.ofType('conversation.activity').length === 1)
    })

    test('make a message failed that has no second form, or was deleted', async () => {
      const conversationId = await converse('courier')
      const { id } = (await post(conversationId, { type: 'text', text: 'words' })).json
      await contents(1)
      await tell('courier', refusalOf(provider.to('/send')[0]?.body.deliveryId, 'refused'))
      expect(await stateOf(id)).toMatchObject({ state: 'failed', error: failure.message })
      const deleted = (await post(conversationId, { type: 'image', image })).json.id
      await contents(2)
      expect((await client.call('DELETE', `/messages/${deleted}`)).status).toBe(204)
      await tell('courier', refusalOf(provider.to('/send')[1]?.body.deliveryId, 'refused-too'))
      await post(conversationId, { type: 'text', text: 'the end' })
      expect((await contents(3)).at(-1)).toEqual({ type: 'text', text: 'the end' })
      // Each refusal, and the deletion.
      const activities = () =>
        bot.ofType('conversation.activity').map(({ json }) => typeOf(json.data.activity))
      await expect.poll(activities).toEqual(['delivery', 'removed', 'delivery'])
    })
  })

  test('that say so again count once', async () => {
    const conversationId = await converse('courier')
    await post(conversationId, { type: 'text', text: 'hi' })
    const deliveryId = (await shown())[0]?.body.deliveryId
    const failure = { kind: 'ambiguous', message: 'no reason' }
    const failed = { type: 'delivery', dedupeKey: 'f', deliveryId, status: 'failed', failure }
    for (let i = 0; i < 3; i += 1) await tell('courier', failed)
    expect((await client.call('GET', '/health')).json.channels.courier).toMatchObject({
      ...{ lastFailure: failure, consecutiveFailures: 1 },
    })
    await bot.until(() => bot.ofType('conversation.activity').length === 1)
  })

  test('may name a message by the id of the provider', async () => {
    const conversationId = await converse('postman')
    const { id } = (await post(conversationId, { type: 'text', text: 'hi' })).json
    await shown()
    const refersTo = `m${provider.calls.findIndex(({ path }) => path === '/send') + 1}`
    const deliveryOf = async () =>
      (await client.call('GET', `/messages/${id}/deliveries`)).json.deliveries.find(
        ({ target }: { target: { type: string } }) => target.type === 'endpoint',
      )
    await expect.poll(deliveryOf).toMatchObject({ state: 'delivered' })
    const failure = { kind: 'recipient', message: 'moved' }
    const stranger = { identity: '*', sender: 'stranger', thread: '*' }
    await tell(
      'postman',
      { type: 'delivery', dedupeKey: 'd', refersTo, status: 'delivered' },
      { type: 'delivery', dedupeKey: 'u', refersTo: 'of another program', status: 'delivered' },
      { type: 'delivery', dedupeKey: 's', refersTo, status: 'delivered', endpoint: stranger },
      { type: 'delivery', dedupeKey: 'f', refersTo, status: 'failed', failure },
    )
    await expect.poll(deliveryOf).toMatchObject({ state: 'failed' })
    const activities = () => bot.ofType('conversation.activity').map(({ json }) => json.data.activity)
    await expect.poll(activities).toEqual([
      { type: 'delivery', messageId: id, status: 'delivered' },
      { type: 'delivery', messageId: id, status: 'failed', failure },
    ])
  })

  test('open no conversation with a person who has said nothing', async () => {
    const endpoint = { identity: '*', sender: 'lurker', thread: 'room' }
    const about = { messageKey: 'unknown', endpoint }
    await tell(
      'courier',
      { type: 'reaction', dedupeKey: randomUUID(), ...about, emoji: '👍', isRemoved: false },
      { type: 'edited', dedupeKey: randomUUID(), ...about, content: { type: 'text', text: 'changed' } },
      { type: 'deleted', dedupeKey: randomUUID(), ...about },
      { type: 'delivery', dedupeKey: randomUUID(), endpoint, deliveryId: 'x', status: 'read' },
      { type: 'blocked', dedupeKey: randomUUID(), endpoint },
    )
    const content = { type: 'text', text: 'hello' }
    await tell('courier', { type: 'message', dedupeKey: randomUUID(), content, endpoint })
    await tell('courier', { type: 'blocked', dedupeKey: randomUUID(), endpoint })
    await bot.until(() => bot.ofType('conversation.activity').length > 0)
    const told = ['conversation.new', 'message.new', 'conversation.activity']
    expect(bot.requests.map(({ json }) => json.type).filter((type) => told.includes(type))).toEqual(told)
  })

  test('of a person becomes data of the user', async () => {
    const verified = ['phone', 'email']
    const person = { name: 'Zoë 👋', locale: 'de-CH', email: '', phone: '+41791234567', verified }
    await tell('courier', {
      type: 'started',
      dedupeKey: 'start',
      payload: 'campaign-7',
      person,
      endpoint: { identity: '*', sender: 'zoe', thread: '*' },
    })
    // They belong to different streams, whose relative order is undefined.
    await bot.until(() => ['conversation.started', 'user.new'].every((type) => bot.ofType(type).length === 1))
    const [started] = bot.ofType('conversation.started')
    expect(started?.json.data).toMatchObject({ payload: 'campaign-7', channel: 'courier' })
    const [user] = bot.ofType('user.new')
    const data = { name: 'Zoë 👋', locale: 'de-CH', phone: '+41791234567', verified: 'phone' }
    expect(user?.json.data.userData).toEqual(data)
    expect((await client.call('GET', `/users/${user?.json.data.userId}`)).json.data).toEqual(data)
  })
})

test('an address that has expired is not found', async () => {
  const short = await startWithCouriers(provider.url, { MEDIA_LINK_TTL: '5s' })
  const config = { version: '1.0.0', token, account: randomUUID() }
  const other = await createClient(short, { webhooks: [{ url: bot.url }], channels: { courier: config } })
  await tellEvents(
    short,
    { client: other.id, token },
    {
      type: 'message',
      dedupeKey: '1',
      content: { type: 'image', media: { ref: 'file-1' } },
    },
  )
  await bot.until(() => heard().length > 0)
  const { url } = heard().at(-1) as unknown as { url: string }
  expect((await fetch(url)).status).toBe(200)
  await expect.poll(async () => (await fetch(url)).status, { timeout: 20_000 }).toBe(404)
  expect((await call(short, 'GET', '/healthz')).status).toBe(200)
})

describe('a payload of the bot that a channel cannot show', () => {
  test.each([
    ['image', { type: 'image' }, '"body.payload.image" is required'],
    ['choices', { type: 'text', text: 'Q', choices: 'A, B' }, '"body.payload.choices" must be a list'],
    ['type', { type: 'carusel', items: [] }, '"body.payload.type" must be one of text, image'],
    ['type', {}, '"body.payload.type" is required'],
  ])('is rejected at the post, which names the %s', async (_, payload, reason) => {
    const conversationId = await converse('telegraph')
    const { status, text } = await post(conversationId, payload)
    expect([status, text]).toEqual([400, expect.stringContaining(reason)])
    const { json } = await client.call('GET', `/messages/conversation/${conversationId}`)
    expect(json).toHaveLength(1)
  })

  test('is accepted where only readers get it that take any payload', async () => {
    const { conversationId } = await client.converse()
    expect((await post(conversationId, { type: 'acme:form' })).status).toBe(201)
    await bot.until(() =>
      bot.ofType('message.new').some(({ json }) => json.data.message?.payload.type === 'acme:form'),
    )
  })

  test('is accepted from a person', async () => {
    const conversationId = await converse('telegraph')
    const userId = bot.requests[0]?.json.data.userId
    const payload = { type: 'postback', payload: 'p' }
    const { status } = await client.call('POST', '/messages', { conversationId, authorId: userId, payload })
    expect(status).toBe(201)
    await bot.until(() => heard().length === 2)
  })
})

test('what the bot left empty, and numbers, arrive with the rest; a bad button costs only itself', async () => {
  const conversationId = await converse('telegraph')
  const actions = [
    { action: 'Postback', title: 'Buy', payload: 42 },
    null,
    { action: 'Call', title: 'Call us' },
  ]
  expect(
    (await post(conversationId, { type: 'card', title: 'Shoe', image: null, subtitle: '', actions })).status,
  ).toBe(201)
  const [card] = await shown()
  expect(card?.body.content.text).toBe('Shoe\nCall us\n1. Buy')
  await write('telegraph', '1')
  await bot.until(() => heard().length === 2)
  expect(heard()[1]).toMatchObject({ type: 'postback', payload: '42' })
  expect(server.output()).toContain('buttons or cards of a message say nothing and were left out')
})

const typeOf = (activity: unknown): unknown => Object(activity).type
