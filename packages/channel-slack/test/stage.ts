import type { ChannelRuntime, DeliveryContext, OutboundContent } from '@plugboard/core'
import { silentLogger } from '@plugboard/core'
import { memoryState } from '@plugboard/core/testing'
import type { Session } from '../src/api.js'
import type { Config } from '../src/config.js'
import { slack } from '../src/index.js'
import { type FakeSlack, fakeSlack } from './fake-slack.js'

export const config: Config = { signingSecret: 'my-slack-signing-secret', botToken: 'xoxb-a-token' }
/** Of another client. */
export const stranger: Config = { signingSecret: 'another-signing-secret', botToken: 'xoxb-another-token' }

export interface Stage {
  fake: FakeSlack
  runtime: ChannelRuntime<Config, Session>
  context(changes?: {
    thread?: string
    config?: Config
    signal?: AbortSignal
  }): DeliveryContext<Config, Session>
  /** Delivers all that content becomes, in order. */
  send(content: OutboundContent, thread?: string): Promise<void>
}

export async function load(slackApiUrl: string, hostFetch = fetch): Promise<ChannelRuntime<Config, Session>> {
  return slack.load({ options: { slackApiUrl }, logger: silentLogger, fetch: hostFetch })
}

/** The channel with a fake Slack that knows only these two tokens. */
export async function stage(hostFetch = fetch): Promise<Stage> {
  const fake = await fakeSlack({ tokens: [config.botToken, stranger.botToken] })
  const runtime = await load(fake.apiUrl, hostFetch)
  const self: Stage = {
    fake,
    runtime,
    context: ({ thread = 'D024BE91L', config: own = config, signal = AbortSignal.timeout(10_000) } = {}) => ({
      endpoint: { identity: '*', sender: 'U2147483697', thread },
      integration: { clientId: 'acme', id: 'integration-1', name: 'main', config: own, session: undefined },
      state: memoryState(),
      webhookUrl: 'https://hub.example/webhooks/v1/acme/slack',
      deliveryId: 'delivery-1',
      signal,
    }),
    send: async (content, thread) => {
      const context = self.context(thread === undefined ? {} : { thread })
      for (const part of runtime.render(content, context.endpoint)) await runtime.deliver(part, context)
    },
  }
  return self
}
