import { text } from 'node:stream/consumers'
import type { ReadableStream } from 'node:stream/web'
import type { Json } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { accessToken, isLogin } from '../test/fake-teams.js'
import { config, type Stage, stage } from '../test/stage.js'

const PATH = '/v3/attachments/1/views/original'
const PICTURE = `https://smba.trafficmanager.net/amer${PATH}`
const FILE = 'https://contoso.sharepoint.com/download.aspx?UniqueId=1&tempauth=v1'

const open = async (on: Stage, ref: Json) => {
  const opened = await on.runtime.openMedia?.(ref, on.context())
  return { ...opened, body: await text(opened?.body as ReadableStream) }
}
const failureOf = (on: Stage, ref: Json) =>
  open(on, ref).then(
    () => undefined,
    (error: unknown) => on.runtime.classify(error),
  )

describe('a picture in a message', () => {
  test('is opened with the token of the bot', async () => {
    await using on = await stage()
    on.provider.files.set(PATH, { mime: 'image/png', body: 'bytes' })
    expect(await open(on, { url: PICTURE })).toEqual({ body: 'bytes', mime: 'image/png', size: 5 })
    expect(on.provider.calls.at(-1)?.headers.authorization).toBe(`Bearer ${accessToken(config.appId, 1)}`)
  })

  test.each([
    [404, 'invalid'],
    [401, 'invalid'],
    [403, 'invalid'],
    [500, 'transient'],
    [429, 'rate-limited'],
  ])('that is answered with %i is %s', async (status, kind) => {
    await using on = await stage()
    on.provider.answerWith((call) => (isLogin(call) ? undefined : { status }))
    expect(await failureOf(on, { url: PICTURE })).toMatchObject({ kind })
  })
})

describe('a file of a person', () => {
  test('is opened by the host without the token of the bot', async () => {
    const asked: [string, unknown][] = []
    const host: typeof fetch = async (input, init) => {
      asked.push([String(input), new Headers(init?.headers).get('authorization')])
      return new Response('bytes', { headers: { 'content-type': 'application/pdf' } })
    }
    await using on = await stage({ fetch: host })
    expect(await open(on, { url: FILE })).toMatchObject({ body: 'bytes', mime: 'application/pdf' })
    expect(asked).toEqual([[FILE, null]])
    expect(on.provider.calls).toEqual([])
  })

  test.each<[string, Json]>([
    ['that is at no https address', { url: 'http://contoso.sharepoint.com/a' }],
    ['without an address', {}],
    ['that is no reference', 'https://contoso.sharepoint.com/a'],
  ])('%s is not opened', async (_, ref) => {
    await using on = await stage()
    expect(await failureOf(on, ref)).toMatchObject({ kind: 'invalid' })
    expect(on.provider.calls).toEqual([])
  })
})
