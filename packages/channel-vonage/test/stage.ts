import {
  capabilitiesAt,
  type DeliveryContext,
  degrade,
  type Endpoint,
  type JsonObject,
  type OutboundContent,
  silentLogger,
} from '@plugboard/core'
import { memoryState } from '@plugboard/core/testing'
import type { Session } from '../src/api.js'
import type { Config } from '../src/config.js'
import { vonage } from '../src/index.js'
import { type FakeVonageOptions, fakeVonage } from './fake-vonage.js'

export const config: Config = {
  apiKey: 'abcd1234',
  apiSecret: 'secret-of-the-account',
  signatureSecret: 'a signature secret of 32 letters',
}
export const webhookUrl = 'https://hub.example/webhooks/v1/acme/vonage'

/** Where the tests send to. */
export const endpoints = {
  whatsApp: { identity: '447700900000', sender: '4915112345678', thread: '*' },
  sms: { identity: 'sms:447700900000', sender: 'sms:4915112345678', thread: '*' },
  /** In the United States, where MMS exists. */
  mms: { identity: 'sms:15557122661', sender: 'sms:14155550123', thread: '*' },
  messenger: { identity: 'messenger:107083064136738', sender: 'messenger:2301355330162254', thread: '*' },
  viber: { identity: 'viber_service:12345', sender: 'viber_service:4915112345678', thread: '*' },
  rcs: { identity: 'rcs:Acme', sender: 'rcs:4915112345678', thread: '*' },
} as const satisfies Record<string, Endpoint>

interface Setting extends FakeVonageOptions {
  config?: Partial<Config>
  /** In place of the guarded fetch of the host. */
  fetch?: typeof globalThis.fetch
}

/** The loaded channel in front of a fake Vonage. Close the provider at the end. */
export async function stage({ config: changes, fetch: hostFetch = fetch, ...options }: Setting = {}) {
  const provider = await fakeVonage(options)
  const runtime = await vonage.load({
    options: { apiBaseUrl: provider.url, sandboxBaseUrl: `${provider.url}` },
    logger: silentLogger,
    fetch: hostFetch,
  })
  const own = { ...config, ...changes }
  const integration = {
    ...{ clientId: 'acme', id: 'integration-1', name: 'main', config: own },
    session: runtime.connect(own),
  }
  const context = (change: Partial<DeliveryContext<Config, Session>> = {}) => ({
    ...{ endpoint: endpoints.whatsApp as Endpoint, integration, state: memoryState(), webhookUrl },
    ...{ deliveryId: 'delivery-1', signal: AbortSignal.timeout(10_000) },
    ...change,
  })
  return {
    provider,
    runtime,
    integration,
    context,
    /** Renders and delivers one content; @throws what the channel throws. */
    async send(content: OutboundContent, change: Partial<DeliveryContext<Config, Session>> = {}) {
      const { endpoint } = context(change)
      for (const part of runtime.render(content, endpoint)) await runtime.deliver(part, context(change))
    },
    [Symbol.asyncDispose]: () => provider.close(),
  }
}

/** A payload as the host passes it to the channel, for an endpoint. */
export const contentsOf = (payload: JsonObject, endpoint: Endpoint): OutboundContent[] =>
  degrade(payload, capabilitiesAt(vonage.capabilities, endpoint))?.contents ?? []
