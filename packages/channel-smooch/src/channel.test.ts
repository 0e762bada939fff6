import { channelSuite, readRecordings, usualOutcomes } from '@plugboard/core/testing'
import { test } from 'vitest'
import { answerOf, FILE, faultAnswers } from '../test/fake-smooch.js'
import { APP_ID, sign } from '../test/smooch-requests.js'
import { smooch } from './index.js'

const valid = {
  ...{ appId: APP_ID, keyId: 'app_5d8cff3cd55b040010928b5e', keySecret: 'f00dface'.repeat(4) },
  webhookSecret: 'cafebabe'.repeat(4),
}
const noTime = 'Sunshine signs no time; the ids of events, which stay the same, are what stops replays'
const noSignature = 'Sunshine sends the secret of the webhook, and signs no body'
let apiUrl = ''

const cases = channelSuite({
  channel: smooch,
  fixtures: {
    configs: () => [
      valid,
      {
        ...valid,
        keyId: 'app_5d8cff3cd55b040010928b5f',
        keySecret: 'other'.repeat(6),
        webhookSecret: 'hook'.repeat(8),
      },
    ],
    options: (apiBaseUrl) => {
      apiUrl = apiBaseUrl
      return { apiBaseUrl }
    },
    invalidConfigs: {
      'no app': { ...valid, appId: undefined },
      'an empty app': { ...valid, appId: ' ' },
      'no key': { ...valid, keyId: undefined },
      'no secret of the key': { ...valid, keySecret: undefined },
      'no secret of the webhook': { ...valid, webhookSecret: undefined },
      'an empty secret of the webhook': { ...valid, webhookSecret: '' },
      'an app that is no text': { ...valid, appId: 7 },
      'a region that is none': { ...valid, region: 'moon' },
      'a subdomain that is an address': { ...valid, subdomain: 'evil.example/' },
      'a region and a subdomain': { ...valid, region: 'eu', subdomain: 'acme' },
      'an unknown field': { ...valid, apiBaseUrl: 'https://evil.example' },
    },
    recordings: readRecordings(new URL('./fixtures/inbound/', import.meta.url)).sort(byText),
    sign: (request, config) => sign(request, config),
    signatureHeaders: ['x-api-key'],
    provider: {
      answer: (call) =>
        answerOf(call, { messages: [], files: new Map([[FILE, { mime: 'image/jpeg', body: 'bytes' }]]) }),
      faultAnswers,
      isVisible: ({ method, path }) => method === 'POST' && path.endsWith('/messages'),
      isFrom: ({ headers }, { keyId, keySecret }) =>
        headers.authorization === `Basic ${Buffer.from(`${keyId}:${keySecret}`).toString('base64')}`,
      idempotencyKey: ({ headers }) => headers['idempotency-key']?.toString(),
    },
    file: {
      // The address of the fake is known once it has started.
      get ref() {
        return `${apiUrl}${FILE}`
      },
      body: 'bytes',
    },
    outcomes: usualOutcomes,
    entry: new URL('../dist/index.js', import.meta.url),
    lazy: ['markdown-it'],
    skip: {
      'verify refuses an old request': noTime,
      'verify refuses a request from the future': noTime,
      'verify refuses a body of which one byte is changed': noSignature,
    },
  },
})

/** The suite takes the endpoint and the hostile forms from the first one: a plain text. */
function byText({ name: a }: { name: string }, { name: b }: { name: string }): number {
  return Number(b === 'message-text') - Number(a === 'message-text')
}

for (const { name, run, skip } of cases) test(name, (context) => (skip ? context.skip(skip) : run()))
