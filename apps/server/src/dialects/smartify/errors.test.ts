import { type ErrorCode, invalid, PlugboardError } from '@plugboard/core'
import { fastify } from 'fastify'
import { expect, test } from 'vitest'
import { sendError } from './errors.js'

const failure = (msg: string) => ({ success: false, msg })

const answers = {
  INVALID: [422, { errors: ['about INVALID'] }],
  UNAUTHORIZED: [401, 'Unauthorized'],
  FORBIDDEN: [403, failure('about FORBIDDEN')],
  NOT_FOUND: [404, failure('Object not found.')],
  CONFLICT: [409, failure('about CONFLICT')],
  MISMATCH: [422, failure('about MISMATCH')],
  TOO_LARGE: [413, { err: 'about TOO_LARGE' }],
  RATE_LIMITED: [429, failure('about RATE_LIMITED')],
  UNAVAILABLE: [503, failure('Service unavailable.')],
  NO_SPACE: [507, failure('Insufficient storage.')],
  INTERNAL: [500, failure('Internal server error.')],
} satisfies Record<ErrorCode, [number, unknown]>

async function answerTo(error: Error) {
  const app = fastify()
  app.setErrorHandler(sendError)
  app.get('/', () => {
    throw error
  })
  return app.inject('/')
}

test.each(Object.entries(answers))('%s has its status and body', async (code, [status, body]) => {
  const details = code === 'RATE_LIMITED' ? { retryAfterMs: 1_500 } : {}
  const answer = await answerTo(new PlugboardError(code as ErrorCode, `about ${code}`, details))
  expect([answer.statusCode, typeof body === 'string' ? answer.body : answer.json()]).toEqual([status, body])
  expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Basic realm="Users"' : undefined)
  expect(answer.headers['retry-after']).toBe({ 429: '2', 503: '1' }[status])
})

test('an unknown failure tells nothing of itself', async () => {
  const answer = await answerTo(new Error('the secret of the day'))
  expect([answer.statusCode, answer.json()]).toEqual(answers.INTERNAL)
})

test('each fault names its param', async () => {
  const answer = await answerTo(invalid({ path: ['body', 'channel', 'name'], message: 'Invalid value' }))
  expect(answer.json()).toEqual({
    errors: [{ msg: 'Invalid value', param: 'channel.name', location: 'body' }],
  })
})
