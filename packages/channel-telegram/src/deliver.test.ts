import { describe, expect, test, vi } from 'vitest'
import { refusal } from '../test/fake-telegram.js'
import { onStage, partsOf, type Stage } from '../test/stage.js'

const methods = ({ api }: Stage) => api.calls.map(({ method }) => method)

describe('a delivered message', () => {
  test('has the name that a reaction to it will have', () =>
    onStage(async ({ post }) => {
      const [id] = await post({ type: 'text', text: 'hello' }, '-1002003004005/42')
      expect(id).toMatch(/^-1002003004005:\d+$/)
    }))

  test('goes into the topic of its thread', () =>
    onStage(async ({ api, post }) => {
      await post({ type: 'text', text: 'hello' }, '-1002003004005/42')
      expect(api.sent[0]?.args).toMatchObject({ chat_id: '-1002003004005', message_thread_id: 42 })
    }))

  test('ends when its attempt is aborted', () =>
    onStage(async ({ api, runtime, context, fail }) => {
      const [part] = partsOf(runtime, { type: 'text', text: 'hello' })
      for (const fault of ['hang', 'endless'] as const) {
        api.failWith(fault)
        const started = performance.now()
        const signal = AbortSignal.timeout(50)
        const failure = await fail(async () => part && runtime.deliver(part, context({ signal })))
        expect(failure.kind).toBe('ambiguous')
        expect(performance.now() - started).toBeLessThan(5_000)
      }
    }))

  test('is not sent when its attempt is aborted before', () =>
    onStage(async ({ api, runtime, context, fail }) => {
      const [part] = partsOf(runtime, { type: 'text', text: 'hello' })
      const failure = await fail(
        async () => part && runtime.deliver(part, context({ signal: AbortSignal.abort() })),
      )
      expect(failure.kind).toBe('ambiguous')
      expect(api.calls).toHaveLength(0)
    }))
})

describe('entities that Telegram cannot parse', () => {
  const refused = refusal(400, "Bad Request: can't parse entities: unsupported start")

  test('are left out, once', () =>
    onStage(async (stage) => {
      stage.api.answerNext(refused)
      expect(await stage.post({ type: 'text', text: '**Hello** you', markdown: true })).toHaveLength(1)
      expect(stage.api.calls[0]?.args).toHaveProperty('entities')
      expect(stage.api.sent.map(({ args }) => args)).toEqual([{ chat_id: '501', text: 'Hello you' }])
    }))

  test('are no reason for a third attempt', () =>
    onStage(async (stage) => {
      stage.api.answerNext(refused, refused)
      const failure = await stage.fail(() =>
        stage.post({ type: 'text', text: '**Hello** you', markdown: true }),
      )
      expect(failure.kind).toBe('invalid')
      expect(stage.api.calls).toHaveLength(2)
    }))
})

describe('a group that became a supergroup', () => {
  const moved = refusal(400, 'Bad Request: group chat was upgraded to a supergroup chat', {
    migrate_to_chat_id: -1009998887776,
  })

  test('gets the message at its new id', () =>
    onStage(async ({ api, post }) => {
      api.answerNext(moved)
      expect(await post({ type: 'text', text: 'hello' }, '-4001')).toEqual([
        expect.stringMatching(/^-1009998887776:/),
      ])
      expect(api.calls.map(({ args }) => args.chat_id)).toEqual(['-4001', '-1009998887776'])
    }))

  test('that is said to have moved twice cannot be reached', () =>
    onStage(async ({ api, post, fail }) => {
      api.answerNext(moved, moved)
      expect((await fail(() => post({ type: 'text', text: 'hello' }, '-4001'))).kind).toBe('recipient')
      expect(api.calls).toHaveLength(2)
    }))
})

describe('a file that Telegram does not fetch by itself', () => {
  const docx = { type: 'file', file: 'https://media.example/r%C3%A9sum%C3%A9 "1".docx', title: 'CV' }
  const serving = (response: () => Response) => ({ fetch: async () => response() })

  test('is uploaded from here', () =>
    onStage(
      async (stage) => {
        expect(await stage.post(docx)).toHaveLength(1)
        expect(methods(stage)).toEqual(['sendDocument', 'sendDocument'])
        expect(stage.api.sent[0]?.args).toEqual({
          chat_id: '501',
          caption: 'CV',
          document: { filename: 'résumé _1_.docx', size: 7 },
        })
      },
      serving(() => new Response('content')),
    ))

  test('is uploaded with its buttons and formats', () =>
    onStage(
      async (stage) => {
        const actions = [{ action: 'Postback', title: 'Yes', payload: 'c:1' }]
        await stage.post({ type: 'card', title: 'Boots', image: 'https://gone.example/boots.png', actions })
        expect(stage.api.sent[0]).toMatchObject({
          method: 'sendPhoto',
          args: {
            photo: { filename: 'boots.png', size: 7 },
            caption_entities: [{ type: 'bold', offset: 0, length: 5 }],
            reply_markup: { inline_keyboard: [[{ text: 'Yes', callback_data: 'c:1' }]] },
          },
        })
      },
      serving(() => new Response('content')),
    ))

  test('is a document when it is too odd or too large for a photo', async () => {
    const large = { headers: { 'content-length': String(11 * 1024 * 1024) } }
    for (const [description, response] of [
      ['Bad Request: PHOTO_INVALID_DIMENSIONS', () => new Response('content')],
      ['Bad Request: failed to get HTTP URL content', () => new Response('content', large)],
    ] as const) {
      await onStage(async (stage) => {
        stage.api.answerNext(refusal(400, description))
        await stage.post({ type: 'image', image: 'https://media.example/panorama.jpg' })
        expect(methods(stage)).toEqual(['sendPhoto', 'sendDocument'])
      }, serving(response))
    }
  })

  test.each([
    ['cannot be fetched', () => Promise.reject(new TypeError('fetch failed'))],
    ['is not there', async () => new Response('no', { status: 404 })],
    [
      'is elsewhere',
      async () => new Response(null, { status: 302, headers: { location: 'http://10.0.0.1/' } }),
    ],
    [
      'is too large',
      async () => new Response('x', { headers: { 'content-length': String(51 * 1024 * 1024) } }),
    ],
    ['turns out too large', async () => new Response(endless())],
    ['breaks off', async () => new Response(broken())],
  ])('and that %s is a link', (_, fetch) =>
    onStage(
      async (stage) => {
        expect(await stage.post(docx)).toHaveLength(1)
        expect(stage.api.sent.map(({ method, args }) => [method, args])).toEqual([
          ['sendMessage', { chat_id: '501', text: `CV\n${new URL(docx.file).href}` }],
        ])
      },
      { fetch },
    ),
  )

  test('is a link when the upload is refused as well', () =>
    onStage(
      async (stage) => {
        const wrong = refusal(400, 'Bad Request: VOICE_MESSAGES_FORBIDDEN')
        stage.api.answerNext(wrong, wrong)
        await stage.post({ type: 'voice', audio: 'https://media.example/voice.ogg' })
        expect(methods(stage)).toEqual(['sendVoice', 'sendVoice', 'sendMessage'])
      },
      serving(() => new Response('content')),
    ))

  test('is sent again when nobody knows what became of the upload', () =>
    onStage(
      async (stage) => {
        stage.api.answerNext(
          refusal(400, 'Bad Request: failed to get HTTP URL content'),
          refusal(502, 'Bad Gateway'),
        )
        expect((await stage.fail(() => stage.post(docx))).kind).toBe('ambiguous')
        expect(methods(stage)).toEqual(['sendDocument', 'sendDocument'])
      },
      serving(() => new Response('content')),
    ))
})

test('typing is a chat action, in the topic of the thread', () =>
  onStage(async ({ api, runtime, context }) => {
    await runtime.indicateTyping?.(context({ thread: '-1002003004005/42' }))
    expect(api.calls).toMatchObject([
      {
        method: 'sendChatAction',
        args: { chat_id: '-1002003004005', message_thread_id: 42, action: 'typing' },
      },
    ])
    expect(api.sent).toHaveLength(0)
  }))

test('a file is fetched no further when the attempt ends', () => {
  const cancel = vi.fn()
  const body = new ReadableStream<Uint8Array>({ start: (to) => to.enqueue(new Uint8Array(1024)), cancel })
  return onStage(
    async ({ api, runtime, context, fail }) => {
      const [part] = partsOf(runtime, { type: 'file', file: 'https://media.example/x.docx' })
      api.answerNext(refusal(400, 'Bad Request: failed to get HTTP URL content'))
      const signal = AbortSignal.timeout(100)
      const failure = await fail(async () => part && runtime.deliver(part, context({ signal })))
      expect(failure.kind).toBe('ambiguous')
      await vi.waitFor(() => expect(cancel).toHaveBeenCalled())
    },
    { fetch: async () => new Response(body) },
  )
})

function endless(): ReadableStream<Uint8Array> {
  const chunk = new Uint8Array(4 * 1024 * 1024)
  return new ReadableStream({ pull: (to) => to.enqueue(chunk) })
}

function broken(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (to) => to.enqueue(new Uint8Array(1024)),
    pull: (to) => to.error(new Error('the connection was cut')),
  })
}
