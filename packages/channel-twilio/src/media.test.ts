import { text } from 'node:stream/consumers'
import { fakeProvider } from '@plugboard/core/testing'
import { describe, expect, test } from 'vitest'
import { config, stage } from '../test/stage.js'
import { mediaUrl } from './media.js'

const { accountSID, authToken } = config
const picture = { mime: 'image/svg+xml', body: '<svg/>' }

/** Opens a reference and reads it; or what the error means. */
async function read(
  set: Awaited<ReturnType<typeof stage>>,
  ref: Parameters<NonNullable<typeof set.runtime.openMedia>>[0],
) {
  try {
    const opened = await set.runtime.openMedia?.(ref, set.context())
    return opened && { ...opened, body: await text(opened.body) }
  } catch (error) {
    return set.runtime.classify(error)
  }
}

describe('a file', () => {
  test('is fetched with the credentials, and from where Twilio redirects to without', async () => {
    const guarded: string[] = []
    await using set = await stage({
      accounts: { [accountSID]: authToken },
      fetch: (input, init) => {
        guarded.push(String(input))
        return fetch(input, init)
      },
    })
    const ref = set.provider.addMedia(picture)
    expect(await read(set, ref)).toEqual({ body: '<svg/>', mime: 'image/svg+xml', size: 6 })
    const [first, second, ...more] = set.provider.calls
    expect(first?.headers.authorization).toMatch(/^Basic /)
    expect(second?.headers.authorization).toBeUndefined()
    expect(more).toEqual([])
    expect(guarded).toEqual([`${set.provider.url}${second?.path}`])
  })

  test('of an account with a wrong token is refused as such', async () => {
    await using set = await stage({ accounts: { [accountSID]: 'another' } })
    expect(await read(set, set.provider.addMedia(picture))).toMatchObject({
      kind: 'auth',
      field: 'authToken',
    })
  })

  test('that Twilio has deleted is gone', async () => {
    await using set = await stage()
    const gone = `https://api.twilio.com/2010-04-01/Accounts/${accountSID}/Messages/MM1/Media/ME1`
    expect(await read(set, gone)).toEqual({ kind: 'invalid', message: 'the file is gone' })
  })

  test('behind a redirect that the host forbids is not fetched', async () => {
    await using set = await stage({ fetch: () => Promise.reject(new TypeError('fetch failed')) })
    expect(await read(set, set.provider.addMedia(picture))).toMatchObject({ kind: 'ambiguous' })
    expect(set.provider.calls).toHaveLength(1)
  })

  test('behind endless redirects is given up', async () => {
    await using set = await stage()
    set.provider.answerWith({ status: 302, headers: { location: '/again' } })
    expect(await read(set, set.provider.addMedia(picture))).toMatchObject({ kind: 'transient' })
    expect(set.provider.calls).toHaveLength(4)
  })

  test('behind an address that is none is refused', async () => {
    await using set = await stage()
    set.provider.answerWith({ status: 302, headers: { location: 'http://[' } })
    expect(await read(set, set.provider.addMedia(picture))).toMatchObject({ kind: 'invalid' })
  })

  test('of an account that Twilio cannot have is not asked for', async () => {
    await using set = await stage({ config: { accountSID: 'my-twilio-account-sid' } })
    expect(await read(set, set.provider.addMedia(picture))).toMatchObject({
      kind: 'auth',
      field: 'accountSID',
    })
    expect(set.provider.calls).toEqual([])
  })

  test('cannot be had from a Twilio that is away', async () => {
    await using set = await stage()
    const ref = set.provider.addMedia(picture)
    await set.provider.close()
    expect(await read(set, ref)).toMatchObject({ kind: 'transient' })
  })

  test('is no longer waited for once the signal says so', async () => {
    await using set = await stage()
    set.provider.failWith('hang')
    const context = set.context({ signal: AbortSignal.timeout(50) })
    const error: unknown = await set.runtime
      .openMedia?.(set.provider.addMedia(picture), context)
      .catch((e) => e)
    expect(set.runtime.classify(error)).toMatchObject({ kind: 'ambiguous' })
  })
})

describe('credentials', () => {
  test('never go to another host', async () => {
    const elsewhere = await fakeProvider()
    await using set = await stage()
    const refs = [
      `${elsewhere.url}/file`,
      `${elsewhere.url}/.twilio.com`,
      7,
      null,
      { url: elsewhere.url },
      'file:///etc/passwd',
    ]
    for (const ref of refs) expect(await read(set, ref)).toMatchObject({ kind: 'invalid' })
    expect(elsewhere.calls).toEqual([])
    expect(set.provider.calls).toEqual([])
    await elsewhere.close()
  })

  test.each([
    ['https://api.twilio.com/a', true],
    ['https://api.dublin.ie1.twilio.com/a', true],
    ['https://proxy.example:8443/a', true],
    ['https://proxy.example/a', false],
    ['http://api.twilio.com/a', false],
    ['https://api.twilio.com:8443/a', false],
    ['https://api.twilio.com.evil.example/a', false],
    ['https://eviltwilio.com/a', false],
    ['https://api.twilio.com@evil.example/a', false],
    ['https://ada:secret@api.twilio.com/a', false],
    ['//api.twilio.com/a', false],
    ['', false],
  ])('may go to %s: %s', (url, isTrusted) => {
    expect(mediaUrl(url, 'https://proxy.example:8443/twilio') !== undefined).toBe(isTrusted)
  })
})
