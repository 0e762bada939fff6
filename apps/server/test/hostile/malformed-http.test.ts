import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, createClient, type TestClient } from '../support/api.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'

let server: TestServer
let client: TestClient
let conversationId: string

beforeAll(async () => {
  server = await startServer()
  client = await createClient(server)
  conversationId = (await client.converse()).conversationId
})
afterAll(cleanUp)

/** All that the server sends back until it closes the connection, or says nothing more. */
async function exchange(bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => undefined)
  socket.setTimeout(1_500, () => socket.destroy())
  socket.write(bytes)
  await new Promise((resolve) => socket.on('close', resolve))
  return Buffer.concat(chunks).toString('latin1')
}

const statusesIn = (text: string): number[] =>
  [...text.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map(([, status]) => Number(status))

/** A request with these lines, and the credentials of a client where it should be accepted as valid. */
const request = (line: string, headers: readonly string[] = [], body = ''): string =>
  [line, ...headers, '', body].join('\r\n')

const host = 'Host: hub.example'

/** What hides in a body, so that a proxy and this server may disagree on where it begins. */
const hidden = (): string => request('DELETE /api/v1/clients/tokens/1 HTTP/1.1', [host])

const malformed: Readonly<Record<string, () => string | Buffer>> = {
  'nothing but line ends': () => '\r\n'.repeat(2_000),
  'bytes that are no text': () => Buffer.from(Array.from({ length: 2_000 }, (_, i) => (i * 7) % 256)),
  'the greeting of TLS': () => Buffer.from('16030100c8010000c40303', 'hex'),
  'the preface of HTTP/2': () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'HTTP/0.9': () => 'GET /api/v1/clients\r\n\r\n',
  'a version that is none': () => request('GET /status HTTP/9.9', [host]),
  'no version': () => request('GET /api/v1/clients', [host]),
  'a method that is none': () => request('G E T /status HTTP/1.1', [host]),
  'no host': () => request('GET /api/v1/clients HTTP/1.1'),
  'two hosts': () => request('GET /api/v1/clients HTTP/1.1', [host, 'Host: 127.0.0.1']),
  'a header without a colon': () => request('GET /status HTTP/1.1', [host, 'no colon']),
  'a header with a space in its name': () => request('GET /status HTTP/1.1', [host, 'X Y: z']),
  'a header with a space before its colon': () =>
    request('GET /status HTTP/1.1', [host, 'Content-Length : 5']),
  'a header with a NUL': () => request('GET /status HTTP/1.1', [host, 'X: a\u0000b']),
  'a header that goes on in the next line': () => request('GET /status HTTP/1.1', [host, 'X: a', ' b']),
  'a header of 100 kB': () => request('GET /status HTTP/1.1', [host, `X: ${'a'.repeat(100_000)}`]),
  '10,000 headers': () =>
    request('GET /status HTTP/1.1', [host, ...Array.from({ length: 10_000 }, (_, i) => `X${i}: a`)]),
  'an address of 100 kB': () => request(`GET /${'a'.repeat(100_000)} HTTP/1.1`, [host]),
  'two lengths': () =>
    request(
      'POST /api/v1/sync HTTP/1.1',
      [host, 'Content-Length: 2', 'Content-Length: 100'],
      `{}${hidden()}`,
    ),
  'a length and chunks': () =>
    request(
      'POST /api/v1/sync HTTP/1.1',
      [host, 'Content-Length: 4', 'Transfer-Encoding: chunked'],
      `0\r\n\r\n${hidden()}`,
    ),
  'a negative length': () => request('POST /api/v1/sync HTTP/1.1', [host, 'Content-Length: -1'], '{}'),
  'a length that is no number': () =>
    request('POST /api/v1/sync HTTP/1.1', [host, 'Content-Length: 0x10'], '{}'),
  'a length with a sign': () => request('POST /api/v1/sync HTTP/1.1', [host, 'Content-Length: +2'], '{}'),
  'chunks twice': () =>
    request(
      'POST /api/v1/sync HTTP/1.1',
      [host, 'Transfer-Encoding: chunked, chunked'],
      `0\r\n\r\n${hidden()}`,
    ),
  'an encoding that is not known': () =>
    request('POST /api/v1/sync HTTP/1.1', [host, 'Transfer-Encoding: xchunked'], `0\r\n\r\n${hidden()}`),
  'a chunk whose size is no number': () =>
    request('POST /api/v1/sync HTTP/1.1', [host, 'Transfer-Encoding: chunked'], 'zz\r\n{}\r\n0\r\n\r\n'),
  'a chunk of more bytes than there are': () =>
    request('POST /api/v1/sync HTTP/1.1', [host, 'Transfer-Encoding: chunked'], 'ffffffffffffffff\r\n{}\r\n'),
  'line ends without a return': () =>
    'POST /api/v1/sync HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n0\n\n',
}

describe('a malformed request', () => {
  test('is one of a table', () => {
    expect(Object.keys(malformed).length).toBeGreaterThanOrEqual(26)
  })

  test.for(Object.entries(malformed))('is refused, and stops nobody: %s', async ([, bytes]) => {
    const statuses = statusesIn(await exchange(bytes()))
    // No answer at all is a refusal too; a second answer would be to what hid in the first request.
    expect(statuses.length).toBeLessThanOrEqual(1)
    for (const status of statuses) expect(status >= 400 && status < 500, `status ${status}`).toBe(true)
    expect((await call(server, 'GET', '/status')).status).toBe(200)
  })
})

/** Types that some route takes, apart; the rest is taken by none. */
const JSON_TYPES = [
  'application/json',
  'APPLICATION/JSON',
  'application/json; charset=utf-8',
  'application/json;charset=UTF-8',
  'application/json; charset="utf-8"',
]
const FORM_TYPES = ['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded; charset=utf-8']
const OTHER_TYPES = [
  ...[
    '',
    'json',
    'application',
    'application/',
    '/json',
    'application/jsonx',
    'application/json2',
    'text/json',
  ],
  ...[
    'text/plain',
    'text/html',
    'text/xml',
    'application/xml',
    'application/octet-stream',
    'application/ld+json',
  ],
  ...['application/vnd.api+json', 'application/json, text/plain', 'application/json-patch+json', 'image/png'],
  ...['multipart/form-data', 'multipart/form-data; boundary=', 'multipart/mixed; boundary=x', '*/*'],
  ...[
    'application/x-ndjson',
    'application/javascript',
    '__proto__',
    'constructor/prototype',
    'a'.repeat(4_000),
  ],
]

describe('a body whose type is', () => {
  test('one of a table', () => {
    expect(JSON_TYPES.length + FORM_TYPES.length + OTHER_TYPES.length).toBeGreaterThanOrEqual(31)
  })

  const post = (type: string) => {
    const body = JSON.stringify({ conversationId, payload: { type: 'text', text: 'hello' } })
    const headers = { ...client.headers, 'content-type': type }
    return call(server, 'POST', '/api/v1/messages', { body, headers })
  }

  test.for(JSON_TYPES)('%s is read as JSON', async (type) => {
    expect((await post(type)).status).toBe(201)
  })

  test.for([...FORM_TYPES, ...OTHER_TYPES])('%s is not read as JSON', async (type) => {
    const before = await client.call('GET', `/messages/conversation/${conversationId}?limit=0`)
    const { status } = await post(type)
    expect(status >= 400 && status < 500, `status ${status}`).toBe(true)
    const after = await client.call('GET', `/messages/conversation/${conversationId}?limit=0`)
    expect(after.json).toEqual(before.json)
  })
})
