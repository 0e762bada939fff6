import {
  type CallContext,
  type ChannelRuntime,
  type DeliveryContext,
  degrade,
  type Failure,
  type Heard,
  type Json,
  type JsonObject,
  type ListenContext,
  type Part,
} from '@plugboard/core'
import { memoryState } from '@plugboard/core/testing'
import type { Session } from '../src/api.js'
import type { Config } from '../src/config.js'
import { telegram } from '../src/index.js'
import { type FakeTelegram, type FakeTelegramOptions, fakeTelegram } from './fake-telegram.js'

export const botToken = '7654321:AAHmadeUpTokenOfTheFirstBot-x0123456'
export const webhookUrl = 'https://hub.example/webhooks/v1/acme/telegram'

/** A loaded channel, one bot, and the Bot API that it calls. */
export interface Stage {
  api: FakeTelegram
  runtime: ChannelRuntime<Config, Session>
  context(changes?: {
    thread?: string
    signal?: AbortSignal
    token?: string
  }): DeliveryContext<Config, Session>
  /** Delivers what a bot posted, as core degrades it, and answers with the ids. */
  post(content: JsonObject, thread?: string): Promise<string[]>
  /** Listens, with what the host would give. */
  listen(changes?: { cursor?: Json; token?: string; webhookUrl?: string }): Listening
  /** Runs one call, and tells what its failure means. */
  fail(call: () => Promise<unknown>): Promise<Failure & { thrown: unknown }>
}

/** A channel that listens. */
interface Listening {
  next(): Promise<Heard>
  /** How often it said that it is connected. */
  connections(): number
  stop(): Promise<void>
}

/** What the host fetches for the bot; nothing leaves this machine. */
type Fetch = typeof globalThis.fetch
const unreachable: Fetch = () => Promise.reject(new TypeError('fetch failed'))

/** Plays on a stage that is cleared away afterwards. */
export async function onStage<T>(
  play: (stage: Stage) => Promise<T>,
  options: FakeTelegramOptions & { fetch?: Fetch; apiRoot?: string } = {},
): Promise<T> {
  const api = await fakeTelegram(options)
  try {
    const silent = () => undefined
    const runtime = await telegram.load({
      options: { apiRoot: options.apiRoot ?? api.url },
      logger: { debug: silent, info: silent, warn: silent, error: silent },
      fetch: options.fetch ?? unreachable,
    })
    return await play(stageOf(api, runtime))
  } finally {
    await api.close()
  }
}

function stageOf(api: FakeTelegram, runtime: ChannelRuntime<Config, Session>): Stage {
  const context: Stage['context'] = ({ thread = '501', signal, token = botToken } = {}) => {
    const config = { botToken: token }
    return {
      endpoint: { identity: '*', sender: '501', thread },
      integration: {
        clientId: 'acme',
        id: 'integration-1',
        name: 'main',
        config,
        session: runtime.connect(config),
      },
      state: memoryState(),
      webhookUrl,
      deliveryId: 'delivery-1',
      signal: signal ?? AbortSignal.timeout(10_000),
    } satisfies DeliveryContext<Config, Session> & CallContext<Config, Session>
  }
  return {
    api,
    runtime,
    context,
    async post(content, thread = '501') {
      const ids: string[] = []
      for (const part of partsOf(runtime, content)) {
        ids.push(...(await runtime.deliver(part, context({ thread }))).providerMessageIds)
      }
      return ids
    },
    listen({ cursor, token, webhookUrl: url = webhookUrl } = {}) {
      const controller = new AbortController()
      const { signal } = controller
      let connections = 0
      const listening: ListenContext<Config, Session> = {
        ...context({ signal, ...(token && { token }) }),
        state: memoryState(),
        webhookUrl: url,
        ...(cursor !== undefined && { cursor }),
        connected: () => {
          connections += 1
        },
        fetch: (input, init) => fetch(input, { redirect: 'manual', ...init }),
        webSocket: () => {
          throw new Error('Telegram has no sockets')
        },
      }
      const values = runtime.listen?.(listening)[Symbol.asyncIterator]()
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
    async fail(call) {
      const thrown = await call().then(
        () => {
          throw new Error('it went well')
        },
        (error: unknown) => error,
      )
      return { ...runtime.classify(thrown), thrown }
    },
  }
}

/** What a bot posted as parts, as the host makes and stores them. */
export function partsOf(runtime: ChannelRuntime<Config, Session>, content: JsonObject): Part[] {
  const contents = degrade(content, telegram.capabilities)?.contents ?? []
  const endpoint = { identity: '*', sender: '501', thread: '501' }
  return contents.flatMap((each) => JSON.parse(JSON.stringify(runtime.render(each, endpoint))) as Part[])
}
