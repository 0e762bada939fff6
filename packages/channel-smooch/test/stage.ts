import {
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
import { smooch } from '../src/index.js'
import { type FakeSmoochOptions, fakeSmooch } from './fake-smooch.js'
import { ADA, APP_ID, CONVERSATION } from './smooch-requests.js'

export const config: Config = {
  appId: APP_ID,
  keyId: 'app_5d8cff3cd55b040010928b5e',
  keySecret: 'secret-of-the-key',
  webhookSecret: 'secret-of-the-webhook',
}
const webhookUrl = 'https://hub.example/webhooks/v1/acme/smooch'
export const endpoint: Endpoint = { identity: '*', sender: ADA.id, thread: CONVERSATION.id }

interface Setting extends FakeSmoochOptions {
  config?: Partial<Config>
}

/** The loaded channel in front of a fake Sunshine. Close the provider at the end. */
export async function stage({ config: changes, ...options }: Setting = {}) {
  const provider = await fakeSmooch(options)
  const runtime = await smooch.load({ options: { apiBaseUrl: provider.url }, logger: silentLogger, fetch })
  const own = { ...config, ...changes }
  const integration = {
    ...{ clientId: 'acme', id: 'integration-1', name: 'main', config: own },
    session: runtime.connect(own),
  }
  const context = (change: Partial<DeliveryContext<Config, Session>> = {}) => ({
    ...{ endpoint, integration, state: memoryState(), webhookUrl, deliveryId: 'delivery-1' },
    signal: AbortSignal.timeout(10_000),
    ...change,
  })
  return {
    provider,
    runtime,
    integration,
    context,
    /** Renders and delivers one content; @throws what the channel throws. */
    async send(content: OutboundContent, change: Partial<DeliveryContext<Config, Session>> = {}) {
      const sent = []
      for (const part of runtime.render(content, endpoint))
        sent.push(await runtime.deliver(part, context(change)))
      return sent
    },
    [Symbol.asyncDispose]: () => provider.close(),
  }
}

/** A payload as the host passes it to the channel. */
export const contentsOf = (payload: JsonObject): OutboundContent[] =>
  degrade(payload, smooch.capabilities)?.contents ?? []
