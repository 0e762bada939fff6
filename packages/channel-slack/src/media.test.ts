import { text } from 'node:stream/consumers'
import type { ReadableStream } from 'node:stream/web'
import type { Json } from '@plugboard/core'
import { type FakeProvider, fakeProvider } from '@plugboard/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { config, type Stage, stage, stranger } from '../test/stage.js'
import { classify } from './failure.js'

let on: Stage
let elsewhere: FakeProvider
const hostCalls: string[] = []

beforeAll(async () => {
  elsewhere = await fakeProvider({
    answer: () => ({ headers: { 'content-type': 'image/png' }, body: 'from elsewhere' }),
  })
  on = await stage((input, init) => {
    hostCalls.push(String(input))
    return fetch(input, init)
  })
})
afterAll(async () => {
  await on.fake.close()
  await elsewhere.close()
})

const png = { headers: { 'content-type': 'image/png' }, body: 'bytes of a picture' }
const keep = (path: string, answer: object) => on.fake.keep(path, { token: config.botToken, answer })

async function open(ref: Json, own = config) {
  const media = await on.runtime.openMedia?.(ref, on.context({ config: own }))
  return { ...media, body: media && (await text(media.body as ReadableStream<Uint8Array>)) }
}
const failure = (ref: Json, own = config) => open(ref, own).then(() => undefined, classify)

describe('a file', () => {
  test('is read with the token of its client', async () => {
    const url = keep('/files-pri/T1-F1/a.png', png)
    expect(await open({ url, mime: 'image/png' })).toEqual({ body: png.body, mime: 'image/png' })
  })

  test('says its size, and its type where the event did not', async () => {
    const url = keep('/files-pri/T1-F2/a.png', {
      ...png,
      headers: { ...png.headers, 'content-length': '18' },
    })
    expect(await open({ url })).toEqual({ body: png.body, mime: 'image/png', size: 18 })
  })

  test('is not given to another client: a page to sign in is no file', async () => {
    const url = keep('/files-pri/T1-F3/a.png', png)
    expect(await failure({ url, mime: 'image/png' }, stranger)).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('files:read'),
    })
  })

  test('of another workspace is asked for by its id', async () => {
    on.fake.keep('/files-pri/T2-F9/a.png', { token: config.botToken, answer: png, id: 'F9' })
    expect(await open({ file: 'F9' })).toEqual({ body: png.body, mime: 'image/png' })
    expect(await failure({ file: 'F9' }, stranger)).toEqual({
      kind: 'invalid',
      code: 'file_not_found',
      message: 'Slack answered file_not_found',
    })
  })

  test('may be a page itself', async () => {
    const url = keep('/files-pri/T1-F4/a.html', {
      headers: { 'content-type': 'text/html' },
      body: '<p>mine</p>',
    })
    expect(await open({ url, mime: 'text/html' })).toMatchObject({ body: '<p>mine</p>' })
    expect(await failure({ url })).toMatchObject({ kind: 'invalid' })
  })

  test.each([
    [401, 'auth'],
    [403, 'invalid'],
    [404, 'invalid'],
    [429, 'rate-limited'],
    [500, 'transient'],
  ])('that is answered with %i is %s', async (status, kind) => {
    expect(await failure({ url: keep(`/files-pri/T1-F5/${status}`, { status }) })).toMatchObject({ kind })
  })

  test('that is not asked for in time is given up', async () => {
    on.fake.failWith('hang')
    const context = on.context({ signal: AbortSignal.timeout(50) })
    await expect(
      on.runtime.openMedia?.({ url: `${on.fake.url}/files-pri/x` }, context),
    ).rejects.toMatchObject({
      failure: { kind: 'ambiguous' },
    })
    on.fake.failWith()
  })
})

describe('the token goes to Slack only', () => {
  test.each([
    ['another host', 'https://evil.example/a.png'],
    ['a host that ends alike', 'https://evilslack.com/a.png'],
    ['a host that begins alike', 'https://files.slack.com.evil.example/a.png'],
    ['a user name that looks alike', 'https://files.slack.com@evil.example/a.png'],
    ['Slack without encryption', 'http://files.slack.com/a.png'],
    ['a file of ours', 'file:///etc/passwd'],
  ])('%s is refused', async (_, url) => {
    expect(await failure({ url })).toEqual({ kind: 'invalid', message: 'the file is not at Slack' })
  })

  test.each([[null], ['text'], [{}], [{ url: 'no url' }], [{ url: 7 }]])(
    'a reference %j is refused',
    async (ref) => {
      expect(await failure(ref as Json)).toMatchObject({ kind: 'invalid' })
    },
  )

  test('a redirect at Slack is followed with it', async () => {
    keep('/files-pri/moved.png', png)
    const url = keep('/files-pri/old.png', { status: 302, headers: { location: '/files-pri/moved.png' } })
    expect(await open({ url })).toMatchObject({ body: png.body })
  })

  test('a redirect elsewhere is followed without it, by the rules of the host', async () => {
    const url = keep('/files-pri/cdn.png', { status: 302, headers: { location: `${elsewhere.url}/cdn.png` } })
    expect(await open({ url })).toMatchObject({ body: 'from elsewhere' })
    expect(elsewhere.calls).toHaveLength(1)
    expect(elsewhere.calls[0]?.headers).not.toHaveProperty('authorization')
    expect(hostCalls).toEqual([`${elsewhere.url}/cdn.png`])
  })

  test.each([
    ['to sign in', '/?redir=%2Ffiles-pri%2Fa.png', 'sign in'],
    ['to itself', '/files-pri/loop', 'too often'],
    ['to an address of another kind', 'file:///etc/passwd', 'not a web address'],
  ])('a redirect %s is no file', async (_, location, message) => {
    const url = keep('/files-pri/loop', { status: 302, headers: { location } })
    expect(await failure({ url })).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(message),
    })
  })
})
