import { isId, toUuid } from '@plugboard/core'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { newSecret, type Told, tell } from '../support/person.js'
import { type Received, startReceiver } from '../support/receiver.js'
import { basic } from '../support/sunshine.js'
import { bodyOf, type Program, type ProgramOptions, startProgram } from './program.js'
import { useSunshine } from './stage.js'

const ID = /^[0-9a-f]{24}$/
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

const stage = useSunshine()
const { api, newApp, newUser, personal, say } = stage
const listen = (triggers: string[], options?: ProgramOptions): Promise<Program> =>
  startProgram(api, triggers, options)

const business = { type: 'business' }

/** A person who writes through the generic channel; answers what was told. */
async function person(): Promise<(told: Partial<Told>) => Promise<void>> {
  const secret = newSecret()
  const config = { url: 'http://127.0.0.1:9/', secret }
  const made = await call(stage.server, 'POST', `/v2/apps/${stage.key.appId}/integrations`, {
    body: { type: 'webhook', config },
    headers: { authorization: basic(stage.key) },
  })
  expect(made.status).toBe(201)
  const { appId } = stage.key
  if (!isId(appId)) throw new Error('an app has an id of the domain')
  return async (told) => {
    // Providers name a client by the id that the Messaging API gives it.
    const answer = await tell(stage.server, { client: toUuid(appId), secret }, { sender: 'sam', ...told })
    expect(answer.status).toBeLessThan(300)
  }
}

describe('a request', () => {
  test('says whose it is, carries the secret and is signed', async () => {
    await newApp()
    const program = await listen(['conversation:message'])
    await say(await personal(await newUser()), 'hello')
    const event = await program.event()
    const request = program.receiver.requests[0] as Received
    expect(bodyOf(request)).toEqual({
      app: { id: stage.key.appId },
      webhook: { id: program.webhook.id, version: 'v2' },
      events: [event],
    })
    expect(event).toMatchObject({
      id: expect.stringMatching(ID),
      createdAt: expect.stringMatching(ISO),
      type: 'conversation:message',
    })
    expect(request.headers['x-api-key']).toBe(program.webhook.secret)
    expect(request.headers['content-type']).toMatch(/^application\/json/)
    const headers = request.headers as Record<string, string>
    expect(new Webhook(program.webhook.secret).verify(request.text, headers)).toEqual(bodyOf(request))
  })

  test('comes for what the webhook asked for, and for nothing else', async () => {
    await newApp()
    const [messages, reads] = [await listen(['conversation:message']), await listen(['conversation:read'])]
    const userId = await newUser()
    const id = await personal(userId)
    await say(id, 'hello')
    await api.postActivity(id, { author: business, type: 'conversation:read' })
    await api.postActivity(id, { author: business, type: 'typing:start' })
    await Promise.all([messages.event(), reads.event()])
    await say(id, 'last')
    await messages.event(2)
    expect(messages.events().map(({ type }) => type)).toEqual([
      'conversation:message',
      'conversation:message',
    ])
    expect(reads.events().map(({ type }) => type)).toEqual(['conversation:read'])
  })

  test('goes where the webhook is by now', async () => {
    await newApp()
    const program = await listen(['conversation:message'])
    const id = await personal(await newUser())
    await say(id, 'one')
    await program.event()
    const moved = await startReceiver()
    await api.updateWebhook(program.integrationId, program.webhook.id, { target: moved.url })
    await say(id, 'two')
    await moved.until((requests) => requests.length === 1)
    expect(program.events()).toHaveLength(1)
    await api.deleteIntegration(program.integrationId)
    const other = await listen(['conversation:message'])
    await say(id, 'three')
    await other.event()
    expect(moved.requests).toHaveLength(1)
  })
})

describe('an event', () => {
  test('reports a message of the business', async () => {
    await newApp()
    const program = await listen(['conversation:message'])
    const id = await personal(await newUser())
    const { messages } = await say(id, 'hello')
    const { payload, createdAt, id: eventId } = await program.event()
    expect(payload).toEqual({
      conversation: { id, type: 'personal' },
      message: {
        id: messages[0].id,
        received: createdAt,
        author: { type: 'business' },
        content: { type: 'text', text: 'hello' },
        source: { type: 'api:conversations' },
      },
    })
    expect(eventId).toBe(messages[0].id)
  })

  const ann = { externalId: 'ann@example.org/1', profile: { givenName: 'Ann', surname: 'Lee' } }

  test('reports a message of a user, with a short form of the user', async () => {
    await newApp()
    const program = await listen(['conversation:message'])
    const userId = await newUser(ann)
    await say(await personal(userId), 'hello', { type: 'user', userId })
    const { payload } = await program.event()
    expect(payload.message.author).toEqual({
      ...{ type: 'user', userId, displayName: 'Ann Lee' },
      user: { id: userId, authenticated: false, externalId: ann.externalId },
    })
  })

  test('includes the full user if the webhook wants it', async () => {
    await newApp()
    const program = await listen(['conversation:message'], { more: { includeFullUser: true } })
    const userId = await newUser(ann)
    await say(await personal(userId), 'hello', { type: 'user', userId })
    const { payload } = await program.event()
    expect(payload.message.author.user).toMatchObject({ id: userId, ...ann, identities: [] })
  })

  test('reports a conversation created by the API, with its user', async () => {
    await newApp()
    const program = await listen(['conversation:create'])
    const userId = await newUser()
    const id = await personal(userId)
    const source = { type: 'api:conversations' }
    expect((await program.event()).payload).toEqual({
      ...{ conversation: { id, type: 'personal' }, creationReason: 'none', source },
      user: { id: userId, authenticated: false },
    })
    const metadata = { room: 7 }
    const group = (await api.createConversation({ type: 'sdkGroup', metadata })).conversation
    expect((await program.event(2)).payload).toEqual({
      ...{ conversation: { id: group.id, type: 'sdkGroup', metadata }, creationReason: 'none', source },
    })
  })

  test('reports a conversation started on a channel, with the source if the webhook wants it', async () => {
    await newApp()
    const program = await listen(['conversation:create', 'conversation:message'], {
      more: { includeFullSource: true },
    })
    const write = await person()
    await write({ payload: { type: 'text', text: 'hi' } })
    await program.event(2)
    const { integrations } = await api.listIntegrations({ filter: { types: 'webhook' } })
    const source = { type: 'webhook', integrationId: integrations[0].id }
    const [created, written] = program.events()
    expect(created?.payload).toMatchObject({ creationReason: 'message', source })
    expect(written?.payload.message).toMatchObject({
      author: { type: 'user', userId: created?.payload.user.id },
      content: { type: 'text', text: 'hi' },
      source: { ...source, originalMessageId: expect.any(String) },
    })
    expect(written?.payload.message.source.client).toMatchObject({
      ...{ id: expect.stringMatching(ID), type: 'webhook', status: 'active', externalId: 'sam' },
      integrationId: source.integrationId,
    })
  })

  test('reports a pressed button instead of a message', async () => {
    await newApp()
    const program = await listen(['conversation:message', 'conversation:postback'])
    const write = await person()
    await write({ payload: { type: 'postback', payload: 'order-7' } })
    const { type, payload } = await program.event()
    expect([type, payload]).toEqual([
      'conversation:postback',
      {
        postback: { payload: 'order-7' },
        conversation: { id: expect.stringMatching(ID), type: 'personal' },
        user: { id: expect.stringMatching(ID), authenticated: false },
        source: {
          ...{ type: 'webhook', integrationId: expect.stringMatching(ID) },
          originalMessageId: expect.any(String),
        },
      },
    ])
  })

  test('does not report a button press as a message', async () => {
    await newApp()
    const program = await listen(['conversation:message'])
    const write = await person()
    await write({ payload: { type: 'postback', payload: 'order-7' } })
    await write({ payload: { type: 'text', text: 'hi' } })
    expect((await program.event()).payload.message.content).toEqual({ type: 'text', text: 'hi' })
  })

  test('reports reads and typing', async () => {
    await newApp()
    const program = await listen(['conversation:read', 'conversation:typing'])
    const userId = await newUser()
    const id = await personal(userId)
    const activities = [
      { author: { type: 'user', userId }, type: 'conversation:read' },
      { author: business, type: 'conversation:read' },
      { author: business, type: 'typing:start' },
      { author: business, type: 'typing:stop' },
    ]
    for (const activity of activities) await api.postActivity(id, activity)
    await program.event(4)
    const source = { type: 'api:conversations' }
    const user = { id: userId, authenticated: false }
    expect(program.events().map(({ type, payload }) => [type, payload.activity])).toEqual([
      ['conversation:read', { type: 'conversation:read', author: { type: 'user', userId, user }, source }],
      ['conversation:read', { type: 'conversation:read', author: business, source }],
      ['conversation:typing', { type: 'typing:start', author: business, source }],
      ['conversation:typing', { type: 'typing:stop', author: business, source }],
    ])
    expect(program.events().every(({ payload }) => payload.conversation.id === id)).toBe(true)
  })

  test('reports who joins and leaves a group', async () => {
    await newApp()
    const program = await listen(['conversation:join', 'conversation:leave'])
    const { id } = (await api.createConversation({ type: 'sdkGroup' })).conversation
    const userId = await newUser({ externalId: 'bo' })
    await api.joinConversation(id, { userId, subscribeSDKClient: true })
    await api.leaveConversation(id, { userId })
    await program.event(2)
    const payload = {
      conversation: { id, type: 'sdkGroup' },
      user: { id: userId, authenticated: false, externalId: 'bo' },
    }
    expect(program.events().map(({ type, payload }) => [type, payload])).toEqual([
      ['conversation:join', payload],
      ['conversation:leave', payload],
    ])
  })

  test('reports a deleted conversation', async () => {
    await newApp()
    const program = await listen(['conversation:remove'])
    const metadata = { room: 7 }
    const { id } = (await api.createConversation({ type: 'sdkGroup', metadata })).conversation
    await api.deleteConversation(id)
    expect((await program.event()).payload).toEqual({ conversation: { id, type: 'sdkGroup', metadata } })
  })

  test('reports a deleted user, under both names of the trigger', async () => {
    await newApp()
    const [removed, deleted] = [await listen(['user:remove']), await listen(['user:delete'])]
    const userId = await newUser({ externalId: 'cy' })
    await api.deleteUser(userId)
    const payload = { user: { id: userId, authenticated: false, externalId: 'cy' } }
    expect(await removed.event()).toMatchObject({ type: 'user:remove', payload })
    expect(await deleted.event()).toMatchObject({ type: 'user:delete', payload })
  })
})
