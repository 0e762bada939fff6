import { inspect } from 'node:util'
import { FailureError } from '@plugboard/core'
import { fakeProvider } from '@plugboard/core/testing'
import { describe, expect, test } from 'vitest'
import { graphApi } from './api.js'
import { classifierOf } from './failure.js'
import { GraphError } from './graph-error.js'
import { type GraphRequest, graphAnswer, graphFaultAnswers, jsonAnswer } from './testing/index.js'

const token = 'EAAGtoken'
const appSecret = '0123456789abcdef'
const classify = classifierOf({ provider: 'Meta' })

/** A fake that knows the account 42, and what it was asked. */
async function stage(answer = (_: GraphRequest) => jsonAnswer(200, { id: 'done' })) {
  const asked: GraphRequest[] = []
  const provider = await fakeProvider({
    answer: (call) =>
      graphAnswer(call, {
        tokens: { [token]: appSecret },
        answer(request) {
          asked.push(request)
          return request.path.startsWith('/42') ? answer(request) : undefined
        },
      }),
    faultAnswers: graphFaultAnswers,
  })
  const graph = graphApi({ url: provider.url, fetch, provider: 'Meta' })
  const signal = AbortSignal.timeout(10_000)
  return {
    provider,
    asked,
    graph,
    base: { path: ['42', 'messages'], token, appSecret, signal },
    [Symbol.asyncDispose]: () => provider.close(),
  }
}

const thrown = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error) => error,
  )
const streamOf = (...chunks: string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(Buffer.from(chunk))
      controller.close()
    },
  })

describe('a call', () => {
  test('has the token in a header and the proof of the app in the query', async () => {
    await using set = await stage()
    expect(await set.graph({ ...set.base, json: { text: 'hello' } })).toEqual({ id: 'done' })
    expect(set.asked).toMatchObject([{ method: 'POST', path: '/42/messages', json: { text: 'hello' } }])
    expect(set.provider.calls[0]?.path).not.toContain(token)
  })

  test('without a body is a GET with its query', async () => {
    await using set = await stage()
    await set.graph({ ...set.base, query: { fields: 'id,name' } })
    expect(set.asked[0]?.method).toBe('GET')
    expect(set.asked[0]?.query.get('fields')).toBe('id,name')
  })

  test('cannot leave its path', async () => {
    await using set = await stage()
    for (const segment of ['..', '.', '']) {
      const error = await thrown(set.graph({ ...set.base, path: ['42', segment] }))
      expect(classify(error)).toMatchObject({ kind: 'invalid' })
    }
    expect(set.provider.calls).toEqual([])
    await set.graph({ ...set.base, path: ['42', 'a/b?c#d'] })
    expect(set.asked[0]?.path).toBe('/42/a%2Fb%3Fc%23d')
  })

  test.each([
    ['a wrong proof', { appSecret: 'another' }, 'appSecret'],
    ['a missing proof', { appSecret: undefined }, 'appSecret'],
    ['a dead token', { token: 'EAAGdead' }, 'accessToken'],
    ['an account that does not exist', { path: ['7'] }, undefined],
  ])('with %s is refused, and names the field', async (_, change, field) => {
    await using set = await stage()
    const failure = classify(await thrown(set.graph({ ...set.base, ...change })))
    expect(failure).toMatchObject({ kind: 'auth', ...(field && { field }) })
  })

  test.each([
    ['server-error', 'ambiguous'],
    ['garbage', 'ambiguous'],
    ['lost-answer', 'ambiguous'],
    ['truncated', 'ambiguous'],
    ['redirect', 'transient'],
    ['rate-limited', 'rate-limited'],
    ['unauthorized', 'auth'],
  ] as const)('that ends with %s is %s, and leaves no secret in what is thrown', async (fault, kind) => {
    await using set = await stage()
    set.provider.failWith(fault)
    const error = await thrown(set.graph({ ...set.base, json: { text: 'a private text' } }))
    expect(classify(error)).toMatchObject({ kind })
    const all = inspect(error, { depth: 20, showHidden: true })
    for (const secret of [token, appSecret, 'a private text']) expect(all).not.toContain(secret)
  })

  test('waits as long as the answer says', async () => {
    await using set = await stage()
    set.provider.failWith('rate-limited-for-2-s')
    const failure = classify(await thrown(set.graph(set.base)))
    expect(failure).toMatchObject({ kind: 'rate-limited', scope: 'integration', retryAfterMs: 2000 })
  })

  test('with an error and the status 200 has failed', async () => {
    await using set = await stage(() => jsonAnswer(200, { error: { code: 190, message: 'expired' } }))
    const error = await thrown(set.graph(set.base))
    expect(error).toBeInstanceOf(GraphError)
    expect(classify(error)).toMatchObject({ kind: 'auth' })
  })

  test('reads no more than a megabyte of an answer', async () => {
    await using set = await stage(() => jsonAnswer(200, { id: 'x'.repeat(2 ** 20) }))
    expect(classify(await thrown(set.graph(set.base)))).toMatchObject({ kind: 'ambiguous' })
  })

  test('ends at once when it is aborted', async () => {
    await using set = await stage()
    set.provider.failWith('hang')
    const controller = new AbortController()
    const calling = thrown(set.graph({ ...set.base, signal: controller.signal }))
    controller.abort()
    const error = await calling
    expect(error).toBeInstanceOf(FailureError)
    expect(classify(error)).toMatchObject({ kind: 'ambiguous' })
  })
})

describe('an upload', () => {
  const form = (file: { body: ReadableStream<Uint8Array>; size?: number }, name = 'plan.png') => ({
    fields: { messaging_product: 'whatsapp', type: 'image/png' },
    name: 'file',
    file: { ...file, name, mime: 'image/png' },
  })

  test.each([
    ['a known', 10],
    ['an unknown', undefined],
  ])('with %s size is a form with its fields and the file', async (_, size) => {
    await using set = await stage()
    const body = streamOf('bytes', ' of', ' 1')
    await set.graph({ ...set.base, form: form(size === undefined ? { body } : { body, size }) })
    expect(set.asked[0]?.form).toEqual([
      { name: 'messaging_product', body: 'whatsapp' },
      { name: 'type', body: 'image/png' },
      { name: 'file', fileName: 'plan.png', mime: 'image/png', body: 'bytes of 1' },
    ])
    const length = set.provider.calls[0]?.headers['content-length']
    expect(length === undefined).toBe(size === undefined)
  })

  test('keeps a name from adding headers or fields', async () => {
    await using set = await stage()
    const name = 'a"\r\ncontent-type: text/html\r\n\r\n.png'
    await set.graph({ ...set.base, form: form({ body: streamOf('x') }, name) })
    expect(set.asked[0]?.form).toHaveLength(3)
    expect(set.asked[0]?.form?.[2]).toMatchObject({ mime: 'image/png', body: 'x' })
  })

  test('of a file that breaks off fails, and is not taken', async () => {
    await using set = await stage()
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from('half'))
        controller.error(new Error('broken'))
      },
    })
    expect(await thrown(set.graph({ ...set.base, form: form({ body, size: 8 }) }))).toBeInstanceOf(
      FailureError,
    )
    expect(set.asked).toEqual([])
  })
})
