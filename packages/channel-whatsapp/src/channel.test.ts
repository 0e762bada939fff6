import { channelSuite, readRecordings, usualOutcomes } from '@plugboard/core/testing'
import { graphFaultAnswers, signWebhook } from '@plugboard/graph-api/testing'
import { test } from 'vitest'
import { answerOf, emptyState } from '../test/fake-whatsapp.js'
import { config as valid } from '../test/stage.js'
import { whatsapp } from './index.js'

const noTime = 'Meta signs no time; the dedupe key, which stays the same, is what stops replays'
const other = {
  ...{ phoneNumberId: '206540352242922', accessToken: `EAAG${'cafebabe'.repeat(8)}` },
  ...{ appSecret: 'cafebabecafebabecafebabecafebabe', verifyToken: 'another-verify-token' },
}
const operator = {
  appSecret: '0123456789abcdef0123456789abcdef',
  verifyToken: 'verify-token-of-the-operator',
}

const recordings = readRecordings(new URL('./fixtures/inbound/', import.meta.url))
const of = (name: string) => {
  const recording = recordings.find((each) => each.name === name)
  if (!recording) throw new Error(`there is no recording ${name}`)
  return recording
}

/** The same notification of both numbers. */
const text = of('01-text')
const body = text.request.body.toString()
const both = JSON.parse(body)
both.entry.push(...JSON.parse(body.replaceAll(valid.phoneNumberId, other.phoneNumberId)).entry)
const [event] = text.events
if (!event) throw new Error('the recording has no event')

const state = emptyState()
state.files.set('1003383421387256', { mime: 'image/jpeg', body: 'bytes of a picture' })

const cases = channelSuite({
  channel: whatsapp,
  fixtures: {
    configs: () => [valid, other],
    options: (graphUrl) => ({ graphUrl, ...operator }),
    invalidConfigs: {
      'no number': { ...valid, phoneNumberId: undefined },
      'a number that is no id': { ...valid, phoneNumberId: '+15550783881' },
      'an empty number': { ...valid, phoneNumberId: '' },
      'no token': { ...valid, accessToken: undefined },
      'an empty token': { ...valid, accessToken: ' ' },
      'a token with a line break': { ...valid, accessToken: 'EAAG\nx' },
      'a secret without a verify token': { ...valid, verifyToken: undefined },
      'a verify token without a secret': { ...valid, appSecret: undefined },
      'a secret that is no text': { ...valid, appSecret: 12345678 },
      'an account that is no id': { ...valid, businessAccountId: 'my account' },
      'an unknown field': { ...valid, graphUrl: 'https://evil.example' },
    },
    recordings,
    sign: (request, { appSecret = '' }) => signWebhook(request, appSecret),
    signatureHeaders: ['x-hub-signature-256'],
    shared: {
      request: { ...text.request, body: Buffer.from(JSON.stringify(both)) },
      recordedAt: text.recordedAt,
      sign: (request) => signWebhook(request, operator.appSecret),
      events: [[event], [{ ...event, endpoint: { ...event.endpoint, identity: other.phoneNumberId } }]],
      hasTime: false,
    },
    provider: {
      answer: (call) => answerOf(call, state),
      faultAnswers: graphFaultAnswers,
      isFrom: ({ headers }, { accessToken }) => headers.authorization === `Bearer ${accessToken}`,
      isVisible: ({ method, path, body }) =>
        method === 'POST' && path.includes('/messages') && !body.includes('"status":"read"'),
    },
    file: { ref: '1003383421387256', body: 'bytes of a picture' },
    template: { name: 'order_update', language: 'de' },
    outcomes: usualOutcomes,
    entry: new URL('../dist/index.js', import.meta.url),
    lazy: ['markdown-it'],
    skip: {
      'verify refuses an old request': noTime,
      'verify refuses a request from the future': noTime,
    },
  },
})

for (const { name, run, skip } of cases) test(name, (context) => (skip ? context.skip(skip) : run()))
