import { createClient, type PlugboardClient, sync } from '@plugboard/client'
import { fromUuid } from '@plugboard/core'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { call } from './support/api.js'
import {
  type CourierProvider,
  startCourierProvider,
  startProcessWithCouriers,
  tellEvents,
} from './support/courier-channel.js'
import { newSecret } from './support/person.js'
import { type Receiver, startReceiver } from './support/receiver.js'
import { cleanUp, type TestServerProcess } from './support/server.js'
import { basic, newKey } from './support/sunshine.js'

const PATIENT = { timeout: 20_000, interval: 20 }
const TOKEN = 'token-of-the-clerk'

let provider: CourierProvider
let server: TestServerProcess
let bot: Receiver
let plugboard: PlugboardClient
let clientId: string
let people = 0
let conversationId: string

beforeAll(async () => {
  provider = await startCourierProvider()
  server = await startProcessWithCouriers(provider.url, {
    // As many attempts as a slow machine needs.
    CHANNEL_RETRY_DELAYS: Array(100).fill('300ms').join(','),
  })
  bot = await startReceiver()
  const channel = { version: '1.0.0', token: TOKEN }
  const channels = { clerk: { ...channel, account: 'a' }, courier: { ...channel, account: 'b' } }
  const client = await sync(server.url, { channels, webhooks: [{ url: bot.url }] })
  clientId = client.id
  plugboard = createClient({ url: server.url, clientId, clientToken: client.token })
})
beforeEach(async () => {
  provider.answer = () => 200
  conversationId = await converse()
  start = provider.shown().length
})
afterAll(async () => {
  await provider.close()
  await cleanUp()
})

async function converse(channel = 'clerk'): Promise<string> {
  people += 1
  const endpoint = { identity: '*', sender: `person ${people}`, thread: '*' }
  return (await plugboard.endpoints.map({ channel: { name: channel, version: '1.0.0' }, ...endpoint }))
    .conversationId
}

let start = 0
/** What the person of this test sees. */
const shown = () => provider.shown().slice(start)
const text = (value: string) => ({ type: 'text', text: value }) as const
const post = (value: string) => plugboard.messages.post({ conversationId, payload: text(value) })
const delivery = async (id: string) =>
  (await plugboard.messages.deliveries(id)).find(({ target }) => target.type === 'endpoint')
const changesOf = async (id: string) =>
  (await delivery(id))?.changes?.map(({ type, state }) => `${type} ${state}`)

/** Fails the calls to a path until the returned function is called. */
function failing(path: string, status = 503): () => void {
  provider.answer = (call) => (call.path === path ? status : 200)
  return () => {
    provider.answer = () => 200
  }
}

test('an edit changes the parts that differ, adds and removes parts, and sends nothing twice', async () => {
  const { id } = await post('one one one one one two two two two two.')
  await expect.poll(shown, PATIENT).toEqual(['one one one one one', 'two two two two two.'])
  const edited = await plugboard.messages.edit(id, text('one one one one one six six six six six.'))
  expect(edited).toMatchObject({ id, payload: text('one one one one one six six six six six.') })
  await expect.poll(shown, PATIENT).toEqual(['one one one one one', 'six six six six six.'])
  await expect.poll(() => changesOf(id), PATIENT).toEqual(['edited delivered'])
  await plugboard.messages.edit(id, text('just one'))
  await expect.poll(shown, PATIENT).toEqual(['just one'])
  await plugboard.messages.edit(id, text('just one'))
  await plugboard.messages.edit(id, text('one one one one one two two two two two.'))
  await expect.poll(shown, PATIENT).toEqual(['one one one one one', 'two two two two two.'])
  await expect.poll(() => changesOf(id), PATIENT).toEqual(['edited delivered'])
  const edits = provider.to('/edit').map(({ body }) => body.content.text)
  expect(edits).toEqual(['six six six six six.', 'just one', 'one one one one one'])
  await bot.until(() => bot.ofType('conversation.activity').length >= 4)
  for (const { json } of bot.ofType('conversation.activity'))
    expect(json.data).toMatchObject({ activity: { type: 'edited', messageId: id } })
})

test('an edit that overtakes the retries of its message is what people see, and all that they see', async () => {
  const work = failing('/send')
  const sent = () => provider.to('/send').filter(({ body }) => body.content.text === 'the old')
  const { id } = await post('the old')
  await expect.poll(() => sent().length, PATIENT).toBeGreaterThan(0)
  await plugboard.messages.edit(id, text('the newer'))
  await plugboard.messages.edit(id, text('the newest'))
  const next = await post('and more')
  work()
  await expect.poll(shown, PATIENT).toEqual(['the newest', 'and more'])
  await expect.poll(async () => (await delivery(next.id))?.state, PATIENT).toBe('delivered')
  await expect.poll(() => changesOf(id), PATIENT).toEqual(['edited delivered'])
  expect(provider.to('/edit').filter(({ body }) => /newe/.test(body.content.text))).toEqual([])
})

test('a deleted message is removed; one that waits is never seen; what comes after it arrives', async () => {
  const { id } = await post('to be removed')
  await expect.poll(shown, PATIENT).toEqual(['to be removed'])
  await expect.poll(async () => (await delivery(id))?.state, PATIENT).toBe('delivered')
  await plugboard.messages.delete(id)
  await expect.poll(shown, PATIENT).toEqual([])
  await expect.poll(() => changesOf(id), PATIENT).toEqual(['removed delivered'])
  expect((await delivery(id))?.state).toBe('delivered')
  await expect(plugboard.messages.get(id)).rejects.toMatchObject({ status: 404 })
  await bot.until(() =>
    bot.requests.some(({ json }) => JSON.stringify(json).includes(`"removed","messageId":"${id}"`)),
  )

  const work = failing('/send')
  const waiting = await post('never seen')
  await expect.poll(async () => (await delivery(waiting.id))?.state, PATIENT).toBe('retrying')
  await plugboard.messages.delete(waiting.id)
  await post('seen')
  work()
  await expect.poll(shown, PATIENT).toEqual(['seen'])
  expect(await delivery(waiting.id)).toMatchObject({ state: 'cancelled' })
  expect((await delivery(waiting.id))?.changes).toBe(undefined)
})

test('a message that was sent in part is removed as far as it was sent', async () => {
  provider.answer = ({ path, body }) => (path === '/send' && /^two/.test(body.content.text) ? 503 : 200)
  const { id } = await post('one one one one one two two two two two.')
  await expect.poll(async () => (await delivery(id))?.state, PATIENT).toBe('retrying')
  expect(shown()).toEqual(['one one one one one'])
  await plugboard.messages.delete(id)
  await expect.poll(shown, PATIENT).toEqual([])
})

test('a change that fails is tried again, in the order of the conversation, and then a dead letter', async () => {
  const { id } = await post('before')
  await expect.poll(shown, PATIENT).toEqual(['before'])
  const work = failing('/edit')
  await plugboard.messages.edit(id, text('after'))
  await post('the next')
  await expect.poll(() => changesOf(id), PATIENT).toEqual(['edited retrying'])
  expect(shown()).toEqual(['before'])
  work()
  await expect.poll(shown, PATIENT).toEqual(['after', 'the next'])

  const refuse = failing('/edit', 404)
  await plugboard.messages.edit(id, text('refused'))
  await expect.poll(() => changesOf(id), PATIENT).toEqual(['edited dead'])
  refuse()
  const letters = await plugboard.deadLetters.list()
  const letter = letters.find(({ messageId }) => messageId === id)
  expect(letter).toMatchObject({ change: 'edited', reason: 'invalid' })
  await plugboard.deadLetters.replay(letter?.id ?? '')
  await expect.poll(shown, PATIENT).toEqual(['refused', 'the next'])
})

test('a channel that cannot change what it sent says so in the deliveries', async () => {
  conversationId = await converse('courier')
  const { id } = await post('as it is')
  await expect.poll(async () => (await delivery(id))?.state, PATIENT).toBe('delivered')
  await plugboard.messages.edit(id, text('as it was'))
  expect(await changesOf(id)).toEqual(['edited unsupported'])
  await plugboard.messages.delete(id)
  expect(await changesOf(id)).toEqual(['removed unsupported'])
  expect(shown()).toEqual(['as it is'])
})

test('a message to which the provider gave no id stays as it is, and the deliveries say why', async () => {
  provider.answer = ({ path }, response) => {
    if (path === '/send') response.writeHead(200).end('{}')
    return path === '/send' ? undefined : 200
  }
  const [{ id }, other] = [await post('without an id'), await post('to be removed')]
  await expect.poll(async () => (await delivery(other.id))?.state, PATIENT).toBe('delivered')
  await plugboard.messages.edit(id, text('edited'))
  await expect.poll(() => changesOf(id), PATIENT).toEqual(['edited dead'])
  expect((await delivery(id))?.changes?.[0]?.error).toMatch(/no id/)
  await plugboard.messages.delete(other.id)
  await expect.poll(() => changesOf(other.id), PATIENT).toEqual(['removed dead'])
  const letter = (await plugboard.deadLetters.list()).find(({ messageId }) => messageId === other.id)
  await plugboard.deadLetters.replay(letter?.id ?? '')
  await expect.poll(async () => (await plugboard.deadLetters.list()).length, PATIENT).toBe(2)
  expect(await changesOf(other.id)).toEqual(['removed dead'])
})

test('the deletion of all messages leaves what people see', async () => {
  await post('first')
  await post('second')
  await expect.poll(shown, PATIENT).toEqual(['first', 'second'])
  await plugboard.messages.deleteByConversation(conversationId)
  await post('third')
  await expect.poll(shown, PATIENT).toEqual(['first', 'second', 'third'])
  expect(provider.to('/remove').length).toBeLessThan(10)
})

test('receipts up to a time are statuses of the messages, once', async () => {
  const sender = `person ${people}`
  const [first, second] = [await post('one'), await post('two')]
  await expect.poll(async () => (await delivery(second.id))?.state, PATIENT).toBe('delivered')
  const about = { endpoint: { identity: '*', sender, thread: '*' }, type: 'watermark', until: second.sentOn }
  const told = { client: clientId, channel: 'clerk', token: TOKEN }
  for (const [i, status] of ['delivered', 'delivered', 'read'].entries())
    expect((await tellEvents(server, told, { ...about, dedupeKey: `${sender} ${i}`, status })).status).toBe(
      200,
    )
  const statuses = () =>
    bot.requests.flatMap(({ json }) => {
      const { activity } = json.data as { activity?: { type: string; messageId: string; status: string } }
      const isOurs = activity?.type === 'delivery' && [first.id, second.id].includes(activity.messageId)
      return isOurs ? [[activity.messageId, activity.status]] : []
    })
  const both = (status: string) => [first, second].map(({ id }) => [id, status])
  await vi.waitFor(() => expect(statuses()).toEqual([...both('delivered'), ...both('read')]), PATIENT)
})

test('when the business reads a conversation, its people see it in the channels that show it, and nobody waits', async () => {
  const key = await newKey(server, { app: fromUuid(clientId) ?? '' })
  const read = async (id: string) => {
    const path = `/v2/apps/${key.appId}/conversations/${fromUuid(id)}/activity`
    const body = { author: { type: 'business' }, type: 'conversation:read' }
    return (await call(server, 'POST', path, { body, headers: { authorization: basic(key) } })).status
  }
  const reads = () => provider.to('/read').map(({ token, body }) => [token, body.endpoint.sender])
  const seen = `person ${people}`
  provider.answer = ({ path }) => (path === '/read' ? 503 : 200)
  expect(await read(conversationId)).toBe(200)
  await expect.poll(reads, PATIENT).toEqual([[TOKEN, seen]])
  // A channel without read marks.
  expect(await read(await converse('courier'))).toBe(200)
  provider.answer = () => 200
  expect(await read(conversationId)).toBe(200)
  await expect.poll(reads, PATIENT).toEqual([
    [TOKEN, seen],
    [TOKEN, seen],
  ])
})

test('the webhook channel sends changes to a receiver that is configured for them, and to no other', async () => {
  const secret = newSecret()
  const [able, plain] = [await startReceiver(), await startReceiver()]
  const of = (receiver: Receiver) => receiver.requests.map(({ json }) => json as unknown as Changed)
  const client = await sync(server.url, {
    channels: {
      webhook: { version: '1.0.0', url: able.url, secret, changes: true },
      plain: { channel: 'webhook', version: '1.0.0', url: plain.url, secret },
    },
  })
  const bot = createClient({ url: server.url, clientId: client.id, clientToken: client.token })
  const endpoint = { identity: '*', sender: 'ada', thread: '*' }
  const [first, second] = await Promise.all(
    ['webhook', 'plain'].map(async (integration) => {
      const channel = { name: 'webhook', version: '1.0.0' }
      const { conversationId } = await bot.endpoints.map({ channel, integration, ...endpoint })
      return bot.messages.post({ conversationId, payload: text('before') })
    }),
  )
  await expect.poll(() => [of(able).length, of(plain).length], PATIENT).toEqual([1, 1])
  const messageId = of(able)[0]?.id
  for (const { id } of [first, second].filter((message) => message !== undefined)) {
    await bot.messages.edit(id, text('after'))
    await bot.messages.delete(id)
  }
  await expect.poll(() => of(able).length, PATIENT).toBe(3)
  expect(of(able).slice(1)).toEqual([
    { type: 'edited', id: expect.any(String), messageId, ...endpoint, payload: text('after') },
    { type: 'removed', id: expect.any(String), messageId, ...endpoint },
  ])
  expect(new Set(able.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(3)
  const states = async (id = '') =>
    (await bot.messages.deliveries(id)).flatMap(({ changes = [] }) => changes.map(({ state }) => state))
  await expect.poll(() => states(first?.id), PATIENT).toEqual(['delivered'])
  expect(await states(second?.id)).toEqual(['unsupported'])
  expect(of(plain)).toHaveLength(1)

  const { conversationId } = await bot.endpoints.map({
    ...{ channel: { name: 'webhook', version: '1.0.0' }, integration: 'plain' },
    ...{ ...endpoint, sender: 'bob' },
  })
  const early = await bot.messages.post({ conversationId, payload: text('before it was configured') })
  await expect.poll(() => of(plain).length, PATIENT).toBe(2)
  const now = { channel: 'webhook', version: '1.0.0', url: plain.url, secret, changes: true }
  await bot.sync({ channels: { plain: now } })
  await bot.messages.edit(early.id, text('after it was configured'))
  const late = await bot.messages.post({ conversationId, payload: text('later') })
  await expect.poll(() => of(plain).length, PATIENT).toBe(3)
  expect([of(plain).at(-1)?.type, await states(early.id)]).toEqual(['message', ['unsupported']])
  await bot.messages.edit(late.id, text('later and edited'))
  await expect.poll(() => of(plain).at(-1)?.type, PATIENT).toBe('edited')
  await Promise.all([able.close(), plain.close()])
})

/** A body of the webhook channel. */
interface Changed {
  type: string
  id: string
}

test('changes outlive kill -9: the newest content is shown, and what was removed is gone', async () => {
  const kept = await post('kept one kept one 1 kept two kept two 2')
  const gone = await post('to be removed')
  await expect.poll(() => shown().length, PATIENT).toBe(3)
  const work = failing('/edit')
  provider.answer = ({ path }) => (path === '/edit' || path === '/remove' ? 503 : 200)
  await plugboard.messages.edit(kept.id, text('some one some one 1 some two some two 2'))
  await plugboard.messages.delete(gone.id)
  await expect.poll(() => changesOf(kept.id), PATIENT).toEqual(['edited retrying'])
  await server.kill()
  server = await server.relaunch()
  await plugboard.messages.edit(kept.id, text('last one last one 1 last two last two 2'))
  // Killed again after the first of two parts has changed.
  provider.answer = ({ path, body }) => (path === '/edit' && /two/.test(body.content.text) ? 503 : 200)
  await expect.poll(() => shown()[0], PATIENT).toBe('last one last one 1')
  // What has changed is stored with the failure of the next part.
  const isSecond = ({ body }: { body: { content: { text: string } } }) =>
    body.content.text.startsWith('last two')
  await expect.poll(() => provider.to('/edit').filter(isSecond).length, PATIENT).toBeGreaterThan(1)
  await server.kill()
  work()
  await server.restart()
  await expect.poll(shown, PATIENT).toEqual(['last one last one 1', 'last two last two 2'])
  const edits = provider
    .to('/edit')
    .filter(({ body, isAccepted }) => isAccepted && body.content.text === 'last one last one 1')
  expect(edits).toHaveLength(1)
})
