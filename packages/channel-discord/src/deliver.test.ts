import type { Part } from '@plugboard/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { json, limited, refusal } from '../test/fake-discord.js'
import { mediaHost } from '../test/media-host.js'
import { config, type Stage, stage, stranger } from '../test/stage.js'
import { MAX_FILE_BYTES } from './limits.js'

const PICTURE = 'https://media.example/a.png'

const media = mediaHost({
  [PICTURE]: { body: 'a picture' },
  'https://media.example/announced.bin': { body: 'x', size: MAX_FILE_BYTES + 1 },
  'https://media.example/large.bin': { body: 'x'.repeat(MAX_FILE_BYTES + 1) },
  'https://media.example/empty.bin': { body: '' },
  'https://media.example/error.bin': { body: 'not found', status: 404 },
  'https://media.example/moved.bin': { body: '', status: 302 },
})

let on: Stage
beforeEach(async () => {
  on = await stage({ fetch: media.fetch })
})
afterEach(() => on.close())

const hello = { type: 'text', text: 'Hello' }
const routes = () => on.fake.calls.map(({ method, path }) => `${method} ${path.replace('/api/v10', '')}`)
const reply = (more: object = {}, at = new Date()) => ({
  context: { value: { token: 'a.token', isDeferred: true, isMember: true, ...more }, at },
})
const waits = (token = 'a.token') => on.fake.world.replies.set(token, { isWaiting: true, message: undefined })

describe('a message', () => {
  test('that is sent again is shown once, with the same id', async () => {
    const first = await on.post(hello, { deliveryId: 'one' })
    expect(await on.post(hello, { deliveryId: 'one' })).toEqual(first)
    await on.post(hello, { deliveryId: 'two' })
    expect(on.fake.posted()).toHaveLength(2)
  })

  test('notifies nobody', async () => {
    await on.post({ type: 'text', text: '@everyone <@123456789012345678>' })
    expect(on.fake.posted()).toMatchObject([{ allowed_mentions: { parse: [] } }])
  })

  test('to an address that is none of Discord goes nowhere', async () => {
    for (const [sender, thread] of [
      ['501', '../../users/@me'],
      ['not a person', '*'],
    ] as const)
      expect(await on.failure(() => on.post(hello, { sender, thread }))).toMatchObject({ kind: 'recipient' })
    expect(on.fake.calls).toEqual([])
  })
})

test('to a person who has not written goes to a channel of both, where later ones go too', async () => {
  const endpoint = { identity: '*', sender: '501', thread: '*' }
  const [part] = on.runtime.render(hello, endpoint)
  const sent = await on.runtime.deliver(part as Part, on.context(endpoint))
  expect(sent).toEqual({
    providerMessageIds: [expect.stringMatching(/^9501:/)],
    movedTo: { ...endpoint, thread: '9501' },
  })
})

describe('the reply to a command', () => {
  test('takes the place of what waits, and further messages follow in the channel', async () => {
    waits()
    await on.post(hello, reply())
    await on.post({ type: 'text', text: 'More' }, reply())
    expect(routes()).toEqual([
      `GET /webhooks/${config.applicationId}/a.token/messages/@original`,
      `PATCH /webhooks/${config.applicationId}/a.token/messages/@original`,
      `GET /webhooks/${config.applicationId}/a.token/messages/@original`,
      'POST /channels/601/messages',
    ])
    // The token of the interaction is all that these calls have.
    expect(on.fake.calls.slice(0, 3).map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  test('goes to the channel after a quarter of an hour, and if Discord has forgotten the command', async () => {
    waits()
    await on.post(hello, reply({}, new Date(Date.now() - 14.6 * 60_000)))
    expect(routes()).toEqual(['POST /channels/601/messages'])
    await on.post(hello, reply({ token: 'forgotten' }))
    expect(routes().at(-1)).toBe('POST /channels/601/messages')
  })

  test('follows with the token where the bot is no member, or may not write', async () => {
    waits()
    const press = { isDeferred: false }
    await on.post(hello, reply({ ...press, isMember: false }))
    expect(routes()).toEqual([`POST /webhooks/${config.applicationId}/a.token`])
    on.fake.world.foreign.add('601')
    await on.post(hello, reply(press))
    expect(routes().slice(1)).toEqual([
      'POST /channels/601/messages',
      `POST /webhooks/${config.applicationId}/a.token`,
    ])
    expect(on.fake.posted()).toHaveLength(2)
  })

  test('is not sent if it is unclear whether the command waits', async () => {
    waits()
    on.fake.answerInstead(({ method }) => (method === 'GET' ? { status: 502 } : undefined))
    expect(await on.failure(() => on.post(hello, reply()))).toMatchObject({ kind: 'transient' })
    expect(on.fake.posted()).toEqual([])
  })
})

describe('a file', () => {
  const image = (url: string) => ({ type: 'image', image: url, title: 'Look' })

  test('is uploaded', async () => {
    await on.post(image(PICTURE))
    expect(on.fake.posted()).toMatchObject([{ content: 'Look', files: ['a.png'] }])
    expect(on.fake.calls[0]?.body).toContain('a picture')
  })

  test.each(['announced', 'large', 'empty', 'error', 'moved', 'unreachable'])(
    'that is %s goes as its address',
    async (name) => {
      const url = `https://media.example/${name}.bin`
      await on.post(image(url))
      expect(on.fake.posted()).toMatchObject([{ content: `Look\n${url}`, files: [] }])
    },
  )

  test.each([
    [413, 40005],
    [400, 50045],
    [403, 400001],
  ])('that Discord refuses with %i (%i) goes as its address', async (status, code) => {
    on.fake.answerInstead(({ headers }) =>
      headers['content-type']?.startsWith('multipart/') ? refusal(status, code) : undefined,
    )
    await on.post(image(PICTURE))
    expect(on.fake.posted()).toMatchObject([{ content: `Look\n${PICTURE}`, files: [] }])
  })

  test('waits for others: two of one bot are in memory at the same time', async () => {
    let [running, most] = [0, 0]
    const slow = await stage({
      fetch: async (input, init) => {
        if (String(input).startsWith('http://127.0.0.1')) {
          const answer = await fetch(input, init)
          running -= 1
          return answer
        }
        running += 1
        most = Math.max(most, running)
        return new Response('a picture')
      },
    })
    await Promise.all(Array.from({ length: 12 }, () => slow.post(image(PICTURE))))
    expect([most, slow.fake.posted().length]).toEqual([2, 12])
    await slow.close()
  })

  /** Two files of one bot that never come. */
  const blocked = async () => {
    const on = await stage({
      fetch: (input, init) =>
        String(input).startsWith(PICTURE)
          ? Promise.resolve(new Response('a picture'))
          : String(input).startsWith('http://127.0.0.1')
            ? fetch(input, init)
            : new Promise((_, reject) =>
                init?.signal?.addEventListener('abort', () => reject(new Error('aborted'))),
              ),
    })
    const stop = new AbortController()
    const never = [1, 2].map(() =>
      on.post(image('https://slow.example/a.png'), { signal: stop.signal }).catch(() => 'stopped'),
    )
    const end = async () => {
      stop.abort()
      await Promise.all(never)
      await on.close()
    }
    return { on, stop, end }
  }

  test('of a slow address does not hold up the files of another bot', async () => {
    const { on, end } = await blocked()
    expect(await on.post(image(PICTURE), { config: stranger })).toHaveLength(1)
    await end()
  })

  test('is sent once there is room, although others that waited before have given up', async () => {
    const { on, stop, end } = await blocked()
    const impatient = [1, 2, 3].map(() => {
      const signal = AbortSignal.timeout(20)
      return on.failure(() => on.post(image(PICTURE), { signal }))
    })
    const patient = on.post(image(PICTURE))
    expect(await Promise.all(impatient)).toMatchObject([1, 2, 3].map(() => ({ kind: 'transient' })))
    stop.abort()
    expect(await patient).toHaveLength(1)
    await end()
  })

  test('that is not downloaded in time is sent later', async () => {
    const hanging = await stage({
      fetch: (input, init) =>
        String(input).startsWith('http://127.0.0.1')
          ? fetch(input, init)
          : new Promise((_, reject) =>
              init?.signal?.addEventListener('abort', () => reject(new Error('aborted'))),
            ),
    })
    const signal = AbortSignal.timeout(50)
    expect(await hanging.failure(() => hanging.post(image(PICTURE), { signal }))).toMatchObject({
      kind: 'transient',
    })
    await hanging.close()
  })
})

describe('a change', () => {
  test('replaces all of the message, and a file', async () => {
    const [id = ''] = await on.post({
      type: 'single-choice',
      text: 'Size?',
      choices: [{ title: 'S', value: 'tok' }],
    })
    const [part] = on.runtime.render({ type: 'text', text: 'Too late' }, on.context().endpoint)
    const sent = { providerMessageIds: [id] }
    if (!part) throw new Error('no part')
    expect(await on.runtime.edit?.(sent, part, on.context())).toEqual({ providerMessageIds: [] })
    expect(on.fake.posted()).toMatchObject([{ content: 'Too late', components: [], embeds: [] }])
    const [picture] = on.runtime.render({ type: 'image', image: PICTURE }, on.context().endpoint)
    if (!picture) throw new Error('no part')
    await on.runtime.edit?.(sent, picture, on.context())
    expect(on.fake.posted()).toMatchObject([{ content: '', files: ['a.png'] }])
  })

  test('of a message that is gone is invalid, and its removal a success', async () => {
    const sent = { providerMessageIds: ['601:1'] }
    const [part] = on.runtime.render(hello as never, on.context().endpoint)
    if (!part) throw new Error('no part')
    expect(await on.failure(async () => on.runtime.edit?.(sent, part, on.context()))).toMatchObject({
      ...{ kind: 'invalid', code: '10008' },
      message: expect.stringMatching(/the message is gone/),
    })
    await on.runtime.remove?.(sent, on.context())
    expect(on.fake.posted()).toEqual([])
  })

  test('of something that is no message of Discord is not tried', async () => {
    for (const id of ['', '1', 'a:b', '1:2:3', '1:../../x'])
      expect(
        await on.failure(async () => on.runtime.remove?.({ providerMessageIds: [id] }, on.context())),
      ).toMatchObject({ kind: 'invalid' })
    expect(on.fake.calls).toEqual([])
  })

  test('is made with the token of the command where the bot is no member', async () => {
    waits()
    const about = reply({ isMember: false })
    const [id = ''] = await on.post(hello, about)
    on.fake.world.foreign.add('770')
    await on.runtime.remove?.({ providerMessageIds: [id] }, on.context(about))
    expect(on.fake.posted()).toEqual([])
  })
})

describe('the limits that Discord reports are kept', () => {
  const headers = (remaining: number, after: number) => ({
    'x-ratelimit-bucket': 'abcd1234',
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset-after': String(after),
  })
  const message = (channel: string, remaining: number) =>
    json({ id: '1', channel_id: channel }, 200, headers(remaining, 0.3))

  test('a channel without calls left is not called until its time has come', async () => {
    on.fake.answerInstead(({ path }) => message(path.split('/')[4] ?? '', path.includes('601') ? 0 : 4))
    await on.post(hello)
    expect(await on.failure(() => on.post(hello))).toMatchObject({
      ...{ kind: 'rate-limited', scope: 'endpoint' },
      retryAfterMs: expect.any(Number),
    })
    // Another channel, and another bot.
    await on.post(hello, { thread: '602' })
    await on.post(hello, { config: stranger })
    expect(on.fake.calls).toHaveLength(3)
    await expect
      .poll(() =>
        on.post(hello).then(
          () => 'sent',
          () => 'limited',
        ),
      )
      .toBe('sent')
  })

  test('calls in a row are counted before their answers come', async () => {
    on.fake.answerInstead(() => message('601', 2))
    await on.post(hello)
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => on.post(hello)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
  })

  test('no more than fifty calls a second are made for one bot', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, (_, i) => on.post(hello, { thread: String(1000 + i) })),
    )
    const [refused] = results.filter((each) => each.status === 'rejected')
    expect(on.fake.calls).toHaveLength(50)
    expect(on.runtime.classify(refused?.reason)).toMatchObject({ kind: 'rate-limited', scope: 'integration' })
  })

  test.each([
    ['one channel', limited(1.5), { scope: 'endpoint', retryAfterMs: 1500 }],
    ['all calls', limited(1.5, { global: true }), { scope: 'integration', retryAfterMs: 1500 }],
    [
      'the address of the server',
      { status: 429, headers: { 'retry-after': '900' }, body: 'error 1015' },
      { scope: 'integration', retryAfterMs: 900_000 },
    ],
    ['no time', { status: 429 }, { scope: 'integration' }],
  ])('an answer 429 for %s says how long to wait', async (_, answer, failure) => {
    on.fake.answerInstead(() => answer)
    expect(await on.failure(() => on.post(hello))).toMatchObject({ kind: 'rate-limited', ...failure })
  })
})

describe('a server that is refused too often', () => {
  const refusing = async (maxInvalidRequests: number) => {
    const careful = await stage({ maxInvalidRequests })
    careful.fake.answerInstead(({ headers }) =>
      headers.authorization === `Bot ${config.botToken}` ? refusal(403, 50001) : undefined,
    )
    return careful
  }

  test('stops to call Discord for all of its clients, and says why', async () => {
    const careful = await refusing(3)
    // Three bots: one alone may not use up what the server has.
    for (const own of [config, { ...config }, { ...config }])
      expect(await careful.failure(() => careful.post(hello, { config: own }))).toMatchObject({
        kind: 'recipient',
      })
    const calls = careful.fake.calls.length
    for (const own of [config, stranger])
      expect(await careful.failure(() => careful.post(hello, { config: own }))).toMatchObject({
        ...{ kind: 'rate-limited', scope: 'integration', retryAfterMs: expect.any(Number) },
        message: expect.stringMatching(
          /refused 3 calls of this server in ten minutes, and bans an IP address/,
        ),
      })
    expect(careful.fake.calls).toHaveLength(calls)
    await careful.close()
  })

  test('stops to call Discord for a bot that causes a fifth of it, and for no other', async () => {
    const careful = await refusing(10)
    for (let i = 0; i < 2; i += 1)
      expect(await careful.failure(() => careful.post(hello))).toMatchObject({ kind: 'recipient' })
    expect(await careful.failure(() => careful.post(hello))).toMatchObject({
      ...{ kind: 'rate-limited', scope: 'integration' },
      message: expect.stringContaining('refused 2 calls of this bot in ten minutes'),
    })
    expect(await careful.post(hello, { config: stranger })).toHaveLength(1)
    await careful.close()
  })

  test('shows no typing where the bot is no member', async () => {
    await on.runtime.indicateTyping?.(on.context(reply({ isMember: false })))
    expect(on.fake.calls).toEqual([])
  })

  test('does not count limits that bots share', async () => {
    const careful = await stage({ maxInvalidRequests: 10 })
    careful.fake.answerInstead(() =>
      json({ retry_after: 0.001, message: '' }, 429, { 'x-ratelimit-scope': 'shared' }),
    )
    for (let i = 0; i < 4; i += 1)
      expect(await careful.failure(() => careful.post(hello))).toMatchObject({
        scope: 'endpoint',
        retryAfterMs: 1,
      })
    await careful.close()
  })
})
