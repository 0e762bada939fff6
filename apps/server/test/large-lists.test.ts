import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { fromUuid, toUuid } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, createClient, type TestClient } from './support/api.js'
import { cleanUp, isSoak, startProcess, type TestServerProcess } from './support/server.js'
import { createProject, newRequestId, type Project } from './support/smartify.js'
import { basic, newKey } from './support/sunshine.js'

afterAll(cleanUp)

const MEGABYTE = 1024 * 1024
/** A few lists that are in memory whole are more than the heap. */
const COUNT = isSoak ? 60 : 40
const SIZE = 490_000
const HEAP_MB = 96

/** A unique text per message, whose end shows whether it is complete. */
const textOf = (n: number): string => `${n}:${'x'.repeat(SIZE)}:${n}`
/** The number of a message, if its text is whole. */
function numberOf(text: string): number {
  const n = Number(text.split(':', 1)[0])
  return text === textOf(n) ? n : Number.NaN
}

const numbers = Array.from({ length: COUNT }, (_, n) => n)
const newestFirst = numbers.toReversed()

const TOO_MANY = 'At most 4 concurrent lists per client. Try again later.'

let server: TestServerProcess
let project: Project
let client: TestClient
let requestId: string
let conversationId: string
let highest = 0
let watching: NodeJS.Timeout

async function memory(): Promise<number> {
  const { text } = await call(server, 'GET', '/metrics')
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1] ?? 0)
}

beforeAll(async () => {
  server = await startProcess({
    env: {
      NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}`,
      LISTS_PER_CLIENT: '4',
      GUEST_MESSAGE_LIMIT: '0',
      GUEST_DAILY_SIZE: '0',
    },
  })
  project = await createProject(server)
  client = await project.client()
  const guest = await project.guest()
  requestId = newRequestId()
  for (const n of numbers) expect((await project.say(requestId, textOf(n), guest)).status).toBe(200)
  const { json } = await project.call('GET', `/requests/${requestId}`, project.owner)
  conversationId = toUuid(json._id)
  watching = setInterval(async () => {
    highest = Math.max(highest, await memory().catch(() => 0))
  }, 100)
}, 120_000)
afterAll(() => clearInterval(watching))

/** A list that nobody has read anything of yet. */
async function begin(path: string, headers: Record<string, string>): Promise<IncomingMessage> {
  const sent = request(server.url + path, { headers, agent: false }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

const listOf = (limit: number) => `/api/v1/messages/conversation/${conversationId}?limit=${limit}`

/** The numbers of messages of the Messaging API. */
const numbersIn = (text: string): number[] =>
  (JSON.parse(text) as { payload: { text: string } }[]).map(({ payload }) => numberOf(payload.text))

describe(`lists of ${COUNT} messages of ${SIZE} bytes, by a process with a heap of ${HEAP_MB} MB`, () => {
  test('wait for readers who read nothing, refuse a fifth in the form of each API, hold up nobody else, and are complete and in order', async () => {
    const slow = await Promise.all(
      [0, 0, COUNT, COUNT + 1].map((limit) => begin(listOf(limit), client.headers)),
    )
    for (const { statusCode } of slow) expect(statusCode).toBe(200)
    await areRefused()
    const other = await createClient(server)
    const talk = await other.converse()
    await other.say(talk.conversationId, 'hello')
    const { json } = await other.call('GET', `/messages/conversation/${talk.conversationId}`)
    expect(json.map(({ payload }: { payload: unknown }) => payload)).toEqual([
      { type: 'text', text: 'hello' },
    ])
    const [gone, ...readers] = slow
    gone?.destroy()
    const texts = await Promise.all(readers.map(readAll))
    for (const text of texts) expect(numbersIn(text)).toEqual(newestFirst)
    expect((await client.call('GET', listOf(1).replace('/api/v1', ''))).status).toBe(200)
  }, 120_000)

  /** Further lists of the client, in the form of each API. */
  async function areRefused(): Promise<void> {
    const key = await newKey(server, { app: project.id })
    const [messaging, sunshine, smartify] = await Promise.all([
      client.call('GET', listOf(1).replace('/api/v1', '')),
      call(server, 'GET', sunshineListOf(key.appId), { headers: { authorization: basic(key) } }),
      project.call('GET', '/requests', project.owner),
    ])
    expect([messaging.status, messaging.text]).toEqual([429, TOO_MANY])
    expect([sunshine.status, sunshine.json]).toEqual([
      429,
      { errors: [{ code: 'too_many_requests', title: TOO_MANY }] },
    ])
    expect([smartify.status, smartify.json]).toEqual([429, { success: false, msg: TOO_MANY }])
    for (const { headers } of [messaging, sunshine, smartify])
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  }

  test('have pages of some megabyte in the Sunshine API, which lead on to all of them', async () => {
    const key = await newKey(server, { app: project.id })
    const seen: number[] = []
    let next: string | undefined = `${sunshineListOf(key.appId)}`
    while (next) {
      const { json, text } = await call(server, 'GET', next, { headers: { authorization: basic(key) } })
      expect(text.length).toBeLessThan(2 * MEGABYTE)
      const { messages, links, meta } = json as SunshinePage
      seen.unshift(...messages.map(({ content }) => numberOf(content.text)))
      expect(meta.hasMore).toBe(links.prev !== undefined)
      next = links.prev?.slice(links.prev.indexOf('/v2'))
    }
    expect(seen).toEqual(numbers)
  }, 120_000)

  test('are complete in the Smartify API too, oldest first', async () => {
    const response = await begin(`/api/${project.id}/requests/${requestId}/messages`, project.owner.headers)
    const messages = JSON.parse(await readAll(response)) as { text: string }[]
    expect(messages.map(({ text }) => numberOf(text))).toEqual(numbers)
    const { json } = await project.call('GET', `/requests/${requestId}/messages?limit=5`, project.owner)
    expect(json.map(({ text }: { text: string }) => numberOf(text))).toEqual(numbers.slice(-5))
  }, 120_000)

  test('cost the process no more than a few pages', async () => {
    expect(highest).toBeGreaterThan(0)
    expect(highest).toBeLessThan(400 * MEGABYTE)
    expect(server.output()).not.toContain('heap')
  })
})

interface SunshinePage {
  messages: { content: { text: string } }[]
  meta: { hasMore: boolean }
  links: { prev?: string; next?: string }
}

const sunshineListOf = (appId: string): string =>
  `/v2/apps/${appId}/conversations/${fromUuid(conversationId)}/messages`

describe('requests that guests began with a long text', () => {
  test('are listed with the beginning of it', async () => {
    const own = await createProject(server)
    const guest = await own.guest()
    const text = `${'x'.repeat(255)}😀${'y'.repeat(SIZE)}`
    for (let n = 0; n < 8; n += 1) await own.say(newRequestId(), text, guest)
    const { json, text: answer } = await own.call('GET', '/requests?limit=100', own.owner)
    expect(json.count).toBe(8)
    expect(json.requests).toHaveLength(8)
    for (const { first_text, attributes } of json.requests) {
      expect(first_text).toBe('x'.repeat(255))
      expect(attributes.last_message.text).toBe('x'.repeat(255))
    }
    expect(answer.length).toBeLessThan(MEGABYTE)
  }, 120_000)

  test.each([
    ['sourcePage', `https://shop.example/${'x'.repeat(SIZE)}`],
    ['userAgent', 'x'.repeat(SIZE)],
    ['subject', 'x'.repeat(SIZE)],
    ['participants', Array.from({ length: 95 }, () => 'x'.repeat(SIZE / 100))],
    ['followers', Array.from({ length: 95 }, () => 'x'.repeat(SIZE / 100))],
  ])('keep no more than a few kilobytes of a long %s', async (name, value) => {
    const own = await createProject(server)
    const guest = await own.guest()
    const opened = await own.call('POST', `/requests/${newRequestId()}/messages`, guest, {
      text: 'hello',
      [name]: value,
    })
    const { status, text } = await own.call('GET', '/requests/me', guest)
    expect(status).toBe(200)
    expect(text.length).toBeLessThan(8_192)
    // What is cut, and what is refused, is no fault of the server.
    expect([200, 422]).toContain(opened.status)
  })
})
