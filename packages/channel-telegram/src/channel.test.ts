import { createHmac } from 'node:crypto'
import { channelSuite, readRecordings, usualOutcomes } from '@plugboard/core/testing'
import { test } from 'vitest'
import { answerTo, fakeTelegram, faultAnswers, isVisible, refusal } from '../test/fake-telegram.js'
import { telegram } from './index.js'

const first = '7654321:AAHmadeUpTokenOfTheFirstBot-x0123456'
const second = '8765432:AAGmadeUpTokenOfTheOtherBot-y9876543'
const noTime = 'Telegram sends no time with the secret; replays are told by the id of the update'

const cases = channelSuite({
  channel: telegram,
  fixtures: {
    configs: () => [{ botToken: first }, { botToken: second }],
    options: (url) => ({ apiRoot: url }),
    invalidConfigs: {
      'no token': {},
      'an empty token': { botToken: '' },
      'a token that is a number': { botToken: 7654321 },
      'an unknown field': { botToken: first, apiRoot: 'https://evil.example' },
    },
    recordings: readRecordings(new URL('./fixtures/inbound/', import.meta.url)),
    sign: (request, { botToken }) => {
      const secret = createHmac('sha256', botToken).update('plugboard telegram webhook secret').digest('hex')
      return { ...request, headers: { ...request.headers, 'x-telegram-bot-api-secret-token': secret } }
    },
    signatureHeaders: ['x-telegram-bot-api-secret-token'],
    provider: {
      answer: (call) =>
        answerTo(call, { files: { photo1: { path: 'photos/file_7.jpg', body: 'the bytes' } } }),
      faultAnswers,
      isVisible,
      isFrom: (call, { botToken }) => call.path.includes(`/bot${botToken}/`),
    },
    listen: async () => {
      const api = await fakeTelegram()
      let lastId = 0
      return {
        url: api.url,
        say({ botToken }, text) {
          lastId += 1
          const from = { id: 501, is_bot: false, first_name: 'Ada' }
          const chat = { id: 501, type: 'private' }
          api.push(botToken, { message: { message_id: lastId, date: 1_796_040_000, chat, from, text } })
        },
        unconfirmed: ({ botToken }) => api.unconfirmed(botToken),
        refuse: () => api.answerNext(refusal(401, 'Unauthorized')),
        close: () => api.close(),
      }
    },
    file: { ref: 'photo1', body: 'the bytes' },
    outcomes: usualOutcomes,
    entry: new URL('../dist/index.js', import.meta.url),
    lazy: ['telegraf', 'markdown-it'],
    skip: {
      'verify refuses a body of which one byte is changed': 'Telegram sends a secret, and signs no body',
      'verify refuses an old request': noTime,
      'verify refuses a request from the future': noTime,
    },
  },
})

for (const { name, run, skip } of cases) test(name, (context) => (skip ? context.skip(skip) : run()))
