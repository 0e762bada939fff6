import type { InboundRequest } from '@plugboard/core'
import { channelSuite, type ProviderCall, readRecordings, usualOutcomes } from '@plugboard/core/testing'
import { graphFaultAnswers, signWebhook } from '@plugboard/graph-api/testing'
import { test } from 'vitest'
import { answerOf, newState } from '../test/fake-messenger.js'
import { config, stranger } from '../test/stage.js'
import type { Config } from './config.js'
import { messenger } from './index.js'

const operator = { appSecret: 'the-secret-of-the-app-of-the-operator', verifyToken: 'of-the-operator' }
const noTime = 'Meta signs no time'
const state = newState({ pages: [config, stranger] })

const sign = (request: InboundRequest, { appSecret = '' }: Config): InboundRequest =>
  signWebhook(request, appSecret)

const isFrom = ({ headers }: ProviderCall, { accessToken, appId, appSecret }: Config): boolean =>
  [accessToken, `${appId}|${appSecret}`].some((token) => headers.authorization === `Bearer ${token}`)

const recordedAt = new Date('2026-11-30T09:00:00.000Z')

/** A text to a page, and what it means. */
const text = (pageId: string, mid: string) => ({
  id: pageId,
  time: 1_795_334_400_323,
  messaging: [
    {
      ...{ sender: { id: '7354712345678901' }, recipient: { id: pageId }, timestamp: 1_795_334_400_123 },
      message: { mid, text: 'Hello' },
    },
  ],
})
const event = (mid: string) => ({
  ...{ type: 'message' as const, dedupeKey: mid, at: new Date(1_795_334_400_123) },
  endpoint: { identity: '*', sender: '7354712345678901', thread: '*' },
  content: { type: 'text', text: 'Hello' },
})

const cases = channelSuite({
  channel: messenger,
  fixtures: {
    configs: () => [config, stranger],
    options: (url) => ({ apiBaseUrl: url, ...operator }),
    invalidConfigs: {
      'no app': { ...config, appId: undefined },
      'an app that is no number': { ...config, appId: 'my-app' },
      'no secret of the app': { ...config, appSecret: undefined },
      'an empty secret of the app': { ...config, appSecret: '' },
      'no verify token': { ...config, verifyToken: undefined },
      'no page': { ...config, pageId: undefined },
      'a page that is a path': { ...config, pageId: '../me' },
      'no token': { ...config, accessToken: undefined },
      'a token with a line break': { ...config, accessToken: 'EAAG\nx' },
      'an unknown field': { ...config, pageToken: 'EAAG' },
    },
    recordings: readRecordings(new URL('./fixtures/inbound/', import.meta.url)).sort(byText),
    sign,
    signatureHeaders: ['x-hub-signature-256'],
    shared: {
      request: {
        ...{ method: 'POST', publicUrl: 'https://hub.example/webhooks/v1/messenger' },
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(
          JSON.stringify({
            object: 'page',
            entry: [text(config.pageId, 'm_1'), text(stranger.pageId, 'm_2'), text(config.pageId, 'm_3')],
          }),
        ),
      },
      recordedAt,
      sign: (request) => signWebhook(request, operator.appSecret),
      events: [[event('m_1'), event('m_3')], [event('m_2')]],
      hasTime: false,
    },
    provider: { answer: (call) => answerOf(call, state), faultAnswers: graphFaultAnswers, isFrom },
    outcomes: usualOutcomes,
    entry: new URL('../dist/index.js', import.meta.url),
    lazy: ['markdown-it'],
    skip: {
      'verify refuses an old request': noTime,
      'verify refuses a request from the future': noTime,
    },
  },
})

/** The suite takes the endpoint and the hostile forms from the first one: a plain text. */
function byText({ name: a }: { name: string }, { name: b }: { name: string }): number {
  return Number(b === 'message-01-text') - Number(a === 'message-01-text')
}

for (const { name, run, skip } of cases) test(name, (context) => (skip ? context.skip(skip) : run()))
