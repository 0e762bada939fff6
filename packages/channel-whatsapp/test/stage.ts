import { type DeliveryContext, type Endpoint, type OutboundContent, silentLogger } from '@plugboard/core'
import { memoryState } from '@plugboard/core/testing'
import type { Session } from '../src/api.js'
import type { Config, Options } from '../src/config.js'
import { whatsapp } from '../src/index.js'
import { type FakeWhatsAppOptions, fakeWhatsApp } from './fake-whatsapp.js'

export const config: Config = {
  phoneNumberId: '106540352242922',
  accessToken: `EAAG${'f00dface'.repeat(8)}`,
  appSecret: 'f00dfacef00dfacef00dfacef00dface',
  verifyToken: 'my-verify-token',
}
export const webhookUrl = 'https://hub.example/webhooks/v1/acme/whatsapp'

/** Where the tests send to. */
export const endpoints = {
  person: { identity: config.phoneNumberId, sender: '16505551234', thread: '*' },
  hidden: { identity: config.phoneNumberId, sender: 'US.13491208655302741918', thread: '*' },
  group: {
    ...{ identity: config.phoneNumberId, sender: '16505551234' },
    thread: 'Y2FwaV9ncm91cDoxNzA1NTU1MDEzOToxMjAzNjM0MDQ2OTQyMzM4MjAZD',
  },
} as const

interface Setting extends FakeWhatsAppOptions {
  config?: Partial<Config>
  options?: Partial<Options>
  /** In place of the guarded fetch of the host. */
  fetch?: typeof globalThis.fetch
}

/** The loaded channel in front of a fake WhatsApp that knows its credentials. Close the provider at the end. */
export async function stage({
  config: changes,
  options: own,
  fetch: hostFetch = fetch,
  ...fake
}: Setting = {}) {
  const { accessToken, appSecret = '' } = config
  const provider = await fakeWhatsApp({ tokens: { [accessToken]: appSecret }, ...fake })
  const host = { options: { graphUrl: provider.url, ...own }, logger: silentLogger, fetch: hostFetch }
  const runtime = await whatsapp.load(host)
  const its = { ...config, ...changes }
  const integration = {
    ...{ clientId: 'acme', id: 'integration-1', name: 'main', config: its },
    session: runtime.connect(its),
  }
  const context = (change: Partial<DeliveryContext<Config, Session>> = {}) => ({
    endpoint: endpoints.person as Endpoint,
    integration,
    state: memoryState(),
    webhookUrl,
    deliveryId: 'delivery-1',
    signal: AbortSignal.timeout(10_000),
    ...change,
  })
  return {
    provider,
    runtime,
    integration,
    context,
    /** Renders and delivers; @throws what the channel throws. */
    async send(content: OutboundContent, change: Partial<DeliveryContext<Config, Session>> = {}) {
      const { endpoint } = context(change)
      const sent = []
      for (const part of runtime.render(content, endpoint))
        sent.push(await runtime.deliver(part, context(change)))
      return sent
    },
    [Symbol.asyncDispose]: () => provider.close(),
  }
}
