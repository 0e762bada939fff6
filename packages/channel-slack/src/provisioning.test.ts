import { silentLogger } from '@plugboard/core'
import { memoryState } from '@plugboard/core/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeSlack, fakeSlack } from '../test/fake-slack.js'
import type { Config } from './config.js'
import { slack } from './index.js'

let fake: FakeSlack
beforeAll(async () => {
  fake = await fakeSlack()
})
afterAll(() => fake.close())

/** What a check of a configuration says; undefined if it is good. */
async function faultOf(config: Config, operator: { signingSecret?: string } = { signingSecret: 'secret' }) {
  const options = { slackApiUrl: fake.apiUrl, ...operator }
  const runtime = await slack.load({ options, logger: silentLogger, fetch })
  const integration = { clientId: 'acme', id: 'integration-1', name: 'main', config, session: undefined }
  const urls = { webhookUrl: 'https://hub.example/webhooks/v1/acme/slack' }
  try {
    await runtime.check?.({ integration, state: memoryState(), signal: AbortSignal.timeout(5000), ...urls })
    return undefined
  } catch (error) {
    return runtime.classify(error)
  }
}

test('a bot token is good for its own workspace or organization', async () => {
  expect(await faultOf({ botToken: 'xoxb-T1-a', teamId: 'T1' })).toBe(undefined)
  expect(await faultOf({ botToken: 'xoxb-E1-a', teamId: 'E1' })).toBe(undefined)
})

test('a bot token gives nobody the events of another workspace', async () => {
  const foreign = await faultOf({ botToken: 'xoxb-T1-a', teamId: 'T2' })
  expect(foreign).toMatchObject({ kind: 'auth', field: 'teamId', message: expect.stringContaining('not of') })
  expect(await faultOf({ botToken: 'xoxb-E1-a', teamId: 'E2' })).toMatchObject({ kind: 'auth' })
})

test('without an app of the operator, a workspace is refused and the reason says what to do', async () => {
  expect(await faultOf({ botToken: 'xoxb-T1-a', teamId: 'T1' }, {})).toMatchObject({
    ...{ kind: 'auth', field: 'teamId' },
    message: expect.stringContaining('signingSecret'),
  })
})
