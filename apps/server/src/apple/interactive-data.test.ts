import { createCipheriv, createHmac, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { guardedFetch } from '../outbound/guarded-fetch.js'
import { fetchInteractiveData, type InteractiveDataRef } from './interactive-data.js'

const HERE = guardedFetch({ all: false, cidrs: ['127.0.0.0/8'] }, 2_000)
const BID =
  'com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.icloud.apps.messages.business.extension'
const key = randomBytes(32)

function encrypt(data: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  return Buffer.concat([cipher.update(data), cipher.final()])
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

const refOf = (url: string, more: Partial<InteractiveDataRef> = {}): InteractiveDataRef => ({
  ...{ url, bid: BID, key: `00${key.toString('hex')}`, signature: '81a619c8', owner: 'the-owner' },
  ...more,
})

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const serve = (bytes: Uint8Array, status = 200) =>
  listen((_, response) => response.writeHead(status).end(bytes))

const fetchFrom = (url: string, more: Partial<InteractiveDataRef> = {}) =>
  fetchInteractiveData(refOf(url, more), { fetch: HERE, timeoutMs: 2_000 })

const isSigned = (request: IncomingMessage, secret: Buffer): boolean => {
  const [head = '', claims = '', signature] =
    request.headers.authorization?.replace('Bearer ', '').split('.') ?? []
  const { iss, iat } = JSON.parse(Buffer.from(claims, 'base64url').toString())
  const isNow = Math.abs(Date.now() / 1000 - iat) < 60
  const expected = createHmac('sha256', secret).update(`${head}.${claims}`).digest('base64url')
  return iss === 'the-msp' && isNow && signature === expected
}

test('downloads, decrypts and decodes what lies elsewhere, and shows signature and owner', async () => {
  const requests: IncomingMessage[] = []
  const data = { data: { replyMessage: { title: 'Grüße 😀' } }, list: [1, 'x', null] }
  const url = await listen((request, response) => {
    requests.push(request)
    response.end(encrypt(json(data)))
  })
  expect(await fetchFrom(`${url}/blob`)).toEqual(data)
  expect(await fetchFrom(url, { key: key.toString('hex').toUpperCase() })).toEqual(data)
  expect(requests[0]?.headers).toMatchObject({ signature: '81a619c8', owner: 'the-owner' })
  expect(JSON.stringify(requests[0]?.headers)).not.toContain(key.toString('hex'))
})

test('takes data that are packed, and property lists', async () => {
  expect(await fetchFrom(await serve(encrypt(gzipSync(json({ a: 1 })))))).toEqual({ a: 1 })
  const list = 'YnBsaXN0MDDRAQJTa2V5VXZhbHVlCAsPAAAAAAAAAQEAAAAAAAAAAwAAAAAAAAAAAAAAAAAAABU='
  expect(await fetchFrom(await serve(encrypt(Buffer.from(list, 'base64'))))).toEqual({ key: 'value' })
})

test('asks the gateway of Apple for what lies with Apple, and lets it decode', async () => {
  const secret = randomBytes(32)
  const requests: string[] = []
  const content = await serve(encrypt(gzipSync(Buffer.from('an archive'))))
  const gateway = await listen(async (request, response) => {
    const { method, url, headers } = request
    const body = Buffer.concat(await request.toArray()).toString()
    requests.push(`${method} ${url}`)
    if (!isSigned(request, secret) || headers['source-id'] !== 'the-business') response.writeHead(401).end()
    else if (url === '/preDownload') {
      expect(headers).toMatchObject({
        owner: 'the-owner',
        signature: Buffer.from('81a619c8', 'hex').toString('base64'),
      })
      expect(headers.url).toBe('https://p61-content.icloud.com/M58C.C01USN00')
      response.end(json({ 'download-url': content }))
    } else response.end(json({ bid: headers.bid, decoded: body }))
  })
  const ref = refOf('https://p61-content.icloud.com/M58C.C01USN00')
  const credentials = { businessId: 'the-business', mspId: 'the-msp', apiSecret: secret.toString('base64') }
  const options = { fetch: HERE, timeoutMs: 2_000, gateway }
  const found = await fetchInteractiveData(ref, { ...options, credentials })
  expect(found).toEqual({ bid: BID, decoded: 'an archive' })
  expect(requests).toEqual(['GET /preDownload', 'POST /decodePayload'])
  const wrong = { ...credentials, apiSecret: 'AAAA' }
  await expect(fetchInteractiveData(ref, { ...options, credentials: wrong })).rejects.toThrow('status 401')
  const none = { ...credentials, apiSecret: '?' }
  await expect(fetchInteractiveData(ref, { ...options, credentials: none })).rejects.toThrow('not base64')
  await expect(fetchInteractiveData(ref, options)).rejects.toThrow('service provider')
  expect(requests).toHaveLength(3)
})

test('reaches no address that is not public, by no name and no way', async () => {
  let calls = 0
  const here = await listen((_, response) => {
    calls += 1
    response.end()
  })
  const fetch = guardedFetch({ all: false, cidrs: [] }, 2_000)
  const { port } = new URL(here)
  for (const host of [
    '127.0.0.1',
    'localhost',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '2130706433',
    '169.254.169.254',
  ]) {
    const trying = fetchInteractiveData(refOf(`http://${host}:${port}/`), { fetch, timeoutMs: 2_000 })
    await expect(trying).rejects.toThrow('cannot be called')
  }
  for (const url of ['file:///etc/passwd', 'ftp://example.com/', 'http://user:word@example.com/']) {
    await expect(fetchInteractiveData(refOf(url), { fetch, timeoutMs: 2_000 })).rejects.toThrow(
      'cannot be called',
    )
  }
  expect(calls).toBe(0)
})

test('follows no redirect, and waits and reads within limits', async () => {
  let isFollowed = false
  const there = await listen((_, response) => {
    isFollowed = true
    response.end()
  })
  const redirect = await listen((_, response) => response.writeHead(302, { location: there }).end())
  await expect(fetchFrom(redirect)).rejects.toThrow('status 302')
  expect(isFollowed).toBe(false)
  await expect(fetchFrom(await serve(Buffer.alloc(17_000_000)))).rejects.toThrow('more than')
  await expect(fetchFrom(await serve(encrypt(gzipSync(Buffer.alloc(17_000_000)))))).rejects.toThrow(
    'decompressed',
  )
  const slow = fetchInteractiveData(refOf(await listen(() => undefined)), { fetch: HERE, timeoutMs: 200 })
  await expect(slow).rejects.toThrow('took too long')
  await expect(fetchFrom('http://127.0.0.1:1/')).rejects.toThrow('cannot be reached')
})

test('says what is wrong without the key, the address or the bytes', async () => {
  const good = encrypt(json({ secret: 'words' }))
  const deep = `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`
  // Megabytes of these would keep all other requests waiting while they are parsed.
  const wide = `{"a":[${'[],'.repeat(500_000)}0]}`
  const cases: [() => Promise<unknown>, RegExp][] = [
    [async () => fetchFrom(await serve(good), { key: 'nonsense' }), /the key must be 32 bytes/],
    [
      async () => fetchFrom(await serve(good), { key: `00${randomBytes(32).toString('hex')}` }),
      /check the key/,
    ],
    [async () => fetchFrom(await serve(good, 404)), /status 404/],
    [async () => fetchFrom(await serve(new Uint8Array())), /neither JSON nor/],
    [async () => fetchFrom(await serve(encrypt(json(['a', 'list'])))), /neither JSON nor/],
    [async () => fetchFrom(await serve(encrypt(Buffer.from(deep)))), /nest 100 levels at most/],
    [async () => fetchFrom(await serve(encrypt(Buffer.from(wide)))), /hold 10000 values at most/],
    [() => fetchFrom('nonsense'), /not a URL/],
  ]
  for (const [trying, words] of cases) {
    const error = await trying().then(
      () => undefined,
      (failed: Error) => failed,
    )
    expect(error).toMatchObject({ name: 'AppleDataError', message: expect.stringMatching(words) })
    expect(error?.message).not.toMatch(/127\.0\.0\.1|words/)
  }
})
