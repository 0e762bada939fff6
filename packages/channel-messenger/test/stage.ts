import { type DeliveryContext, type OutboundContent, silentLogger } from '@plugboard/core'
import { memoryState } from '@plugboard/core/testing'
import type { Session } from '../src/api.js'
import { type Config, type Options, optionsSchema } from '../src/config.js'
import { messenger } from '../src/index.js'
import { type FakeMessengerOptions, fakeMessenger } from './fake-messenger.js'

export const config = {
  appId: '123456789012345',
  appSecret: 'f00dfacef00dfacef00dfacef00dface',
  verifyToken: 'my-verify-token',
  pageId: '682498302938465',
  accessToken: 'EAAGm0PX4ZCpsBAKmyPageToken',
} satisfies Config
/** Of another client. */
export const stranger = {
  appId: '543210987654321',
  appSecret: '0123456789abcdef0123456789abcdef',
  verifyToken: 'another-verify-token',
  pageId: '100200300400500',
  accessToken: 'EAAGm0PX4ZCpsBAKmyOtherToken',
} satisfies Config

export const endpoint = { identity: '*', sender: '7354712345678901', thread: '*' } as const
export const webhookUrl = 'https://hub.example/webhooks/v1/acme/messenger'

interface Setting extends Omit<FakeMessengerOptions, 'pages'> {
  config?: Partial<Config>
  options?: Partial<Options>
  /** In place of the guarded fetch of the host. */
  fetch?: typeof globalThis.fetch
}

/** The loaded channel in front of a fake Messenger, which has the pages of `config` and of `stranger`. */
export async function stage({ config: changes, options, fetch: hostFetch = fetch, ...fake }: Setting = {}) {
  const provider = await fakeMessenger({ ...fake, pages: [config, stranger] })
  const own: Config = { ...config, ...changes }
  const runtime = await messenger.load({
    options: { ...optionsSchema.parse({ apiBaseUrl: provider.url }), ...options },
    ...{ logger: silentLogger, fetch: hostFetch },
  })
  const integration = {
    ...{ clientId: 'acme', id: 'integration-1', name: 'messenger' },
    ...{ config: own, session: runtime.connect(own) },
  }
  const state = memoryState()
  const context = (changes: Partial<DeliveryContext<Config, Session>> = {}) => ({
    ...{ endpoint, integration, state, webhookUrl, deliveryId: 'delivery-1' },
    ...{ signal: AbortSignal.timeout(10_000), ...changes },
  })
  return {
    ...{ provider, runtime, integration, context },
    /** Renders and delivers; @throws what the channel throws. */
    async send(content: OutboundContent, changes: Partial<DeliveryContext<Config, Session>> = {}) {
      const ids: string[] = []
      for (const part of runtime.render(content, endpoint))
        ids.push(...(await runtime.deliver(part, context(changes))).providerMessageIds)
      return ids
    },
    [Symbol.asyncDispose]: () => provider.close(),
  }
}
