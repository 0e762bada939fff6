import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type EventReader, readEvents } from '../support/event-reader.js'
import { startReceiver } from '../support/receiver.js'
import { cleanUp, isSoak, startServer, type TestServer } from '../support/server.js'
import { createSite, customerToken, SHOP, type TestSite, type TestVisitor, visit } from '../support/web.js'

afterAll(cleanUp)

let server: TestServer
let site: TestSite
beforeAll(async () => {
  server = await startServer({
    env: { RATE_LIMIT: '0', GUEST_MESSAGE_LIMIT: '0', EVENT_STREAMS_PER_USER: '3' },
  })
  site = await createSite(server)
})

interface Options {
  path?: string
  after?: string
  lastId?: string | undefined
  origin?: string
}

/** A stream of a visitor. */
async function follow(
  { site, token }: TestVisitor,
  { path = '/events', after, lastId, origin = SHOP }: Options = {},
): Promise<EventReader> {
  const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`
  const url = `${site.server.url}/web/v1/${site.client.id}${path}${query}`
  const reader = await readEvents(url, { origin, authorization: `Bearer ${token}` }, lastId)
  onTestFinished(() => reader.end())
  return reader
}

const textsOf = ({ events }: EventReader): string[] =>
  events.flatMap(({ type, data }) => (type === 'message' ? [data.payload.text] : []))

const shown = ({ events }: EventReader) => events.filter(({ type }) => type !== 'position')

const eventually = (check: () => unknown) => vi.waitFor(check, { timeout: 10_000, interval: 10 })

const until = (reader: EventReader, count: number) =>
  eventually(() => expect(shown(reader).length).toBeGreaterThanOrEqual(count))

describe('the stream of a visitor', () => {
  test('has what both sides write, as lists have it, with the conversation', async () => {
    const visitor = await visit(site)
    const conversationId = await visitor.start()
    const reader = await follow(visitor)
    expect(reader.response.headers.get('access-control-allow-origin')).toBe(SHOP)
    await visitor.say(conversationId, 'hello')
    await site.client.say(conversationId, 'welcome')
    await until(reader, 2)
    const { messages } = (await visitor.call('GET', `/conversations/${conversationId}/messages`)).json
    expect(shown(reader).map(({ type, data }) => [type, data])).toEqual([
      ['message', { conversationId, ...messages[1] }],
      ['message', { conversationId, ...messages[0] }],
    ])
  })

  test('has conversations that begin later, whoever began them', async () => {
    const visitor = await visit(site)
    const reader = await follow(visitor)
    const own = await visitor.start()
    await visitor.say(own, 'mine')
    await until(reader, 1)
    expect(shown(reader)).toMatchObject([{ type: 'message', data: { conversationId: own } }])
  })

  test('has edits with the whole message, deletions, typing, read marks and the end', async () => {
    const visitor = await visit(site)
    const id = await visitor.start()
    const reader = await follow(visitor)
    const { json: grown } = await site.client.say(id, 'It')
    await site.client.call('PATCH', `/messages/${grown.id}`, { payload: { type: 'text', text: 'It is' } })
    await until(reader, 2)
    const { json: gone } = await site.client.say(id, 'wrong')
    await site.client.call('DELETE', `/messages/${gone.id}`)
    for (const isTyping of [true, false])
      await site.client.call('POST', `/conversations/${id}/typing`, { isTyping })
    await site.client.call('POST', `/conversations/${id}/read`, {})
    await visitor.call('POST', `/conversations/${id}/close`, {})
    await visitor.say(id, 'one more')
    await eventually(() => expect(textsOf(reader).at(-1)).toBe('one more'))
    const of = { conversationId: id }
    const told = shown(reader).map(({ type, data }) => [type, data])
    expect(told.filter(([type]) => type !== 'typing')).toMatchObject([
      ['message', { ...of, id: grown.id }],
      ['edited', { ...of, id: grown.id, author: 'business', payload: { text: 'It is' } }],
      ...(told.some(([, data]) => data.payload?.text === 'wrong')
        ? [['message', { ...of, id: gone.id }]]
        : []),
      ['deleted', { ...of, id: gone.id }],
      ['read', { ...of, by: 'business', position: expect.any(String) }],
      ['closed', { ...of, at: expect.any(String) }],
      ['reopened', of],
      ['message', { ...of, payload: { text: 'one more' } }],
    ])
    expect(told.filter(([type]) => type === 'typing')).toEqual([
      ['typing', { ...of, isTyping: true, author: 'business' }],
      ['typing', { ...of, isTyping: false, author: 'business' }],
    ])
    for (const { type, id: position } of shown(reader)) expect(position === undefined).toBe(type === 'typing')
  })

  test('has the read marks of the visitor in another tab, and not what the visitor types there', async () => {
    const visitor = await visit(site)
    const id = await visitor.start()
    const { json: message } = await site.client.say(id, 'hello')
    const { messages } = (await visitor.call('GET', `/conversations/${id}/messages`)).json
    const reader = await follow(visitor)
    await visitor.call('POST', `/conversations/${id}/typing`, { isTyping: true })
    await visitor.call('POST', `/conversations/${id}/read`, { position: messages[0].position })
    await until(reader, 1)
    expect(shown(reader)).toMatchObject([{ type: 'read', data: { conversationId: id, by: 'me' } }])
    expect(message.id).toBe(messages[0].id)
  })

  test('has nothing of other visitors, of other channels, or of how the business delivers', async () => {
    const [ada, bob] = [await visit(site), await visit(site)]
    const [adas, bobs] = [await ada.start(), await bob.start()]
    const { json: elsewhere } = await site.client.call('POST', '/conversations', { userId: ada.userId })
    const reader = await follow(ada)
    await bob.say(bobs, 'secret of bob')
    await site.client.say(bobs, 'secret for bob')
    await site.client.say(elsewhere.id, 'in another channel')
    await site.client.say(adas, 'for ada')
    await ada.say(adas, 'the end')
    await until(reader, 2)
    expect(textsOf(reader)).toEqual(['for ada', 'the end'])
    expect(new Set(reader.types())).toEqual(new Set(['position', 'message']))
  })

  test('continues where it was, also in conversations that began meanwhile', async () => {
    const visitor = await visit(site)
    const first = await visitor.start()
    const reader = await follow(visitor)
    await visitor.say(first, '1')
    await until(reader, 1)
    reader.end()
    await site.client.say(first, '2')
    const second = await visitor.start()
    await visitor.say(second, '3')
    const byHeader = await follow(visitor, { lastId: reader.lastId, after: 'ignored' })
    await until(byHeader, 2)
    expect(textsOf(byHeader).sort()).toEqual(['2', '3'])
    const byQuery = await follow(visitor, { after: reader.lastId ?? '' })
    await until(byQuery, 2)
    expect(textsOf(byQuery).sort()).toEqual(['2', '3'])
  })

  test('begins with nothing of a conversation that has just begun', async () => {
    for (let i = 0; i < 5; i += 1) {
      const visitor = await visit(site)
      const id = await visitor.start()
      await visitor.say(id, 'before')
      const reader = await follow(visitor)
      await visitor.say(id, 'after')
      await until(reader, 1)
      expect(textsOf(reader)).toEqual(['after'])
      const again = await follow(visitor, { lastId: reader.lastId })
      await visitor.say(id, 'again')
      await until(again, 1)
      expect(textsOf(again)).toEqual(['again'])
    }
  })

  test('can be continued from before its first event', async () => {
    const visitor = await visit(site)
    const id = await visitor.start()
    await visitor.say(id, 'before')
    const reader = await follow(visitor)
    await eventually(() => expect(reader.types()).toContain('position'))
    reader.end()
    await visitor.say(id, 'after')
    const again = await follow(visitor, { lastId: reader.lastId })
    await until(again, 1)
    expect(textsOf(again)).toEqual(['after'])
  })

  test('with random interruptions ends with exactly what was written', { timeout: 300_000 }, async () => {
    const visitor = await visit(site)
    const ids = [await visitor.start()]
    const count = isSoak ? 2_000 : 90
    const written: string[] = []
    const read: string[] = []
    let lastId: string | undefined
    let isWriting = true
    const write = async () => {
      for (let i = 0; i < count; i += 1) {
        if (i % (isSoak ? 200 : 30) === 15) ids.push(await visitor.start())
        const id = ids[i % ids.length] ?? ''
        const text = `${id} ${i}`
        await (i % 3 === 0 ? visitor.say(id, text) : site.client.say(id, text))
        written.push(text)
      }
      isWriting = false
    }
    const reading = async () => {
      lastId = await begin()
      for (let i = 0; isWriting || read.length < written.length; i += 1) {
        const reader = await follow(visitor, { lastId })
        const wanted = i % 7
        await vi
          .waitFor(() => expect(textsOf(reader).length).toBeGreaterThanOrEqual(wanted), {
            timeout: 300,
            interval: 2,
          })
          .catch(() => undefined)
        reader.end()
        await reader.over
        read.push(...textsOf(reader))
        lastId = reader.lastId
      }
    }
    const begin = async () => {
      const reader = await follow(visitor)
      await eventually(() => expect(reader.lastId).toBeDefined())
      reader.end()
      return reader.lastId
    }
    const reader = reading()
    await eventually(() => expect(lastId).toBeDefined())
    await Promise.all([write(), reader])
    expect(read.toSorted()).toEqual(written.toSorted())
    for (const id of ids) {
      const of = (texts: string[]) => texts.filter((text) => text.startsWith(id))
      expect(of(read)).toEqual(of(written))
    }
  })

  test.each<[string, (visitor: TestVisitor) => Promise<unknown>]>([
    ['signs out', (visitor) => visitor.call('DELETE', '/session')],
    [
      'becomes a known customer',
      async ({ userId, token }) => visit(site, { token: await customerToken({ sub: userId }), guest: token }),
    ],
  ])('ends when the visitor %s', async (_, end) => {
    const visitor = await visit(site)
    const reader = await follow(visitor)
    await eventually(() => expect(reader.lastId).toBeDefined())
    await end(visitor)
    await reader.over
    expect((await follow(visitor)).response.status).toBe(401)
  })

  test('tells the bot once that the visitor has its message, in however many tabs, and then that it was read', async () => {
    const bot = await startReceiver()
    const shop = await createSite(server, {}, { webhooks: [{ url: bot.url }] })
    const visitor = await visit(shop)
    const id = await visitor.start()
    const tabs = [await follow(visitor), await follow(visitor)]
    const { json: message } = await shop.client.say(id, 'hello')
    for (const tab of tabs) await until(tab, 1)
    const receipts = () =>
      bot.ofType('conversation.activity').flatMap(({ json }) => {
        // biome-ignore lint/suspicious/noExplicitAny: tests look into many shapes, and assert each
        const { activity } = json.data as any
        return activity.type === 'delivery' ? [[activity.messageId, activity.status]] : []
      })
    await eventually(() => expect(receipts()).toEqual([[message.id, 'delivered']]))
    const { messages } = (await visitor.call('GET', `/conversations/${id}/messages`)).json
    await visitor.call('POST', `/conversations/${id}/read`, { position: messages[0].position })
    await eventually(() => expect(receipts()).toHaveLength(2))
    expect(receipts()).toEqual([
      [message.id, 'delivered'],
      [message.id, 'read'],
    ])
  })

  test('ends when the token expires, which is refused from then on', async () => {
    const brief = await startServer({ env: { GUEST_TOKEN_TTL: '2s' } })
    const shop = await createSite(brief)
    const visitor = await visit(shop)
    const id = await visitor.start()
    const reader = await follow(visitor)
    await eventually(() => expect(reader.lastId).toBeDefined())
    const list = () => visitor.call('GET', '/conversations')
    await eventually(async () =>
      expect((await list()).json.error).toEqual({ code: 'TOKEN_EXPIRED', message: 'the token has expired' }),
    )
    expect(await shop.call('POST', '/sessions', { body: { guest: visitor.token } })).toMatchObject({
      status: 401,
      json: { error: { code: 'TOKEN_EXPIRED' } },
    })
    await shop.client.say(id, 'too late')
    await reader.over
    expect(textsOf(reader)).toEqual([])
    await brief.stop()
  })

  test('is refused where a request is refused', async () => {
    const visitor = await visit(site)
    const status = async (options: Options, token = visitor.token) =>
      (await follow({ ...visitor, token }, options)).response.status
    expect(await status({ origin: 'https://evil.example' })).toBe(403)
    expect(await status({}, 'forged')).toBe(401)
    for (const after of ['x', 'p!', 'pAAAA', '12', `p${'A'.repeat(9_000)}`])
      expect(await status({ after })).toBe(400)
  })

  test('is limited in number', async () => {
    const visitor = await visit(site)
    const statuses = []
    for (let i = 0; i < 4; i += 1) statuses.push((await follow(visitor)).response.status)
    expect(statuses).toEqual([200, 200, 200, 429])
  })

  test('of a forged position tells nothing of somebody else', async () => {
    const [ada, bob] = [await visit(site), await visit(site)]
    const id = await ada.start()
    await ada.say(id, 'secret')
    const own = await bob.start()
    const adas = await follow(ada)
    await eventually(() => expect(adas.lastId).toBeDefined())
    const reader = await follow(bob, { lastId: adas.lastId })
    await bob.say(own, 'hello')
    await until(reader, 1)
    expect(textsOf(reader)).toEqual(['hello'])
  })
})

describe('the stream of one conversation', () => {
  test('has its events alone, with positions that messages have', async () => {
    const visitor = await visit(site)
    const [id, other] = [await visitor.start(), await visitor.start()]
    const path = `/conversations/${id}/events`
    const reader = await follow(visitor, { path })
    await visitor.say(other, 'elsewhere')
    const { json } = await visitor.say(id, 'here')
    await until(reader, 1)
    expect(shown(reader)).toMatchObject([{ id: json.position, type: 'message', data: { id: json.id } }])
    const whole = await follow(visitor, { path, after: '0' })
    await until(whole, 1)
    expect(textsOf(whole)).toEqual(['here'])
  })

  test('is nobody else’s', async () => {
    const [ada, bob] = [await visit(site), await visit(site)]
    const path = `/conversations/${await ada.start()}/events`
    expect((await follow(bob, { path })).response.status).toBe(404)
  })
})
