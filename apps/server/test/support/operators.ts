import { randomUUID } from 'node:crypto'
import { type Answered, call } from './api.js'
import { ADMIN_KEY, type TestServer } from './server.js'

type At = Pick<TestServer, 'url'>

/** Headers of the admin key. */
export const withKey = { authorization: `Bearer ${ADMIN_KEY}` }

/** A request to the admin API with the admin key. */
export const callWithKey = (server: At, method: string, path: string, body?: unknown): Promise<Answered> =>
  call(server, method, `/admin/v1${path}`, { body, headers: withKey })

/** Somebody who is signed in to the console, as a browser of a page of the server sends it. */
export interface SignedIn {
  cookie: string
  csrfToken: string
  /** The answer of the sign-in. */
  answer: Answered
  headers: Record<string, string>
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answered>
  /** The same session at another server. */
  at(server: At): SignedIn
}

/** What a browser sends of a page of the server itself. */
const OWN_PAGE = { 'sec-fetch-site': 'same-origin' }

/** The session of an answer that began one. */
export function signedIn(server: At, answer: Answered): SignedIn {
  const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';')
  const csrfToken: string = answer.json?.csrfToken ?? ''
  const headers = { ...OWN_PAGE, cookie, 'x-csrf-token': csrfToken }
  return {
    ...{ cookie, csrfToken, answer, headers },
    call: (method, path, body, more = {}) =>
      call(server, method, `/admin/v1${path}`, { body, headers: { ...headers, ...more } }),
    at: (other) => signedIn(other, answer),
  }
}

export interface TestOperator {
  id: string
  email: string
  password: string
}

export const PASSWORD = 'a long enough password'

/** Creates an operator, with the admin key. */
export async function createOperator(server: At, role = 'admin'): Promise<TestOperator> {
  const email = `${role}-${randomUUID()}@example.com`
  const { status, json, text } = await callWithKey(server, 'POST', '/operators', {
    email,
    role,
    password: PASSWORD,
  })
  if (status !== 201) throw new Error(`${status} ${text}`)
  return { id: json.id, email, password: PASSWORD }
}

/** Signs in with e-mail and password. */
export async function signIn(
  server: At,
  { email, password }: Omit<TestOperator, 'id'>,
  more: Record<string, string> = {},
): Promise<SignedIn> {
  const [body, headers] = [
    { email, password },
    { ...OWN_PAGE, ...more },
  ]
  return signedIn(server, await call(server, 'POST', '/admin/v1/session', { body, headers }))
}

/** A new operator who is signed in. */
export const newSession = async (server: At, role = 'admin'): Promise<SignedIn> =>
  signIn(server, await createOperator(server, role))

/** Opens a link, as its page does. */
export async function openLink(server: At, url: string, more: object = {}): Promise<SignedIn> {
  const token = new URLSearchParams(new URL(url).hash.slice(1)).get('token')
  const body = { token, ...more }
  return signedIn(server, await call(server, 'POST', '/admin/v1/session/link', { body, headers: OWN_PAGE }))
}
