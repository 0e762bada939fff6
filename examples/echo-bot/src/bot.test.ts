import { createHmac, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startEchoBot, startPullingEchoBot } from './bot.js'

const token = randomBytes(64).toString('base64')

/** Stands for Plugboard: takes posts and turns, and writes them down. `statuses` go first. */
async function startFakePlugboard(statuses: number[] = []) {
  const requests: { path: string; key: unknown; body: unknown }[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
    requests.push({ path: request.url ?? '', key: request.headers['idempotency-key'], body })
    response.writeHead(statuses.shift() ?? 201).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

async function setUp(statuses?: number[]) {
  const { url, requests } = await startFakePlugboard(statuses)
  const bot = await startEchoBot({ url, clientId: 'c1', clientToken: 't1', webhookToken: () => token })
  onTestFinished(() => bot.close())
  const deliver = async (id: string, event: object, key = token) => {
    const body = JSON.stringify(event)
    const seconds = Math.floor(Date.now() / 1000)
    const mac = createHmac('sha256', Buffer.from(key, 'base64')).update(`${id}.${seconds}.${body}`)
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': `v1,${mac.digest('base64')}`,
      connection: 'close',
    }
    return (await fetch(bot.url, { method: 'POST', headers, body })).status
  }
  return { bot, requests, deliver }
}

const message = {
  id: 'm1',
  conversationId: 'k1',
  authorId: 'u1',
  sentOn: '2026-11-22T08:00:00.000Z',
  payload: { type: 'text', text: 'hello' },
}
const messageNew = (change: object = {}, collect?: true) => ({
  type: 'message.new',
  data: {
    userId: 'u1',
    conversationId: 'k1',
    channel: 'messaging',
    message: { ...message, ...change },
    collect,
  },
})
const reply = (words: string) => ({
  path: '/api/v1/messages',
  key: expect.stringMatching(/^echo-/),
  body: { conversationId: 'k1', incomingId: 'm1', payload: { type: 'text', text: words } },
})

test('says back what a user said', async () => {
  const { requests, deliver } = await setUp()
  expect(await deliver('e1', messageNew())).toBe(204)
  expect(requests).toEqual([reply('You said: hello')])
})

test('says of what kind a message without words is', async () => {
  const { requests, deliver } = await setUp()
  await deliver('e1', messageNew({ payload: { type: 'image', url: 'https://provider.example/1.png' } }))
  await deliver('e2', messageNew({ payload: {} }))
  expect(requests).toEqual([reply('You said: (image)'), reply('You said: (something without words)')])
})

test('ends the turn when somebody waits for the answer', async () => {
  const { requests, deliver } = await setUp()
  expect(await deliver('e1', messageNew({}, true))).toBe(204)
  expect(requests.map(({ path }) => path)).toEqual(['/api/v1/messages', '/api/v1/messages/turn/m1'])
})

test('does not answer itself, nor other events', async () => {
  const { requests, deliver } = await setUp()
  expect(await deliver('e1', messageNew({ authorId: undefined }))).toBe(204)
  expect(await deliver('e2', { type: 'user.new', data: { userId: 'u1' } })).toBe(204)
  expect(await deliver('e3', { type: 'of.tomorrow', data: 1 })).toBe(204)
  expect(requests).toEqual([])
})

test('answers an event once, however often it comes', async () => {
  const { requests, deliver } = await setUp()
  const statuses = await Promise.all([deliver('e1', messageNew()), deliver('e1', messageNew())])
  expect([...statuses, await deliver('e1', messageNew())]).toEqual([204, 204, 204])
  expect(requests).toHaveLength(1)
})

test('asks for an event again that it could not answer, and then uses the same key', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => void vi.restoreAllMocks())
  const { requests, deliver } = await setUp([500])
  expect(await deliver('e1', messageNew())).toBe(503)
  expect(await deliver('e1', messageNew())).toBe(204)
  expect(requests.map(({ key }) => key)).toEqual(['echo-e1', 'echo-e1'])
})

test('lets an event go whose conversation is gone', async () => {
  const { deliver } = await setUp([404])
  expect(await deliver('e1', messageNew())).toBe(204)
})

test('refuses what Plugboard did not send', async () => {
  const { bot, requests, deliver } = await setUp()
  expect(await deliver('e1', messageNew(), randomBytes(64).toString('base64'))).toBe(401)
  expect(await deliver('e1', { no: 'event' })).toBe(400)
  expect((await fetch(bot.url)).status).toBe(404)
  expect((await fetch(bot.url, { method: 'POST', body: 'x'.repeat(1024 * 1024 + 1) })).status).toBe(413)
  expect(requests).toEqual([])
})

test('pulls its events where it has no address, and answers each of them', async () => {
  const acknowledged: string[] = []
  const events = [{ position: 'p1', id: 'e1', attempts: 1, ...messageNew() }]
  const requests: { path: string; key: unknown; body: unknown }[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const path = request.url ?? ''
    const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : undefined
    if (path.startsWith('/api/v1/pull?')) {
      const page = events.splice(0)
      // It waits for the next ones.
      return void (page.length > 0 && response.end(JSON.stringify({ events: page })))
    }
    if (path === '/api/v1/pull/ack') acknowledged.push(...body.positions)
    else requests.push({ path, key: request.headers['idempotency-key'], body })
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const bot = startPullingEchoBot({ url, clientId: 'c1', clientToken: 't1' })
  await vi.waitFor(() => expect(acknowledged).toEqual(['p1']))
  expect(requests).toEqual([reply('You said: hello')])
  await bot.close()
  await bot.done
  server.closeAllConnections()
  server.close()
})
