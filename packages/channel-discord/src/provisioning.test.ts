import { text } from 'node:stream/consumers'
import type { ReadableStream } from 'node:stream/web'
import type { Json } from '@plugboard/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { config, type Stage, stage, stranger } from '../test/stage.js'
import { discord } from './index.js'

let on: Stage
beforeEach(async () => {
  on = await stage()
})
afterEach(() => on.close())

const app = () => on.fake.world.apps.get(config.botToken)
const own = 'https://hub.example/webhooks/v1/acme/discord'

describe('the URL for interactions', () => {
  test('is registered, once', async () => {
    await on.runtime.provision?.(on.context())
    await on.runtime.provision?.(on.context())
    expect(app()?.url).toBe(own)
    expect(on.fake.calls.filter(({ method }) => method === 'PATCH')).toHaveLength(1)
  })

  test('is removed when the integration is to listen, also that of a server that has moved', async () => {
    for (const url of [own, own.replace('hub.example', 'old.example')]) {
      Object.assign(app() ?? {}, { url })
      await on.runtime.unprovision?.(on.context())
      expect(app()?.url).toBeNull()
    }
  })

  test('of another program stays', async () => {
    Object.assign(app() ?? {}, { url: 'https://other.example/interactions' })
    await on.runtime.unprovision?.(on.context())
    expect(app()?.url).toBe('https://other.example/interactions')
  })

  test('that Discord does not take is named', async () => {
    const context = { ...on.context(), webhookUrl: 'http://localhost/webhooks/v1/acme/discord' }
    expect(await on.failure(async () => on.runtime.provision?.(context))).toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/interactions_endpoint_url/),
    })
  })
})

describe('a check', () => {
  test('says which field is not of the app of the token', async () => {
    for (const field of ['applicationId', 'publicKey'] as const) {
      const wrong = { ...config, [field]: stranger[field] }
      expect(await on.failure(async () => on.runtime.check?.(on.context({ config: wrong })))).toMatchObject({
        ...{ kind: 'auth', field },
        message: expect.stringContaining(field),
      })
    }
    const { publicKey: _, ...keyless } = config
    await on.runtime.check?.(on.context({ config: keyless }))
  })

  test('of a token that cannot be one calls nobody', async () => {
    const wrong = { ...config, botToken: 'with a space' }
    const failure = await on.failure(async () => on.runtime.check?.(on.context({ config: wrong })))
    expect(failure).toMatchObject({ kind: 'auth', field: 'botToken' })
    expect(on.fake.calls).toEqual([])
  })
})

test('the setup says what to do in each mode', async () => {
  expect(await discord.setup?.(own, 'webhook')).toMatch(/Public Key.*"mode": "listen"/s)
  expect(await discord.setup?.(own, 'listen')).toMatch(/Message Content Intent/)
})

describe('a file of a person', () => {
  const png = { headers: { 'content-type': 'image/png', 'content-length': '9' }, body: 'a picture' }
  const open = async (ref: Json) => {
    const media = await on.runtime.openMedia?.(ref, on.context())
    return { ...media, body: media && (await text(media.body as ReadableStream<Uint8Array>)) }
  }
  const origin = () => new URL(on.fake.apiUrl).origin
  const place = { channel: '601', message: '701', attachment: '2' }

  test('is opened at its address while that is valid, without the token', async () => {
    on.fake.world.files.set('/attachments/1/2/a.png', png)
    expect(await open({ url: `${origin()}/attachments/1/2/a.png?ex=ffffffff`, ...place })).toEqual({
      ...{ body: 'a picture', mime: 'image/png', size: 9 },
    })
    expect(on.fake.calls.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  test('is asked for by its message later, also in a forwarded one', async () => {
    on.fake.world.files.set('/attachments/1/2/a.png', png)
    const fresh = { id: '2', url: `${origin()}/attachments/1/2/a.png?ex=ffffffff` }
    const expired = { url: 'https://cdn.discordapp.com/attachments/1/2/a.png?ex=66000000', ...place }
    on.fake.world.written.set('601:701', { id: '701', attachments: [fresh] })
    expect(await open(expired)).toMatchObject({ body: 'a picture' })
    on.fake.world.written.set('601:701', {
      ...{ id: '701', attachments: [] },
      message_snapshots: [{ message: { attachments: [fresh] } }],
    })
    expect(await open(expired)).toMatchObject({ body: 'a picture' })
    on.fake.world.written.set('601:701', { id: '701', attachments: [] })
    expect(await on.failure(() => open(expired))).toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/gone/),
    })
  })

  test.each([
    ['another host', 'https://evil.example/a.png'],
    ['a host that ends alike', 'https://evilcdn.discordapp.com.evil.example/a.png'],
    ['Discord without encryption', 'http://cdn.discordapp.com/a.png'],
    ['a file of ours', 'file:///etc/passwd'],
    ['another host, expired', 'https://evil.example/a.png?ex=1'],
  ])('at %s is refused', async (_, url) => {
    expect(await on.failure(() => open({ url, ...place }))).toMatchObject({ kind: 'invalid' })
    expect(on.fake.calls).toEqual([])
  })

  test.each([
    [404, 'invalid'],
    [429, 'transient'],
    [500, 'transient'],
    [302, 'invalid'],
  ])('that is answered with %i is %s', async (status, kind) => {
    on.fake.world.files.set('/attachments/1/2/a.png', {
      status,
      headers: { location: 'https://evil.example/' },
    })
    expect(await on.failure(() => open({ url: `${origin()}/attachments/1/2/a.png` }))).toMatchObject({ kind })
  })

  test.each([[null], ['text'], [{}], [{ url: 7 }], [{ url: 'x', channel: '../x' }]])(
    'is not %j',
    async (ref) => {
      expect(await on.failure(() => open(ref as Json))).toMatchObject({ kind: 'invalid' })
    },
  )
})
