import type { FetchFunction } from './exchange.js'
import { type CallOptions, type Transport, transport } from './transport.js'

/** Configuration of one integration. The README of its channel lists the other fields. */
export interface ChannelConfig {
  /** Name of the channel. Default: the key itself. */
  channel?: string
  /** Version of the channel's contract, `1.0.0`. `client.sync` needs it, the standalone `sync` does not. */
  version?: string
  /** `false` disables the channel. */
  enabled?: boolean
  /**
   * How it gets the events of its provider. Default: `webhook` if the server is public, otherwise `listen`, as far as the
   * channel can.
   */
  mode?: 'webhook' | 'listen'
  [field: string]: unknown
}

/** Integrations by name, with the fields of Plugboard's own channels. The default name is that of the channel. */
export interface ChannelConfigs {
  telegram?: ChannelConfig & { botToken: string }
  slack?: ChannelConfig & { botToken: string; signingSecret?: string; appToken?: string; teamId?: string }
  teams?: ChannelConfig & { appId: string; appPassword: string; tenantId?: string }
  twilio?: ChannelConfig & { accountSID: string; authToken: string }
  smooch?: ChannelConfig & { appId: string; keyId: string; keySecret: string; webhookSecret: string }
  vonage?: ChannelConfig & { apiKey: string; apiSecret: string; signatureSecret: string }
  instagram?: ChannelConfig & {
    appSecret?: string
    verifyToken?: string
    accountId: string
    accessToken: string
  }
  messenger?: ChannelConfig & {
    appId?: string
    appSecret?: string
    verifyToken?: string
    pageId: string
    accessToken: string
  }
  whatsapp?: ChannelConfig & {
    phoneNumberId: string
    accessToken: string
    appSecret?: string
    verifyToken?: string
  }
  web?: ChannelConfig & {
    allowedOrigins?: readonly string[]
    name?: string
    greeting?: string | Readonly<Record<string, string>>
    jwtSecret?: string
    jwtPublicKey?: string
  }
  discord?: ChannelConfig & { applicationId: string; botToken: string; publicKey?: string }
  [name: string]: ChannelConfig | undefined
}

/** A URL that receives events. */
export interface UrlWebhook {
  url: string
  mode?: 'push'
}

/** Events that the bot pulls. */
export interface PullWebhook {
  mode: 'pull'
  /** Tells several pull webhooks of a client apart, of which each gets all events. Default: `default`. */
  name?: string
}

/** The whole configuration of a client. Channels and webhooks that it omits are removed. */
export interface SyncConfig {
  channels?: ChannelConfigs
  /**
   * URLs that receive events, or `{ mode: 'pull' }` for events that the bot pulls (`client.pull`). One that was configured
   * before keeps its token.
   */
  webhooks?: (UrlWebhook | PullWebhook)[]
}

/** A configured webhook. `token` is the secret for `receiveWebhook`. */
export interface ConfiguredWebhook {
  /** Of a pull webhook: `pull:` and its name. */
  url: string
  token: string
  mode?: 'pull'
  name?: string
}

/** Result of `client.sync`: the webhooks in the order of the request. */
export interface SyncResult {
  webhooks: ConfiguredWebhook[]
}

/** Configuration for the standalone `sync`. Without `id` and `token`, it creates a client. */
export interface StandaloneSyncConfig extends SyncConfig {
  id?: string | null
  token?: string | null
  name?: string | null
}

/** Result of the standalone `sync`: the credentials for `createClient`, and the webhooks. */
export interface StandaloneSyncResult extends SyncResult {
  id: string
  token: string
}

/** Options of the standalone `sync`. */
export interface StandaloneSyncOptions extends CallOptions {
  /** Required to create a client on a public server, or from another machine. */
  adminKey?: string | undefined
  /** Additional headers, such as the `password` of a server with `INTERNAL_PASSWORD`. */
  headers?: Readonly<Record<string, string>> | undefined
  fetch?: FetchFunction | undefined
  /** Retries after a temporary failure. Default: 2. */
  retries?: number | undefined
}

/** Replaces the configuration of the client whose credentials `http` has. */
export function syncClient(http: Transport, config: SyncConfig, options?: CallOptions): Promise<SyncResult> {
  return http.send({ method: 'POST', path: ['sync'], body: config, repeat: 'always' }, options)
}

/**
 * Creates and configures a client in one call. With `id` and `token`, configures an existing client.
 *
 * A call that creates a client is not retried after a network error, because the server may have created it.
 * @throws PlugboardApiError 403 if `token` does not belong to the client, 400 for an invalid configuration
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
