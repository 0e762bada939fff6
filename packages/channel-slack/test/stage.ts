import type { ChannelRuntime, DeliveryContext, Heard, HostWebSocket, OutboundContent } from '@plugboard/core'
import { silentLogger } from '@plugboard/core'
import { memoryState } from '@plugboard/core/testing'
import { WebSocket } from 'ws'
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
  /** Listens, with what the host would give. */
  listen(changes?: { config?: Config }): Listening
  /** Delivers all that content becomes, in order. */
  send(content: OutboundContent, thread?: string): Promise<void>
}

/** A channel that listens. */
interface Listening {
  next(): Promise<Heard>
  /** How often it said that it is connected. */
  connections(): number
  stop(): Promise<void>
}

/** With the app whose Socket Mode is used. */
export const listening: Config = { botToken: config.botToken, appToken: 'xapp-1-A0FAKE-1234-abcdef' }

export async function load(slackApiUrl: string, hostFetch = fetch): Promise<ChannelRuntime<Config, Session>> {
  return slack.load({ options: { slackApiUrl }, logger: silentLogger, fetch: hostFetch })
}

/** The channel with a fake Slack that knows only these two tokens. */
export async function stage(hostFetch = fetch, retryMs?: number): Promise<Stage> {
  const tokens = [config.botToken, stranger.botToken]
  const fake = await fakeSlack({ tokens, ...(retryMs !== undefined && { retryMs }) })
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
    listen({ config: own = listening } = {}) {
      const controller = new AbortController()
      let connections = 0
      const values = runtime
        .listen?.({
          ...self.context({ config: own, signal: controller.signal }),
          connected: () => {
            connections += 1
          },
          fetch,
          webSocket: (url) => openSocket(url),
        })
        [Symbol.asyncIterator]()
      if (!values) throw new Error('the channel does not listen')
      return {
        async next() {
          const { done, value } = await values.next()
          if (done) throw new Error('it ended')
          return value
        },
        connections: () => connections,
        async stop() {
          controller.abort()
          await values.return?.()
        },
      }
    },
    send: async (content, thread) => {
      const context = self.context(thread === undefined ? {} : { thread })
      for (const part of runtime.render(content, context.endpoint)) await runtime.deliver(part, context)
    },
  }
  return self
}

/** Opens a socket, as the host does. */
export function openSocket(url: string): HostWebSocket {
  const socket = new WebSocket(url)
  // It throws what nobody listens for.
  socket.on('error', () => undefined)
  return socket as unknown as HostWebSocket
}
