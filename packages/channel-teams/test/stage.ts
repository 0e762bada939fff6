import {
  type DeliveryContext,
  type Endpoint,
  type JsonObject,
  type OutboundContent,
  type Sent,
  silentLogger,
} from '@plugboard/core'
import { memoryState } from '@plugboard/core/testing'
import type { Session } from '../src/api.js'
import type { Config } from '../src/config.js'
import { teams } from '../src/index.js'
import { type FakeTeamsOptions, fakeTeams, SERVICE_URL } from './fake-teams.js'

export const config: Config = {
  appId: 'c9e8c047-2a74-40a2-b28a-b162d5f5327c',
  appPassword: 'my-client-secret-value',
}
export const webhookUrl = 'https://hub.example/webhooks/v1/acme/teams'
export const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47'

/** Where the tests send to. */
export const endpoints = {
  personal: { identity: '*', sender: '29:ada', thread: 'a:1-chat_with-ada' },
  channel: { identity: '*', sender: '29:ada', thread: '19:room@thread.tacv2;messageid=1795334300000' },
  /** Who has not written yet. */
  stranger: { identity: '*', sender: '29:bob', thread: '*' },
} as const satisfies Record<string, Endpoint>

interface Setting extends FakeTeamsOptions {
  config?: Partial<Config>
  /** What the channel remembers. */
  state?: JsonObject
  /** In place of the guarded fetch of the host. */
  fetch?: typeof globalThis.fetch
  /** Instead of the address of the fake. */
  options?: { connectorUrl?: undefined }
}

/** The loaded channel in front of a fake Teams. Close the provider at the end. */
export async function stage({
  config: changes,
  state: remembered,
  fetch: hostFetch = fetch,
  options: own,
  ...options
}: Setting = {}) {
  const provider = await fakeTeams(options)
  const parsed = await teams.options?.['~standard'].validate({ ...provider.options, ...own })
  if (!parsed || parsed.issues) throw new Error('the options are invalid')
  const runtime = await teams.load({ options: parsed.value, logger: silentLogger, fetch: hostFetch })
  const whole = { ...config, ...changes }
  const state = memoryState(remembered)
  const integration = {
    clientId: 'acme',
    id: 'integration-1',
    name: 'main',
    config: whole,
    session: runtime.connect(whole),
  }
  const context = (change: Partial<DeliveryContext<Config, Session>> = {}) => ({
    endpoint: endpoints.personal as Endpoint,
    integration,
    state,
    webhookUrl,
    deliveryId: 'delivery-1',
    context: { value: { serviceUrl: SERVICE_URL, tenantId: TENANT }, at: new Date() },
    signal: AbortSignal.timeout(10_000),
    ...change,
  })
  return {
    provider,
    runtime,
    integration,
    state,
    context,
    /** Renders and delivers; @throws what the channel throws. */
    async send(content: OutboundContent, change: Partial<DeliveryContext<Config, Session>> = {}) {
      const { endpoint } = context(change)
      const sent: Sent[] = []
      for (const part of runtime.render(content, endpoint))
        sent.push(await runtime.deliver(part, context(change)))
      return sent
    },
    [Symbol.asyncDispose]: () => provider.close(),
  }
}

export type Stage = Awaited<ReturnType<typeof stage>>
