import { describe, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { basic, refusalOf } from '../support/sunshine.js'
import { useSunshine } from './stage.js'

const stage = useSunshine()
const { api, raw } = stage

const business = { type: 'business' }

/** A user with a conversation. */
async function begin(externalId?: string): Promise<{ userId: string; id: string }> {
  const { user } = await api.createUser(externalId === undefined ? {} : { externalId })
  const participants = [{ userId: user.id }]
  const { conversation } = await api.createConversation({ type: 'personal', participants })
  return { userId: user.id, id: conversation.id }
}

const say = async (id: string, text: string, author: object = business) =>
  (await api.postMessage(id, { author, content: { type: 'text', text } })).messages[0]

const action = { type: 'postback', text: 'Buy', payload: 'BUY', metadata: { a: 1 } }
const item = { title: 'Lamp', description: 'Red', mediaUrl: 'https://example.com/a.png', actions: [action] }

/** One of each kind of content, with all that it can have. */
const contents = {
  'a text': { type: 'text', text: 'hello' },
  'a text with a payload': { type: 'text', text: 'hello', payload: 'p', blockChatInput: true },
  replies: {
    type: 'text',
    text: 'Which?',
    actions: [
      { type: 'reply', text: 'A', payload: 'a', iconUrl: 'https://example.com/i.png', metadata: { b: true } },
      { type: 'locationRequest', text: 'Where?' },
    ],
  },
  buttons: {
    type: 'text',
    text: 'Look',
    actions: [
      { type: 'link', text: 'See', uri: 'https://example.com' },
      { type: 'webview', text: 'Open', uri: 'https://example.com', fallback: 'https://example.org' },
      { type: 'buy', text: 'Pay', amount: 100, currency: 'usd' },
      action,
    ],
  },
  'a picture': { type: 'image', mediaUrl: 'https://example.com/a.png', altText: 'A lamp', text: 'Here' },
  'a picture with buttons': { type: 'image', mediaUrl: 'https://example.com/a.png', actions: [action] },
  'a file': { type: 'file', mediaUrl: 'https://example.com/a.pdf', text: 'Manual' },
  'a place': {
    type: 'location',
    coordinates: { lat: 46.9, long: 7.4 },
    location: { address: 'Bern', name: 'Home' },
  },
  'a carousel': {
    type: 'carousel',
    items: [item, { ...item, size: 'large', altText: 'x', metadata: { c: 'd' } }],
    displaySettings: { imageAspectRatio: 'square' },
  },
  'a list': { type: 'list', items: [item], actions: [action] },
} as const

describe('a message', () => {
  test.each(Object.entries(contents))('that is %s is read back as it was posted', async (_, content) => {
    const { id } = await begin()
    const { messages } = await api.postMessage(id, { author: business, content })
    const listed = (await raw('GET', `/conversations/${id}/messages`)).json
    expect(listed.messages).toMatchObject([{ id: messages[0].id, content }])
  })

  test('that is a form is not submitted at first', async () => {
    const { id } = await begin()
    const options = [{ name: 'r', label: 'Red' }]
    const fields = [
      { type: 'text', name: 'n', label: 'Name?', minSize: 2, maxSize: 30 },
      { type: 'email', name: 'e', label: 'E-mail?' },
      { type: 'select', name: 's', label: 'Colour?', options },
    ]
    await api.postMessage(id, { author: business, content: { type: 'form', fields } })
    const { json } = await raw('GET', `/conversations/${id}/messages`)
    expect(json.messages[0].content).toEqual({ type: 'form', fields, submitted: false })
  })

  test('in Markdown becomes HTML and a plain text, and so does HTML', async () => {
    const { id } = await begin()
    for (const content of [
      { markdownText: 'Hello **you**' },
      { htmlText: '<p>Hello <strong>you</strong></p>' },
    ]) {
      const path = `/conversations/${id}/messages`
      const { json } = await raw('POST', path, { author: business, content: { type: 'text', ...content } })
      expect(json.messages[0].content).toEqual({
        ...{ type: 'text', text: 'Hello you', htmlText: '<p>Hello <strong>you</strong></p>' },
      })
    }
  })

  test('in markup of a hostile form becomes safe HTML', async () => {
    const { id } = await begin()
    const post = async (content: object) => {
      const path = `/conversations/${id}/messages`
      return raw('POST', path, { author: business, content: { type: 'text', ...content } })
    }
    expect((await post({ markdownText: `${'>'.repeat(4000)} a` })).status).toBe(201)
    const { json } = await post({ htmlText: '<p onclick="b()">Hello<script>c()</script></p>' })
    expect(json.messages[0].content).toEqual({ type: 'text', text: 'Hello', htmlText: '<p>Hello</p>' })
  })

  test('keeps its metadata, its references, the message that it quotes and how its author shows', async () => {
    const { id, userId } = await begin('details')
    const first = await say(id, 'first')
    const more = {
      metadata: { a: 1, b: 'x', c: true },
      references: [{ uri: 'https://example.com/doc', title: 'Doc' }],
      quotedMessage: { type: 'message', messageId: first.id },
    }
    const author = {
      type: 'business',
      displayName: 'Ann',
      avatarUrl: 'https://example.com/ann.png',
      subtypes: ['AI'],
    }
    const path = `/conversations/${id}/messages`
    const content = { type: 'text', text: 'second' }
    const { json } = await raw('POST', path, { author, content, ...more })
    expect(json.messages[0]).toMatchObject({
      author,
      content,
      ...more,
      source: { type: 'api:conversations' },
    })
    const byUser = await raw('POST', path, { author: { type: 'user', userExternalId: 'details' }, content })
    expect(byUser.json.messages[0].author).toEqual({ type: 'user', userId })
  })

  test('shows what its author is called', async () => {
    const { id, userId } = await begin()
    await api.updateUser(userId, {
      profile: { givenName: 'Ada', surname: 'L.', avatarUrl: 'https://example.com/a' },
    })
    await say(id, 'hello', { type: 'user', userId })
    const { json } = await raw('GET', `/conversations/${id}/messages`)
    expect(json.messages[0].author).toEqual({
      ...{ type: 'user', userId, displayName: 'Ada L.', avatarUrl: 'https://example.com/a' },
    })
  })

  test.each([
    ['no author', { content: { type: 'text', text: 'x' } }, "should have required property 'author'"],
    ['no content', { author: business }, "should have required property 'content'"],
    ['an unknown content', { author: business, content: { type: 'dance' } }, '.content'],
    ['an empty text', { author: business, content: { type: 'text' } }, "'htmlText'"],
    [
      'both markups',
      { author: business, content: { type: 'text', htmlText: 'a', markdownText: 'b' } },
      'exclude',
    ],
    ['a long text', { author: business, content: { type: 'text', text: 'x'.repeat(4097) } }, '.content.text'],
    [
      'a bad address',
      { author: business, content: { type: 'image', mediaUrl: 'a.png' } },
      '.content.mediaUrl',
    ],
    ['no item', { author: business, content: { type: 'carousel', items: [] } }, '.content.items'],
    [
      'a reply in an item',
      {
        author: business,
        content: {
          type: 'carousel',
          items: [{ title: 'a', actions: [{ type: 'reply', text: 'a', payload: 'b' }] }],
        },
      },
      '.content.items.0.actions.0.type',
    ],
    ['a nameless user', { author: { type: 'user' }, content: { type: 'text', text: 'x' } }, 'exactly one of'],
    [
      'two subtypes',
      { author: { type: 'business', subtypes: ['AI', 'bot'] }, content: { type: 'text', text: 'x' } },
      '.author.subtypes',
    ],
  ])('with %s is refused in words that name it', async (_, body, words) => {
    const { id } = await begin()
    const refusal = await refusalOf(api.postMessage(id, body))
    expect(refusal).toMatchObject({ status: 400, code: 'bad_request' })
    expect(refusal.title).toContain(words)
    expect((await api.listMessages(id)).messages).toEqual([])
  })

  test('of a user needs one who takes part', async () => {
    const [{ id }, other] = [await begin(), await begin()]
    const author = { type: 'user', userId: other.userId }
    expect(await refusalOf(say(id, 'x', author))).toMatchObject({ status: 403, code: 'forbidden' })
    const nobody = { type: 'user', userId: '0'.repeat(24) }
    expect(await refusalOf(say(id, 'x', nobody))).toMatchObject({ status: 404, code: 'user_not_found' })
  })

  test('to an unknown conversation is refused', async () => {
    for (const id of ['0'.repeat(24), 'x', '%2F'])
      expect(await refusalOf(say(id, 'x'))).toMatchObject({ status: 404, code: 'conversation_not_found' })
  })

  test('is deleted alone or with all others', async () => {
    const { id } = await begin()
    const [first, second] = [await say(id, 'a'), await say(id, 'b')]
    await api.deleteMessage(id, first.id)
    expect((await api.listMessages(id)).messages).toMatchObject([{ id: second.id }])
    expect(await refusalOf(api.deleteMessage(id, first.id))).toMatchObject({ status: 404, code: 'not_found' })
    await api.deleteAllMessages(id)
    expect((await api.listMessages(id)).messages).toEqual([])
  })

  test('moves the time of the last change of its conversation', async () => {
    const { id } = await begin()
    const { received } = await say(id, 'a')
    expect((await api.getConversation(id)).conversation.lastUpdatedAt).toBe(received)
  })
})

describe('ours: a single message', () => {
  test('is read, changed in what it says and what is known of it, and only in its own conversation', async () => {
    const [{ id }, other] = [await begin(), await begin()]
    const { id: messageId } = await say(id, 'typo')
    const path = (of: string) => `/conversations/${of}/messages/${messageId}`
    expect((await raw('GET', path(id))).json.message.content).toEqual({ type: 'text', text: 'typo' })
    const changed = await raw('PATCH', path(id), {
      content: { type: 'image', mediaUrl: 'https://example.com/a.png', altText: 'x' },
      metadata: { a: 1 },
    })
    expect(changed).toMatchObject({ status: 200, json: { message: { metadata: { a: 1 } } } })
    const { json } = await raw('GET', `/conversations/${id}/messages`)
    expect(json.messages).toEqual([changed.json.message])
    expect(json.messages[0].content.altText).toBe('x')
    expect((await raw('GET', path(other.id))).status).toBe(404)
    expect((await raw('PATCH', path(id), {})).status).toBe(400)
  })

  test('is posted once however often a request with one idempotency key comes', async () => {
    const { id } = await begin()
    const headers = { authorization: basic(stage.key), 'idempotency-key': 'post-once' }
    const body = { author: business, content: { type: 'text', text: 'once' } }
    const url = `/v2/apps/${stage.key.appId}/conversations/${id}/messages`
    const answers = [
      await call(stage.server, 'POST', url, { headers, body }),
      await call(stage.server, 'POST', url, { headers, body }),
    ]
    expect(answers[1]?.json).toEqual(answers[0]?.json)
    const other = { ...body, content: { type: 'text', text: 'twice' } }
    expect((await call(stage.server, 'POST', url, { headers, body: other })).status).toBe(422)
    const elsewhere = url.replace(id, (await begin()).id)
    expect((await call(stage.server, 'POST', elsewhere, { headers, body })).status).toBe(422)
    expect((await api.listMessages(id)).messages).toHaveLength(1)
  })
})

describe('the list of messages', () => {
  test('has the newest page first, the oldest message first in each, and goes back by cursors', async () => {
    const { id } = await begin()
    const made: string[] = []
    for (let i = 0; i < 205; i += 1) made.push((await say(id, String(i))).id)
    const idsOf = (answer: { messages: { id: string }[] }) => answer.messages.map((message) => message.id)
    const first = await api.listMessages(id)
    expect(idsOf(first)).toEqual(made.slice(-100))
    expect(first.meta).toMatchObject({ hasMore: true, beforeCursor: made[105] })
    expect(first.meta.afterCursor).toBeUndefined()
    const second = await api.listMessages(id, { page: { before: first.meta.beforeCursor } })
    expect(idsOf(second)).toEqual(made.slice(5, 105))
    const last: Awaited<typeof second> = await (
      await fetch(second.links.prev, { headers: { authorization: basic(stage.key) } })
    ).json()
    expect(idsOf(last)).toEqual(made.slice(0, 5))
    expect(last.meta).toEqual({ hasMore: false, afterCursor: made[4] })
    const forward = await api.listMessages(id, { page: { after: made[4] } })
    expect(idsOf(forward)).toEqual(made.slice(5, 105))
    expect(forward.meta).toMatchObject({ hasMore: true, afterCursor: made[104] })
  })

  test('ignores the size of the page, and takes ours in its place', async () => {
    const { id } = await begin()
    const made: string[] = []
    for (let i = 0; i < 5; i += 1) made.push((await say(id, String(i))).id)
    expect((await api.listMessages(id, { page: { size: 2 } })).messages).toHaveLength(5)
    const walked: string[] = []
    for (let before = ''; ; ) {
      const query = before ? `&page[before]=${before}` : ''
      const { json } = await raw('GET', `/conversations/${id}/messages?limit=2${query}`)
      walked.unshift(...json.messages.map((message: { id: string }) => message.id))
      if (!json.meta.hasMore) break
      before = json.meta.beforeCursor
      await say(id, 'meanwhile')
    }
    expect(walked).toEqual(made)
  })
})
