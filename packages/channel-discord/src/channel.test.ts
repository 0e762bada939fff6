import type { InboundRequest } from '@plugboard/core'
import { channelSuite, type ProviderCall, readRecordings, usualOutcomes } from '@plugboard/core/testing'
import { test } from 'vitest'
import { answerTo, fakeDiscord, faultAnswers, isVisible, newWorld } from '../test/fake-discord.js'
import { config, openSocket, signatureOf, stranger } from '../test/stage.js'
import type { Config } from './config.js'
import { discord } from './index.js'

const sign = (request: InboundRequest, own: Config, at: Date): InboundRequest => ({
  ...request,
  headers: { ...request.headers, ...signatureOf(request.body, own, at) },
})

const isFrom = ({ headers }: ProviderCall, { botToken }: Config): boolean =>
  headers.authorization === `Bot ${botToken}`

const FILE = '/attachments/1/2/plan.png'

/** What can be edited, and the commands that wait for a reply: those of the recordings. */
const world = newWorld()
for (const { applicationId, publicKey = '', botToken } of [config, stranger])
  world.apps.set(botToken, { applicationId, publicKey, url: null })
world.files.set(FILE, { headers: { 'content-type': 'image/png' }, body: 'the bytes' })
const recordings = readRecordings(new URL('./fixtures/inbound/', import.meta.url))
for (const { events } of recordings)
  for (const { context } of events)
    world.replies.set(String(context?.token), { isWaiting: context?.isDeferred === true, message: undefined })

/** A file whose address is no longer valid, in a message that has a newer one. */
function answer(call: ProviderCall) {
  const host = `http://${call.headers.host}`
  world.written.set('601:701', {
    id: '701',
    attachments: [{ id: '2', url: `${host}${FILE}?ex=ffffffff&is=1&hm=2` }],
  })
  return answerTo(call, world)
}

const cases = channelSuite({
  channel: discord,
  fixtures: {
    configs: () => [config, stranger],
    options: (url) => ({ apiUrl: `${url}/api/v10` }),
    invalidConfigs: {
      'no application': { publicKey: config.publicKey, botToken: config.botToken },
      'an application that is no number': { ...config, applicationId: 'my-app' },
      'an application that is a number': { ...config, applicationId: 1198765432109876543n },
      'no token': { applicationId: config.applicationId, publicKey: config.publicKey },
      'an empty token': { ...config, botToken: '' },
      'a token with the word before it': { ...config, botToken: `Bot ${config.botToken}` },
      'a key that is too short': { ...config, publicKey: 'abc123' },
      'a key of other characters': { ...config, publicKey: 'x'.repeat(64) },
      'a switch that is a text': { ...config, messageContent: 'yes' },
      'an unknown field': { ...config, apiUrl: 'https://evil.example' },
    },
    recordings,
    sign,
    signatureHeaders: ['x-signature-ed25519', 'x-signature-timestamp'],
    provider: {
      answer,
      faultAnswers,
      isFrom,
      isVisible,
      idempotencyKey: (call) => /"nonce":"([\w-]+)"/.exec(call.body)?.[1],
    },
    listen: async () => {
      const fake = await fakeDiscord({ heartbeatMs: 100 })
      const tokens = new Set<string>()
      fake.answerInstead(() => undefined)
      let lastId = 0
      return {
        url: fake.apiUrl.replace('/api/v10', ''),
        say({ botToken }, text) {
          lastId += 1
          tokens.add(botToken)
          fake.gateway.dispatch(botToken, 'MESSAGE_CREATE', {
            ...{ id: String(700 + lastId), channel_id: '601', type: 0, content: text },
            ...{ author: { id: '501', username: 'ada' }, mentions: [], attachments: [] },
          })
        },
        unconfirmed: ({ botToken }) => fake.gateway.unconfirmed(botToken),
        refuse: () => {
          fake.gateway.tokens = []
          fake.world.apps.set('none', { applicationId: '1', publicKey: '', url: null })
        },
        webSocket: openSocket,
        close: () => fake.close(),
      }
    },
    file: {
      ref: {
        ...{ url: 'https://cdn.discordapp.com/attachments/1/2/plan.png?ex=1&is=0&hm=2' },
        ...{ channel: '601', message: '701', attachment: '2' },
      },
      body: 'the bytes',
    },
    outcomes: usualOutcomes,
    entry: new URL('../dist/index.js', import.meta.url),
    lazy: ['@plugboard/markdown', 'markdown-it'],
  },
})

for (const { name, run, skip } of cases) test(name, (context) => (skip ? context.skip(skip) : run()))
