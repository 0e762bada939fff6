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

  test('is reported, so that the next message goes to its new id', () =>
    onStage(async ({ api, runtime, context }) => {
      const [part = { call: '', args: {} }] = partsOf(runtime, { type: 'text', text: 'hello' })
      const sent = () => runtime.deliver(part, context({ thread: '-4001' }))
      expect(await sent()).not.toHaveProperty('movedTo')
      api.answerNext(moved)
      expect((await sent()).movedTo).toEqual({ identity: '*', sender: '501', thread: '-1009998887776' })
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
      ['Bad Request: IMAGE_PROCESS_FAILED', () => new Response('content')],
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
        const wrong = refusal(400, 'Bad Request: failed to get HTTP URL content')
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

describe('content that Telegram rejects has a second form', () => {
  const image = { type: 'image', image: 'https://media.example/boots.png', title: 'Boots' }
  const place = { type: 'location', latitude: 41.9, longitude: 12.5, title: 'Shop', address: 'Street 1' }
  const choices = [
    { title: 'Yes', value: 'c:1' },
    { title: 'No', value: 'c:2' },
  ]
  const question = { type: 'single-choice', text: 'Tea?', choices }
  const card = (url: string) => ({
    type: 'card',
    title: 'Boots',
    actions: [
      { action: 'Open URL', title: 'Site', url },
      { action: 'Postback', title: 'Buy', payload: 'c:1' },
    ],
  })

  /** What people see after these answers. */
  const shownAfter = (descriptions: string[], content: object, thread?: string) =>
    onStage(async (stage) => {
      stage.api.answerNext(...descriptions.map((description) => refusal(400, `Bad Request: ${description}`)))
      expect(await stage.post({ ...content }, thread)).toHaveLength(1)
      expect(stage.api.calls).toHaveLength(descriptions.length + 1)
      return stage.api.sent.map(({ method, args: { chat_id, ...args } }) => [method, args])
    })

  test.each([
    'wrong file identifier/HTTP URL specified',
    'failed to get HTTP URL content',
    'wrong type of the web page content',
    "wrong remote file identifier specified: can't unserialize it. Wrong last symbol",
    'wrong HTTP URL specified',
    "can't upload file by URL",
    'type of file mismatch',
    'PHOTO_INVALID_DIMENSIONS',
    'PHOTO_EXT_INVALID',
    'PHOTO_SAVE_FILE_INVALID',
    'IMAGE_PROCESS_FAILED',
    'MEDIA_EMPTY',
    'DOCUMENT_INVALID',
    'VIDEO_CONTENT_TYPE_INVALID',
    'FILE_REFERENCE_EXPIRED',
    'message caption is too long',
    'not enough rights to send photos to the chat',
    'CHAT_SEND_PHOTOS_FORBIDDEN',
    'a reason that nobody knows yet',
  ])('a file as title and address: %s', async (description) => {
    expect(await shownAfter([description], image)).toEqual([
      ['sendMessage', { text: 'Boots\nhttps://media.example/boots.png' }],
    ])
  })

  test('a voice message as a document, if the person takes none', () =>
    onStage(
      async (stage) => {
        stage.api.answerNext(refusal(400, 'Bad Request: VOICE_MESSAGES_FORBIDDEN'))
        await stage.post({ type: 'voice', audio: 'https://media.example/voice.ogg' })
        expect(methods(stage)).toEqual(['sendVoice', 'sendDocument'])
      },
      { fetch: async () => new Response('content') },
    ))

  test.each([
    'BUTTON_URL_INVALID',
    'inline keyboard button URL "x" is invalid: Wrong HTTP URL',
    'wrong HTTP URL specified',
  ])('a button with a link as text, beside the other buttons: %s', async (description) => {
    expect(await shownAfter([description], card('https://shop.example/boots'))).toEqual([
      [
        'sendMessage',
        {
          text: 'Boots\nSite: https://shop.example/boots',
          entities: [{ type: 'bold', offset: 0, length: 5 }],
          reply_markup: { inline_keyboard: [[{ text: 'Buy', callback_data: 'c:1' }]] },
        },
      ],
    ])
  })

  test.each([
    'BUTTON_DATA_INVALID',
    'BUTTON_TYPE_INVALID',
    'REPLY_MARKUP_INVALID',
    'reply markup is too long',
    'text buttons are unallowed in the inline keyboard',
  ])('buttons as lines of text: %s', async (description) => {
    expect(await shownAfter([description], question)).toEqual([
      ['sendMessage', { text: 'Tea?\n- Yes\n- No' }],
    ])
  })

  test('a picture with buttons keeps the picture, as long as its caption is short enough', async () => {
    const short = { ...card('https://shop.example/boots'), image: image.image }
    const [shown] = await shownAfter(['BUTTON_URL_INVALID'], short)
    expect(shown).toMatchObject(['sendPhoto', { caption: 'Boots\nSite: https://shop.example/boots' }])
    const subtitle = 'x'.repeat(1_000)
    const [long] = await shownAfter(['BUTTON_URL_INVALID'], { ...short, subtitle })
    const text = `Boots\n${subtitle}\nSite: https://shop.example/boots\n${image.image}`
    expect(long).toMatchObject(['sendMessage', { text, reply_markup: expect.anything() }])
  })

  test('formats, links, buttons and a picture one after another', async () => {
    const all = { ...card('https://shop.example/boots'), image: image.image }
    const reasons = [
      "can't parse entities: unsupported",
      'BUTTON_URL_INVALID',
      'BUTTON_DATA_INVALID',
      'MEDIA_EMPTY',
    ]
    expect(await shownAfter(reasons, all)).toEqual([
      ['sendMessage', { text: `Boots\nSite: https://shop.example/boots\n- Buy\n${image.image}` }],
    ])
  })

  test.each([
    'not enough rights to send venues to the chat',
    'invalid location specified',
    'venue title must be non-empty',
  ])('a place as text: %s', async (description) => {
    const [[method, args] = []] = await shownAfter([description], place)
    expect(method).toBe('sendMessage')
    expect(args).toEqual({ text: expect.stringMatching(/^Shop\nStreet 1\nhttps:.*41\.9.*12\.5/s) })
  })

  test.each(['message thread not found', 'TOPIC_DELETED', 'TOPIC_ID_INVALID', "can't access the topic"])(
    'a topic that is gone: the chat without it, for all that follows: %s',
    (description) =>
      onStage(async (stage) => {
        stage.api.answerNext(refusal(400, `Bad Request: ${description}`))
        expect(await stage.post({ type: 'text', text: 'hello' }, '-1002003004005/42')).toHaveLength(1)
        expect(stage.api.sent[0]?.args).toEqual({ chat_id: '-1002003004005', text: 'hello' })
        expect(stage.api.calls).toHaveLength(2)
      }),
  )
})

describe('content that Telegram rejects in every form is a failure with the reason', () => {
  const failureAfter = (content: object, thread: string, ...descriptions: string[]) =>
    onStage(async (stage) => {
      stage.api.answerNext(...descriptions.map((description) => refusal(400, `Bad Request: ${description}`)))
      const { thrown, ...failure } = await stage.fail(() => stage.post({ ...content }, thread))
      expect(stage.api.calls).toHaveLength(descriptions.length)
      return failure
    })

  test.each([
    ['invalid', 'message is too long'],
    ['invalid', 'message text is empty'],
    ['recipient', 'TOPIC_CLOSED'],
    ['recipient', 'not enough rights to send text messages to the chat'],
    ['recipient', 'have no write access to the chat'],
    ['recipient', 'chat not found'],
    ['recipient', 'USER_BANNED_IN_CHANNEL'],
  ])('%s: %s', async (kind, description) => {
    const failure = await failureAfter({ type: 'text', text: 'hello' }, '-1002003004005/42', description)
    expect(failure).toEqual({
      ...{ kind, code: '400' },
      message: `Telegram answered 400 to sendMessage: Bad Request: ${description}`,
    })
  })

  test('of the last form, when neither a picture nor a text may be sent', async () => {
    const image = { type: 'image', image: 'https://media.example/boots.png' }
    const denied = ['photos', 'text messages'].map((kind) => `not enough rights to send ${kind} to the chat`)
    expect(await failureAfter(image, '-4001', ...denied)).toMatchObject({
      kind: 'recipient',
      message: expect.stringContaining('text messages'),
    })
  })

  test('a person in the direct messages of a channel who is not there any more', async () => {
    const gone = await failureAfter({ type: 'text', text: 'x' }, '-1007/direct/501', 'topic not found')
    expect(gone.kind).toBe('recipient')
  })
})

test('a message in the direct messages of a channel goes to the person', () =>
  onStage(async ({ api, post }) => {
    await post({ type: 'text', text: 'hello' }, '-1007778889991/direct/501')
    expect(api.sent[0]?.args).toEqual({
      chat_id: '-1007778889991',
      direct_messages_topic_id: 501,
      text: 'hello',
    })
  }))

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
