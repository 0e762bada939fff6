import { type Id, toUuid } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { call, callAdmin, clientOf } from '../support/api.js'
import { basic, refusalOf } from '../support/sunshine.js'
import { useSunshine } from './stage.js'

const stage = useSunshine()
const { api, newUser, raw } = stage

interface Conversation {
  id: string
  type: string
  isDefault: boolean
  displayName?: string
  metadata?: Record<string, unknown>
}

const business = { type: 'business' }
const text = (words: string) => ({ author: business, content: { type: 'text', text: words } })

async function create(body: object): Promise<Conversation> {
  return (await api.createConversation(body)).conversation
}

const personal = (userId: string, more: object = {}) =>
  create({ type: 'personal', participants: [{ userId }], ...more })

/** All pages of a list, forward, each of this size. */
async function walk(userId: string, size: number, between?: () => Promise<unknown>): Promise<string[]> {
  const ids: string[] = []
  for (let after: string | undefined; ; ) {
    const query = new URLSearchParams({ 'filter[userId]': userId, 'page[size]': String(size) })
    if (after) query.set('page[after]', after)
    const { json } = await raw('GET', `/conversations?${query}`)
    ids.push(...json.conversations.map(({ id }: Conversation) => id))
    after = json.meta.afterCursor
    if (!json.meta.hasMore) return ids
    await between?.()
  }
}

describe('a conversation', () => {
  test('is made for one user with what is known of it, and is found again', async () => {
    const userId = await newUser()
    const fields = {
      displayName: 'Order 7',
      description: 'About a lamp',
      iconUrl: 'https://example.com/lamp.png',
      metadata: { lang: 'en-ca', urgent: true, count: 2 },
    }
    const made = await personal(userId, fields)
    expect(made).toMatchObject({ type: 'personal', isDefault: true, ...fields })
    expect(await api.getConversation(made.id)).toMatchObject({ conversation: made })
  })

  test('is the default one only when it is the first of its user', async () => {
    const userId = await newUser()
    const made = [await personal(userId), await personal(userId)]
    expect(made.map(({ isDefault }: Conversation) => isDefault)).toEqual([true, false])
  })

  test('of many created concurrently, exactly one is the default', async () => {
    const userId = await newUser()
    await Promise.all(Array.from({ length: 10 }, () => personal(userId)))
    const { conversations } = await api.listConversations({ userId })
    expect(conversations.filter(({ isDefault }: Conversation) => isDefault)).toHaveLength(1)
  })

  test('that is the default cannot be deleted, but its messages can', async () => {
    const { id } = await personal(await newUser())
    await api.postMessage(id, text('hello'))
    expect(await refusalOf(api.deleteConversation(id))).toEqual({
      status: 400,
      code: 'bad_request',
      title: `Conversation ${id} cannot be deleted because it is the default.`,
    })
    await api.deleteAllMessages(id)
    expect(await api.listMessages(id)).toMatchObject({ messages: [] })
  })

  test('becomes the default one when that is deleted by another API', async () => {
    const userId = await newUser()
    const [first, second] = [await personal(userId), await personal(userId)]
    const id = toUuid(stage.key.appId as Id)
    const { token } = (await callAdmin(stage.server, 'POST', `/clients/${id}/tokens`)).json
    const client = clientOf(stage.server, { id, token, webhooks: [] })
    expect((await client.call('DELETE', `/conversations/${toUuid(first.id as Id)}`)).status).toBeLessThan(300)
    expect((await api.getConversation(second.id)).conversation.isDefault).toBe(true)
    expect((await personal(userId)).isDefault).toBe(false)
  })

  test('that is not the default is deleted, and then unknown', async () => {
    const userId = await newUser()
    await personal(userId)
    const { id } = await personal(userId)
    await api.deleteConversation(id)
    for (const again of [api.getConversation, api.deleteConversation, api.listMessages])
      expect(await refusalOf(again(id))).toMatchObject({
        status: 404,
        code: 'conversation_not_found',
      })
  })

  test('is changed field by field: what is absent stays, null takes away, metadata is merged', async () => {
    const made = await personal(await newUser(), { displayName: 'A', metadata: { a: 1, b: 'x' } })
    const { conversation } = await api.updateConversation(made.id, {
      description: 'new',
      displayName: null,
      metadata: { b: 'y', c: false },
    })
    expect(conversation).toMatchObject({ description: 'new', metadata: { a: 1, b: 'y', c: false } })
    expect(conversation.displayName).toBeUndefined()
  })

  test('of a group has no default, and up to ten participants', async () => {
    const users = await Promise.all(Array.from({ length: 11 }, () => newUser()))
    const participants = users.map((userId) => ({ userId, subscribeSDKClient: true }))
    expect(await create({ type: 'sdkGroup', participants: participants.slice(1) })).toMatchObject({
      type: 'sdkGroup',
      isDefault: false,
    })
    expect(await create({ type: 'sdkGroup' })).toMatchObject({ isDefault: false })
    expect(await refusalOf(create({ type: 'sdkGroup', participants }))).toEqual({
      status: 400,
      code: 'bad_request',
      title: 'Too many participants',
    })
  })

  test.each([
    ['no type', { participants: [] }, "should have required property 'type'"],
    ['an unknown type', { type: 'secret' }, 'one of the allowed values'],
    ['no participant', { type: 'personal' }, 'exactly 1 participant'],
    ['a participant without a name', { type: 'sdkGroup', participants: [{}] }, 'exactly one of'],
    ['a long name', { type: 'sdkGroup', displayName: 'x'.repeat(101) }, '.displayName'],
    ['a bad icon', { type: 'sdkGroup', iconUrl: 'lamp' }, '.iconUrl'],
    ['deep metadata', { type: 'sdkGroup', metadata: { a: {} } }, '.metadata.a'],
    ['big metadata', { type: 'sdkGroup', metadata: { a: 'x'.repeat(4100) } }, '4096 bytes'],
  ])('with %s is refused in words that name it', async (_, body, words) => {
    const refusal = await refusalOf(create(body))
    expect(refusal).toMatchObject({ status: 400, code: 'bad_request' })
    expect(refusal.title).toContain(words)
  })

  test('with an unknown user is not made', async () => {
    const refusal = { status: 404, code: 'user_not_found' }
    for (const participant of [{ userId: '0'.repeat(24) }, { userExternalId: 'nobody' }, { userId: 'x' }])
      expect(await refusalOf(create({ type: 'personal', participants: [participant] }))).toMatchObject(
        refusal,
      )
  })

  test('is made once however often a request with one idempotency key comes', async () => {
    const userId = await newUser()
    const headers = { authorization: basic(stage.key), 'idempotency-key': 'once' }
    const body = { type: 'personal', participants: [{ userId }] }
    const post = () =>
      call(stage.server, 'POST', `/v2/apps/${stage.key.appId}/conversations`, { headers, body })
    const [first, second] = [await post(), await post()]
    expect(second.json).toEqual(first.json)
  })
})

describe('the list of conversations', () => {
  test('has all that a user takes part in, and pages of any size skip and repeat none', async () => {
    const userId = await newUser({ externalId: 'list/me@here' })
    const made = []
    for (let i = 0; i < 7; i += 1) {
      const participants = [{ userId, subscribeSDKClient: true }]
      made.push((await (i % 3 ? personal(userId) : create({ type: 'sdkGroup', participants }))).id)
    }
    for (const size of [1, 2, 3, 7, 100]) expect(await walk(userId, size)).toEqual(made)
    const byExternalId = await api.listConversations({ userExternalId: 'list/me@here' })
    expect(byExternalId.conversations.map(({ id }: Conversation) => id)).toEqual(made)
  })

  test('is walked without a gap while messages move the conversations and others are made', async () => {
    const userId = await newUser()
    const made = [await personal(userId), await personal(userId), await personal(userId)]
    let more = 3
    const walked = await walk(userId, 1, async () => {
      await api.postMessage(made[0]?.id, text('up'))
      if (more-- > 0) await personal(userId)
    })
    expect(walked.slice(0, 3)).toEqual(made.map(({ id }) => id))
    expect(new Set(walked).size).toBe(walked.length)
  })

  test('goes back by the cursors and the links of a page, which keep the filter and the size', async () => {
    const userId = await newUser()
    const ids = []
    for (let i = 0; i < 5; i += 1) ids.push((await personal(userId)).id)
    const query = new URLSearchParams({
      'filter[userId]': userId,
      'page[size]': '2',
      'page[after]': ids[1] ?? '',
    })
    const { json } = await raw('GET', `/conversations?${query}`)
    expect(json.conversations.map(({ id }: Conversation) => id)).toEqual(ids.slice(2, 4))
    expect(json.meta).toEqual({ hasMore: true, afterCursor: ids[3], beforeCursor: ids[2] })
    const headers = { authorization: basic(stage.key) }
    const follow = async (link: string) => (await (await fetch(link, { headers })).json()) as typeof json
    const ofPage = ({ conversations }: typeof json) => conversations.map(({ id }: Conversation) => id)
    expect(ofPage(await follow(json.links.next))).toEqual(ids.slice(4))
    expect(ofPage(await follow(json.links.prev))).toEqual(ids.slice(0, 2))
  })

  test('has links with the prefix that it was asked for under', async () => {
    const userId = await newUser()
    for (let i = 0; i < 2; i += 1) await personal(userId)
    const headers = { authorization: basic(stage.key) }
    for (const prefix of ['', '/sc']) {
      const path = `${prefix}/v2/apps/${stage.key.appId}/conversations?filter[userId]=${userId}&page[size]=1`
      const { json } = await call(stage.server, 'GET', path, { headers })
      expect(json.links.next).toContain(
        `${stage.server.url}${prefix}/v2/apps/${stage.key.appId}/conversations?`,
      )
      const next = await (await fetch(json.links.next, { headers })).json()
      expect(next).toMatchObject({ conversations: [{ isDefault: false }], meta: { hasMore: false } })
    }
  })

  test.each([
    ['no filter', ''],
    ['both filters', 'filter[userId]=x&filter[userExternalId]=y'],
    [
      'both cursors',
      `filter[userExternalId]=page-me&page[after]=${'a'.repeat(24)}&page[before]=${'b'.repeat(24)}`,
    ],
    ['a short cursor', 'filter[userExternalId]=page-me&page[after]=abc'],
    ['a size of 0', 'filter[userExternalId]=page-me&page[size]=0'],
    ['a size of 101', 'filter[userExternalId]=page-me&page[size]=101'],
    ['a size of half', 'filter[userExternalId]=page-me&page[size]=1.5'],
  ])('with %s is refused', async (_, query) => {
    await api.createUser({ externalId: 'page-me' }).catch(() => undefined)
    expect(await raw('GET', `/conversations?${query}`)).toMatchObject({
      status: 400,
      json: { errors: [{ code: 'bad_request' }] },
    })
  })

  test('of the whole app can be asked for by metadata and date', async () => {
    const userId = await newUser()
    const before = await personal(userId)
    const plain = await personal(userId)
    const at = Date.now()
    await expect.poll(() => Date.now(), { interval: 1 }).toBeGreaterThan(at)
    const since = new Date()
    const one = await personal(userId, { metadata: { ticket: 12, kind: 'a' } })
    const two = await create({ type: 'sdkGroup', metadata: { ticket: 12, kind: 'b' } })
    const idsOf = async (query: string) =>
      (await raw('GET', `/conversations?${query}`)).json.conversations.map(({ id }: Conversation) => id)
    expect(await idsOf('filter[metadata.ticket]=12')).toEqual([one.id, two.id])
    expect(await idsOf('filter[metadata.ticket]=12&filter[metadata.kind]=b')).toEqual([two.id])
    expect(await idsOf(`filter[createdAfter]=${since.toISOString()}`)).not.toContain(plain.id)
    expect(await idsOf(`filter[createdAfter]=${since.toISOString()}`)).toEqual(
      expect.arrayContaining([one.id, two.id]),
    )
    const all = await idsOf(`filter[all]=true&page[size]=100&page[after]=${before.id}`)
    expect(all).toEqual([plain.id, one.id, two.id])
  })
})
