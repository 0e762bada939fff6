import { expect, test } from 'vitest'
import { FailureError } from './failure.js'
import { AnswerTooLarge, exchange, jsonInAnswer, readAnswer } from './provider-answer.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('reads an answer of as many bytes as allowed', async () => {
  expect(await readAnswer(new Response('12345'), 5)).toEqual(Buffer.from('12345'))
  expect(await readAnswer(new Response(null, { status: 204 }), 5)).toHaveLength(0)
})

test('reads no further in an answer without end, and closes it', async () => {
  let sent = 0
  let isClosed = false
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1
      controller.enqueue(bytes('x'.repeat(1000)))
    },
    cancel() {
      isClosed = true
    },
  })
  await expect(readAnswer(new Response(body), 2500)).rejects.toBeInstanceOf(AnswerTooLarge)
  expect(isClosed).toBe(true)
  expect(sent).toBeLessThan(6)
})

test('fails when an answer breaks off', async () => {
  const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('reset')) })
  await expect(readAnswer(new Response(body), 10)).rejects.toThrow('reset')
})

test.each([
  ['JSON', '{"ok":true}', { ok: true }],
  ['a page', '<html>', undefined],
  ['nothing', '', undefined],
  ['JSON that nests without end', '['.repeat(101), undefined],
  ['JSON with too many values', `[${'1,'.repeat(20_000)}1]`, undefined],
])('finds in %s what is JSON', (_, text, found) => {
  expect(jsonInAnswer(bytes(text))).toEqual(found)
})

test('takes more values where the caller allows them', () => {
  expect(jsonInAnswer(bytes(`[${'1,'.repeat(20_000)}1]`), { maxValues: 30_000 })).toHaveLength(20_001)
})

const ask = (fetch: () => Promise<Response>) =>
  exchange(fetch, 'https://api.example', {}, { peer: 'Acme Chat', maxBytes: 10 })

test('exchanges a call for what is read of its answer, whatever its status', async () => {
  const { status, headers, body } = await ask(async () => Response.json([1], { status: 404 }))
  expect([status, headers.get('content-type'), jsonInAnswer(body)]).toEqual([404, 'application/json', [1]])
})

test.each([
  ['no connection', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'transient'],
  ['a lost answer', Object.assign(new Error('reset'), { code: 'ECONNRESET' }), 'ambiguous'],
])('a call with %s is a failure', async (_, error, kind) => {
  const failure = await ask(() => Promise.reject(error)).catch((thrown: unknown) => thrown)
  expect(failure).toBeInstanceOf(FailureError)
  expect(failure).toMatchObject({ failure: { kind, message: expect.stringContaining('Acme Chat') } })
})

test('an answer that is too large is a failure, because the call may have had its effect', async () => {
  const failure = await ask(async () => new Response('x'.repeat(11))).catch((thrown: unknown) => thrown)
  expect(failure).toMatchObject({ failure: { kind: 'ambiguous' } })
})
