import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { type Answered, asAdmin, call, clientOf, type TestClient } from './api.js'
import type { TestServer } from './server.js'

/** The page that shows the chat in tests. */
export const SHOP = 'https://shop.example'
export const JWT_SECRET = 'the-secret-of-the-shop-0123456789'

type Server = Pick<TestServer, 'url'>

/** A client with the channel `web`. */
export interface TestSite {
  server: Server
  client: TestClient
  /** A request of a page, below `/web/v1/CLIENT`. */
  call(method: string, path: string, options?: PageRequest): Promise<Answered>
}

interface PageRequest {
  body?: unknown
  token?: string | undefined
  /** Default: {@link SHOP}; null: the page of the server itself. */
  origin?: string | null
  headers?: Record<string, string>
}

export interface TestVisitor {
  site: TestSite
  userId: string
  token: string
  isGuest: boolean
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answered>
  /** Starts a conversation; returns its id. */
  start(): Promise<string>
  /** Sends a text. */
  say(conversationId: string, text: string, key?: string): Promise<Answered>
}

export async function createSite(
  server: Server,
  config: object = {},
  more: { webhooks?: object[]; channels?: object } = {},
): Promise<TestSite> {
  const web = { version: '1.0.0', allowedOrigins: [SHOP], jwtSecret: JWT_SECRET, ...config }
  const body = { ...more, channels: { web, ...more.channels } }
  const { json } = await call(server, 'POST', '/api/v1/sync', { body, headers: asAdmin })
  const client = clientOf(server, json as Parameters<typeof clientOf>[1])
  return siteOf(server, client, client.id)
}

/** `name`: what the URL names. */
export function siteOf(server: Server, client: TestClient, name: string): TestSite {
  return {
    ...{ server, client },
    call: (method, path, { body, token, origin = SHOP, headers = {} } = {}) =>
      call(server, method, `/web/v1/${name}${path}`, {
        body,
        headers: {
          ...(origin !== null && { origin }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...headers,
        },
      }),
  }
}

/** A visitor with a session; `body` as for `POST /sessions`. */
export async function visit(site: TestSite, body: object = {}): Promise<TestVisitor> {
  const { status, json, text } = await site.call('POST', '/sessions', { body })
  if (status !== 200) throw new Error(`no session: ${status} ${text}`)
  const { token, userId, isGuest } = json as Pick<TestVisitor, 'token' | 'userId' | 'isGuest'>
  const visitor: TestVisitor = {
    ...{ site, token, userId, isGuest },
    call: (method, path, body, headers = {}) => site.call(method, path, { body, token, headers }),
    async start() {
      const { json } = await visitor.call('POST', '/conversations', {})
      return json.id as string
    },
    say: (conversationId, text, key = randomUUID()) =>
      visitor.call(
        'POST',
        `/conversations/${conversationId}/messages`,
        { payload: { type: 'text', text } },
        { 'idempotency-key': key },
      ),
  }
  return visitor
}

/** A token as the site signs it. */
export function customerToken(
  claims: Record<string, unknown> = {},
  { secret = JWT_SECRET, alg = 'HS256' }: { secret?: string; alg?: string } = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const all = { sub: 'ada', iat: now, exp: now + 600, ...claims }
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  return new SignJWT(given).setProtectedHeader({ alg }).sign(Buffer.from(secret))
}
