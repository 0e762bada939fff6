import { randomBytes, randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Conversation, Message } from '../src/index.js'

/** State of the fake: one client, in memory. */
export interface World {
  clientId: string
  clientToken: string
  users: Map<string, { id: string; clientId: string }>
  conversations: Map<string, Conversation>
  messages: Message[]
  webhooks: Map<string, string>
  endpoints: Map<string, { conversationId: string; endpoint: unknown }>
  tokens: Map<string, string>
  turns: Map<string, () => void>
  answers: Map<string, Promise<Reply>>
}

/** One request, taken apart. `id` is the id in its path. */
export interface Call {
  world: World
  body: Record<string, unknown>
  query: Record<string, string>
  id: string
  headers: IncomingHttpHeaders
}

export interface Reply {
  status: number
  json?: unknown
  text?: string
}

/** An error answer: plain text. */
export class HttpFault extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

type Handler = (call: Call) => Reply | Promise<Reply>

const api = (path: string) => new RegExp(`^/api/v1${path.replace(':id', '([^/]+)')}$`)

/** Checks credentials and, as the wire contract has it, refuses any key that it does not list. */
const route = (method: string, path: string, keys: string[], handle: Handler) =>
  [
    method,
    api(path),
    (call: Call) => {
      const { 'x-bp-messaging-client-id': id, 'x-bp-messaging-client-token': token } = call.headers
      if (id !== call.world.clientId || token !== call.world.clientToken)
        throw new HttpFault(401, 'Unauthorized')
      refuseUnknown('body', call.body, method === 'GET' ? [] : keys)
      refuseUnknown('query', call.query, method === 'GET' ? keys : [])
      return handle(call)
    },
  ] as const

export const webhookState = {
  ...{ id: 'w1', url: 'https://bot.example/hook', state: 'retrying', consecutiveFailures: 2 },
  lastFailure: {
    ...{ kind: 'transient', message: 'answered 500' },
    ...{ at: '2026-11-22T08:00:00.000Z', nextAttemptAt: '2026-11-22T08:00:05.000Z' },
  },
  counts: { delivered: 7, failed: 2, dead: 0 },
}

/** Method, path and handler of each route. */
export const routes: (readonly [string, RegExp, Handler])[] = [
  ['POST', api('/sync'), sync],
  route('GET', '/health', [], () =>
    json(200, { webhooks: [webhookState], channels: { telegram: { events: [] } } }),
  ),
  route('GET', '/webhooks', [], () => json(200, { webhooks: [webhookState] })),
  route('GET', '/pull', ['webhook', 'limit', 'wait', 'lease'], async ({ query }) => {
    // There is nothing to wait for.
    await new Promise((resolve) => setTimeout(resolve, Number(query.wait) * 10))
    return json(200, { events: [] })
  }),
  ...['ack', 'nack', 'extend'].map((action) =>
    route('POST', `/pull/${action}`, ['positions', 'delay', 'lease'], () => json(200, { refused: [] })),
  ),
  route('POST', '/users', [], ({ world }) =>
    json(201, keep(world.users, { id: randomUUID(), clientId: world.clientId })),
  ),
  route('GET', '/users/:id', [], ({ world, id }) => json(200, found(world.users.get(guid(id))))),
  route('POST', '/conversations', ['userId'], ({ world, body }) => {
    const { id: userId, clientId } = found(world.users.get(String(body.userId)))
    return json(201, keep(world.conversations, { id: randomUUID(), clientId, userId, createdOn: now() }))
  }),
  route('GET', '/conversations/:id', [], ({ world, id }) =>
    json(200, found(world.conversations.get(guid(id)))),
  ),
  route('POST', '/conversations/:id/typing', ['isTyping'], ({ world, id }) => {
    found(world.conversations.get(guid(id)))
    return { status: 204 }
  }),
  route('POST', '/conversations/:id/read', [], ({ world, id }) => {
    found(world.conversations.get(guid(id)))
    return { status: 204 }
  }),
  route('DELETE', '/conversations/:id', [], ({ world, id }) => {
    if (!world.conversations.delete(guid(id))) throw new HttpFault(404, 'Not Found')
    return { status: 204 }
  }),
  route('GET', '/conversations/user/:id', ['limit', 'before'], ({ world, id, query }) => {
    const { id: userId } = found(world.users.get(guid(id)))
    return json(
      200,
      page([...world.conversations.values()].filter((item) => item.userId === userId).reverse(), query),
    )
  }),
  route('POST', '/messages', ['conversationId', 'authorId', 'payload', 'incomingId'], (call) =>
    json(201, post(call)),
  ),
  route('POST', '/messages/collect', ['conversationId', 'authorId', 'payload', 'timeout'], collect),
  route('POST', '/messages/turn/:id', [], ({ world, id }) => {
    world.turns.get(id)?.()
    return { status: 200, text: 'OK' }
  }),
  route('GET', '/messages/:id', [], ({ world, id }) =>
    json(200, found(world.messages.find((message) => message.id === guid(id)))),
  ),
  route('DELETE', '/messages/:id', [], ({ world, id }) => {
    const index = world.messages.findIndex((message) => message.id === guid(id))
    if (index < 0) throw new HttpFault(404, 'Not Found')
    world.messages.splice(index, 1)
    return { status: 204 }
  }),
  route('GET', '/messages/conversation/:id', ['limit', 'before', 'from'], ({ world, id, query }) => {
    found(world.conversations.get(guid(id)))
    const { from = '9' } = query
    const list = world.messages.filter((item) => item.conversationId === id && item.sentOn <= from).reverse()
    return json(200, page(list, query))
  }),
  route('DELETE', '/messages/conversation/:id', [], ({ world, id }) => {
    found(world.conversations.get(guid(id)))
    const kept = world.messages.filter((message) => message.conversationId !== id)
    const count = world.messages.length - kept.length
    world.messages = kept
    return json(200, { count })
  }),
  route('GET', '/messages/:id/deliveries', [], ({ world, id }) => {
    found(world.messages.find((message) => message.id === guid(id)))
    const target = { type: 'webhook', id: 'w1', url: 'https://bot.example/hook' }
    return json(200, {
      deliveries: [{ id: 'd1', target, state: 'retrying', attempts: 2, error: 'HTTP 500' }],
    })
  }),
  route('POST', '/endpoints/map', ['channel', 'identity', 'sender', 'thread'], ({ world, body }) => {
    const key = JSON.stringify([body.channel, body.identity, body.sender, body.thread])
    const known = world.endpoints.get(key) ?? { conversationId: randomUUID(), endpoint: body }
    world.endpoints.set(key, known)
    return json(200, { conversationId: known.conversationId })
  }),
  route('GET', '/endpoints/conversation/:id', [], ({ world, id }) => {
    const mapped = [...world.endpoints.values()].filter((item) => item.conversationId === guid(id))
    return json(
      200,
      mapped.map((item) => item.endpoint),
    )
  }),
  route('GET', '/dead-letters', ['limit', 'before'], ({ query }) => {
    const target = {
      type: 'endpoint',
      id: 'e1',
      channel: 'telegram',
      identity: '*',
      sender: '7',
      thread: '9',
    }
    const letter = { event: 'message.new', target, reason: 'target-removed', attempts: 3, diedAt: now() }
    return json(200, {
      deadLetters: page(
        [
          { id: 'x2', ...letter },
          { id: 'x1', ...letter },
        ],
        query,
      ),
    })
  }),
  route('POST', '/dead-letters/:id/replay', ['target'], ({ id }) => {
    if (id !== 'x1') throw new HttpFault(404, 'Not Found')
    return json(202, { id })
  }),
  route('POST', '/clients/tokens', [], ({ world }) => {
    const id = randomUUID()
    world.tokens.set(id, now())
    return json(201, { id, token: `${id}.${randomBytes(66).toString('base64')}` })
  }),
  route('GET', '/clients/tokens', [], ({ world }) =>
    json(200, { tokens: [...world.tokens].map(([id, createdAt]) => ({ id, createdAt })) }),
  ),
  route('DELETE', '/clients/tokens/:id', [], ({ world, id }) => {
    if (!world.tokens.delete(guid(id))) throw new HttpFault(404, 'Not Found')
    return { status: 204 }
  }),
]

/** Both dialects of sync: with the client headers (1.x), and with the credentials in the body (seed). */
function sync({ world, body, headers }: Call): Reply {
  const isSeed = headers['x-bp-messaging-client-id'] === undefined
  if (!isSeed) refuseUnknown('body', body, ['channels', 'webhooks'])
  if (isSeed && body.id != null && body.token !== world.clientToken) throw new HttpFault(403, 'Forbidden')
  const urls = ((body.webhooks ?? []) as { url: string }[]).map(({ url }) => url)
  world.webhooks = new Map(
    urls.map((url) => [url, world.webhooks.get(url) ?? randomBytes(64).toString('base64')]),
  )
  const webhooks = [...world.webhooks].map(([url, token]) => ({ url, token }))
  return json(200, isSeed ? { id: world.clientId, token: world.clientToken, webhooks } : { webhooks })
}

async function collect(call: Call): Promise<Reply> {
  const message = post(call)
  const timeout = Number(call.body.timeout ?? 10_000) || 50_000
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeout)
    call.world.turns.set(message.id, () => {
      clearTimeout(timer)
      resolve()
    })
  })
  const responses = call.world.messages.filter((item) => answered.get(item) === message.id)
  return json(201, { message, responses })
}

const answered = new WeakMap<Message, unknown>()

function post({ world, body }: Call): Message {
  const { id: conversationId } = found(world.conversations.get(String(body.conversationId)))
  if ('authorId' in body && typeof body.authorId !== 'string') {
    throw new HttpFault(400, '"body.authorId" must be a string')
  }
  const author =
    typeof body.authorId === 'string' ? { authorId: found(world.users.get(body.authorId)).id } : {}
  const payload = body.payload as Message['payload']
  const message: Message = { id: randomUUID(), conversationId, ...author, sentOn: now(), payload }
  world.messages.push(message)
  answered.set(message, body.incomingId)
  return message
}

const json = (status: number, value: unknown): Reply => ({ status, json: value })
const now = () => new Date().toISOString()

function keep<Item extends { id: string }>(map: Map<string, Item>, item: Item): Item {
  map.set(item.id, item)
  return item
}

function found<Item>(item: Item | undefined): Item {
  if (item === undefined) throw new HttpFault(404, 'Not Found')
  return item
}

function guid(id: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
    throw new HttpFault(400, '"params.id" must be a valid GUID')
  }
  return id
}

function refuseUnknown(part: string, given: object, known: string[]): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key))
  if (unknown !== undefined) throw new HttpFault(400, `"${part}.${unknown}" is not allowed`)
}

/** Like Plugboard: at most 50 per page, for any limit. */
function page<Item extends { id: string }>(list: Item[], query: Record<string, string>): Item[] {
  const start = query.before === undefined ? 0 : list.findIndex((item) => item.id === query.before) + 1
  return list.slice(start, start + Math.min(Number(query.limit ?? 20), 50))
}
