import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createClient, type EventsOptions, PlugboardApiError, userEvents } from './index.js'

type Answer = (response: ServerResponse, request: IncomingMessage) => void

describe('events of a client', () => {
  test('come in order, with their positions, and an unknown type as it is', async () => {
    const { follow } = await serve(stream('retry: 1\n\n', position('4'), message('5', 'one'), other('6')))
    expect(await take(follow(), 2)).toEqual([
      expect.objectContaining({ type: 'message.new', position: '5' }),
      { type: 'other', data: { a: 1 }, position: '6' },
    ])
  })

  test('go on where they were after the connection broke, with nothing twice', async () => {
    const { follow, requests } = await serve(
      stream('retry: 1\n\n', message('5', 'one'), message('6', 'two').slice(0, 20)),
      (response) => response.destroy(),
      stream(message('6', 'two')),
    )
    expect(textsOf(await take(follow({ after: '4' }), 2))).toEqual(['one', 'two'])
    expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual(['4', '5', '5'])
  })

  test('go on before the first one, where the stream began', async () => {
    const { follow, requests } = await serve(
      stream('retry: 1\n\n', position('4')),
      stream(message('5', 'one')),
    )
    expect(textsOf(await take(follow(), 1))).toEqual(['one'])
    expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '4'])
  })

  test('have no position where they are not repeated', async () => {
    const typing = { conversationId: 'c', channel: 'messaging', activity: { type: 'typing', isTyping: true } }
    const { follow, requests } = await serve(
      stream('retry: 1\n\n', message('5', 'one'), event(undefined, 'conversation.activity', typing)),
      stream(message('6', 'two')),
    )
    const [, second] = await take(follow(), 3)
    expect(second).toEqual({ type: 'conversation.activity', data: typing, position: undefined })
    expect(requests[1]?.headers['last-event-id']).toBe('5')
  })

  test('say so when what followed the position is gone', async () => {
    const { follow } = await serve(stream(event('3', 'reset', { oldest: '3' }), message('4', 'one')))
    const [first] = await take(follow({ after: '1' }), 2)
    expect(first).toEqual({ type: 'reset', data: { oldest: '3' }, position: '3' })
  })

  test('end with an error that stays, and go on after one that passes', async () => {
    const { follow, requests } = await serve(
      status(503),
      status(429, { 'retry-after': '0' }),
      stream('retry: 1\n\n', message('5', 'one')),
      status(401),
    )
    const events = follow()
    expect((await events.next()).value).toMatchObject({ position: '5' })
    const error = await events.next().then(
      () => undefined,
      (thrown) => thrown,
    )
    expect(error).toBeInstanceOf(PlugboardApiError)
    expect(error).toMatchObject({ status: 401, path: '/api/v1/conversations/c/events' })
    expect(requests).toHaveLength(4)
  }, 20_000)

  test('come by requests that wait, where streams bring nothing', async () => {
    const silent: Answer = () => undefined
    const { follow, requests } = await serve(
      silent,
      silent,
      json({ events: [said('5', 'one'), said('6', 'two')], position: '7' }),
      json({ events: [], position: '9', reset: { oldest: '9' } }),
      json({ events: [said('10', 'three')], position: '10' }),
    )
    const events = await take(follow({}, { timeoutMs: 100 }), 4)
    expect(events.map(({ position: at }) => at)).toEqual(['5', '6', '9', '10'])
    expect(requests.map(({ url }) => url?.split('?')[1])).toEqual([
      ...[undefined, undefined, 'wait=25', 'wait=25&after=7', 'wait=25&after=9'],
    ])
  }, 20_000)

  test('end when they are no longer asked for', async () => {
    const { follow, closed } = await serve(stream('retry: 1\n\n', message('5', 'one')), hold)
    for await (const { position: at } of follow()) if (at === '5') break
    await vi.waitFor(() => expect(closed()).toBe(1))
  })

  test('end with the reason of the signal', async () => {
    const { follow, requests } = await serve(hold)
    const abort = new AbortController()
    const next = follow({ signal: abort.signal }).next()
    await vi.waitFor(() => expect(requests).toHaveLength(1))
    abort.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
  })
})

test('a user follows with the token alone', async () => {
  const { url, requests } = await serve(stream(message('5', 'one')))
  const events = userEvents({ url, userToken: 'token-of-the-user' })
  await take(events, 1)
  expect(requests[0]).toMatchObject({
    url: '/api/v1/users/me/events',
    headers: { authorization: 'Bearer token-of-the-user' },
  })
})

const event = (id: string | undefined, type: string, data: unknown): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify({ type, data })}\n\n`

const messageData = (text: string) => ({
  ...{ conversationId: 'c', channel: 'messaging' },
  message: {
    id: 'm',
    conversationId: 'c',
    sentOn: '2026-01-01T00:00:00.000Z',
    payload: { type: 'text', text },
  },
})

const message = (id: string, text: string): string => event(id, 'message.new', messageData(text))
const position = (id: string): string => event(id, 'position', { position: id })
const other = (id: string): string => event(id, 'other', { a: 1 })
const said = (id: string, text: string) => ({ id, type: 'message.new', data: messageData(text) })

/** Sends parts, and ends the stream. */
const stream =
  (...parts: readonly string[]): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const part of parts) response.write(part)
    response.end()
  }
const hold: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n')
}
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(code, headers).end('no')
const json =
  (body: unknown): Answer =>
  (response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))

/** A server that answers one request after another. */
async function serve(...answers: readonly Answer[]) {
  const requests: IncomingMessage[] = []
  let closed = 0
  const server = createServer((request, response) => {
    response.on('close', () => {
      closed += 1
    })
    requests.push(request)
    const answer = answers[requests.length - 1] ?? hold
    answer(response, request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    ...{ url, requests, closed: () => closed },
    follow: (options: EventsOptions = {}, more: { timeoutMs?: number } = {}) =>
      createClient({ url, clientId: 'id', clientToken: 'token-of-the-client', ...more }).events({
        conversationId: 'c',
        ...options,
      }),
  }
}

async function take<T>(events: AsyncGenerator<T, unknown, void>, count: number): Promise<T[]> {
  const taken: T[] = []
  for await (const each of events) {
    taken.push(each)
    if (taken.length === count) break
  }
  return taken
}

const textsOf = (events: readonly { data?: unknown }[]) =>
  events.map(({ data }) => (data as ReturnType<typeof messageData>).message.payload.text)
