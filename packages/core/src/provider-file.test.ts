import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { ReadableStream } from 'node:stream/web'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { FailureError } from './failure.js'
import { openProviderFile, type ProviderFile } from './provider-file.js'
import { type Answer, type FakeProvider, fakeProvider } from './testing/index.js'

const authorization = 'Bearer my-token'

let own: FakeProvider
let elsewhere: FakeProvider
/** Answers of both servers, by path; other paths have a text. */
const pages = new Map<string, Answer>()
/** What the `fetch` of the host was asked for. */
const guarded: string[] = []

beforeAll(async () => {
  const answer = ({ path }: { path: string }) => pages.get(path) ?? { body: 'the bytes' }
  own = await fakeProvider({ answer })
  elsewhere = await fakeProvider({ answer })
})
afterAll(async () => {
  await own.close()
  await elsewhere.close()
})
afterEach(() => {
  own.failWith()
  pages.clear()
  guarded.length = 0
})

const redirect = (location: string): Answer => ({ status: 302, headers: { location } })

const file = (url: string, changes: Partial<ProviderFile> = {}): ProviderFile => ({
  provider: 'Acme Chat',
  url: new URL(url, own.url),
  credentialsFor: ({ origin }) => (origin === own.url ? { authorization } : undefined),
  fetch: (input, init) => {
    guarded.push(String(input))
    return fetch(input, init)
  },
  signal: AbortSignal.timeout(5000),
  failureOf: () => undefined,
  ...changes,
})

async function read(given: ProviderFile) {
  const { body, ...opened } = await openProviderFile(given)
  return { ...opened, body: await text(body as ReadableStream<Uint8Array>) }
}

const failure = (given: ProviderFile) =>
  openProviderFile(given).then(
    () => undefined,
    (error: unknown) => (error instanceof FailureError ? error.failure : error),
  )

describe('a file', () => {
  test('is opened with its type and size', async () => {
    pages.set('/a.png', { headers: { 'content-type': 'image/png', 'content-length': '5' }, body: 'a png' })
    expect(await read(file('/a.png'))).toEqual({ body: 'a png', mime: 'image/png', size: 5 })
  })

  test('may say neither, and may be empty', async () => {
    pages.set('/empty', { status: 204 })
    expect(await read(file('/empty'))).toEqual({ body: '' })
  })

  test('that is sent encoded has no size, because the length is not its own', async () => {
    const server = createServer((_, response) => {
      const body = gzipSync('a text')
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    expect(await read(file(url, { credentialsFor: () => ({}) }))).toEqual({ body: 'a text' })
    server.close()
    server.closeAllConnections()
  })
})

describe('credentials', () => {
  test('go to the provider, and not to where it redirects', async () => {
    pages.set('/moved', redirect(`${elsewhere.url}/cdn.png`))
    const [ownCalls, otherCalls] = [own.calls.length, elsewhere.calls.length]
    expect(await read(file('/moved'))).toMatchObject({ body: 'the bytes' })
    expect(own.calls.slice(ownCalls).map(({ headers }) => headers.authorization)).toEqual([authorization])
    expect(elsewhere.calls.slice(otherCalls).map(({ headers }) => headers.authorization)).toEqual([undefined])
    expect(guarded).toEqual([`${elsewhere.url}/cdn.png`])
  })

  test('are not asked for in vain: without them nothing is called', async () => {
    const before = elsewhere.calls.length
    expect(await failure(file(`${elsewhere.url}/a.png`))).toEqual({
      kind: 'invalid',
      message: 'the file is not at Acme Chat',
    })
    expect(elsewhere.calls).toHaveLength(before)
    expect(guarded).toEqual([])
  })

  test('are not needed for a public file, which the host calls, redirects and all', async () => {
    pages.set('/public', redirect(`${elsewhere.url}/a.png`))
    const { credentialsFor: _, ...open } = file('/public')
    expect(await read(open)).toMatchObject({ body: 'the bytes' })
    expect(guarded).toEqual([`${own.url}/public`, `${elsewhere.url}/a.png`])
  })

  test('go to own addresses only, and all others are called by the host, whatever the redirects', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 6 }), async (hops) => {
        guarded.length = 0
        const bases = [true, ...hops].map((isOwn) => (isOwn ? own.url : elsewhere.url))
        for (const [i, base] of bases.slice(1).entries()) pages.set(`/${i}`, redirect(`${base}/${i + 1}`))
        pages.set(`/${hops.length}`, { body: 'the bytes' })
        const before = { own: own.calls.length, elsewhere: elsewhere.calls.length }
        expect(await read(file('/0', { maxRedirects: hops.length }))).toMatchObject({ body: 'the bytes' })
        const ownCalls = own.calls.slice(before.own)
        const otherCalls = elsewhere.calls.slice(before.elsewhere)
        expect(ownCalls).toHaveLength(bases.filter((base) => base === own.url).length)
        expect(ownCalls.every(({ headers }) => headers.authorization === authorization)).toBe(true)
        expect(otherCalls.every(({ headers }) => headers.authorization === undefined)).toBe(true)
        expect(guarded).toEqual(otherCalls.map(({ path }) => elsewhere.url + path))
      }),
    )
  })
})

describe('redirects', () => {
  const failureOf = ({ status, ok }: Response) =>
    ok ? undefined : ({ kind: 'transient', message: `answered ${status}` } as const)

  test.each([
    [undefined, 4],
    [0, 1],
    [1, 2],
  ])('are followed up to maxRedirects (%s): %i requests', async (maxRedirects, requests) => {
    pages.set('/loop', redirect('/loop'))
    const before = own.calls.length
    const given = file('/loop', { failureOf, ...(maxRedirects !== undefined && { maxRedirects }) })
    expect(await failure(given)).toEqual({ kind: 'transient', message: 'answered 302' })
    expect(own.calls).toHaveLength(before + requests)
  })

  test.each(['http://[', 'file:///etc/passwd', 'data:text/plain,hi'])(
    'to %s are refused',
    async (location) => {
      pages.set('/moved', redirect(location))
      expect(await failure(file('/moved', { failureOf }))).toEqual({
        kind: 'invalid',
        message: 'Acme Chat redirects to something that is not a web address',
      })
    },
  )

  test('that the host forbids are transient, with the reason', async () => {
    pages.set('/moved', redirect(`${elsewhere.url}/private`))
    const forbidden = Object.assign(new Error('the address is not public'), { code: 'ERR_TARGET_FORBIDDEN' })
    const fetch = () => Promise.reject(new TypeError('fetch failed', { cause: forbidden }))
    expect(await failure(file('/moved', { fetch }))).toEqual({
      kind: 'transient',
      message: 'no connection to Acme Chat (ERR_TARGET_FORBIDDEN)',
    })
  })
})

describe('an answer that is not the file', () => {
  test('means what failureOf says, also with status 200', async () => {
    pages.set('/sign-in', { headers: { 'content-type': 'text/html' }, body: '<form>' })
    const refused = { kind: 'auth', message: 'a page to sign in' } as const
    const failureOf = ({ headers }: Response) =>
      headers.get('content-type') === 'text/html' ? refused : undefined
    expect(await failure(file('/sign-in', { failureOf }))).toEqual(refused)
  })

  test('is invalid where failureOf does not know it', async () => {
    pages.set('/gone', { status: 410, body: 'a private text' })
    expect(await failure(file('/gone'))).toEqual({
      kind: 'invalid',
      message: 'Acme Chat answered 410 for the file',
    })
  })

  test.each(['reset', 'hang'] as const)('is ambiguous where there is none (%s)', async (fault) => {
    own.failWith(fault)
    expect(await failure(file('/a.png', { signal: AbortSignal.timeout(200) }))).toMatchObject({
      kind: 'ambiguous',
    })
  })
})
