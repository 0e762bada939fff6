import { randomUUID } from 'node:crypto'
import { vi } from 'vitest'
import { type Answered, asAdmin, call, clientOf, type TestClient } from './api.js'
import type { Credentials, Person, Provider, Sent, Told } from './providers/provider.js'
import { type Receiver, startReceiver } from './receiver.js'
import {
  startProcess,
  startServer,
  type TestServer,
  type TestServerOptions,
  type TestServerProcess,
} from './server.js'

/** Providers sign it, and refuse addresses that are not public. */
export const EXTERNAL_URL = 'https://hub.example'

/** What a person said, as the bot heard it. */
interface Heard {
  id: string
  authorId: string
  payload: { type: string; text?: string; payload?: string; url?: string }
}

/** A client whose bot listens and whose people are at one provider. */
export interface Tenant {
  readonly client: TestClient
  readonly credentials: Credentials
  readonly bot: Receiver
  /** What people said, in the order in which the bot heard it. */
  heard(): Heard[]
  hears(count: number): Promise<Heard[]>
  /** The path under which the provider calls. */
  path: string
  /** Sends a provider request, signed with these credentials or its own. */
  tell(told: Told, options?: { as?: Credentials; path?: string; at?: Date }): Promise<Answered>
  /** Sends it unsigned, or signed by hand. */
  post(told: Told, path?: string): Promise<Answered>
  write(person: Person, text: string, key?: string): Promise<Answered>
  /** The conversation with a person. */
  conversationWith(person: Person): Promise<string>
  /** The bot posts; answers the id of the message. */
  say(person: Person, payload: object): Promise<string>
  /** What a person got. */
  shownTo(person: Person): Sent[]
  triedAt(person: Person): Sent[]
  delivery(messageId: string): Promise<{ state: string; attempts?: number; error?: string }>
  health(): Promise<{ status: string; reason?: string; setup?: string; configured: boolean }>
  /** Syncs this configuration of the channel, or its own. */
  sync(credentials?: Credentials | null): Promise<Answered>
}

/** A server whose channels call these providers. */
export const startHub = (
  providers: readonly Provider[],
  env: Record<string, string> = {},
): Promise<TestServer> => startServer(hubOf(providers, env))

/** The same as a process of its own. */
export const startHubProcess = (
  providers: readonly Provider[],
  env: Record<string, string> = {},
): Promise<TestServerProcess> => startProcess(hubOf(providers, env))

function hubOf(providers: readonly Provider[], env: Record<string, string>): TestServerOptions {
  const options = providers.map(({ channel, url, options }) => [channel, options(url)])
  return {
    env: {
      EXTERNAL_URL,
      // The providers of these tests.
      ALLOW_PRIVATE_TARGETS: 'loopback',
      LOG_LEVEL: 'trace',
      POLL_INTERVAL: '50ms',
      PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify(Object.fromEntries(options)),
      // What counted as an attempt more than three times would take half a minute longer.
      CHANNEL_RETRY_DELAYS: '100ms,100ms,100ms,30s',
      PROVISION_RETRY_DELAYS: '100ms,100ms,100ms',
      ...env,
    },
  }
}

/** A sync without a client, which makes one. */
export const seed = (server: TestServer, configuration: object): Promise<Answered> =>
  call(server, 'POST', '/api/v1/sync', { body: configuration, headers: asAdmin })

/** A client with an integration that works. */
export async function createTenant(server: TestServer, provider: Provider): Promise<Tenant> {
  const bot = await startReceiver()
  const credentials = provider.credentials()
  const { channel } = provider
  const wish = (own: Credentials | null) => ({
    channels: own === null ? {} : { [channel]: { version: '1.0.0', enabled: true, ...own } },
    webhooks: [{ url: bot.url }],
  })
  const made = await seed(server, wish(credentials))
  if (made.status !== 200) throw new Error(`the sync answered ${made.status}: ${made.text}`)
  const client = clientOf(server, made.json as Pick<TestClient, 'id' | 'token' | 'webhooks'>)
  const account = credentials[provider.fields.account]
  const of = (sent: readonly Sent[], person: Person) =>
    sent.filter(({ by, to }) => by === account && to === provider.addressOf(person))
  const tenant: Tenant = {
    client,
    credentials,
    bot,
    path: `/webhooks/v1/${client.id}/${channel}`,
    heard: () =>
      bot.requests.flatMap(({ json: { type, data } }) => {
        const { message } = data as { message?: Heard }
        return type === 'message.new' && message?.authorId ? [message] : []
      }),
    async hears(count) {
      await bot.until(() => tenant.heard().length >= count, 20_000)
      return tenant.heard()
    },
    tell(told, { as = credentials, path = tenant.path, at } = {}) {
      const whole = told.query ? `${path}?${told.query}` : path
      return tenant.post(provider.sign(told, as, EXTERNAL_URL + whole, at), whole)
    },
    post: ({ headers, body }, path = tenant.path) => call(server, 'POST', path, { body, headers }),
    write: (person, text, key = randomUUID()) => tenant.tell(provider.write(person, text, key)),
    async conversationWith(person) {
      const endpoint = {
        channel: { name: channel, version: '1.0.0' },
        ...provider.endpointOf(person, credentials),
      }
      return (await client.call('POST', '/endpoints/map', endpoint)).json.conversationId
    },
    async say(person, payload) {
      const conversationId = await tenant.conversationWith(person)
      const { status, text, json } = await client.call('POST', '/messages', { conversationId, payload })
      if (status !== 201) throw new Error(`the post answered ${status}: ${text}`)
      return json.id
    },
    shownTo: (person) => of(provider.shown, person),
    triedAt: (person) => of(provider.tried, person),
    async delivery(messageId) {
      const { json } = await client.call('GET', `/messages/${messageId}/deliveries`)
      const deliveries = json.deliveries as { target: { type: string }; state: string }[]
      return (
        deliveries.find(({ target }) => target.type === 'endpoint') ?? { state: 'no delivery to the channel' }
      )
    },
    health: async () => (await client.call('GET', '/health')).json.channels[channel],
    sync: (own = credentials) => client.call('POST', '/sync', wish(own)),
  }
  await vi.waitUntil(async () => (await tenant.health()).status === 'active', { timeout: 10_000 })
  return tenant
}
