import { type DeliveryContext, type OutboundContent, silentLogger } from '@plugboard/core'
import { memoryState } from '@plugboard/core/testing'
import type { Session } from '../src/api.js'
import { type Config, type Options, optionsSchema } from '../src/config.js'
import { instagram } from '../src/index.js'
import { type FakeInstagramOptions, fakeInstagram } from './fake-instagram.js'

export const config = {
  appSecret: 'f00dfacef00dfacef00dfacef00dface',
  verifyToken: 'my-verify-token',
  accountId: '17841400008460056',
  accessToken: 'IGAAmyAccountToken',
} satisfies Config
/** Of another client. */
export const stranger = {
  appSecret: '0123456789abcdef0123456789abcdef',
  verifyToken: 'another-verify-token',
  accountId: '17841400009999999',
  accessToken: 'IGAAotherAccountToken',
} satisfies Config

export const endpoint = { identity: '*', sender: '1254459154682919', thread: '*' } as const
export const webhookUrl = 'https://hub.example/webhooks/v1/acme/instagram'

interface Setting extends Omit<FakeInstagramOptions, 'accounts'> {
  config?: Partial<Config>
  options?: Partial<Options>
}

/** The loaded channel in front of a fake Instagram, which has the accounts of `config` and of `stranger`. */
export async function stage({ config: changes, options, ...fake }: Setting = {}) {
  const provider = await fakeInstagram({ ...fake, accounts: [config, stranger] })
  const own: Config = { ...config, ...changes }
  const runtime = await instagram.load({
    options: { ...optionsSchema.parse({ apiBaseUrl: provider.url }), ...options },
    ...{ logger: silentLogger, fetch },
  })
  const integration = {
    ...{ clientId: 'acme', id: 'integration-1', name: 'instagram' },
    ...{ config: own, session: runtime.connect(own) },
  }
  const state = memoryState()
  const context = (changes: Partial<DeliveryContext<Config, Session>> = {}) => ({
    ...{ endpoint, integration, state, webhookUrl, deliveryId: 'delivery-1' },
    ...{ signal: AbortSignal.timeout(10_000), ...changes },
  })
  return {
    ...{ provider, runtime, integration, state, context },
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
