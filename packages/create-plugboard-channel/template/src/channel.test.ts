import { channelSuite, readRecordings, usualOutcomes } from '@plugboard/core/testing'
import { test } from 'vitest'
import { answerOf, file, sign } from '../test/fake-acme-chat.js'
import channel from './index.js'

const valid = { botId: 'bot_1', apiToken: 'token-of-the-first', signingSecret: 'secret-of-the-first' }
const other = { botId: 'bot_2', apiToken: 'token-of-the-second', signingSecret: 'secret-of-the-second' }

const cases = channelSuite({
  channel,
  fixtures: {
    configs: () => [valid, other],
    options: (apiUrl) => ({ apiUrl }),
    invalidConfigs: {
      'no bot': { ...valid, botId: undefined },
      'no token': { ...valid, apiToken: undefined },
      'a token that is too short': { ...valid, apiToken: 'short' },
      'a secret that is no text': { ...valid, signingSecret: 12345678 },
      'an unknown field': { ...valid, apiUrl: 'https://evil.example' },
    },
    recordings: readRecordings(new URL('./fixtures/inbound/', import.meta.url)),
    sign: (request, { signingSecret }, at) => sign(request, signingSecret, at),
    signatureHeaders: ['x-acme-chat-timestamp', 'x-acme-chat-signature'],
    file,
    provider: {
      answer: answerOf,
      isVisible: ({ path }) => path === '/v1/messages',
      isFrom: ({ headers }, { apiToken }) => headers.authorization === `Bearer ${apiToken}`,
      idempotencyKey: ({ headers }) => headers['idempotency-key']?.toString(),
    },
    outcomes: usualOutcomes,
    entry: new URL('../dist/index.js', import.meta.url),
  },
})

for (const { name, run, skip } of cases) {
  test(name, { timeout: 30_000 }, (context) => (skip ? context.skip(skip) : run()))
}
