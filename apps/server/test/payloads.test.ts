import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromUuid } from '@plugboard/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { bodyOf, type Program, startProgram } from './sunshine/program.js'
import type { TestClient } from './support/api.js'
import { type CourierProvider, startCourierProvider, tellEvents } from './support/courier-channel.js'
import { type Receiver, startReceiver } from './support/receiver.js'
import { cleanUp, startServer, type TestServer, temporaryFolder } from './support/server.js'
import { createProject, type Project } from './support/smartify.js'
import { newKey, type OfficialClient, officialClient } from './support/sunshine.js'

/** What other APIs, formats and channels may stumble over. */
const HOSTILE: readonly object[] = [
  { type: 'carousel' },
  { type: 'carousel', items: null },
  { type: 'carousel', items: [null] },
  { type: 'carousel', items: { length: 3 } },
  { type: 'text', text: 'Well?', choices: [null] },
  { type: 'text', text: 'Well?', choices: { map: 1 } },
  { type: 'text', text: { toString: 1 } },
  { type: 'card', title: { toString: 1 }, actions: [{ action: 'Postback', title: null, payload: {} }] },
  { type: 'dropdown', message: null, options: [1] },
  { type: 'location', latitude: 'NaN', longitude: null },
  { type: 'image', image: { toString: 1 } },
  { type: 'postback', payload: { toString: 1 } },
  { type: 'quick_reply', text: null, payload: [] },
  { type: { toString: 1 } },
  { type: 'constructor', toJSON: 1, valueOf: 1, hasOwnProperty: null, length: -1 },
  {},
]

let server: TestServer
let provider: CourierProvider
beforeAll(async () => {
  provider = await startCourierProvider()
  server = await startWithBrittle(provider.url)
})
afterAll(async () => {
  await provider.close()
  await cleanUp()
})

/** A server with a channel that takes any payload, and throws where it is none that it expects. */
async function startWithBrittle(apiUrl: string): Promise<TestServer> {
  const folder = await temporaryFolder()
  const source = JSON.stringify(new URL('./support/courier.mjs', import.meta.url).href)
  await writeFile(
    join(folder, 'brittle.mjs'),
    `import { courier } from ${source}
    export default courier({
      name: 'brittle',
      capabilities: { content: 'any', maxTextLength: 1000 },
      load: (host) => courier({ name: 'courier' }).load(host).then((runtime) => ({
        ...runtime,
        render: ({ type, text, ...content }) =>
          type.length > 0 && [{ call: 'send', args: { text: type === 'text' ? text.trim() : content.items[0].title } }],
        classify: (error) => ({ kind: 'transient', message: String(error) }),
      })),
    })`,
  )
  return startServer({
    folder,
    env: {
      PLUGBOARD_CHANNELS: './brittle.mjs',
      PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify({ brittle: { apiUrl } }),
      POLL_INTERVAL: '50ms',
    },
  })
}

let project: Project
let client: TestClient
let api: OfficialClient
/** What the client listens with: a bot of the Messaging API, a program of Sunshine, a subscription of Smartify. */
let bot: Receiver
let program: Program
let desk: Receiver
let conversationId: string
let userId: string
beforeEach(async () => {
  project = await createProject(server)
  client = await project.client()
  api = officialClient(server, await newKey(server, { app: project.id }))
  ;[bot, desk] = [await startReceiver(), await startReceiver()]
  const token = randomUUID()
  const { status } = await client.call('POST', '/sync', {
    channels: { brittle: { version: '1.0.0', token, account: randomUUID() } },
    webhooks: [{ url: bot.url }],
  })
  expect(status).toBe(200)
  program = await startProgram(api, ['conversation:message', 'conversation:postback'])
  await project.subscribe('message.create', desk.url)
  const content = { type: 'text', text: 'hello' }
  const told = { type: 'message', dedupeKey: randomUUID(), content }
  await tellEvents(server, { client: client.id, channel: 'brittle', token }, told)
  await bot.until(() => bot.ofType('message.new').length === 1)
  const [heard] = bot.ofType('message.new')
  ;({ conversationId, userId } = (heard?.json.data ?? {}) as { conversationId: string; userId: string })
  provider.calls.length = 0
})

const post = (payload: object, authorId?: string) =>
  client.call('POST', '/messages', { conversationId, payload, ...(authorId && { authorId }) })

/** The texts that arrived at each end, of those that begin so. */
function arrived(start: string): Record<string, string[]> {
  const texts = {
    messaging: bot.ofType('message.new').map(({ json }) => json.data.message?.payload.text),
    sunshine: program.receiver.requests
      .flatMap((request) => bodyOf(request).events)
      .map(({ payload }) => payload.message?.content.text),
    smartify: desk.requests.map(
      ({ json }) => (json as unknown as { payload: { text: string } }).payload.text,
    ),
    channel: provider.to('/send').map(({ body }) => body.content.text),
  }
  return Object.fromEntries(
    Object.entries(texts).map(([end, all]) => [
      end,
      all.filter((text) => typeof text === 'string' && text.startsWith(start)),
    ]),
  )
}

describe('a payload that others cannot read', () => {
  test('of the business holds nothing up: what comes after it arrives at every end, in order', async () => {
    const after: string[] = []
    for (const [i, payload] of HOSTILE.entries()) {
      expect((await post(payload)).status).toBe(201)
      after.push(`after ${i}`)
      expect((await post({ type: 'text', text: `after ${i}` })).status).toBe(201)
    }
    const all = { messaging: after, sunshine: after, smartify: after, channel: after }
    await vi.waitFor(() => expect(arrived('after')).toEqual(all), { timeout: 20_000 })
    // Each was also sent to targets that can show a part of it.
    const count = 2 * HOSTILE.length
    expect(bot.ofType('message.new')).toHaveLength(1 + count)
    expect(program.receiver.requests).toHaveLength(1 + count)
    expect(desk.requests).toHaveLength(1 + count)
  })

  test('of a person holds nothing up, either', async () => {
    for (const [i, payload] of HOSTILE.entries()) {
      expect((await post(payload, userId)).status).toBe(201)
      expect((await post({ type: 'text', text: `after ${i}` }, userId)).status).toBe(201)
    }
    const last = `after ${HOSTILE.length - 1}`
    await vi.waitFor(
      () => {
        const { messaging, sunshine, smartify } = arrived('after')
        for (const texts of [messaging, sunshine, smartify]) expect(texts?.at(-1)).toBe(last)
      },
      { timeout: 20_000 },
    )
  })

  test('is in every list', async () => {
    for (const payload of HOSTILE) await post(payload)
    for (const payload of HOSTILE) await post(payload, userId)
    const count = 1 + 2 * HOSTILE.length
    const inMessaging = await client.call('GET', `/messages/conversation/${conversationId}?limit=500`)
    expect([inMessaging.status, inMessaging.json.length]).toEqual([200, count])
    const id = fromUuid(conversationId)
    // Held to the published document.
    expect((await api.listMessages(id)).messages).toHaveLength(count)
    expect((await api.getConversation(id)).conversation.id).toBe(id)
    const requests = await project.call('GET', '/requests', project.owner)
    expect([requests.status, requests.json.requests.length]).toEqual([200, 1])
    const { request_id } = requests.json.requests[0]
    const messages = await project.call('GET', `/requests/${request_id}/messages?limit=500`, project.owner)
    expect(messages.status).toBe(200)
    expect(messages.json).toHaveLength(count)
  })

  test('and by a channel is dead after one attempt, with the reason', async () => {
    const { json } = await post({ type: 'carousel', items: [null] })
    await post({ type: 'text', text: 'after' })
    await vi.waitFor(() => expect(arrived('after').channel).toEqual(['after']), { timeout: 20_000 })
    const { deadLetters } = (await client.call('GET', '/dead-letters')).json
    const why = 'the channel brittle could not render this message (TypeError)'
    expect(deadLetters).toMatchObject([
      { messageId: json.id, target: { type: 'endpoint' }, reason: 'invalid', error: why, attempts: 1 },
    ])
    const states = async () => {
      const { deliveries } = (await client.call('GET', `/messages/${json.id}/deliveries`)).json
      return deliveries.map(({ state }: { state: string }) => state).sort()
    }
    await expect.poll(states).toEqual(['dead', 'delivered', 'delivered', 'delivered'])
  })
})
