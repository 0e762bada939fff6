import { fromUuid, toUuid } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { call, createClient } from '../support/api.js'
import { newSecret, tell, webhookChannel } from '../support/person.js'
import { startReceiver } from '../support/receiver.js'
import { basic, type Key, newKey, officialClient, refusalOf } from '../support/sunshine.js'
import { useSunshine } from './stage.js'

const stage = useSunshine()
const { api, raw } = stage

const newUser = async (body: object = {}) => (await api.createUser(body)).user
const group = async (...userIds: string[]) =>
  (await api.createConversation({ type: 'sdkGroup', participants: userIds.map(subscribed) })).conversation
const subscribed = (userId: string) => ({ userId, subscribeSDKClient: true })
const text = (words: string, author: object = { type: 'business' }) => ({
  author,
  content: { type: 'text', text: words },
})

describe('a user', () => {
  const profile = {
    givenName: 'Ada',
    surname: 'Lovelace',
    email: 'ada@example.com',
    avatarUrl: 'https://example.com/ada.png',
    locale: 'en-GB',
  }

  test('is made with what is known, and found by the id and by the external id, whatever is in it', async () => {
    for (const externalId of [
      'plain',
      'a/b@c.example?x=1&y=%2F',
      'Zoë 🙂',
      'a'.repeat(24),
      'x'.repeat(1024),
    ]) {
      const body = { externalId, profile, metadata: { vip: true }, signedUpAt: '2026-01-05T10:00:00.123Z' }
      const user = await newUser(body)
      expect(user).toMatchObject({ ...body, identities: [] })
      for (const name of [user.id, externalId]) expect((await api.getUser(name)).user.id).toBe(user.id)
    }
  })

  test('has a unique external id, even with concurrent requests', async () => {
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, () => newUser({ externalId: 'race' })),
    )
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await refusalOf(newUser({ externalId: 'race' }))).toEqual({
      ...{ status: 409, code: 'conflict', title: 'User already exists' },
    })
  })

  test('is changed key by key: null takes a key away', async () => {
    const { id } = await newUser({ profile, metadata: { a: 1, b: 2 } })
    const body = { profile: { email: null, locale: 'de' }, metadata: { b: 3, c: 'x' }, toBeRetained: true }
    const { json } = await raw('PATCH', `/users/${id}`, body)
    const { email: _, ...rest } = profile
    expect(json.user).toMatchObject({ metadata: { a: 1, b: 3, c: 'x' }, toBeRetained: true })
    expect(json.user.profile).toEqual({ ...rest, locale: 'de' })
  })

  test('loses its personal data, and keeps its conversations', async () => {
    const { id } = await newUser({ profile, metadata: { a: 1 }, externalId: 'forget-me' })
    const { conversation } = await api.createConversation({
      type: 'personal',
      participants: [{ userId: id }],
    })
    expect((await api.deleteUserPersonalInformation(id)).user).toMatchObject({
      id,
      profile: {},
      metadata: {},
    })
    expect((await api.getConversation(conversation.id)).conversation.id).toBe(conversation.id)
  })

  test('is deleted with the conversations that are its own; groups go on, and the external id is free', async () => {
    const [{ id }, other] = [await newUser({ externalId: 'leaver' }), await newUser()]
    const { conversation } = await api.createConversation({
      type: 'personal',
      participants: [{ userId: id }],
    })
    const shared = await group(id, other.id)
    await api.deleteUser('leaver')
    expect(await refusalOf(api.getUser(id))).toMatchObject({ status: 404, code: 'user_not_found' })
    expect(await refusalOf(api.getConversation(conversation.id))).toMatchObject({ status: 404 })
    const { participants } = await api.listParticipants(shared.id)
    expect(participants).toMatchObject([{ userId: other.id }])
    expect((await newUser({ externalId: 'leaver' })).id).not.toBe(id)
  })

  test('is found by the e-mail address of its profile, which is no identity', async () => {
    const { id } = await newUser({ profile: { email: 'Find.Me@example.com' } })
    const { json } = await raw('GET', '/users?filter[profile.email]=find.me@example.com')
    expect(json.users).toMatchObject([{ id }])
    expect((await raw('GET', '/users?filter%5Bidentities.email%5D=find.me@example.com')).json).toEqual({
      users: [],
    })
    expect((await raw('GET', '/users')).status).toBe(400)
  })

  test.each([
    'ada@example.com',
    'ada+news@mail.example.co.uk',
    "o'neil@example.com",
    'анна@пример.рф',
    'root@localhost',
  ])('has the e-mail address %s', async (email) => {
    expect((await newUser({ profile: { email } })).profile).toEqual({ email })
  })

  test.each([
    ['an empty external id', { externalId: '' }, '.externalId'],
    ['a NUL in the external id', { externalId: 'a\0b' }, 'stored'],
    ['a long name', { profile: { givenName: 'x'.repeat(129) } }, '.profile.givenName'],
    ['a name for an e-mail address', { profile: { email: 'Ada' } }, '.profile.email'],
    ['no e-mail address', { profile: { email: '' } }, '.profile.email'],
    [
      'a line of an e-mail',
      { profile: { email: 'ada@example.com\r\nBcc: x@example.com' } },
      '.profile.email',
    ],
    [
      'a long e-mail address',
      { profile: { email: `${'x'.repeat(60)}@${'y'.repeat(90)}` } },
      '.profile.email',
    ],
    ['no date of signing up', { signedUpAt: 'today' }, '.signedUpAt'],
    ['deep metadata', { metadata: { a: [] } }, '.metadata.a'],
  ])('with %s is refused in words that name it', async (_, body, words) => {
    const refusal = await refusalOf(api.createUser(body))
    expect(refusal).toMatchObject({ status: 400, code: 'bad_request' })
    expect(refusal.title).toContain(words)
  })
})

describe('participants', () => {
  test('of a group are subscribed, and have one client of type sdk from then on', async () => {
    const [{ id: first }, { id: second }] = [await newUser(), await newUser()]
    const { id } = await group(first)
    await group(first)
    await api.joinConversation(id, subscribed(second))
    for (const userId of [first, second]) {
      const { clients } = await api.listClients(userId)
      expect(clients).toEqual([expect.objectContaining({ type: 'sdk', status: 'active' })])
      const { participants } = await api.listParticipants(id)
      const own = participants.find((each: { userId: string }) => each.userId === userId)
      expect(own.clientAssociations).toEqual([{ type: 'sdk', clientId: clients[0].id }])
      expect(await refusalOf(api.removeClient(userId, clients[0].id))).toMatchObject({ status: 400 })
    }
  })

  test.each([{}, { subscribeSDKClient: false }])(
    'of a group without a subscription, %o, are refused',
    async (more) => {
      const participant = { userId: (await newUser()).id, ...more }
      const refusal = {
        ...{ status: 400, code: 'bad_request' },
        title: expect.stringContaining('subscribeSDKClient should be true'),
      }
      const creating = api.createConversation({ type: 'sdkGroup', participants: [participant] })
      expect(await refusalOf(creating)).toMatchObject(refusal)
      const { id } = await group()
      expect(await refusalOf(api.joinConversation(id, participant))).toMatchObject(refusal)
      expect((await api.listClients(participant.userId)).clients).toEqual([])
    },
  )

  test('of a personal conversation choose whether they have a client of type sdk', async () => {
    for (const subscribeSDKClient of [false, true]) {
      const { id: userId } = await newUser()
      await api.createConversation({ type: 'personal', participants: [{ userId, subscribeSDKClient }] })
      expect((await api.listClients(userId)).clients).toHaveLength(subscribeSDKClient ? 1 : 0)
    }
  })

  test('join and leave a group, once each, and at most ten', async () => {
    const users = await Promise.all(Array.from({ length: 11 }, () => newUser()))
    const { id } = await group()
    const joined = await Promise.all(
      users.map((user) => api.joinConversation(id, subscribed(user.id)).catch((e) => e)),
    )
    expect(joined.filter(({ participant }) => participant)).toHaveLength(10)
    expect(joined.filter(({ status }) => status === 400)).toHaveLength(1)
    const [first] = (await api.listParticipants(id)).participants
    expect((await api.joinConversation(id, subscribed(first.userId))).participant.id).toBe(first.id)
    await api.leaveConversation(id, { participantId: first.id })
    await api.joinConversation(id, subscribed(first.userId))
    await api.leaveConversation(id, { userId: first.userId })
    expect(await refusalOf(api.leaveConversation(id, { userId: first.userId }))).toMatchObject({
      ...{ status: 404, code: 'not_found' },
    })
    expect(await refusalOf(api.joinConversation(id, {}))).toMatchObject({ status: 400 })
  })

  test('neither join nor leave a personal conversation', async () => {
    const [{ id: userId }, other] = [await newUser(), await newUser()]
    const { conversation } = await api.createConversation({ type: 'personal', participants: [{ userId }] })
    const refusal = { status: 400, code: 'bad_request' }
    const joining = api.joinConversation(conversation.id, subscribed(other.id))
    expect(await refusalOf(joining)).toMatchObject(refusal)
    expect(await refusalOf(api.leaveConversation(conversation.id, { userId }))).toMatchObject(refusal)
  })

  test('are listed in pages of any size', async () => {
    const users = await Promise.all(Array.from({ length: 5 }, () => newUser()))
    const { id } = await group(...users.map((user) => user.id))
    const found: string[] = []
    for (let after = ''; ; ) {
      const { json } = await raw(
        'GET',
        `/conversations/${id}/participants?page[size]=2${after && `&page[after]=${after}`}`,
      )
      found.push(...json.participants.map(({ userId }: { userId: string }) => userId))
      if (!json.meta.hasMore) break
      after = json.meta.afterCursor
    }
    expect(found).toEqual(users.map((user) => user.id))
  })
})

describe('activities', () => {
  test('count what each participant has not read: messages of others since the last time', async () => {
    const [ann, bob] = [await newUser(), await newUser()]
    const { id } = await group(ann.id, bob.id)
    const unread = async () =>
      Object.fromEntries(
        (await api.listParticipants(id)).participants.map((p: { userId: string; unreadCount: number }) => [
          p.userId,
          p.unreadCount,
        ]),
      )
    await api.postMessage(id, text('a'))
    await api.postMessage(id, text('b', { type: 'user', userId: ann.id }))
    expect(await unread()).toEqual({ [ann.id]: 1, [bob.id]: 2 })
    await api.postActivity(id, { author: { type: 'user', userId: bob.id }, type: 'conversation:read' })
    expect(await unread()).toEqual({ [ann.id]: 1, [bob.id]: 0 })
    await api.postMessage(id, text('c'))
    expect(await unread()).toEqual({ [ann.id]: 2, [bob.id]: 1 })
    const { participants } = await api.listParticipants(id)
    expect(participants.map(({ lastRead }: { lastRead?: string }) => lastRead !== undefined)).toEqual([
      false,
      true,
    ])
  })

  test('report when the business has read', async () => {
    const { id } = await group()
    expect((await api.getConversation(id)).conversation.businessLastRead).toBeUndefined()
    await api.postActivity(id, { author: { type: 'business' }, type: 'conversation:read' })
    expect((await api.getConversation(id)).conversation.businessLastRead).toMatch(/^\d{4}-/)
  })

  test('of typing are the business’s alone', async () => {
    const { id: userId } = await newUser()
    const { id } = await group(userId)
    for (const type of ['typing:start', 'typing:stop'])
      expect(await api.postActivity(id, { author: { type: 'business' }, type })).toBe('{}')
    const author = { type: 'user', userId }
    expect(await refusalOf(api.postActivity(id, { author, type: 'typing:start' }))).toMatchObject({
      ...{ status: 400, code: 'bad_request' },
    })
  })
})

describe('clients', () => {
  test('list where a user can be reached; a removed client gets no more messages, and starts a new conversation', async () => {
    const secret = newSecret()
    const client = await createClient(stage.server, {
      channels: webhookChannel('http://127.0.0.1:9/none', secret),
    })
    const own = await newKey(stage.server, { app: fromUuid(client.id) ?? '' })
    const ownApi = officialClient(stage.server, own)
    const write = () =>
      tell(
        stage.server,
        { client: client.id, secret },
        { sender: 'ann', payload: { type: 'text', text: 'hi' } },
      )
    await write()
    const { conversations } = await listAll(own)
    const [conversation] = conversations
    const { participants } = await ownApi.listParticipants(conversation.id)
    const { clients } = await ownApi.listClients(participants[0].userId)
    expect(clients).toMatchObject([{ type: 'webhook', status: 'active' }])
    await ownApi.removeClient(participants[0].userId, clients[0].id)
    expect((await ownApi.listClients(participants[0].userId)).clients).toEqual([])
    expect(await refusalOf(ownApi.removeClient(participants[0].userId, clients[0].id))).toMatchObject({
      ...{ status: 404, code: 'client_not_found' },
    })
    await write()
    expect((await listAll(own)).conversations).toHaveLength(2)
  })

  test('that are removed while a message is on its way get no message after it', async () => {
    let answer = (): void => {}
    const receiver = await startReceiver(
      () =>
        new Promise((resolve) => {
          answer = () => resolve(200)
        }),
    )
    const secret = newSecret()
    const client = await createClient(stage.server, { channels: webhookChannel(receiver.url, secret) })
    const own = await newKey(stage.server, { app: fromUuid(client.id) ?? '' })
    const ownApi = officialClient(stage.server, own)
    const said = { sender: 'bob', payload: { type: 'text', text: 'hi' } }
    await tell(stage.server, { client: client.id, secret }, said)
    const [conversation] = (await listAll(own)).conversations
    const [participant] = (await ownApi.listParticipants(conversation.id)).participants
    const [endpoint] = (await ownApi.listClients(participant.userId)).clients
    await ownApi.postMessage(conversation.id, text('one'))
    await expect.poll(() => receiver.requests.length).toBe(1)
    const { messages } = await ownApi.postMessage(conversation.id, text('two'))
    await ownApi.removeClient(participant.userId, endpoint.id)
    answer()
    const path = `/messages/${toUuid(messages[0].id)}/deliveries`
    const deliveries = async () => (await client.call('GET', path)).json.deliveries
    await expect.poll(deliveries).toMatchObject([{ state: 'dead' }])
    expect(receiver.requests).toHaveLength(1)
    await receiver.close()
  })

  const listAll = async (of: Key) =>
    (
      await call(stage.server, 'GET', `/v2/apps/${of.appId}/conversations?filter[all]=true`, {
        headers: { authorization: basic(of) },
      })
    ).json
})
