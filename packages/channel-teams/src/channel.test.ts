import { channelSuite, readRecordings, usualOutcomes } from '@plugboard/core/testing'
import { test } from 'vitest'
import {
  accessToken,
  answerOf,
  appOf,
  faultAnswers,
  isLogin,
  newState,
  optionsFor,
  sign,
} from '../test/fake-teams.js'
import type { Config } from './config.js'
import { teams } from './index.js'

const valid = { appId: 'c9e8c047-2a74-40a2-b28a-b162d5f5327c', appPassword: 'my-client-secret-value' }
const FILE = '/v3/attachments/0-eus-d8-5f1f1d0b/views/original'

const state = newState()
state.files.set(FILE, { mime: 'image/png', body: 'bytes of a picture' })

const isFrom = (
  call: Parameters<typeof appOf>[0] & { path: string; body: string; method: string; isDone: boolean },
  config: Config,
) => {
  if (!isLogin(call)) return appOf(call) === config.appId
  const form = new URLSearchParams(call.body)
  return form.get('client_id') === config.appId && form.get('client_secret') === config.appPassword
}

const cases = channelSuite({
  channel: teams,
  fixtures: {
    configs: () => [
      valid,
      {
        appId: '0d469698-ab9d-479a-b0d8-758b6e6b1234',
        appPassword: 'another-client-secret',
        tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47',
      },
    ],
    options: optionsFor,
    invalidConfigs: {
      'no app': { appPassword: valid.appPassword },
      'an empty app': { ...valid, appId: ' ' },
      'no password': { appId: valid.appId },
      'an empty password': { ...valid, appPassword: '' },
      'a password that is no text': { ...valid, appPassword: 12345678 },
      'a tenant that would be another path': { ...valid, tenantId: '../common' },
      'an empty tenant': { ...valid, tenantId: '' },
      'an unknown field': { ...valid, loginUrl: 'https://evil.example' },
    },
    recordings: readRecordings(new URL('./fixtures/inbound/', import.meta.url)).sort(byText),
    sign,
    signatureHeaders: ['authorization'],
    // Known before, so that faults meet the Bot Connector and not the login.
    state: ({ appId }) => ({
      value: accessToken(appId),
      issuedAt: Date.now(),
      expiresAt: Date.now() + 3_600_000,
    }),
    provider: {
      answer: (call) => answerOf(call, state),
      faultAnswers,
      isFrom,
      isVisible: ({ method, path, body }) =>
        method === 'POST' && path.endsWith('/activities') && body.includes('"type":"message"'),
    },
    file: { ref: { url: `https://smba.trafficmanager.net/amer${FILE}` }, body: 'bytes of a picture' },
    outcomes: usualOutcomes,
    entry: new URL('../dist/index.js', import.meta.url),
    lazy: ['jose', 'markdown-it'],
    skip: {
      'verify refuses a body of which one byte is changed':
        'the token of Microsoft does not cover the body, but for the address of the conversation, which verify.test.ts changes',
    },
  },
})

/** The suite takes the endpoint and the hostile forms from the first one: a plain text. */
function byText({ name: a }: { name: string }, { name: b }: { name: string }): number {
  return Number(b === 'message-personal') - Number(a === 'message-personal')
}

for (const { name, run, skip } of cases) test(name, (context) => (skip ? context.skip(skip) : run()))
