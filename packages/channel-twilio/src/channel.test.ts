import { channelSuite, readRecordings, usualOutcomes } from '@plugboard/core/testing'
import { test } from 'vitest'
import { answerOf, faultAnswers } from '../test/fake-twilio.js'
import { sign } from '../test/twilio-requests.js'
import { twilio } from './index.js'

const accountSID = (letter: string) => `AC${letter.repeat(32)}`
const valid = { accountSID: accountSID('a'), authToken: 'f00dfacef00dfacef00dfacef00dface' }
const noTime = 'Twilio signs no time; the dedupe key, which stays the same, is what stops replays'

const cases = channelSuite({
  channel: twilio,
  fixtures: {
    configs: () => [valid, { accountSID: accountSID('b'), authToken: 'cafebabecafebabecafebabecafebabe' }],
    options: (apiBaseUrl) => ({ apiBaseUrl }),
    invalidConfigs: {
      'no account': { authToken: valid.authToken },
      'an empty account': { ...valid, accountSID: '' },
      'no token': { accountSID: valid.accountSID },
      'an empty token': { ...valid, authToken: ' ' },
      'a token that is no text': { ...valid, authToken: 12345678 },
      'a sender that is no text': { ...valid, from: 15557122661 },
      'a messaging service that is none': { ...valid, messagingServiceSid: 'my-service-0000' },
      'attempts that are no number': { ...valid, retryMaxAttempts: '3' },
      'an unknown field': { ...valid, apiBaseUrl: 'https://evil.example' },
    },
    recordings: readRecordings(new URL('./fixtures/inbound/', import.meta.url)).sort(byText),
    sign: (request, { authToken }) => sign(request, { authToken }),
    signatureHeaders: ['x-twilio-signature'],
    provider: {
      answer: (call) => answerOf(call, { messages: [], files: new Map() }),
      faultAnswers,
      isFrom: ({ headers }, { accountSID, authToken }) =>
        headers.authorization === `Basic ${Buffer.from(`${accountSID}:${authToken}`).toString('base64')}`,
    },
    template: { name: `HX${'0'.repeat(32)}`, language: 'en_US' },
    outcomes: usualOutcomes,
    entry: new URL('../dist/index.js', import.meta.url),
    lazy: ['twilio', 'axios', 'markdown-it'],
    skip: {
      'verify refuses an old request': noTime,
      'verify refuses a request from the future': noTime,
    },
  },
})

/** The suite takes the endpoint and the hostile forms from the first one: a plain text. */
function byText({ name: a }: { name: string }, { name: b }: { name: string }): number {
  return Number(b === 'sms-01-text') - Number(a === 'sms-01-text')
}

for (const { name, run, skip } of cases) test(name, (context) => (skip ? context.skip(skip) : run()))
