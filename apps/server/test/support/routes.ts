import { randomUUID } from 'node:crypto'
import { newId } from '@plugboard/core'
import { call, type TestClient } from './api.js'
import type { TestServer } from './server.js'

/** One route of the Messaging API, as its document has it. */
export interface DocumentedRoute {
  method: string
  /** Below `/api/v1`, with parameters in braces. */
  path: string
}

/** The routes of the Messaging API that the server's document names. */
export async function documentedRoutes(server: Pick<TestServer, 'url'>): Promise<DocumentedRoute[]> {
  const { json } = await call(server, 'GET', '/openapi.json')
  return Object.entries(json.paths as Record<string, object>)
    .filter(([path]) => path.startsWith('/api/v1/'))
    .flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({
        method: method.toUpperCase(),
        path: path.replace('/api/v1', ''),
      })),
    )
}

/** What requests name. */
export interface Named {
  userId: string
  conversationId: string
  messageId: string
  tokenId: string
  deadLetterId: string
  /** Of a webhook: to name one that is not the client's own. */
  webhook: string
}

export interface Sample {
  path: string
  body?: object
}

/**
 * A good request of each route of a client, made of ids that it names. `own` are those of the client that calls: where
 * a request names two objects, only one of them is another's.
 */
export const samples: Readonly<Record<string, readonly ((named: Named, own: Named) => Sample)[]>> = {
  'GET /clients': [() => ({ path: '/clients' })],
  'GET /health': [() => ({ path: '/health' })],
  'GET /webhooks': [() => ({ path: '/webhooks' })],
  'POST /sync': [() => ({ path: '/sync', body: { webhooks: [] } })],
  'GET /clients/tokens': [() => ({ path: '/clients/tokens' })],
  'POST /clients/tokens': [() => ({ path: '/clients/tokens', body: {} })],
  'DELETE /clients/tokens/{id}': [({ tokenId }) => ({ path: `/clients/tokens/${tokenId}` })],
  'POST /users': [() => ({ path: '/users', body: {} })],
  'GET /users/{id}': [({ userId }) => ({ path: `/users/${userId}` })],
  'POST /users/tokens': [({ userId }) => ({ path: '/users/tokens', body: { userId } })],
  'DELETE /users/{id}/tokens': [({ userId }) => ({ path: `/users/${userId}/tokens` })],
  'GET /conversations/{id}/events': [
    ({ conversationId }) => ({ path: `/conversations/${conversationId}/events?after=0&wait=0` }),
  ],
  // Only for users: a client is refused.
  'GET /users/me/events': [() => ({ path: '/users/me/events?wait=0' })],
  'GET /events': [() => ({ path: '/events?wait=0' })],
  'POST /conversations': [({ userId }) => ({ path: '/conversations', body: { userId } })],
  'GET /conversations/{id}': [({ conversationId }) => ({ path: `/conversations/${conversationId}` })],
  'DELETE /conversations/{id}': [({ conversationId }) => ({ path: `/conversations/${conversationId}` })],
  'POST /conversations/{id}/typing': [
    ({ conversationId }) => ({ path: `/conversations/${conversationId}/typing`, body: { isTyping: true } }),
  ],
  'POST /conversations/{id}/read': [
    ({ conversationId }) => ({ path: `/conversations/${conversationId}/read`, body: {} }),
  ],
  'GET /conversations/user/{userId}': [
    ({ userId }) => ({ path: `/conversations/user/${userId}` }),
    ({ conversationId }, { userId }) => ({ path: `/conversations/user/${userId}?before=${conversationId}` }),
  ],
  'POST /messages': [
    ({ conversationId }) => ({ path: '/messages', body: { conversationId, payload: {} } }),
    ({ userId: authorId }, { conversationId }) => ({
      path: '/messages',
      body: { conversationId, authorId, payload: {} },
    }),
  ],
  'POST /messages/collect': [
    ({ conversationId }, { userId: authorId }) => ({
      path: '/messages/collect',
      body: { conversationId, authorId, payload: {}, timeout: 1 },
    }),
    ({ userId: authorId }, { conversationId }) => ({
      path: '/messages/collect',
      body: { conversationId, authorId, payload: {}, timeout: 1 },
    }),
  ],
  'POST /messages/turn/{id}': [({ messageId }) => ({ path: `/messages/turn/${messageId}`, body: {} })],
  'GET /messages/{id}': [({ messageId }) => ({ path: `/messages/${messageId}` })],
  'GET /messages/conversation/{conversationId}': [
    ({ conversationId }) => ({ path: `/messages/conversation/${conversationId}` }),
    ({ messageId }, { conversationId }) => ({
      path: `/messages/conversation/${conversationId}?before=${messageId}`,
    }),
  ],
  'PATCH /messages/{id}': [
    ({ messageId }) => ({
      path: `/messages/${messageId}`,
      body: { payload: { type: 'text', text: 'edited' } },
    }),
  ],
  'DELETE /messages/{id}': [({ messageId }) => ({ path: `/messages/${messageId}` })],
  'DELETE /messages/conversation/{conversationId}': [
    ({ conversationId }) => ({ path: `/messages/conversation/${conversationId}` }),
  ],
  'GET /pull': [() => ({ path: '/pull' })],
  'POST /pull/ack': [() => ({ path: '/pull/ack', body: { positions: [] } })],
  'POST /pull/nack': [() => ({ path: '/pull/nack', body: { positions: [] } })],
  'POST /pull/extend': [() => ({ path: '/pull/extend', body: { positions: [] } })],
  'GET /messages/{id}/deliveries': [({ messageId }) => ({ path: `/messages/${messageId}/deliveries` })],
  'GET /dead-letters': [
    () => ({ path: '/dead-letters' }),
    ({ deadLetterId }) => ({ path: `/dead-letters?before=${deadLetterId}` }),
  ],
  'POST /dead-letters/{id}/replay': [
    ({ deadLetterId }) => ({ path: `/dead-letters/${deadLetterId}/replay`, body: {} }),
    ({ webhook: target }, { deadLetterId }) => ({
      path: `/dead-letters/${deadLetterId}/replay`,
      body: { target },
    }),
  ],
  'POST /endpoints/map': [
    () => ({ path: '/endpoints/map', body: { channel: 'c', identity: 'i', sender: 's', thread: 't' } }),
  ],
  'GET /endpoints/conversation/{conversationId}': [
    ({ conversationId }) => ({ path: `/endpoints/conversation/${conversationId}` }),
  ],
}

/** Routes for the operator, with a good request each. */
export const adminSamples: Readonly<Record<string, (clientId: string) => Sample>> = {
  'GET /admin/clients': () => ({ path: '/admin/clients' }),
  'POST /admin/clients': () => ({ path: '/admin/clients', body: {} }),
  'POST /admin/keys': () => ({ path: '/admin/keys', body: { app: 'new', scope: 'app' } }),
  'GET /admin/keys': () => ({ path: '/admin/keys' }),
  'DELETE /admin/keys/{keyId}': () => ({ path: `/admin/keys/app_${newId()}` }),
  'GET /admin/owners': () => ({ path: '/admin/owners' }),
  'POST /admin/owners/remove': () => ({
    path: '/admin/owners/remove',
    body: { email: `${randomUUID()}@example.org` },
  }),
  'GET /admin/dead-letters': (client) => ({ path: `/admin/dead-letters?client=${client}` }),
  'POST /admin/dead-letters/replay': (client) => ({ path: '/admin/dead-letters/replay', body: { client } }),
  'POST /admin/owners': () => ({
    path: '/admin/owners',
    body: { project: 'new', email: `${randomUUID()}@example.org`, password: randomUUID() },
  }),
  'PUT /admin/clients/name': (id) => ({ path: '/admin/clients/name', body: { id, name: `name-${id}` } }),
  'GET /admin/clients/{id}': (id) => ({ path: `/admin/clients/${id}` }),
  'PATCH /admin/clients/{id}': (id) => ({ path: `/admin/clients/${id}`, body: { guests: true } }),
  'DELETE /admin/clients/{id}': (id) => ({ path: `/admin/clients/${id}` }),
  'POST /admin/clients/{id}/tokens': (id) => ({ path: `/admin/clients/${id}/tokens`, body: {} }),
}

/** Sends a sample with the client's credentials. */
export const sendSample = (client: TestClient, route: string, { path, body }: Sample) =>
  client.call(route.split(' ')[0] ?? '', path, body)
