import { channelSuite, readRecordings, usualOutcomes } from '@plugboard/core/testing'
import { test } from 'vitest'
import { answerOf, faultAnswers } from '../test/fake-vonage.js'
import { application } from '../test/keys.js'
import { sign } from '../test/vonage-requests.js'
import { vonage } from './index.js'

const FILE = '/v3/media/1b456509-974c-458b-aafa-45fc48a4d976'
const files = new Map([[FILE, { mime: 'image/jpeg', body: 'bytes of a picture' }]])

const apps = ['11111111-aaaa-4bbb-8ccc-222222222222', '33333333-aaaa-4bbb-8ccc-444444444444'].map(application)
const applications = Object.fromEntries(
  apps.map(({ applicationId, publicKey }) => [applicationId, publicKey]),
)
const [own, others] = apps.map(({ publicKey: _, ...configured }) => configured)

const basic = { apiKey: 'abcd1234', apiSecret: 'Abcdefgh01234567', signatureSecret: 'f00dface'.repeat(4) }
const valid = { ...basic, ...own }
const other = {
  ...{ apiKey: 'dcba4321', apiSecret: 'Hgfedcba76543210', signatureSecret: 'cafebabe'.repeat(4) },
  ...others,
}

const cases = channelSuite({
  channel: vonage,
  fixtures: {
    configs: () => [valid, other],
    options: (url) => ({ apiBaseUrl: url, sandboxBaseUrl: url }),
    invalidConfigs: {
      'no key': { ...valid, apiKey: undefined },
      'an empty key': { ...valid, apiKey: '' },
      'no secret': { ...valid, apiSecret: undefined },
      'no signature secret': { ...valid, signatureSecret: undefined },
      'an empty signature secret': { ...valid, signatureSecret: ' ' },
      'a key that is no text': { ...valid, apiKey: 12345678 },
      'an application that is none': { ...valid, applicationId: 'my-app' },
      'an application without a key': { ...basic, applicationId: own?.applicationId },
      'a key without an application': { ...basic, privateKey: own?.privateKey },
      'a private key that is none': { ...valid, privateKey: 'secret' },
      'a sandbox that is no flag': { ...valid, useTestingApi: 'yes' },
      'an unknown field': { ...valid, apiBaseUrl: 'https://evil.example' },
    },
    recordings: readRecordings(new URL('./fixtures/inbound/', import.meta.url)).sort(byText),
    sign: (request, config, at) => sign(request, config, at),
    signatureHeaders: ['authorization'],
    provider: {
      answer: (call) => answerOf(call, { messages: [], files, applications }),
      faultAnswers,
      isVisible: ({ method }) => method === 'POST',
      isFrom: ({ headers: { authorization = '' } }, { apiKey, apiSecret, applicationId }) =>
        authorization === `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}` ||
        applicationIn(authorization) === applicationId,
    },
    file: { ref: `https://api-us.nexmo.com${FILE}`, body: 'bytes of a picture' },
    outcomes: usualOutcomes,
    entry: new URL('../dist/index.js', import.meta.url),
    lazy: ['jose', 'markdown-it'],
  },
})

/** The application of a token, which the fake has verified. */
function applicationIn(authorization: string): unknown {
  const payload = /^Bearer [^.]+\.([^.]+)\./.exec(authorization)?.[1]
  return payload && JSON.parse(Buffer.from(payload, 'base64url').toString()).application_id
}

/** The suite takes the endpoint and the hostile forms from the first one: a plain text on WhatsApp. */
function byText({ name: a }: { name: string }, { name: b }: { name: string }): number {
  return Number(b === 'whatsapp-text') - Number(a === 'whatsapp-text')
}

for (const { name, run, skip } of cases) test(name, (context) => (skip ? context.skip(skip) : run()))
