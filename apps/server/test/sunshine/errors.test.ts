import { afterAll, beforeAll, expect, test } from 'vitest'
import { raw } from '../support/raw.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { basic, type Key, newKey } from '../support/sunshine.js'

const server = sharedServer()
let key: Key

beforeAll(async () => {
  key = await newKey(server)
})
afterAll(cleanUp)

const json = ['content-type', 'application/json'] as const
const users = '/v2/apps/APP/users'

/** What is wrong with a request before any route looks at it. */
const faults: Record<
  string,
  readonly [
    request: { method?: string; path: string; headers?: (readonly [string, string])[]; body?: string },
    status: number,
    code: string,
  ]
> = {
  'broken JSON': [{ method: 'POST', path: users, headers: [json], body: '{"a":' }, 400, 'bad_request'],
  'an array': [{ method: 'POST', path: users, headers: [json], body: '[]' }, 400, 'bad_request'],
  'JSON that is too deep': [
    { method: 'POST', path: users, headers: [json], body: `${'['.repeat(200)}${']'.repeat(200)}` },
    400,
    'bad_request',
  ],
  'JSON that poisons prototypes': [
    { method: 'POST', path: users, headers: [json], body: '{"__proto__":{"a":1}}' },
    400,
    'bad_request',
  ],
  'a body that is no JSON': [
    { method: 'POST', path: users, headers: [['content-type', 'text/plain']], body: 'hello' },
    415,
    'unsupported_media_type',
  ],
  'a form': [
    {
      method: 'POST',
      path: users,
      headers: [['content-type', 'application/x-www-form-urlencoded']],
      body: 'a=b',
    },
    415,
    'unsupported_media_type',
  ],
  'a body over 100 kB': [
    { method: 'POST', path: users, headers: [json], body: JSON.stringify({ a: 'x'.repeat(110_000) }) },
    413,
    'payload_too_large',
  ],
  'an address that is no percent-encoding': [{ path: `${users}/%E0%A4%A` }, 400, 'bad_request'],
  'an unknown route': [{ path: '/v2/nothing' }, 404, 'not_found'],
  'an unknown route of an app': [{ path: '/v2/apps/APP/nothing' }, 404, 'not_found'],
  'an unknown method': [{ method: 'PUT', path: users, headers: [json], body: '{}' }, 404, 'not_found'],
}

test.each(Object.entries(faults))('%s is refused in the envelope', async (_, [request, status, code]) => {
  for (const prefix of ['', '/sc']) {
    const answer = await raw(server, {
      ...request,
      path: prefix + request.path.replace('APP', key.appId),
      headers: [...(request.headers ?? []), ['authorization', basic(key)]],
    })
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
    expect(JSON.parse(answer.text)).toEqual({ errors: [{ code, title: expect.any(String) }] })
  }
})

test('several faults of one body are several errors', async () => {
  const body = JSON.stringify({ externalId: '', profile: { givenName: 1 }, metadata: { a: {} } })
  const headers = [json, ['authorization', basic(key)] as const]
  const { text } = await raw(server, { method: 'POST', path: users.replace('APP', key.appId), headers, body })
  expect(JSON.parse(text).errors).toHaveLength(3)
})

test('a delete with the type of JSON and no body is one', async () => {
  const headers = [json, ['authorization', basic(key)] as const]
  const path = users.replace('APP', key.appId)
  const made = await raw(server, { method: 'POST', path, headers, body: '{}' })
  const { id } = JSON.parse(made.text).user
  expect(await raw(server, { method: 'DELETE', path: `${path}/${id}`, headers })).toMatchObject({
    ...{ status: 200, text: '{}' },
  })
})
