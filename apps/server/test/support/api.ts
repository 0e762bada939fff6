import { ADMIN_KEY, type TestServer } from './server.js'

/** An answer as it came: status, headers, text, and the text parsed when it is JSON. */
export interface Answered {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into many shapes, and assert each
  json: any
}

/** A raw HTTP request to a server. */
export async function call(
  server: Pick<TestServer, 'url'>,
  method: string,
  path: string,
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answered> {
  const hasBody = body !== undefined
  const response = await fetch(server.url + path, {
    method,
    headers: { ...(hasBody && { 'content-type': 'application/json' }), ...headers },
    ...(hasBody && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? JSON.parse(text) : undefined,
  }
}

/** The header of the operator of a test server. */
export const asAdmin = { 'x-bp-messaging-admin-key': ADMIN_KEY }

/** A request of the operator, below `/api/v1/admin`. */
export const callAdmin = (server: Pick<TestServer, 'url'>, method: string, path: string, body?: unknown) =>
  call(server, method, `/api/v1/admin${path}`, { body, headers: asAdmin })

/** A client made by a sync without credentials. */
export interface TestClient {
  id: string
  token: string
  webhooks: { url: string; token: string }[]
  headers: Record<string, string>
  /** A request with the client's credentials, below `/api/v1`. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answered>
  /** Makes a user and a conversation; answers their ids. */
  converse(): Promise<{ userId: string; conversationId: string }>
  /** Posts a text of the user, or of the bot when there is no author; answers the message. */
  say(conversationId: string, text: string, authorId?: string): Promise<Answered>
}

/** Makes a client with this configuration. */
export async function createClient(
  server: Pick<TestServer, 'url'>,
  configuration: object = {},
): Promise<TestClient> {
  const { json } = await call(server, 'POST', '/api/v1/sync', { body: configuration })
  const { id, token, webhooks } = json as Pick<TestClient, 'id' | 'token' | 'webhooks'>
  return clientOf(server, { id, token, webhooks })
}

/** A client whose credentials are known. */
export function clientOf(
  server: Pick<TestServer, 'url'>,
  known: Pick<TestClient, 'id' | 'token' | 'webhooks'>,
): TestClient {
  const headers = { 'x-bp-messaging-client-id': known.id, 'x-bp-messaging-client-token': known.token }
  const client: TestClient = {
    ...known,
    headers,
    call: (method, path, body, more = {}) =>
      call(server, method, `/api/v1${path}`, { body, headers: { ...headers, ...more } }),
    async converse() {
      const userId = (await client.call('POST', '/users')).json.id as string
      const conversationId = (await client.call('POST', '/conversations', { userId })).json.id as string
      return { userId, conversationId }
    },
    say: (conversationId, text, authorId) =>
      client.call('POST', '/messages', {
        conversationId,
        payload: { type: 'text', text },
        ...(authorId && { authorId }),
      }),
  }
  return client
}
