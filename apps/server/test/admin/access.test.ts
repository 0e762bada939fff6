import { randomUUID } from 'node:crypto'
import { newId, toUuid } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { callWithKey, newSession, openLink, type SignedIn, withKey } from '../support/operators.js'
import { cleanUp, sharedServer } from '../support/server.js'

/** Who may use which route: a table over every operation of the document of the admin API. */

const server = sharedServer()
afterAll(cleanUp)

type Role = 'anyone' | 'viewer' | 'operator' | 'admin'

interface Operation {
  name: string
  method: string
  /** With parameters in braces. */
  path: string
  access: { role: Role; tenant: boolean; audit?: string }
}

const { json: document } = await call(server, 'GET', '/openapi/admin.json')
const operations = Object.entries(document.paths as Record<string, Record<string, object>>).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Operation => {
      const { 'x-access': access } = operation as { 'x-access': Operation['access'] }
      return { name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path, access }
    }),
)

const RANK: Record<Role, number> = { anyone: 0, viewer: 1, operator: 2, admin: 3 }

type Caller = Record<string, string>
const callers: Record<string, Caller> = {}
let viewer: SignedIn
let client: string
let elsewhere: string

const newClient = async (): Promise<string> =>
  (
    await call(server, 'POST', '/api/v1/admin/clients', {
      body: {},
      headers: { 'x-bp-messaging-admin-key': withKey.authorization.slice(7) },
    })
  ).json.id

const linkTo = async (clientId: string, role: string): Promise<Caller> => {
  const { json } = await callWithKey(server, 'POST', `/clients/${clientId}/link`, { role })
  return (await openLink(server, json.url)).headers
}

beforeAll(async () => {
  client = await newClient()
  elsewhere = await newClient()
  viewer = await newSession(server, 'viewer')
  callers.viewer = viewer.headers
  callers.operator = (await newSession(server, 'operator')).headers
  callers.admin = (await newSession(server, 'admin')).headers
  callers.key = withKey
  callers['link viewer'] = await linkTo(client, 'viewer')
  callers['link operator'] = await linkTo(client, 'operator')
})

/** No handler runs: whoever is let in reads that this member of the query is not allowed. */
const PROBE = 'no-such-member'

async function probe({ method, path }: Operation, headers: Caller, of = client): Promise<string> {
  const url = path.replace('{clientId}', of).replace(/\{\w+\}/g, toUuid(newId()))
  const body = method === 'GET' || method === 'DELETE' ? undefined : {}
  const { status, json } = await call(server, method, `${url}?${PROBE}=1`, { headers, body })
  return status === 400 ? 'allowed' : `${status} ${json?.error?.code}`
}

const REFUSED = '403 FORBIDDEN'

test('every operation says who may use it, and every change what it is called in the audit log', () => {
  expect(operations.length).toBeGreaterThan(10)
  for (const { name, method, access } of operations) {
    expect(access, name).toMatchObject({ role: expect.any(String), tenant: expect.any(Boolean) })
    if (method !== 'GET' && access.role !== 'anyone') expect(access.audit, name).toEqual(expect.any(String))
  }
})

describe.each(operations)('$name', (operation) => {
  const { method, path, access } = operation
  const isOpen = access.role === 'anyone'

  test('needs a caller', async () => {
    const wrong = {
      cookie: 'plugboard-session=guess',
      'x-csrf-token': 'guess',
      'sec-fetch-site': 'same-origin',
    }
    for (const headers of [{}, wrong, { authorization: 'Bearer guess' }])
      expect(await probe(operation, headers)).toBe(isOpen ? 'allowed' : '401 UNAUTHORIZED')
  })

  test.each(['viewer', 'operator', 'admin', 'key'])('as its role says, for %s', async (name) => {
    const role = name === 'key' ? 'admin' : (name as Role)
    const isAllowed = RANK[role] >= RANK[access.role]
    expect(await probe(operation, callers[name] ?? {})).toBe(isAllowed ? 'allowed' : REFUSED)
  })

  test.each(['viewer', 'operator'] as const)('for a link with the role %s', async (role) => {
    const headers = callers[`link ${role}`] ?? {}
    const isAllowed = isOpen || (access.tenant && RANK[role] >= RANK[access.role])
    expect(await probe(operation, headers)).toBe(isAllowed ? 'allowed' : REFUSED)
    if (!path.includes('{clientId}')) return
    const expected = isAllowed ? '404 NOT_FOUND' : REFUSED
    for (const other of [elsewhere, randomUUID(), toUuid(newId())])
      expect(await probe(operation, headers, other)).toBe(expected)
  })

  test('takes no change from a page of another site, or without the token of the session', async () => {
    if (method === 'GET' || isOpen) return
    const { 'x-csrf-token': token = '', ...admin } = callers.admin ?? {}
    const { 'sec-fetch-site': _, ...silent } = admin
    const attempts: Caller[] = [
      { ...admin },
      { ...admin, 'x-csrf-token': viewer.csrfToken },
      { ...admin, 'x-csrf-token': token.slice(1) },
      { ...admin, 'x-csrf-token': token, 'sec-fetch-site': 'cross-site' },
      { ...admin, 'x-csrf-token': token, 'sec-fetch-site': 'same-site' },
      { ...silent, 'x-csrf-token': token, origin: 'https://evil.example' },
      { ...silent, 'x-csrf-token': token, origin: 'null' },
      { ...silent, 'x-csrf-token': token },
    ]
    for (const headers of attempts) expect(await probe(operation, headers)).toBe(REFUSED)
    const own = { ...silent, 'x-csrf-token': token, origin: server.url }
    expect(await probe(operation, own)).toBe('allowed')
  })
})
