import { text } from 'node:stream/consumers'
import type { Json } from '@plugboard/core'
import { fakeProvider } from '@plugboard/core/testing'
import { describe, expect, test } from 'vitest'
import { config, stage } from '../test/stage.js'
import { mediaUrl, proxied } from './media-url.js'

const accounts = { [config.apiKey]: config.apiSecret }
const picture = { mime: 'image/jpeg', body: 'bytes' }

/** Opens a reference and reads it; or what the error means. */
async function read(set: Awaited<ReturnType<typeof stage>>, ref: Json) {
  try {
    const opened = await set.runtime.openMedia?.(ref, set.context())
    return opened && { ...opened, body: await text(opened.body) }
  } catch (error) {
    return set.runtime.classify(error)
  }
}

describe('a file', () => {
  test('is fetched with the credentials, and from where Vonage redirects to without', async () => {
    await using set = await stage({ accounts })
    expect(await read(set, set.provider.addMedia(picture))).toEqual({
      body: 'bytes',
      mime: 'image/jpeg',
      size: 5,
    })
    const [first, second, ...more] = set.provider.calls
    expect(first?.headers.authorization).toMatch(/^Basic /)
    expect(second?.headers.authorization).toBeUndefined()
    expect(more).toEqual([])
  })

  test('of an account with a wrong secret is refused as such', async () => {
    await using set = await stage({ accounts: {} })
    expect(await read(set, set.provider.addMedia(picture))).toMatchObject({
      kind: 'auth',
      field: 'apiSecret',
    })
  })

  test('that Vonage has deleted is gone', async () => {
    await using set = await stage({ accounts })
    expect(await read(set, 'https://api-us.nexmo.com/v3/media/0')).toEqual({
      kind: 'invalid',
      message: 'the file is gone',
    })
  })

  test('cannot be had from a Vonage that is away', async () => {
    await using set = await stage()
    const ref = set.provider.addMedia(picture)
    await set.provider.close()
    expect(await read(set, ref)).toMatchObject({ kind: 'transient' })
  })
})

describe('credentials', () => {
  test('never go to another host', async () => {
    const elsewhere = await fakeProvider()
    await using set = await stage()
    const refs = [`${elsewhere.url}/file`, `${elsewhere.url}/.nexmo.com`, 7, null, { url: elsewhere.url }]
    for (const ref of refs) expect(await read(set, ref)).toMatchObject({ kind: 'invalid' })
    expect([elsewhere.calls, set.provider.calls]).toEqual([[], []])
    await elsewhere.close()
  })

  test.each([
    ['https://api-us.nexmo.com/v3/media/1', true],
    ['https://api-eu.vonage.com/v3/media/1', true],
    ['http://api.nexmo.com/a', false],
    ['https://api.nexmo.com:8443/a', false],
    ['https://api.nexmo.com.evil.example/a', false],
    ['https://evilnexmo.com/a', false],
    ['https://api.nexmo.com@evil.example/a', false],
    ['https://ada:secret@api.nexmo.com/a', false],
    ['//api.nexmo.com/a', false],
    ['', false],
  ])('may go to %s: %s', (url, isTrusted) => expect(mediaUrl(url) !== undefined).toBe(isTrusted))

  test('go through the proxy of the operator, if there is one', () => {
    const url = new URL('https://api-us.nexmo.com/v3/media/1?a=b')
    expect(proxied(url, 'https://api.nexmo.com').href).toBe(url.href)
    expect(proxied(url, 'https://proxy.example/vonage').href).toBe(
      'https://proxy.example/vonage/v3/media/1?a=b',
    )
  })
})
