import { createRequire } from 'node:module'
import { publishedAnswers } from '../sunshine/published.js'
import { asAdmin } from './api.js'
import type { TestServer } from './server.js'

/** The official client, which has no types. */
const Sunshine = createRequire(import.meta.url)('sunshine-conversations-client')

/** A key as an operator gets it. */
export interface Key {
  appId: string
  keyId: string
  secret: string
}

/** Makes a key by the admin API, of a new app by default. */
export async function newKey(
  server: Pick<TestServer, 'url'>,
  of: { app?: string; scope?: 'app' | 'account' | 'integration'; integrationId?: string } = {},
): Promise<Key> {
  const response = await fetch(`${server.url}/api/v1/admin/keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...asAdmin },
    body: JSON.stringify({ app: 'new', scope: 'app', ...of }),
  })
  if (!response.ok) throw new Error(`no key: ${response.status} ${await response.text()}`)
  return (await response.json()) as Key
}

export const basic = ({ keyId, secret }: Key): string =>
  `Basic ${Buffer.from(`${keyId}:${secret}`).toString('base64')}`

// biome-ignore lint/suspicious/noExplicitAny: tests look into many shapes, and assert each
export type Answer = any

type Call = (...args: readonly unknown[]) => Promise<Answer>
type Operation = keyof typeof publishedAnswers

/** The operations of the official client. */
export type OfficialClient = Record<Operation, Call>

/** What a failed call rejects with. */
interface Refusal {
  status: number
  body: { errors: { code: string; title: string }[] }
}

/**
 * The operations of the official client by name, with the app as the first argument left out. Each answer as it came over
 * the wire is held to the published document.
 */
export function officialClient(server: Pick<TestServer, 'url'>, key: Key): OfficialClient {
  const api = new Sunshine.ApiClient()
  api.basePath = server.url
  Object.assign(api.authentications.basicAuth, { username: key.keyId, password: key.secret })
  const groups = Object.entries(Sunshine).filter(([name]) => name.endsWith('Api'))
  return new Proxy({} as OfficialClient, {
    get:
      (_, operation: Operation) =>
      async (...args: unknown[]) => {
        const [, Group] =
          groups.find(([, Each]) => operation in (Each as { prototype: object }).prototype) ?? []
        if (!Group) throw new Error(`the client has no operation ${operation}`)
        const group = new (Group as new (api: unknown) => Record<string, WithHttpInfo>)(api)
        const call = group[`${operation}WithHttpInfo`] as WithHttpInfo
        const { data, response } = await call.call(group, ...withApp(operation, key.appId, args))
        publishedAnswers[operation].parse(response.body)
        return data
      },
  })
}

type WithHttpInfo = (...args: unknown[]) => Promise<{ data: Answer; response: { body: unknown } }>

/** Operations of the account name no app, or name it themselves. */
const withApp = (operation: string, appId: string, args: readonly unknown[]): readonly unknown[] =>
  /^(create|list)Apps?$/.test(operation) ? args : [appId, ...args]

/** The status and the code of the first error that a call is refused with. @throws when it is not refused */
export async function refusalOf(
  call: Promise<unknown>,
): Promise<{ status: number; code: string; title: string }> {
  const refusal = (await call.then(
    (answer) => {
      throw new Error(`not refused: ${JSON.stringify(answer)}`)
    },
    (error: unknown) => error,
  )) as Refusal
  if (!refusal.body?.errors) throw refusal
  const [{ code, title } = { code: '', title: '' }] = refusal.body.errors
  return { status: refusal.status, code, title }
}
