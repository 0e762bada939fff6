import type { InboundEvent, InboundRequest } from '@plugboard/core'
import { channelSuite, type ProviderCall, readRecordings, usualOutcomes } from '@plugboard/core/testing'
import { test } from 'vitest'
import { answer, fakeSlack, faultAnswers, json, type Posted, signatureOf } from '../test/fake-slack.js'
import { openSocket } from '../test/stage.js'
import type { Config } from './config.js'
import { slack } from './index.js'

const valid = {
  signingSecret: 'my-slack-signing-secret',
  botToken: 'my-slack-bot-token',
  appToken: 'xapp-1-A0FIRST-1234-abcdef0123456789',
}

const sign = (request: InboundRequest, { signingSecret = '' }: Config, at: Date): InboundRequest => ({
  ...request,
  headers: { ...request.headers, ...signatureOf(request.body, signingSecret, at) },
})

const isFrom = ({ headers }: ProviderCall, { botToken }: Config): boolean =>
  headers.authorization === `Bearer ${botToken}`

const appSecret = 'signing-secret-of-the-operator'

/** An event that two workspaces see, in which the app of the operator is installed. */
const sharedRequest: InboundRequest = {
  method: 'POST',
  publicUrl: 'https://hub.example/webhooks/v1/slack',
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(
    JSON.stringify({
      ...{ type: 'event_callback', event_id: 'Ev1', event_time: 1_795_334_400, team_id: 'T1' },
      event: { type: 'message', channel: 'C1', user: 'U1', text: 'hello', ts: '1795334400.000100' },
      authorizations: ['T1', 'T2'].map((team_id) => ({ team_id, user_id: 'U0BOT', is_bot: true })),
    }),
  ),
}
const sharedEvents: InboundEvent[] = [
  {
    ...{ type: 'message', dedupeKey: 'C1:1795334400.000100', at: new Date(1_795_334_400_000) },
    endpoint: { identity: '*', sender: 'U1', thread: 'C1' },
    content: { type: 'text', text: 'hello' },
  },
]

/** What can be edited and deleted. */
const posted: Posted[] = []

const cases = channelSuite({
  channel: slack,
  fixtures: {
    configs: () => [
      valid,
      {
        signingSecret: '8f742231b10e8888abcd99yyyzzz85a5',
        botToken: 'xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzbqgy',
        appToken: 'xapp-1-A0SECOND-5678-fedcba9876543210',
      },
    ],
    options: (url) => ({ slackApiUrl: `${url}/api/`, signingSecret: appSecret }),
    invalidConfigs: {
      'neither a signing secret, a token of the app nor a workspace': { botToken: valid.botToken },
      'a workspace of the app of the operator, and a secret of an own app': { ...valid, teamId: 'T1' },
      'a workspace that is none': { botToken: valid.botToken, teamId: 'acme' },
      'an empty token of the app': { ...valid, appToken: '' },
      'no token': { signingSecret: valid.signingSecret },
      'an empty signing secret': { ...valid, signingSecret: '' },
      'an empty token': { ...valid, botToken: '' },
      'a token that is a number': { ...valid, botToken: 42 },
      'an unknown field': { ...valid, slackApiUrl: 'https://slack.com/api/' },
    },
    recordings: ['messages', 'blocks', 'interactions', 'notices'].flatMap((folder) =>
      readRecordings(new URL(`./fixtures/inbound/${folder}/`, import.meta.url)),
    ),
    sign,
    shared: {
      configs: () => [
        { botToken: 'xoxb-T1-a', teamId: 'T1' },
        { botToken: 'xoxb-T2-b', teamId: 'T2' },
      ],
      request: sharedRequest,
      recordedAt: new Date(1_795_334_400_000),
      sign: (request, at) => sign(request, { ...valid, signingSecret: appSecret }, at),
      events: [sharedEvents, sharedEvents],
    },
    signatureHeaders: ['x-slack-signature', 'x-slack-request-timestamp'],
    provider: { answer: (call) => ({ body: JSON.stringify(answer(call, posted)) }), faultAnswers, isFrom },
    listen: async () => {
      const fake = await fakeSlack()
      let lastId = 0
      return {
        url: fake.url,
        say({ appToken = '' }, text) {
          lastId += 1
          fake.sockets.send(appToken, 'events_api', {
            ...{ type: 'event_callback', event_id: `Ev${lastId}`, event_time: 1_795_334_400 },
            event: { type: 'message', channel: 'D1', user: 'U1', text, ts: `1795334400.${lastId}` },
          })
        },
        unconfirmed: ({ appToken = '' }) => fake.sockets.unacknowledged(appToken),
        refuse: () => fake.answerOpen(json({ ok: false, error: 'invalid_auth' })),
        webSocket: openSocket,
        close: () => fake.close(),
      }
    },
    outcomes: usualOutcomes,
    entry: new URL('../dist/index.js', import.meta.url),
    lazy: ['@slack/bolt', '@slack/web-api', 'markdown-it'],
  },
})

for (const { name, run, skip } of cases) test(name, (context) => (skip ? context.skip(skip) : run()))
