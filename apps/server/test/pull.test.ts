import { randomUUID } from 'node:crypto'
import { createParser } from 'eventsource-parser'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Answered, createClient, type TestClient } from './support/api.js'
import { cleanUp, sharedServer } from './support/server.js'

const server = sharedServer()

afterAll(cleanUp)

interface PulledEvent {
  position: string
  id: string
  conversationId?: string
  attempts: number
  type: string
  data: { conversationId: string; message: { payload: { text: string } } }
}

const like = (text: string | RegExp) => (typeof text === 'string' ? text : expect.stringMatching(text))

const PULL = { webhooks: [{ mode: 'pull' }] }

const pull = (client: TestClient, query = ''): Promise<Answered> => client.call('GET', `/pull${query}`)
const eventsOf = ({ json }: Answered): PulledEvent[] => json.events
const acknowledge = (client: TestClient, ...events: PulledEvent[]) =>
  client.call('POST', '/pull/ack', { positions: events.map(({ position }) => position) })

/** Pulls and acknowledges until an event of this type comes. */
async function until(client: TestClient, type: string, query = '?wait=10'): Promise<PulledEvent[]> {
  for (;;) {
    const events = eventsOf(await pull(client, query))
    if (events.some((event) => event.type === type)) return events
    await acknowledge(client, ...events)
  }
}

/** A client with a conversation whose first events are acknowledged. */
async function setUp(configuration: object = PULL) {
  const client = await createClient(server, configuration)
  const { userId, conversationId } = await client.converse()
  await acknowledge(client, ...(await until(client, 'conversation.new')))
  return { client, userId, conversationId }
}

describe('a client without an address', () => {
  test('syncs a pull webhook, sees it in its lists, and keeps its token', async () => {
    const client = await createClient(server, {
      webhooks: [{ mode: 'pull' }, { mode: 'pull', name: 'audit' }],
    })
    expect(client.webhooks).toEqual([
      { url: 'pull:default', token: expect.any(String), mode: 'pull', name: 'default' },
      { url: 'pull:audit', token: expect.any(String), mode: 'pull', name: 'audit' },
    ])
    const again = await client.call('POST', '/sync', { webhooks: [{ mode: 'pull', name: 'audit' }] })
    expect(again.json.webhooks).toEqual([client.webhooks[1]])
    const { json } = await client.call('GET', '/webhooks')
    expect(json.webhooks).toMatchObject([
      { url: 'pull:audit', state: 'active', waiting: { conversations: 0, isMore: false } },
    ])
  })

  test('gets what a webhook would get, with a position', async () => {
    const { client, userId, conversationId } = await setUp()
    const { json: message } = await client.say(conversationId, 'hello', userId)
    const [event] = await until(client, 'message.new')
    expect(event).toEqual({
      position: expect.stringMatching(/^[\w.-]{1,120}$/),
      id: expect.any(String),
      conversationId,
      attempts: 1,
      type: 'message.new',
      data: { userId, conversationId, channel: 'messaging', message },
    })
    expect((await acknowledge(client, event as PulledEvent)).json).toEqual({ refused: [] })
    expect(eventsOf(await pull(client))).toEqual([])
  })

  test('waits for events, and gets them at once', async () => {
    const { client, conversationId } = await setUp()
    const before = performance.now()
    const waiting = pull(client, '?wait=30')
    await client.say(conversationId, 'hello')
    expect(eventsOf(await waiting).map(({ type }) => type)).toEqual(['message.new'])
    expect(performance.now() - before).toBeLessThan(10_000)
  })

  test('gets events again after the lease, or when it gives them back', async () => {
    const { client, conversationId } = await setUp()
    await client.say(conversationId, 'hello')
    const [first] = await until(client, 'message.new', '?wait=10&lease=1')
    const [again] = eventsOf(await pull(client, '?wait=10&lease=600'))
    expect([again?.id, again?.attempts]).toEqual([first?.id, 2])
    const position = again?.position ?? ''
    expect((await client.call('POST', '/pull/extend', { positions: [position], lease: 60 })).json).toEqual({
      refused: [],
    })
    expect(eventsOf(await pull(client))).toEqual([])
    const stale = [first?.position ?? '']
    expect((await client.call('POST', '/pull/nack', { positions: stale })).json).toEqual({ refused: stale })
    await client.call('POST', '/pull/nack', { positions: [position], delay: 0 })
    const [third] = eventsOf(await pull(client))
    expect([third?.id, third?.attempts]).toEqual([first?.id, 3])
  })

  test('that goes away while events are on their way to it leaves them to others', async () => {
    const { client, conversationId } = await setUp()
    const abort = new AbortController()
    const url = `${server.url}/api/v1/pull?wait=30&lease=600`
    const gone = fetch(url, { headers: client.headers, signal: abort.signal }).catch(() => undefined)
    // The other one waits behind it.
    const other = pull(client, '?wait=30')
    abort.abort()
    await gone
    await client.say(conversationId, 'hello')
    expect(eventsOf(await other).map(({ type }) => type)).toEqual(['message.new'])
  })
})

describe('a stream', () => {
  /** Opens one, and gives its events as they come. */
  async function open(client: TestClient, query = '') {
    const abort = new AbortController()
    onTestFinished(() => abort.abort())
    const headers = { ...client.headers, accept: 'text/event-stream' }
    const response = await fetch(`${server.url}/api/v1/pull${query}`, { headers, signal: abort.signal })
    const events: (PulledEvent & { event: string; lastId: string })[] = []
    const parser = createParser({
      onEvent: ({ id: lastId = '', event = '', data }) => events.push({ lastId, event, ...JSON.parse(data) }),
    })
    const read = async (): Promise<void> => {
      for await (const chunk of response.body ?? []) parser.feed(Buffer.from(chunk).toString())
    }
    return { response, events, ended: read().catch(() => undefined), leave: () => abort.abort() }
  }

  test('gives events as they come, more once some are acknowledged, and the rest to others when it ends', async () => {
    const { client, conversationId } = await setUp()
    const other = (await client.converse()).conversationId
    await acknowledge(client, ...(await until(client, 'conversation.new')))
    const { response, events, leave } = await open(client, '?limit=1')
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    await client.say(conversationId, 'a')
    await client.say(other, 'b')
    await vi.waitFor(() => expect(events).toHaveLength(1), { timeout: 10_000 })
    const [first] = events
    expect(first).toMatchObject({
      event: 'message.new',
      type: 'message.new',
      lastId: first?.position,
      attempts: 1,
    })
    expect(eventsOf(await pull(client, '?wait=10')).map(({ data }) => data.conversationId)).toEqual([other])
    await client.say(conversationId, 'c')
    await acknowledge(client, first as PulledEvent)
    await vi.waitFor(() => expect(events).toHaveLength(2), { timeout: 10_000 })
    expect(events.map(({ data }) => data.message.payload.text)).toEqual(['a', 'c'])
    leave()
    const again = eventsOf(await pull(client, '?wait=10'))
    expect(again.map(({ id, attempts }) => [id, attempts])).toEqual([[events[1]?.id, 2]])
  })

  test('ends when the token is revoked, or the webhook removed', async () => {
    const { client } = await setUp()
    const { json } = await client.call('POST', '/clients/tokens')
    const other = { ...client, headers: { ...client.headers, 'x-bp-messaging-client-token': json.token } }
    const revoked = await open(other)
    expect((await client.call('DELETE', `/clients/tokens/${json.id}`)).status).toBe(204)
    const changed = await setUp()
    const removed = await open(changed.client)
    await changed.client.call('POST', '/sync', { webhooks: [] })
    // A webhook of the same name is another one: a reader that stayed would hear nothing more.
    await changed.client.call('POST', '/sync', PULL)
    await Promise.all([revoked.ended, removed.ended])
  }, 30_000)
})

test('a request for the headers alone takes nothing', async () => {
  const { client, conversationId } = await setUp()
  await client.say(conversationId, 'hello')
  for (const accept of ['*/*', 'text/event-stream'])
    expect((await client.call('HEAD', '/pull?wait=10&lease=600', undefined, { accept })).status).toBe(404)
  expect(eventsOf(await pull(client, '?wait=10')).map(({ attempts }) => attempts)).toEqual([1])
})

describe('requests that are refused', () => {
  test.each([
    [
      { webhooks: [{ mode: 'pull', url: 'https://bot.example/' }] },
      '"body.webhooks[0].url" must be absent with the mode pull',
    ],
    [{ webhooks: [{ mode: 'poll' }] }, '"body.webhooks[0].mode" must be one of [push, pull]'],
    [{ webhooks: [{ mode: 'push' }] }, '"body.webhooks[0].url" is required'],
    [{ webhooks: [{}] }, '"body.webhooks[0].url" is required'],
    [
      { webhooks: [{ url: 'https://bot.example/', name: 'a' }] },
      '"body.webhooks[0].name" must be absent without the mode pull',
    ],
    [{ webhooks: [{ mode: 'pull', name: 'A b' }] }, /^"body.webhooks\[0\].name" must be 1 to 50 /],
  ])('a configuration %#', async (body, text) => {
    const client = await createClient(server)
    for (const answer of [await client.call('POST', '/sync', body)])
      expect([answer.status, answer.text]).toEqual([400, like(text)])
  })

  test.each([
    ['?wait=56', '"query.wait" must be an integer from 0 to 55'],
    ['?wait=-1', '"query.wait" must be an integer from 0 to 55'],
    ['?limit=0', '"query.limit" must be an integer from 1 to 1000'],
    ['?limit=1e3', '"query.limit" must be an integer from 1 to 1000'],
    ['?lease=0', '"query.lease" must be an integer from 1 to 43200'],
    ['?lease=43201', '"query.lease" must be an integer from 1 to 43200'],
    ['?webhook=__proto__', /^"query.webhook" must be 1 to 50 /],
    ['?after=1', '"query.after" is not allowed'],
  ])('a query %s', async (query, text) => {
    const { client } = await setUp()
    const { status, text: told } = await pull(client, query)
    expect([status, told]).toEqual([400, like(text)])
  })

  test.each([
    [{}, '"body.positions" is required'],
    [{ positions: 'all' }, '"body.positions" must be an array'],
    [{ positions: [1] }, /^"body.positions\[0\]" must be a string/],
    [{ positions: ['x'.repeat(121)] }, /^"body.positions\[0\]" length must be/],
    [{ positions: Array(1001).fill('a') }, /^"body.positions" /],
  ])('positions %#', async (body, text) => {
    const { client } = await setUp()
    for (const action of ['ack', 'nack', 'extend']) {
      const answer = await client.call('POST', `/pull/${action}`, body)
      expect([answer.status, answer.text]).toEqual([400, like(text)])
    }
  })

  test('positions that no reader got, of events of others, or made up', async () => {
    const [mine, yours] = [await setUp(), await setUp()]
    await yours.client.say(yours.conversationId, 'hello')
    const [event] = await until(yours.client, 'message.new')
    const position = event?.position ?? ''
    const forged = position.replace(/\.(\d+)\.(\d+)$/, (_, seq, fence) => `.${Number(seq) + 5}.${fence}`)
    const positions = [position, forged, '', 'x', '0'.repeat(120), '../../etc', '\u{1F600}']
    for (const action of ['ack', 'nack', 'extend']) {
      const { status, json } = await mine.client.call('POST', `/pull/${action}`, { positions })
      expect([status, json.refused.toSorted()]).toEqual([200, positions.toSorted()])
    }
    expect((await yours.client.call('POST', '/pull/ack', { positions: [forged] })).json.refused).toEqual([
      forged,
    ])
    expect((await acknowledge(yours.client, event as PulledEvent)).json.refused).toEqual([])
  })

  test('a client without a pull webhook, and credentials that are wrong', async () => {
    const client = await createClient(server)
    expect((await pull(client)).status).toBe(404)
    const other = await createClient(server, PULL)
    const wrong: Record<string, string>[] = [
      { 'x-bp-messaging-client-token': other.token },
      { 'x-bp-messaging-client-id': randomUUID() },
      { 'x-bp-messaging-client-token': '' },
    ]
    for (const headers of wrong)
      for (const [method, path] of [
        ['GET', '/pull'],
        ['POST', '/pull/ack'],
        ['POST', '/pull/nack'],
        ['POST', '/pull/extend'],
      ] as const)
        expect(
          (await client.call(method, path, method === 'POST' ? { positions: [] } : undefined, headers))
            .status,
        ).toBe(401)
  })
})
