import type { FetchFunction } from './exchange.js'
import { type CallOptions, type Transport, transport } from './transport.js'

/** Configuration of one channel. Which fields there are is told in the channel's README. */
export interface ChannelConfig {
  /** Version of the channel's contract, `1.0.0`. `client.sync` needs it, the standalone `sync` does not. */
  version?: string
  /** `false` takes the channel away. */
  enabled?: boolean
  [field: string]: unknown
}

/** Channels by name, with the fields of those that come with Plugboard. */
export interface ChannelConfigs {
  telegram?: ChannelConfig & { botToken: string }
  slack?: ChannelConfig & { botToken: string; signingSecret: string }
  twilio?: ChannelConfig & { accountSID: string; authToken: string }
  [name: string]: ChannelConfig | undefined
}

/** The whole configuration of a client: a channel or webhook that is not in it is removed. */
export interface SyncConfig {
  channels?: ChannelConfigs
  /** Where events are sent. A URL that stays keeps its token. */
  webhooks?: { url: string }[]
}

/** A webhook as it is configured. `token` is the secret that `receiveWebhook` needs. */
export interface ConfiguredWebhook {
  url: string
  token: string
}

/** What `client.sync` answers: the webhooks in the order of the request. */
export interface SyncResult {
  webhooks: ConfiguredWebhook[]
}

/** Configuration for the standalone `sync`. Without `id` and `token` a client is made. */
export interface StandaloneSyncConfig extends SyncConfig {
  id?: string | null
  token?: string | null
  name?: string | null
}

/** What the standalone `sync` answers: the credentials for `createClient`, and the webhooks. */
export interface StandaloneSyncResult extends SyncResult {
  id: string
  token: string
}

/** Options of the standalone `sync`. */
export interface StandaloneSyncOptions extends CallOptions {
  /** Needed to make a client on a server that is published, and from another machine than the server's. */
  adminKey?: string | undefined
  /** Further headers, such as the `password` of a server with `INTERNAL_PASSWORD`. */
  headers?: Readonly<Record<string, string>> | undefined
  fetch?: FetchFunction | undefined
  /** Further attempts after a passing failure; default 2. */
  retries?: number | undefined
}

/** Replaces the configuration of the client that `http` signs in as. */
export function syncClient(http: Transport, config: SyncConfig, options?: CallOptions): Promise<SyncResult> {
  return http.send({ method: 'POST', path: ['sync'], body: config, repeat: 'always' }, options)
}

/**
 * Makes a client and configures it in one call or, given its `id` and `token`, configures it anew.
 *
 * A call that makes a client is not repeated after a network error: the server may have made one already.
 * @throws PlugboardApiError 403 when `token` is not that client's, 400 for a configuration that does not fit.
 *
 * ```ts
 * const webhooks = [{ url: 'https://bot.example/hook' }]
 * const { id, token } = await sync('http://localhost:3100', { webhooks })
 * ```
 */
export async function sync(
  url: string,
  config: StandaloneSyncConfig,
  options: StandaloneSyncOptions = {},
): Promise<StandaloneSyncResult> {
  const { adminKey, fetch, retries } = options
  const headers = {
    ...options.headers,
    ...(adminKey === undefined ? {} : { 'x-bp-messaging-admin-key': adminKey }),
  }
  const secrets = [...Object.values(headers), config.token ?? '']
  const http = transport({ url, headers, secrets, fetch, retries })
  const isKnownClient = config.id != null && config.token != null
  const repeat = isKnownClient ? 'always' : 'refused'
  return http.send({ method: 'POST', path: ['sync'], body: config, repeat }, options)
}
