import { invalid } from '@plugboard/core'
import { fastify } from 'fastify'
import { expect, test } from 'vitest'
import { sendError } from './errors.js'

async function answerTo(error: Error) {
  const app = fastify()
  app.setErrorHandler(sendError)
  app.get('/', () => {
    throw error
  })
  return app.inject('/')
}

test('an unknown error reveals no details', async () => {
  const answer = await answerTo(new Error('the secret of the day'))
  expect([answer.statusCode, answer.json()]).toEqual([500, { success: false, msg: 'Internal server error.' }])
})

test('each fault names its param', async () => {
  const answer = await answerTo(invalid({ path: ['body', 'channel', 'name'], message: 'Invalid value' }))
  expect(answer.json()).toEqual({
    errors: [{ msg: 'Invalid value', param: 'channel.name', location: 'body' }],
  })
})
