import { type DeliveryContext, type Endpoint, type OutboundContent, silentLogger } from '@plugboard/core'
import { memoryState } from '@plugboard/core/testing'
import type { Session } from '../src/api.js'
import type { Config } from '../src/config.js'
import { twilio } from '../src/index.js'
import { type FakeTwilioOptions, fakeTwilio } from './fake-twilio.js'

export const config: Config = {
  accountSID: `AC${'5e'.repeat(16)}`,
  authToken: 'f00dfacef00dfacef00dfacef00dface',
}
export const webhookUrl = 'https://hub.example/webhooks/v1/acme/twilio'

/** Where the tests send to. */
export const endpoints = {
  /** In the United States or Canada, where MMS exists. */
  sms: { identity: '+15557122661', sender: '+14155550123', thread: '*' },
  smsElsewhere: { identity: '+15557122661', sender: '+4915112345678', thread: '*' },
  whatsApp: { identity: 'whatsapp:+14155238886', sender: 'whatsapp:+4915112345678', thread: '*' },
} as const

interface Setting extends FakeTwilioOptions {
  config?: Partial<Config>
  /** In place of the guarded fetch of the host. */
  fetch?: typeof globalThis.fetch
}

/** The loaded channel in front of a fake Twilio. Close the provider at the end. */
export async function stage({ config: changes, fetch: hostFetch = fetch, ...options }: Setting = {}) {
  const provider = await fakeTwilio(options)
  const host = { options: { apiBaseUrl: provider.url }, logger: silentLogger, fetch: hostFetch }
  const runtime = await twilio.load(host)
  const own = { ...config, ...changes }
  const integration = {
    clientId: 'acme',
    id: 'integration-1',
    name: 'main',
    config: own,
    session: runtime.connect(own),
  }
  const context = (change: Partial<DeliveryContext<Config, Session>> = {}) => ({
    endpoint: endpoints.sms as Endpoint,
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
      for (const part of runtime.render(content, endpoint)) await runtime.deliver(part, context(change))
    },
    [Symbol.asyncDispose]: () => provider.close(),
  }
}
