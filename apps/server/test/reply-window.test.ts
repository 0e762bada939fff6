import { randomUUID } from 'node:crypto'
import { fromUuid } from '@plugboard/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { startProgram } from './sunshine/program.js'
import { createClient, type TestClient } from './support/api.js'
import {
  type CourierProvider,
  startCourierProvider,
  startWithCouriers,
  tellEvents,
} from './support/courier-channel.js'
import { cleanUp, type TestServer } from './support/server.js'
import { newKey, officialClient } from './support/sunshine.js'

const PATIENT = { timeout: 20_000 }
const HOUR_MS = 3_600_000

let server: TestServer
let provider: CourierProvider
beforeAll(async () => {
  provider = await startCourierProvider()
  // Long enough for a slow store, since the sum of the delays is a deadline.
  server = await startWithCouriers(provider.url, { CHANNEL_RETRY_DELAYS: '50ms,50ms,20s' })
})
afterAll(async () => {
  await provider.close()
  await cleanUp()
})

let client: TestClient
let token: string
beforeEach(async () => {
  provider.answer = () => 200
  provider.calls.length = 0
  token = randomUUID()
  const config = () => ({ version: '1.0.0', token, account: randomUUID() })
  const channels = { postman: config(), telegraph: config(), courier: config() }
  client = await createClient(server, { channels })
})

/** A person writes, so many hours ago. */
async function write(hoursAgo: number, more: object = {}, channel = 'postman'): Promise<void> {
  const at = new Date(Date.now() - hoursAgo * HOUR_MS)
  const content = { type: 'text', text: 'hello' }
  const event = { type: 'message', dedupeKey: randomUUID(), at, content, ...more }
  const { status } = await tellEvents(server, { client: client.id, channel, token }, event)
  expect(status).toBe(200)
}

async function conversation(channel = 'postman'): Promise<string> {
  const endpoint = { channel: { name: channel, version: '1.0.0' }, identity: '*', sender: 'ada', thread: '*' }
  return (await client.call('POST', '/endpoints/map', endpoint)).json.conversationId
}

async function post(payload: object, channel = 'postman'): Promise<string> {
  const conversationId = await conversation(channel)
  const { status, json } = await client.call('POST', '/messages', { conversationId, payload })
  expect(status).toBe(201)
  return json.id
}

const say = (text: string) => post({ type: 'text', text })
const template = { type: 'template', name: 'order_sent', language: 'en_US', parameters: ['7'] }

async function delivery(messageId: string) {
  const { deliveries } = (await client.call('GET', `/messages/${messageId}/deliveries`)).json
  return deliveries.find(({ target }: { target: { type: string } }) => target.type === 'endpoint')
}
const becomes = (messageId: string, state: string) =>
  vi.waitFor(async () => expect(await delivery(messageId)).toMatchObject({ state }), PATIENT)
/** Calls that show something to a person. */
const visible = () => provider.calls.filter(({ path }) => path === '/send' || path === '/batch')
const shown = () => visible().flatMap(({ body }) => body.contents ?? [body.content])

describe('more than a day after the last message of a person', () => {
  test('a reply is dead at once and says why, a template is sent, and the next message opens the window', async () => {
    await write(25)
    const late = await say('too late')
    await becomes(late, 'dead')
    const error = expect.stringMatching(
      /^the reply window closed at \S+Z, 24 hours after .*; only templates that the post has approved may be sent/,
    )
    const letters = async () => (await client.call('GET', '/dead-letters')).json.deadLetters
    expect(await letters()).toMatchObject([
      { messageId: late, reason: 'window-closed', attempts: 1, error, target: { type: 'endpoint' } },
    ])
    expect(await delivery(late)).toMatchObject({ state: 'dead', attempts: 1, error })
    await becomes(await post(template), 'delivered')
    expect(shown()).toEqual([template])

    const [letter] = await letters()
    await client.call('POST', `/dead-letters/${letter.id}/replay`, {})
    await vi.waitFor(
      async () => expect(await letters()).toMatchObject([{ reason: 'window-closed' }]),
      PATIENT,
    )
    await write(0)
    const again = (await letters())[0]
    await client.call('POST', `/dead-letters/${again.id}/replay`, {})
    await becomes(late, 'delivered')
    expect(shown()).toEqual([template, { type: 'text', text: 'too late' }])
    expect(await letters()).toEqual([])
    // Its health is that of an integration that works.
    const postman = async () => (await client.call('GET', '/health')).json.channels.postman
    const works = { consecutiveFailures: 0, lastFailure: { kind: 'window' } }
    await expect.poll(postman).toMatchObject(works)
  })

  test('programs of the Sunshine API are notified, too', async () => {
    const appId = fromUuid(client.id)
    const api = officialClient(server, await newKey(server, { app: String(appId) }))
    const program = await startProgram(api, ['conversation:message:delivery:failure'])
    await write(25)
    await say('too late')
    const { type, payload } = await program.event()
    expect(type).toBe('conversation:message:delivery:failure')
    expect(payload).toMatchObject({
      isFinalEvent: true,
      error: { code: 'window-closed', message: expect.stringContaining('the reply window closed at') },
    })
    await program.receiver.close()
  })

  test('an older event that arrives late, or again, neither opens nor closes it', async () => {
    await write(1)
    await write(30)
    await becomes(await say('still open'), 'delivered')
  })

  test('who has never written, or wrote before the server counted, gets what the provider takes', async () => {
    await becomes(await say('hello'), 'delivered')
  })
})

describe('a template', () => {
  test('is shown as its text by a channel without templates, and refused without one', async () => {
    const words = { ...template, text: 'Your **order** is on its way', markdown: true }
    await post(words, 'telegraph')
    await expect.poll(shown, PATIENT).toEqual([{ type: 'text', text: words.text, markdown: true }])
    const conversationId = await conversation('telegraph')
    const refused = await client.call('POST', '/messages', { conversationId, payload: template })
    expect([refused.status, refused.text]).toEqual([
      400,
      expect.stringContaining('"body.payload.text" is required, because the channel shows no templates'),
    ])
  })

  test('without a name is refused by every channel', async () => {
    const conversationId = await conversation()
    const { status, text } = await client.call('POST', '/messages', {
      conversationId,
      payload: { ...template, name: '' },
    })
    expect([status, text]).toEqual([400, expect.stringContaining('"body.payload.name" is required')])
  })

  test('of the Sunshine API is the same template, with its components', async () => {
    const api = officialClient(server, await newKey(server, { app: String(fromUuid(client.id)) }))
    await write(25)
    const known = {
      name: 'order_sent',
      language: { policy: 'deterministic', code: 'en_US' },
      components: [
        { type: 'header', parameters: [{ type: 'text', text: 'Hi' }] },
        { type: 'body', parameters: [{ type: 'text', text: '7' }] },
      ],
    }
    const conversationId = fromUuid(await conversation())
    const content = { type: 'template', template: known }
    const author = { type: 'business' }
    const posted = await api.postMessage(conversationId, { author, content, schema: 'whatsapp' })
    expect(posted.messages[0].content).toEqual(content)
    await expect.poll(shown, PATIENT).toEqual([{ ...template, template: known }])
  })
})

describe('the context of an event', () => {
  const contexts = () => provider.to('/send').map(({ body }) => body.context?.value)

  test('is there for later deliveries, the newest one, also after a restart', async () => {
    await write(2, { context: { token: 'a' } })
    const newer = { context: { token: 'b' }, dedupeKey: randomUUID() }
    await write(1, newer)
    await becomes(await say('one'), 'delivered')
    await write(3, { context: { token: 'older' } })
    await write(1, newer)
    await becomes(await say('two'), 'delivered')
    await server.stop()
    await server.restart()
    await becomes(await say('three'), 'delivered')
    await write(0, { context: { token: 'c' } })
    await becomes(await say('four'), 'delivered')
    const tokens = ['b', 'b', 'b', 'c'].map((token) => ({ token }))
    expect(contexts()).toEqual(tokens)
  })

  test('is no part of what clients get, and goes with its conversation', async () => {
    await write(0, { context: { token: 'very-secret' } })
    const conversationId = await conversation()
    const lists = [`/messages/conversation/${conversationId}`, `/endpoints/conversation/${conversationId}`]
    for (const path of lists) expect((await client.call('GET', path)).text).not.toContain('very-secret')
    await client.call('DELETE', `/conversations/${conversationId}`)
    await becomes(await say('anew'), 'delivered')
    expect(contexts()).toEqual([undefined])
  })

  test('is ignored of a channel that does not declare it', async () => {
    await write(0, { context: { token: 'a' } }, 'courier')
    await becomes(await post({ type: 'text', text: 'hello' }, 'courier'), 'delivered')
    expect(contexts()).toEqual([undefined])
  })
})

describe('a message of several parts', () => {
  test('goes out in groups, each with an id of its own that it keeps when it is repeated', async () => {
    await write(0)
    let failures = 2
    provider.answer = ({ path }) => (path === '/batch' && failures-- > 0 ? 500 : 200)
    const text = Array.from({ length: 7 }, (_, i) => `${i}`.repeat(80)).join(' ')
    const messageId = await say(text)
    await becomes(messageId, 'delivered')
    const groups = provider
      .to('/batch')
      .map(({ body }) => [body.deliveryId.split('_')[1], body.contents.length])
    expect(groups).toEqual([
      ['0', 3],
      ['0', 3],
      ['0', 3],
      ['3', 3],
    ])
    expect(provider.to('/send').map(({ body }) => body.deliveryId.split('_')[1])).toEqual(['6'])
    // The first two calls were repeated.
    const said = visible()
      .slice(2)
      .flatMap(({ body }) => body.contents ?? [body.content])
    expect(said.map(({ text }: { text: string }) => text).join(' ')).toBe(text)
  })
})
