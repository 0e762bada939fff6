import { describe, expect, test } from 'vitest'
import { isLogin, refusal, SERVICE_URL } from '../test/fake-teams.js'
import { endpoints, type Stage, stage, TENANT } from '../test/stage.js'
import { GLOBAL_SERVICE_URL } from './service-url.js'

const hello = { type: 'text', text: 'hello' }
const failureOf = (on: Stage, run: Promise<unknown>) =>
  run.then(
    () => undefined,
    (error: unknown) => on.runtime.classify(error),
  )
const calls = ({ provider }: Stage) => provider.calls.filter((call) => !isLogin(call))

describe('a message', () => {
  test('goes to the conversation of the person, or to the thread in a channel', async () => {
    await using on = await stage()
    await on.send(hello)
    await on.send(hello, { endpoint: endpoints.channel })
    expect(on.provider.messages.map(({ conversation }) => conversation)).toEqual([
      endpoints.personal.thread,
      endpoints.channel.thread,
    ])
  })

  test('has an id that names its conversation without the thread, as later events do', async () => {
    await using on = await stage()
    const [sent] = await on.send(hello, { endpoint: endpoints.channel })
    expect(sent?.providerMessageIds).toEqual([`19:room@thread.tacv2/${on.provider.messages[0]?.id}`])
  })

  test('to a person who has not written goes to a new chat', async () => {
    await using on = await stage({ config: { tenantId: TENANT } })
    const sent = await on.send(hello, {
      endpoint: endpoints.stranger,
      context: { value: {}, at: new Date() },
    })
    const [created, posted] = calls(on)
    expect(JSON.parse(created?.body ?? '')).toEqual({
      isGroup: false,
      members: [{ id: '29:bob' }],
      tenantId: TENANT,
    })
    const chat = `a:${Buffer.from('29:bob').toString('base64url')}`
    expect(sent).toMatchObject([{ movedTo: { ...endpoints.stranger, thread: chat } }])
    expect(posted?.path).toBe(`/v3/conversations/${encodeURIComponent(chat)}/activities`)
  })

  test('to a person who has not written needs to know the tenant', async () => {
    await using on = await stage()
    const sending = on.send(hello, { endpoint: endpoints.stranger, context: { value: {}, at: new Date() } })
    expect(await failureOf(on, sending)).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('tenantId'),
    })
    expect(calls(on)).toEqual([])
  })

  test.each([
    ['the one that the newest event names', { serviceUrl: SERVICE_URL }, SERVICE_URL.replace(/\/$/, '')],
    ['the global one if none is known', {}, GLOBAL_SERVICE_URL],
    [
      'the global one for an address that is not of Microsoft',
      { serviceUrl: 'https://evil.example/' },
      GLOBAL_SERVICE_URL,
    ],
  ])('goes to the Bot Connector: %s', async (_, value, expected) => {
    const asked: string[] = []
    const recorded: typeof fetch = (input, init) => {
      asked.push(String(input))
      return String(input).includes('/oauth2/')
        ? fetch(input, init)
        : Promise.resolve(Response.json({ id: '1' }, { status: 201 }))
    }
    await using on = await stage({ fetch: recorded, options: { connectorUrl: undefined } })
    await on.send(hello, { context: { value, at: new Date() } })
    const conversation = encodeURIComponent(endpoints.personal.thread)
    expect(asked.at(-1)).toBe(`${expected}/v3/conversations/${conversation}/activities`)
  })

  test('to a tenant of the government community cloud goes there when Teams says so', async () => {
    const asked: string[] = []
    const clouds: typeof fetch = (input, init) => {
      const url = String(input)
      if (url.includes('/oauth2/')) return fetch(input, init)
      asked.push(new URL(url).hostname)
      return Promise.resolve(
        url.includes('.gcc.')
          ? Response.json({ id: '1' })
          : Response.json({ error: { code: 'InvalidBotApiHost' } }, { status: 403 }),
      )
    }
    await using on = await stage({ fetch: clouds, options: { connectorUrl: undefined } })
    await on.send(hello, { context: { value: {}, at: new Date() } })
    expect(asked).toEqual(['smba.trafficmanager.net', 'smba.infra.gcc.teams.microsoft.com'])
    const sending = on.send(hello)
    expect(await failureOf(on, sending)).toMatchObject({ kind: 'invalid', code: 'InvalidBotApiHost' })
  })

  test.each([
    ['no id', '{}'],
    ['an id that is none', '{"id":7}'],
    ['no JSON', '<html>'],
    ['more than is read', `"${'x'.repeat(300_000)}"`],
  ])('that is answered with %s may have been sent', async (_, body) => {
    await using on = await stage()
    on.provider.answerWith((call) => (isLogin(call) ? undefined : { body }))
    expect(await failureOf(on, on.send(hello))).toMatchObject({ kind: 'ambiguous' })
  })

  test.each([
    [403, 'ConversationBlockedByUser', 'recipient'],
    [403, 'BotNotInConversationRoster', 'recipient'],
    [404, 'ConversationNotFound', 'recipient'],
    [412, 'PreconditionFailed', 'transient'],
    [413, 'MessageSizeTooBig', 'invalid'],
    [502, 'ServiceError', 'ambiguous'],
  ])('that is refused with %i %s is %s', async (status, code, kind) => {
    await using on = await stage({ unreachable: { [endpoints.personal.thread]: [status, code] } })
    expect(await failureOf(on, on.send(hello))).toMatchObject({ kind, code })
  })
})

describe('a change', () => {
  const after = { call: 'message', args: { type: 'message', textFormat: 'plain', text: 'after' } }

  test('replaces the message, also in a thread', async () => {
    await using on = await stage()
    const [sent] = await on.send(hello, { endpoint: endpoints.channel })
    if (!sent) throw new Error('nothing was sent')
    await on.runtime.edit?.(sent, after, on.context({ endpoint: endpoints.channel }))
    expect(on.provider.messages).toMatchObject([{ activity: { text: 'after' } }])
    const { thread } = endpoints.channel
    expect(on.provider.calls.at(-1)?.path).toContain(`/${encodeURIComponent(thread)}/activities/`)
  })

  test('of a message that is gone is invalid, and its removal succeeds', async () => {
    await using on = await stage()
    const [sent] = await on.send(hello)
    if (!sent) throw new Error('nothing was sent')
    for (let i = 0; i < 2; i += 1) await on.runtime.remove?.(sent, on.context())
    expect(on.provider.messages).toEqual([])
    const editing = Promise.resolve(on.runtime.edit?.(sent, after, on.context()))
    expect(await failureOf(on, editing)).toMatchObject({
      kind: 'invalid',
      code: 'ActivityNotFoundInConversation',
    })
  })

  test('of a message that cannot be in Teams calls nobody', async () => {
    await using on = await stage()
    for (const id of ['', 'nothing', '/1', 'a:1/']) {
      const removing = Promise.resolve(on.runtime.remove?.({ providerMessageIds: [id] }, on.context()))
      expect(await failureOf(on, removing)).toMatchObject({ kind: 'invalid' })
    }
    expect(on.provider.calls).toEqual([])
  })

  test('is refused as a message is', async () => {
    await using on = await stage()
    const [sent] = await on.send(hello)
    if (!sent) throw new Error('nothing was sent')
    on.provider.answerWith((call) =>
      isLogin(call) ? undefined : refusal(429, 'Throttled', { 'retry-after': '3' }),
    )
    const removing = Promise.resolve(on.runtime.remove?.(sent, on.context()))
    expect(await failureOf(on, removing)).toMatchObject({
      kind: 'rate-limited',
      scope: 'endpoint',
      retryAfterMs: 3000,
    })
  })
})

test('typing is shown in the conversation', async () => {
  await using on = await stage()
  await on.runtime.indicateTyping?.(on.context())
  expect(calls(on).map(({ body }) => body)).toEqual(['{"type":"typing"}'])
  expect(on.provider.messages).toEqual([])
})
