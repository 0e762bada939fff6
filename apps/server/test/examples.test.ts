import { createHmac, randomUUID } from 'node:crypto'
import { fromUuid, type Id, toUuid } from '@plugboard/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeTwilio, fakeTwilio } from '../../../packages/channel-twilio/test/fake-twilio.js'
import { inboundMessage, sign } from '../../../packages/channel-twilio/test/twilio-requests.js'
import { type Answered, asAdmin, call, clientOf, createClient, type TestClient } from './support/api.js'
import { newSecret, tell, webhookChannel } from './support/person.js'
import { type Receiver, startReceiver } from './support/receiver.js'
import { cleanUp, startServer, type TestServer } from './support/server.js'
import { basic as basicOf } from './support/smartify.js'
import { closeSockets, openPage } from './support/sockets.js'
import { basic, type Key } from './support/sunshine.js'

/**
 * The examples of the API document are what a server takes and answers: this file sends each request, and compares.
 * `vitest -u` writes them anew.
 */

type Bodies = Record<string, unknown>
type Operation = { operationId: string; requestBody?: Media; responses: Record<string, Media> }
type Media = { content?: Record<string, unknown> }
type Paths = Record<string, Record<string, Operation>>

let server: TestServer
let hook: Receiver
let person: Receiver
let provider: FakeTwilio
let document: { paths: Paths; webhooks: Paths }
const recorded: Record<string, { request?: Bodies; response?: Bodies }> = {}

beforeAll(async () => {
  hook = await startReceiver()
  person = await startReceiver()
  provider = await fakeTwilio()
  const channelOptions = { twilio: { apiBaseUrl: provider.url } }
  server = await startServer({
    env: { RATE_LIMIT: '0', PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify(channelOptions) },
  })
  document = (await call(server, 'GET', '/openapi.json')).json
})
afterAll(async () => {
  await provider.close()
  await cleanUp()
})

/** When the token of a custom sign-in ends, in seconds since 1970. */
const IN_2100 = 4_102_444_800

interface Request {
  headers?: Record<string, string>
  body?: unknown
  /** The example's name. */
  as?: string
}

/** Sends a request, and records it with its answer. */
async function record(
  method: string,
  path: string,
  { body, headers, as = 'example' }: Request = {},
): Promise<Answered> {
  const answer = await call(server, method, path, { body, ...(headers && { headers }) })
  expect(answer, `${method} ${path}: ${answer.text}`).toMatchObject({
    status: expect.toSatisfy((status) => status < 300),
  })
  const { operationId } = operationAt(method, path)
  if (body !== undefined) keep(operationId, 'request', as, body)
  if (answer.text !== '') keep(operationId, 'response', as, answer.json ?? answer.text)
  return answer
}

function keep(name: string, part: 'request' | 'response', as: string, body: unknown): void {
  const { [name]: known } = recorded
  recorded[name] = { ...known, [part]: { ...known?.[part], [as]: body } }
}

function operationAt(method: string, path: string): Operation {
  const [wanted = ''] = path.split('?')
  const found = Object.entries(document.paths)
    .filter(([template]) => new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(wanted))
    .filter(([, operations]) => method.toLowerCase() in operations)
    .sort(([a], [b]) => a.split('{').length - b.split('{').length)
  const operation = found[0]?.[1][method.toLowerCase()]
  if (!operation) throw new Error(`no operation for ${method} ${path}`)
  return operation
}

/** Records what a webhook received. */
const recordEvent = (name: string, body: unknown, as = 'example'): void => keep(name, 'request', as, body)

/** The body of the first request of a receiver that has all of these texts. */
async function received(of: Receiver, ...texts: readonly string[]): Promise<unknown> {
  const find = () => of.requests.find(({ text }) => texts.every((each) => text.includes(each)))
  await of.until(() => find() !== undefined)
  return find()?.json
}

const payloads = {
  text: { type: 'text', text: 'Your **order** is on its way', markdown: true },
  choices: {
    type: 'single-choice',
    text: 'Which size?',
    choices: [
      { title: 'Medium', value: 'm' },
      { title: 'Large', value: 'l' },
    ],
  },
  image: { type: 'image', image: 'https://media.example/shirt.png', title: 'The shirt' },
  file: { type: 'file', file: 'https://media.example/bill.pdf', title: 'Your bill' },
  location: { type: 'location', latitude: 46.8139, longitude: -71.208, title: 'Our shop' },
  card: {
    type: 'card',
    title: 'Shirt',
    subtitle: '20 €',
    image: 'https://media.example/shirt.png',
    actions: [
      { action: 'Postback', title: 'Buy', payload: 'buy-7' },
      { action: 'Open URL', title: 'Details', url: 'https://shop.example/7' },
    ],
  },
  carousel: {
    type: 'carousel',
    items: [
      { title: 'Shirt', subtitle: '20 €' },
      { title: 'Coat', subtitle: '80 €' },
    ],
  },
  dropdown: { type: 'dropdown', message: 'Which city?', options: [{ label: 'Québec', value: 'yqb' }] },
}

async function recordServer(): Promise<void> {
  for (const path of ['/', '/status', '/version', '/healthz', '/readyz']) await record('GET', path)
}

/** The next event of a client, and of a user. */
async function recordFollowing(client: TestClient, userId: string, conversationId: string): Promise<void> {
  const { token } = (await client.call('POST', '/users/tokens', { userId })).json
  const readers = [
    ['/api/v1/events', client.headers],
    ['/api/v1/users/me/events', { authorization: `Bearer ${token}` }],
  ] as const
  for (const [path, headers] of readers) {
    const { position } = (await call(server, 'GET', `${path}?wait=0`, { headers })).json
    await client.say(conversationId, 'Until six.')
    await record('GET', `${path}?after=${position}&wait=25`, { headers: { ...headers } })
  }
}

async function recordMessaging(): Promise<void> {
  const api = '/api/v1'
  const secret = newSecret()
  const webhooks = [{ url: hook.url }]
  const seed = { name: 'shop', channels: webhookChannel(person.url, secret), webhooks }
  const { id, token } = (
    await record('POST', `${api}/sync`, { body: seed, headers: asAdmin, as: 'new client' })
  ).json
  const client = clientOf(server, { id, token, webhooks: [] })
  const { headers } = client
  const send = (method: string, path: string, body?: unknown, as = 'example') =>
    record(method, api + path, { headers, body, as })
  await send('POST', '/sync', { channels: seed.channels, webhooks }, 'known client')
  await send('GET', '/clients')
  // The first event, so that no count depends on the time.
  const webhook = async () => (await client.call('GET', '/webhooks')).json.webhooks[0]
  await expect.poll(webhook).toHaveProperty('lastDeliveredAt')
  await send('GET', '/webhooks')
  await send('GET', '/health')
  const made = (await send('POST', '/clients/tokens', {})).json
  await send('GET', '/clients/tokens')
  await send('DELETE', `/clients/tokens/${made.id}`)

  const userId = (await send('POST', '/users', {})).json.id
  await send('GET', `/users/${userId}`)
  await send('POST', '/users/tokens', { userId })
  await send('DELETE', `/users/${userId}/tokens`)
  const conversationId = (await send('POST', '/conversations', { userId })).json.id
  await send('GET', `/conversations/${conversationId}`)
  await send('GET', `/conversations/user/${userId}`)
  const message = (
    await send(
      'POST',
      '/messages',
      { conversationId, authorId: userId, payload: { type: 'text', text: 'Is it open?' } },
      'of a user',
    )
  ).json
  for (const [as, payload] of Object.entries(payloads))
    await send('POST', '/messages', { conversationId, payload }, as)
  await send('GET', `/messages/${message.id}`)
  await send('GET', `/messages/conversation/${conversationId}?limit=2`)
  await send('GET', `/conversations/${conversationId}/events?after=1&wait=0`)
  await recordFollowing(client, userId, conversationId)
  const turn = {
    conversationId,
    authorId: userId,
    payload: { type: 'text', text: 'Is it open?' },
    timeout: 20_000,
  }
  const collected = send('POST', '/messages/collect', turn)
  const asked = (await received(hook, '"collect":true')) as {
    data: { message: { id: string } }
  }
  const { id: incomingId } = asked.data.message
  await client.call('POST', '/messages', {
    conversationId,
    incomingId,
    payload: { type: 'text', text: 'Until six.' },
  })
  await send('POST', `/messages/turn/${incomingId}`, {})
  await collected
  const deliveries = () => client.call('GET', `/messages/${message.id}/deliveries`)
  await expect.poll(async () => (await deliveries()).json.deliveries[0].state).toBe('delivered')
  await send('GET', `/messages/${message.id}/deliveries`)

  // A person of the channel, who cannot be reached.
  person.answer = () => 422
  const place = { identity: '*', sender: 'ada', thread: '*' }
  const channel = { name: 'webhook', version: '1.0.0' }
  const started = { sender: 'ada', type: 'conversation.started' }
  await tell(server, { client: id, secret, id: 'start-1' }, started)
  await tell(
    server,
    { client: id, secret, id: 'text-1' },
    { sender: 'ada', payload: { type: 'text', text: 'Hello' } },
  )
  const mapped = (await send('POST', '/endpoints/map', { channel, ...place })).json.conversationId
  await send('GET', `/endpoints/conversation/${mapped}`)
  await client.call('POST', '/messages', {
    conversationId: mapped,
    payload: { type: 'text', text: 'Hi Ada' },
  })
  await expect.poll(async () => (await client.call('GET', '/dead-letters')).json.deadLetters).toHaveLength(1)
  const [letter] = (await send('GET', '/dead-letters')).json.deadLetters
  person.answer = () => 200
  await send('POST', `/dead-letters/${letter.id}/replay`, {})
  await send('PATCH', `/messages/${message.id}`, { payload: { type: 'text', text: 'It ships on Tuesday.' } })
  await send('POST', `/conversations/${conversationId}/typing`, { isTyping: true })
  await send('POST', `/conversations/${conversationId}/read`, {})
  await send('DELETE', `/messages/${message.id}`)
  await send('DELETE', `/messages/conversation/${conversationId}`)
  await send('DELETE', `/conversations/${conversationId}`)
  for (const type of Object.keys(document.webhooks).filter((name) => name.includes('.'))) {
    // The Messaging API has no operations that cause these; some come below.
    const others = [
      'conversation.activity',
      'user.deleted',
      'user.merged',
      'user.updated',
      'message.feedback',
    ]
    if (!others.includes(type))
      recordEvent(type, await received(hook, `"type":"${type}"`, type === 'health.new' ? '"create"' : ''))
  }

  const admin = (method: string, path: string, body?: unknown) =>
    record(method, `${api}/admin${path}`, { body, headers: asAdmin })
  const other = (await admin('POST', '/clients', {})).json.id
  await admin('PUT', '/clients/name', { id: other, name: 'support' })
  await admin('GET', '/clients?limit=2')
  await admin('GET', `/clients/${other}`)
  await admin('PATCH', `/clients/${other}`, { guests: true, maxStoredBytes: 1_000_000_000 })
  await admin('POST', `/clients/${other}/tokens`, {})
  const make = async (path: string, body: object) =>
    (await call(server, 'POST', `${api}/admin${path}`, { body, headers: asAdmin })).json
  const { keyId } = await make('/keys', { app: other, scope: 'app', displayName: 'Bot' })
  await admin('GET', `/keys?app=${other}`)
  await admin('DELETE', `/keys/${keyId}`)
  const olga = { email: 'olga@example.org', firstName: 'Olga' }
  await make('/owners', { project: other, password: 'the password of olga', ...olga })
  await admin('GET', `/owners?project=${other}`)
  await admin('POST', '/owners/remove', { email: olga.email, project: other })
  await admin('GET', `/dead-letters?client=${id}&reason=invalid`)
  await admin('POST', '/dead-letters/replay', { client: other, reason: 'exhausted' })
  await admin('DELETE', `/clients/${other}`)
}

/** A person writes from an id, then from a telephone number, and then both are known to be one person's. */
async function recordMerge(): Promise<void> {
  const bot = await startReceiver()
  const authToken = 'token'
  const { id } = (
    await call(server, 'POST', '/api/v1/sync', {
      body: {
        channels: { twilio: { version: '1.0.0', enabled: true, accountSID: 'AC1', authToken } },
        webhooks: [{ url: bot.url }],
      },
      headers: asAdmin,
    })
  ).json
  const path = `/webhooks/v1/${id}/twilio`
  const write = async (From: string, ExternalUserId?: string) => {
    const fields = { From, To: 'whatsapp:+15550001', Body: 'hi', ...(ExternalUserId && { ExternalUserId }) }
    const unsigned = inboundMessage(`${server.url}${path}`, { ...fields, MessageSid: `SM${randomUUID()}` })
    const { headers, body } = sign(unsigned, { authToken })
    const answer = await call(server, 'POST', path, {
      body: Buffer.from(body).toString(),
      headers: headers as Record<string, string>,
    })
    expect(answer.status).toBe(200)
  }
  await write('whatsapp:US.1')
  await write('whatsapp:+15550002')
  await write('whatsapp:+15550002', 'US.1')
  recordEvent('user.merged', await received(bot, '"type":"user.merged"'))
}

/** The page of a person rates a message, and gives other data of its person. */
async function recordPage(): Promise<void> {
  const bot = await startReceiver()
  const client = await createClient(server, { webhooks: [{ url: bot.url }] })
  const { socket, creds } = await openPage(server, client.id, { userData: { name: 'Ada' } })
  const { id } = await socket.createConversation()
  await socket.sendFeedback((await client.say(id, 'Was that helpful?')).json.id, 1)
  await openPage(server, client.id, { creds, userData: { name: 'Ada', language: 'en' } })
  for (const type of ['message.feedback', 'user.updated'])
    recordEvent(type, await received(bot, `"type":"${type}"`))
  closeSockets()
}

async function recordSunshine(): Promise<void> {
  const account: Key = (
    await record('POST', '/api/v1/admin/keys', {
      headers: asAdmin,
      body: { app: 'new', scope: 'account', displayName: 'Operator' },
    })
  ).json
  const authorization = { authorization: basic(account) }
  const send = (method: string, path: string, body?: unknown, as = 'example') =>
    record(method, `/v2${path}`, { headers: authorization, body, as })
  const app = (await send('POST', '/apps', { displayName: 'Shop', metadata: { region: 'eu' } })).json.app.id
  const at = `/apps/${app}`
  const own = clientOf(server, {
    ...{ id: toUuid(app as Id), webhooks: [] },
    token: (await call(server, 'POST', `/api/v1/admin/clients/${app}/tokens`, { body: {}, headers: asAdmin }))
      .json.token,
  })
  await own.call('POST', '/sync', { webhooks: [{ url: person.url }] })
  await send('GET', '/apps?page[size]=2')
  await send('GET', at)
  await send('PATCH', at, { displayName: 'Web shop' })
  const key = (await send('POST', `${at}/keys`, { displayName: 'Bot' })).json.key.id
  await send('GET', `${at}/keys`)
  await send('GET', `${at}/keys/${key}`)
  await send('DELETE', `${at}/keys/${key}`)

  const triggers = [
    'conversation:create',
    'conversation:message',
    'conversation:join',
    'conversation:read',
    'conversation:postback',
  ]
  const custom = { type: 'custom', displayName: 'Bot', webhooks: [{ target: hook.url, triggers }] }
  const integration = (await send('POST', `${at}/integrations`, custom, 'program')).json.integration.id
  const channel = { type: 'webhook', displayName: 'Site', config: { url: person.url, secret: newSecret() } }
  await send('POST', `${at}/integrations`, channel, 'channel')
  await send('GET', `${at}/integrations`)
  const place = `${at}/integrations/${integration}`
  await send('GET', place)
  await send('PATCH', place, { displayName: 'Help bot' })
  const ownKey = (await send('POST', `${place}/keys`, { displayName: 'Bot' })).json.key.id
  await send('GET', `${place}/keys`)
  await send('GET', `${place}/keys/${ownKey}`)
  await send('DELETE', `${place}/keys/${ownKey}`)
  const webhook = (
    await send('POST', `${place}/webhooks`, { target: `${hook.url}/second`, triggers: ['user:delete'] })
  ).json.webhook.id
  await send('GET', `${place}/webhooks`)
  await send('GET', `${place}/webhooks/${webhook}`)
  await send('PATCH', `${place}/webhooks/${webhook}`, { includeFullUser: true })
  await send('DELETE', `${place}/webhooks/${webhook}`)

  const profile = { givenName: 'Ada', surname: 'Lovelace', email: 'ada@example.com', locale: 'en' }
  const user = (await send('POST', `${at}/users`, { externalId: 'ada-7', profile, metadata: { vip: true } }))
    .json.user.id
  const people = `${at}/users/${user}`
  await send('GET', `${at}/users?filter[profile.email]=ada@example.com`)
  await send('GET', people)
  await send('PATCH', people, { profile: { locale: 'fr' }, metadata: { vip: null } })
  const participants = [{ userId: user, subscribeSDKClient: true }]
  const talk = (
    await send(
      'POST',
      `${at}/conversations`,
      { type: 'personal', participants: [{ userExternalId: 'ada-7' }] },
      'personal',
    )
  ).json.conversation.id
  const group = (
    await send(
      'POST',
      `${at}/conversations`,
      { type: 'sdkGroup', participants, displayName: 'Order 7' },
      'group',
    )
  ).json.conversation.id
  await send('GET', `${at}/conversations?filter[userId]=${user}`)
  await send('GET', `${at}/conversations/${talk}`)
  await send('PATCH', `${at}/conversations/${group}`, { description: 'Delivery', metadata: { order: 7 } })
  await send('GET', `${people}/clients`)
  const other = (await call(server, 'POST', `/v2${at}/users`, { headers: authorization, body: {} })).json.user
    .id
  await send('POST', `${at}/conversations/${group}/join`, { userId: other, subscribeSDKClient: true })
  await send('GET', `${at}/conversations/${group}/participants`)
  await send('POST', `${at}/conversations/${group}/leave`, { userId: other })
  const messages = `${at}/conversations/${talk}/messages`
  const business = { type: 'business', displayName: 'Help bot', subtypes: ['bot'] }
  const postback = { type: 'postback', text: 'Buy', payload: 'buy-7' }
  const contents = {
    text: { type: 'text', text: 'Hello Ada' },
    replies: {
      type: 'text',
      text: 'Which size?',
      actions: [{ type: 'reply', text: 'Medium', payload: 'm' }],
    },
    image: { type: 'image', mediaUrl: 'https://media.example/shirt.png', altText: 'The shirt' },
    location: {
      type: 'location',
      coordinates: { lat: 46.8139, long: -71.208 },
      location: { name: 'Our shop' },
    },
    carousel: { type: 'carousel', items: [{ title: 'Shirt', description: '20 €', actions: [postback] }] },
    form: { type: 'form', fields: [{ type: 'email', name: 'email', label: 'Your e-mail address?' }] },
  }
  const ids: string[] = []
  for (const [as, content] of Object.entries(contents))
    ids.push((await send('POST', messages, { author: business, content }, as)).json.messages[0].id)
  const author = { type: 'user', userId: user }
  await send('POST', messages, { author, content: { type: 'text', text: 'Is it open?' } }, 'of a user')
  await send('GET', `${messages}?limit=2`)
  await send('GET', `${messages}/${ids[0]}`)
  await send('PATCH', `${messages}/${ids[0]}`, { content: { type: 'text', text: 'Hello, Ada' } })
  const delivered = async () => {
    const { json } = await call(server, 'GET', `/v2${messages}/${ids[0]}/deliveries`, {
      headers: authorization,
    })
    return json.deliveries[0]?.state
  }
  await expect.poll(delivered).toBe('delivered')
  await send('GET', `${messages}/${ids[0]}/deliveries`)
  await send('POST', `${at}/conversations/${talk}/activity`, { author, type: 'conversation:read' })
  const form = new FormData()
  form.set('source', new Blob(['hello'], { type: 'text/plain' }), 'hello.txt')
  const uploaded = await fetch(`${server.url}/v2${at}/attachments?access=public`, {
    method: 'POST',
    headers: authorization,
    body: form,
  })
  const { attachment } = (await uploaded.json()) as { attachment: { mediaUrl: string } }
  recorded.UploadAttachment = { response: { example: { attachment } } }
  await send('POST', `${at}/attachments/remove`, { mediaUrl: attachment.mediaUrl })
  for (const [type, conversation] of [
    ['conversation:create', talk],
    ['conversation:message', talk],
    ['conversation:read', talk],
    ['conversation:join', group],
  ])
    recordEvent('SunshineEvents', await received(hook, `"type":"${type}"`, `${conversation}`), type)

  await send('DELETE', `${messages}/${ids[1]}`)
  await send('DELETE', messages)
  await send('DELETE', `${at}/conversations/${group}`)
  const conversationId = (
    await own.call('POST', '/endpoints/map', { channel: 'mail', identity: '*', sender: 'ada', thread: '*' })
  ).json.conversationId
  const reached = (await own.call('GET', `/conversations/${conversationId}`)).json.userId
  const reachedAt = `${at}/users/${fromUuid(reached)}`
  const clients = await call(server, 'GET', `/v2${reachedAt}/clients`, { headers: authorization })
  await send('DELETE', `${reachedAt}/clients/${clients.json.clients[0].id}`)
  await send('DELETE', `${people}/personalinformation`)
  await send('DELETE', people)
  recordEvent(
    'conversation.activity',
    await received(person, '"type":"conversation.activity"', '"type":"read"'),
  )
  recordEvent('user.deleted', await received(person, '"type":"user.deleted"'))
  await send('DELETE', place)
  await send('DELETE', at)
}

async function recordSmartify(): Promise<void> {
  const [email, password] = ['olga@example.com', 'correct horse battery']
  const wanted = { project: 'new', email, password, firstName: 'Olga', lastName: 'Owner' }
  const { projectId } = (await record('POST', '/api/v1/admin/owners', { headers: asAdmin, body: wanted }))
    .json
  const owner = basicOf(email, password)
  await record('POST', '/api/auth/signin', { body: { email, password } })
  await record('POST', '/api/projects', { headers: owner, body: { name: 'Shop' } })
  await record('GET', '/api/projects', { headers: owner })
  const at = `/api/${projectId}`
  const guest = (
    await record('POST', '/api/auth/signinAnonymously', {
      body: { id_project: projectId, firstname: 'Ada', email: 'ada@example.com' },
    })
  ).json
  const headers = { authorization: guest.token }
  const subscription = (
    await record('POST', `${at}/subscriptions`, {
      headers: owner,
      body: { event: 'message.create', target: hook.url },
    })
  ).json
  await call(server, 'POST', `${at}/subscriptions`, {
    headers: owner,
    body: { event: 'request.create', target: hook.url },
  })
  await record('GET', `${at}/subscriptions/${subscription._id}`, { headers: owner })
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const unsigned = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ _id: 'ada-7', firstname: 'Ada', aud: `https://tiledesk.com/subscriptions/${subscription._id}`, sub: 'userexternal', exp: IN_2100 })}`
  const signature = createHmac('sha256', subscription.secret).update(unsigned).digest('base64url')
  await record('POST', '/api/auth/signinWithCustomToken', {
    headers: { authorization: `JWT ${unsigned}.${signature}` },
  })
  const requestId = `support-group-${projectId}-7`
  await record('POST', `${at}/requests/${requestId}/messages`, { headers, body: { text: 'Is it open?' } })
  await record('GET', `${at}/requests/${requestId}/messages`, { headers })
  await record('GET', `${at}/requests`, { headers: owner })
  await record('GET', `${at}/requests/me`, { headers })
  await record('GET', `${at}/requests/${requestId}`, { headers: owner })
  for (const event of ['message.create', 'request.create'])
    recordEvent('smartifyEvent', await received(hook, `"event":"${event}"`), event)
  await record('PUT', `${at}/requests/${requestId}/close`, { headers: owner, body: {} })
  await record('GET', `${at}/subscriptions`, { headers: owner })
  await record('DELETE', `${at}/subscriptions/${subscription._id}`, { headers: owner })
}

async function recordPull(): Promise<void> {
  const { id, token } = (await call(server, 'POST', '/api/v1/sync', { body: {}, headers: asAdmin })).json
  const client = clientOf(server, { id, token, webhooks: [] })
  const { userId, conversationId } = await client.converse()
  const send = (method: string, path: string, body?: unknown, as = 'example') =>
    record(method, `/api/v1${path}`, { headers: client.headers, body, as })
  await send('POST', '/sync', { webhooks: [{ mode: 'pull' }] }, 'pull webhook')
  await client.say(conversationId, 'Is it open?', userId)
  const webhook = async () => (await client.call('GET', '/webhooks')).json.webhooks[0]
  await expect.poll(webhook).toMatchObject({ waiting: { conversations: 1 } })
  const { events } = (await send('GET', '/pull?wait=25')).json
  const positions = [events[0].position]
  await send('POST', '/pull/extend', { positions, lease: 60 })
  await send('POST', '/pull/ack', { positions })
  await send('POST', '/pull/nack', { positions, delay: 10 })
}

async function recordWeb(): Promise<void> {
  const bot = await startReceiver()
  const origin = 'https://shop.example'
  const form = { fields: [{ name: 'name', label: { en: 'Your name' }, isRequired: true }] }
  const web = { version: '1.0.0', enabled: true, allowedOrigins: [origin], greeting: 'Hello!', form }
  const { id, token } = (
    await call(server, 'POST', '/api/v1/sync', {
      body: { channels: { web }, webhooks: [{ url: bot.url }] },
      headers: asAdmin,
    })
  ).json
  const client = clientOf(server, { id, token, webhooks: [] })
  const at = `/web/v1/${id}`
  await record('GET', `${at}/config?language=en`, { headers: { origin } })
  const session = await record('POST', `${at}/sessions`, { headers: { origin }, body: { language: 'en' } })
  const headers = { origin, authorization: `Bearer ${session.json.token}` }
  const send = (method: string, path: string, body?: unknown, as = 'example') =>
    record(method, `${at}${path}`, { headers: { ...headers, 'idempotency-key': randomUUID() }, body, as })
  await send('PATCH', '/me', { form: { name: 'Ada' } })
  const talk = (await send('POST', '/conversations', {})).json.id
  const messages = `/conversations/${talk}/messages`
  await send('POST', messages, { payload: { type: 'text', text: 'Do you have it in blue?' } }, 'text')
  const asked = (await client.call('POST', '/messages', { conversationId: talk, payload: payloads.choices }))
    .json
  const press = { type: 'quick_reply', text: 'Medium', payload: 'm', messageId: asked.id }
  await send('POST', messages, { payload: press }, 'press')
  const place = { type: 'location', latitude: 46.8139, longitude: -71.208, title: 'Here' }
  await send('POST', messages, { payload: place }, 'location')
  const uploaded = await fetch(`${server.url}${at}/conversations/${talk}/uploads`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'text/plain', 'x-file-name': 'note.txt' },
    body: 'hello',
  })
  const file = (await uploaded.json()) as { id: string }
  recorded.webUploadFile = { response: { example: file } }
  await send('POST', messages, { payload: { type: 'file', upload: file.id } }, 'file')
  const { position } = (await send('GET', `${messages}?limit=2`)).json.messages[0]
  await send('GET', '/conversations?limit=10')
  await send('POST', `/conversations/${talk}/typing`, { isTyping: true })
  await send('POST', `/conversations/${talk}/read`, { position })
  await send('POST', `${messages}/${asked.id}/feedback`, { feedback: 1 })
  await send('GET', `/conversations/${talk}/transcript`)
  await send('POST', `/conversations/${talk}/close`, {})
  await send('DELETE', '/session')
  for (const type of ['user.updated', 'message.feedback'])
    recordEvent(type, await received(bot, `"type":"${type}"`))
}

/** Ids, secrets, times and addresses, which differ from run to run, as stable ones. */
function stable(text: string): string {
  const ids = new Map<string, number>()
  const numberOf = (id: string): number => {
    if (!ids.has(id)) ids.set(id, ids.size + 1)
    return ids.get(id) ?? 0
  }
  return (
    text
      .replaceAll(server.url, 'https://plugboard.example')
      .replaceAll(hook.url, 'https://bot.example/webhook')
      // As health shows it: with parts masked that may be secret.
      .replaceAll(`${new URL(hook.url).origin}/…`, 'https://bot.example/webhook')
      .replaceAll(person.url, 'https://person.example/messages')
      .replace(/"version": "\d+\.\d+\.\d+[\w.-]*"(?=,\s+"status")/, '"version": "1.0.0"')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-01-05T10:00:00.000Z')
      .replace(/\[\d{4}-\d\d-\d\d \d\d:\d\d\]/g, '[2026-01-05 10:00]')
      // Positions in the feed of a client: ids in base64url.
      .replace(/"MDFh[\w-]{30}"/g, '"MDFhMjAyZWQ4MjhiMDAwMDAwMDAwMDAx"')
      .replace(/\b1\d{12}\b/g, '1767607200000')
      .replace(/whsec_[\w+/]{32}={0,2}/g, 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX')
      .replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, 'eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl')
      .replace(
        /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g,
        (id) => `01a202ed-828b-4ef0-b671-${String(numberOf(id)).padStart(12, '0')}`,
      )
      .replace(
        /("|[\da-f]{12}\.)(?!support-|[\da-f]{24}-)(?=[\w+/-]*\d)[\w+/-]{40,}={0,2}"/g,
        '$1secret-of-the-server"',
      )
      .replace(/(\/attachments\/v1\/\w+\/\w+\/)[\w-]+/g, '$1signature-of-the-server')
      .replace(
        /(?<![\da-f])[\da-f]{24}(?![\da-f])/g,
        (id) => `01a202ed828b${String(numberOf(id)).padStart(12, '0')}`,
      )
      .replace(/("duration": )\d+/g, '$1132')
      .replace(/("delivered": )\d+/g, '$12')
      .replace(/guest#\w{4}/g, 'guest#01a2')
  )
}

test('every example of the API document is what the server takes and answers', async () => {
  await recordServer()
  await recordMessaging()
  await recordSunshine()
  await recordSmartify()
  await recordMerge()
  await recordWeb()
  await recordPage()
  await recordPull()
  await expect(`${stable(JSON.stringify(recorded, null, 2))}\n`).toMatchFileSnapshot(
    '../openapi-examples.json',
  )
}, 120_000)
