import { text } from 'node:stream/consumers'
import type { Json } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { fakeTelegram, refusal } from '../test/fake-telegram.js'
import { botToken, onStage } from '../test/stage.js'

const tokenHalf = botToken.split(':')[1] ?? ''
const files = {
  photo1: { path: 'photos/file_7.jpg', body: 'the bytes' },
  spaced: { path: 'documents/file 8.pdf', body: 'a pdf' },
  missing: { path: 'photos/gone.jpg', body: '' },
}

/** Opens a file, and reads it. */
const open = (ref: Json, options: object = { files }) =>
  onStage(async ({ runtime, context }) => {
    const media = await runtime.openMedia?.(ref, context())
    return media && { ...media, body: await text(media.body) }
  }, options)

describe('a file that somebody sent', () => {
  test('is streamed with its size', async () => {
    expect(await open('photo1')).toEqual({ body: 'the bytes', size: 9 })
  })

  test('may have a blank in its name', async () => {
    expect(await open('spaced')).toMatchObject({ body: 'a pdf' })
  })

  test.each([
    ['an address', 'https://evil.example/x'],
    ['a path', '../../getMe'],
    ['nothing', ''],
    ['a number', 7],
    ['an object', { file_id: 'photo1', url: 'https://evil.example' }],
    ['null', null],
  ])('is not asked for by %s', (_, ref) =>
    onStage(async ({ api, runtime, context, fail }) => {
      const { thrown } = await fail(async () => runtime.openMedia?.(ref, context()))
      expect(thrown).toMatchObject({ code: 'INVALID' })
      expect(api.calls).toHaveLength(0)
    }),
  )

  test.each([
    '/var/lib/bot-api/file.jpg',
    '../../bot1:x/getMe',
    'https://evil.example/x',
    '//evil.example/x',
    'a/../../b',
    '@evil.example/',
  ])('is not fetched from %s, whoever answers so', (file_path) =>
    onStage(async ({ api, runtime, context, fail }) => {
      api.answerNext({ body: JSON.stringify({ ok: true, result: { file_id: 'photo1', file_path } }) })
      expect((await fail(async () => runtime.openMedia?.('photo1', context()))).kind).toBe('invalid')
      expect(api.calls.map(({ method }) => method)).toEqual(['getFile'])
    }),
  )

  test('is not looked for where a redirect leads', async () => {
    const elsewhere = await fakeTelegram()
    const redirected = {
      path: 'photos/file_9.jpg',
      body: '',
      redirect: `${elsewhere.url}/bot${botToken}/getMe`,
    }
    try {
      await onStage(
        async ({ runtime, context, fail }) => {
          const failure = await fail(async () => runtime.openMedia?.('photo1', context()))
          expect(failure.kind).toBe('transient')
        },
        { files: { photo1: redirected } },
      )
      expect(elsewhere.calls).toHaveLength(0)
    } finally {
      await elsewhere.close()
    }
  })

  test.each([
    ['invalid', refusal(400, 'Bad Request: file is too big')],
    ['invalid', refusal(400, 'Bad Request: wrong file_id or the file is temporarily unavailable')],
    ['auth', refusal(401, 'Unauthorized')],
    ['rate-limited', refusal(429, 'Too Many Requests: retry after 2', { retry_after: 2 })],
    ['ambiguous', { body: '<html>' }],
    ['invalid', { body: '{"ok":true,"result":{}}' }],
  ])('that Telegram does not give is a failure of the kind %s', (kind, answer) =>
    onStage(
      async ({ api, runtime, context, fail }) => {
        api.answerNext(answer)
        const { thrown, ...failure } = await fail(async () => runtime.openMedia?.('photo1', context()))
        expect(failure.kind).toBe(kind)
        expect(`${(thrown as Error).stack} ${failure.message}`).not.toContain(tokenHalf)
      },
      { files },
    ),
  )

  test('that is too large for a bot says so', () =>
    onStage(async ({ api, runtime, context, fail }) => {
      api.answerNext(refusal(400, 'Bad Request: file is too big'))
      expect(await fail(async () => runtime.openMedia?.('photo1', context()))).toMatchObject({
        kind: 'invalid',
        message: 'the file is larger than 20 MB, and Telegram does not give such files to bots',
      })
    }))

  test('that is not there any more is no fault of the token', () =>
    onStage(
      async ({ api, runtime, context, fail }) => {
        api.answerNext(
          { body: '{"ok":true,"result":{"file_id":"photo1","file_path":"photos/gone.jpg"}}' },
          refusal(404, 'Not Found'),
        )
        expect(await fail(async () => runtime.openMedia?.('photo1', context()))).toMatchObject({
          kind: 'invalid',
        })
      },
      { files },
    ))

  test('is given up when it is aborted, without the address in the error', () =>
    onStage(async ({ api, runtime, context, fail }) => {
      api.failWith('hang')
      const { thrown, kind } = await fail(async () =>
        runtime.openMedia?.('photo1', context({ signal: AbortSignal.timeout(50) })),
      )
      expect(kind).toBe('ambiguous')
      expect(String((thrown as Error).stack)).not.toContain(tokenHalf)
    }))
})
