import { isIP } from 'node:net'
import { isUrl } from '@plugboard/core'
import { parseAllowance, rangesOf } from '../outbound/guard.js'
import { databaseNameOf, isMongodbUrl, withoutCredentials } from './database.js'
import { isLoopback } from './local-only.js'
import {
  age,
  bytes,
  duration,
  durations,
  headerSecret,
  integer,
  type Kind,
  MASK,
  oneOf,
  optional,
  setting,
} from './setting-kinds.js'

const host: Kind<string> = {
  parse(text) {
    const bare = text.replace(/^\[(.*)\]$/, '$1')
    return isIP(bare) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(bare) ? bare : undefined
  },
  expected: 'an IP address or a host name, without a port',
  show: String,
}

const databaseUrl: Kind<string> = {
  parse(text) {
    if (isMongodbUrl(text)) {
      if (databaseNameOf(text)) return text
      throw new Error('must name a database, such as mongodb://localhost/plugboard')
    }
    const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):(.*)$/is.exec(text) ?? []
    return scheme === 'file' && rest && /^[^?#\0]*[^?#\0/]$/.test(rest) ? text : undefined
  },
  expected: 'a file URL (file:./data/plugboard.db) or a MongoDB URL (mongodb://localhost/plugboard)',
  show: withoutCredentials,
}

/** Keeps the spelling of the text, because providers sign it byte for byte. */
const externalUrl: Kind<string> = {
  parse(text) {
    if (!isUrl(text)) return undefined
    const { protocol, username, password, search, hash } = new URL(text)
    const isBare = `${username}${password}${search}${hash}` === '' && !/[?#]/.test(text)
    return /^https?:$/.test(protocol) && isBare ? text.replace(/\/+$/, '') : undefined
  },
  expected: 'an http or https URL without user name, query or fragment',
  show: String,
}

const encryptionKey: Kind<Buffer> = {
  parse: (text) => (/^[\w+/-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined),
  expected: '32 bytes in base64 (generate one with `openssl rand -base64 32`)',
  show: () => MASK,
}

/** Only checked here. `parseAllowance` reads it later, because the default depends on HOST and EXTERNAL_URL. */
const privateTargets: Kind<string> = {
  parse(text) {
    try {
      parseAllowance(text, false)
    } catch (error) {
      throw new Error((error as Error).message.replace(/^ALLOW_PRIVATE_TARGETS: /, 'is invalid: '))
    }
    return text
  },
  expected: 'a comma-separated list of CIDR ranges and `loopback`, or `all`, or `none`',
  show: String,
}

/** An empty list means `none`. */
const trustedProxies: Kind<readonly string[]> = {
  parse(text) {
    const words = text.split(/[\s,]+/).filter((word) => word !== '')
    if (words.length === 1 && words[0] === 'none') return []
    const ranges = words.map(rangesOf)
    return words.length > 0 && ranges.every((each) => each !== undefined) ? ranges.flat() : undefined
  },
  expected: 'a comma-separated list of IP addresses, CIDR ranges and `loopback`, or `none`',
  show: (value) => (value.length === 0 ? 'none' : value.join(',')),
}

/** Each URL covers its own path and all paths below it. */
const urlPrefixes: Kind<readonly string[]> = {
  parse(text) {
    const urls = text.split(',').map((each) => externalUrl.parse(each.trim()))
    return urls.every((url) => url !== undefined) ? urls : undefined
  },
  expected: 'a comma-separated list of http or https URLs without user name, query or fragment',
  show: (value) => value.join(','),
}

/** As browsers write them in the header `Origin`. */
const origins: Kind<readonly string[]> = {
  parse(text) {
    const list = text.split(',').map((each) => {
      const url = externalUrl.parse(each.trim())
      return url !== undefined && new URL(url).pathname === '/' ? new URL(url).origin : undefined
    })
    return list.every((each) => each !== undefined) ? list : undefined
  },
  expected: 'a comma-separated list of origins such as https://shop.example',
  show: (value) => value.join(','),
}

/** As the provider spells it: a slash at the end counts. https, except on this machine. */
const issuer: Kind<string> = {
  parse(text) {
    if (!isUrl(text)) return undefined
    const { protocol, hostname, username, password } = new URL(text)
    const isBare = username + password === '' && !/[?#]/.test(text)
    return isBare && (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname)))
      ? text
      : undefined
  },
  expected: 'an https URL without user name, query or fragment',
  show: String,
}

const word: Kind<string> = {
  parse: (text) => (/^[!-~]{1,500}$/.test(text) ? text : undefined),
  expected: 'printable ASCII without spaces',
  show: String,
}

const secret: Kind<string> = {
  parse: (text) => text,
  expected: 'a text',
  show: () => MASK,
}

/** RFC 6749 §3.3 */
const scope: Kind<string> = {
  parse: (text) => (/^[!-~]+( [!-~]+)*$/.test(text) && text.split(' ').includes('openid') ? text : undefined),
  expected: 'scopes separated by spaces, `openid` among them',
  show: String,
}

const label: Kind<string> = {
  parse: (text) => (text.length <= 60 ? text : undefined),
  expected: 'at most 60 characters',
  show: String,
}

/** Gives a role to those with a value of a claim; without a claim, to everybody. */
interface RoleRule {
  claim?: string
  value: string
  role: 'viewer' | 'operator' | 'admin'
}

function parseRoleRule(text: string): RoleRule | undefined {
  const [, all, claim = '', value = '', role] =
    /^\s*(?:(\*)|([^=]+):([^=:]+))=(viewer|operator|admin)\s*$/.exec(text) ?? []
  if (role !== 'viewer' && role !== 'operator' && role !== 'admin') return undefined
  return all === undefined ? { claim, value, role } : { value, role }
}

const roleRules: Kind<readonly RoleRule[]> = {
  parse(text) {
    const rules = text.split(',').map(parseRoleRule)
    return rules.every((rule) => rule !== undefined) ? rules : undefined
  },
  expected: 'a comma-separated list of rules such as `groups:ops=admin` or `*=viewer`',
  show: (rules) =>
    rules
      .map(({ claim, value, role }) => `${claim === undefined ? '*' : `${claim}:${value}`}=${role}`)
      .join(','),
}

const folder: Kind<string> = {
  parse: (text) => (text.includes('\0') ? undefined : text),
  expected: 'the path of a folder',
  show: String,
}

const packages: Kind<readonly string[]> = {
  parse: (text) =>
    text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  expected: 'a comma-separated list of package names',
  show: (value) => value.join(','),
}

/** Values may be secrets, so only the names are shown. */
const channelOptions: Kind<Readonly<Record<string, unknown>>> = {
  parse(text) {
    try {
      const value: unknown = JSON.parse(text)
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
    } catch {
      return undefined
    }
  },
  expected: 'a JSON object that maps channel names to options',
  show: (value) =>
    Object.keys(value)
      .map((name) => `${name}: ${MASK}`)
      .join(', '),
}

/** Limits that operators cannot set. */
export const limits = {
  /** Longest wait of a collect request; part of the wire contract. */
  collectMaxMs: 50_000,
  /** How long a channel waits for the answer to a long poll. */
  longPollTimeoutMs: 90_000,
  /** After how long other processes take over what a process listened to, unless LEASE_TIME is shorter. */
  listenerLostAfterMs: 15_000,
  /** How long a sync waits for providers to check new credentials. */
  probeTimeoutMs: 3_000,
  /** Age at which a cached client is read again, if several processes share a database that sends no notifications. */
  sharedCacheMaxAgeMs: 1_500,
}

const ONE_MEBIBYTE = 1_048_576
const ONE_GIBIBYTE = 1_073_741_824
const MANY = 1_000_000

/** All settings. The key of each is its name in `plugboard.config.json`. */
export const settings = {
  port: setting('PORT', integer(0, 65_535), '3100', 'Port to listen on. `0` takes any free port.'),
  host: setting(
    'HOST',
    host,
    '127.0.0.1',
    'Address to listen on. The default accepts connections from this machine only.',
  ),
  databaseUrl: setting(
    'DATABASE_URL',
    databaseUrl,
    'file:./data/plugboard.db',
    'Database: `file:PATH` for the embedded one, or a `mongodb://` URL that names a database. Relative paths start in the working folder.',
  ),
  role: setting(
    'ROLE',
    oneOf('all', 'api', 'worker'),
    'all',
    'Work of this process: `api` answers requests, `worker` delivers and listens, `all` does both. Use `api` and `worker` when several processes share one MongoDB.',
  ),
  leaseTime: setting(
    'LEASE_TIME',
    duration(5_000),
    '60s',
    'How long a conversation stays reserved for a process that crashed. Another process then continues its deliveries; what the process listened to is taken over after this time, and after 15 seconds at most. Must be at least three times WEBHOOK_TIMEOUT. MongoDB only.',
  ),
  externalUrl: optional(
    'EXTERNAL_URL',
    externalUrl,
    'Public base URL of this server. Providers call webhooks and open files under it. Unset: the address that the server listens on. While it is unset or not public, channels that can listen (Telegram, Slack) need no webhook.',
  ),
  trustedProxies: optional(
    'TRUSTED_PROXIES',
    trustedProxies,
    'Proxies in front of this server: comma-separated addresses, CIDR ranges or `loopback`, or `none`. Rate limits and logs use the caller address in the `X-Forwarded-For` or `Forwarded` header of these proxies. Unset: no header is trusted, and all callers behind a proxy share one limit.',
  ),
  adminKey: optional(
    'ADMIN_KEY',
    headerSecret,
    'Key for the admin routes. Unset: a key file next to the database. On MongoDB, that file is used only when HOST is loopback; otherwise the admin routes are closed.',
  ),
  internalPassword: optional(
    'INTERNAL_PASSWORD',
    headerSecret,
    'Shared secret required from every API caller, in the header `password`. Webhooks in INTERNAL_WEBHOOKS receive it too. Provider webhooks, sockets, files, the console with its API and health checks do not need it. Unset: not required.',
  ),
  internalWebhooks: optional(
    'INTERNAL_WEBHOOKS',
    urlPrefixes,
    'Webhooks that receive INTERNAL_PASSWORD: comma-separated URLs such as `https://bots.internal/hooks`. Each URL includes all paths below it. Unset: no webhook receives it.',
  ),
  encryptionKey: optional(
    'ENCRYPTION_KEY',
    encryptionKey,
    'Key that encrypts stored secrets: 32 bytes in base64. Unset: a key file next to the database. Required on MongoDB unless HOST is loopback.',
  ),
  newEncryptionKey: optional(
    'NEW_ENCRYPTION_KEY',
    encryptionKey,
    'Key to change to, for `plugboard rotate-key` only: 32 bytes in base64. Unset: a new key file.',
  ),
  allowPrivateTargets: optional(
    'ALLOW_PRIVATE_TARGETS',
    privateTargets,
    'Private addresses that webhooks and channels may call: comma-separated CIDR ranges, `loopback`, `all` or `none`. Unset: `loopback` if HOST and EXTERNAL_URL are each loopback or unset, otherwise `none`.',
  ),
  logLevel: setting(
    'LOG_LEVEL',
    oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    'info',
    'Lowest level to log. Successful requests are logged at `debug`, so the default leaves them out.',
  ),
  channels: setting(
    'PLUGBOARD_CHANNELS',
    packages,
    '@plugboard/channel-webhook,@plugboard/channel-telegram,@plugboard/channel-slack,@plugboard/channel-twilio,@plugboard/channel-teams,@plugboard/channel-vonage,@plugboard/channel-messenger,@plugboard/channel-instagram,@plugboard/channel-whatsapp,@plugboard/channel-discord,@plugboard/channel-smooch,@plugboard/channel-web',
    'Channels to load: comma-separated npm package names, or paths that begin with a dot.',
  ),
  channelOptions: setting(
    'PLUGBOARD_CHANNEL_OPTIONS',
    channelOptions,
    '{}',
    'Options of the channels: a JSON object keyed by channel name. The README of each channel lists its options.',
  ),
  webhookRetryDelays: setting(
    'WEBHOOK_RETRY_DELAYS',
    durations,
    '100ms,200ms,400ms,800ms,1600ms,5s,15s,30s,1m,2m,5m,10m,20m,20m',
    'Delays between attempts to deliver an event to a webhook. Their sum is also a deadline, counted from when the event was accepted or, if later, from the start of the server: an event that waited longer gets one attempt. After the last attempt it becomes a dead letter. The default retries for about an hour.',
  ),
  pullDeadline: setting(
    'PULL_DEADLINE',
    age(1000),
    '7d',
    'How long an event of a pull webhook waits to be acknowledged, counted from when it was accepted or, if later, from the start of the server. Then it becomes a dead letter.',
  ),
  sunshineRetryDelays: setting(
    'SUNSHINE_RETRY_DELAYS',
    durations,
    '15s,1m,3m,10m',
    'Delays between attempts to deliver an event to a webhook of the Sunshine API. After the last one, the event becomes a dead letter. The default retries for about 14 minutes.',
  ),
  webhookTimeout: setting(
    'WEBHOOK_TIMEOUT',
    duration(1),
    '10s',
    'Maximum duration of one webhook request. A slower request fails and is retried. Sunshine webhooks have 20 seconds instead; on MongoDB a third of LEASE_TIME if that is shorter.',
  ),
  webhookConcurrency: setting(
    'WEBHOOK_CONCURRENCY',
    integer(1, 10_000),
    '32',
    'Maximum concurrent requests to one webhook, per process.',
  ),
  channelRetryDelays: setting(
    'CHANNEL_RETRY_DELAYS',
    durations,
    '1s,5s,15s,30s,1m,2m,5m',
    'Delays between attempts to send a message through a channel. After the last one, the message becomes a dead letter. The default retries for about 9 minutes.',
  ),
  provisionRetryDelays: setting(
    'PROVISION_RETRY_DELAYS',
    durations,
    '1s,5s,15s,30s,1m,2m,5m,10m,15m',
    'Delays between attempts to register a webhook address with a provider. The last delay repeats until a day has passed.',
  ),
  channelTimeout: setting(
    'CHANNEL_TIMEOUT',
    duration(1),
    '30s',
    'Maximum duration of one call to a provider. May exceed LEASE_TIME: a call to send a message is aborted before the lease of its conversation ends, and is then retried.',
  ),
  mediaLinkTtl: setting(
    'MEDIA_LINK_TTL',
    age(1000),
    '30d',
    'How long a link to a file that a person sent stays valid.',
  ),
  mediaMaxSize: setting(
    'MEDIA_MAX_SIZE',
    bytes(1, ONE_GIBIBYTE),
    '64MiB',
    'Maximum size of a file that a person sent. Larger files cannot be downloaded through the server.',
  ),
  mediaTimeout: setting(
    'MEDIA_TIMEOUT',
    duration(1000),
    '5m',
    'Maximum duration of one download of a file that a person sent.',
  ),
  attachmentMaxSize: setting(
    'ATTACHMENT_MAX_SIZE',
    bytes(1, ONE_GIBIBYTE),
    '50MiB',
    'Maximum size of a file that a client uploads.',
  ),
  clientMaxSize: setting(
    'CLIENT_MAX_SIZE',
    bytes(0, MANY * ONE_MEBIBYTE),
    '0',
    'Maximum storage per client, such as `500MiB`: messages, data of users and conversations, and files. `0`: no limit.',
  ),
  blobPath: optional(
    'BLOB_PATH',
    folder,
    'Folder for uploaded files. Unset: a folder next to the embedded database, or MongoDB itself.',
  ),
  shutdownGrace: setting(
    'SHUTDOWN_GRACE',
    duration(0),
    '10s',
    'Maximum time for requests and deliveries in progress to finish when the server stops.',
  ),
  maxStreams: setting(
    'MAX_STREAMS',
    integer(1, MANY),
    '8192',
    'Maximum conversations delivered concurrently, per process. The others wait in the database.',
  ),
  maxStreamsPerClient: setting(
    'MAX_STREAMS_PER_CLIENT',
    integer(1, MANY),
    '512',
    'Maximum conversations of one client delivered concurrently, per process. Keeps one client from using all of MAX_STREAMS.',
  ),
  gateItems: setting(
    'GATE_ITEMS',
    integer(1, MANY),
    '1024',
    'Maximum deliveries in flight per target (a webhook or a channel integration), per process.',
  ),
  gateBytes: setting(
    'GATE_BYTES',
    bytes(1, ONE_GIBIBYTE),
    '1MiB',
    'Maximum bytes in flight per target, per process.',
  ),
  gateClientBytes: setting(
    'GATE_CLIENT_BYTES',
    bytes(1, ONE_GIBIBYTE),
    '8MiB',
    'Maximum bytes in flight per client, over all its targets, per process. Deliveries of up to 16 KiB to a target with nothing in flight always start.',
  ),
  gateFailures: setting(
    'GATE_FAILURES',
    integer(1, MANY),
    '5',
    'Consecutive failures that open the circuit of a target. Deliveries to it then pause.',
  ),
  gatePause: setting(
    'GATE_PAUSE',
    duration(1),
    '1s',
    'First pause of an open circuit. Doubles up to GATE_MAX_PAUSE.',
  ),
  gateMaxPause: setting(
    'GATE_MAX_PAUSE',
    duration(1),
    '30s',
    'Maximum pause of an open circuit. After each pause, one delivery tests the target.',
  ),
  pollInterval: setting(
    'POLL_INTERVAL',
    duration(10),
    '2s',
    'Interval between polls for due deliveries. With a database that sends change notifications, polls are 15 times rarer.',
  ),
  cacheSize: setting(
    'CACHE_SIZE',
    integer(1, 10_000_000),
    '20000',
    'Maximum clients, users and sessions in the memory cache: this number of each.',
  ),
  listsPerClient: setting(
    'LISTS_PER_CLIENT',
    integer(1, 10_000),
    '8',
    'Maximum concurrent list requests per client, per process. Further requests wait for up to 5 seconds, then get a 429. Visitors of the web chat and of sockets together have as many again.',
  ),
  largeBodiesPerClient: setting(
    'LARGE_BODIES_PER_CLIENT',
    integer(1, 10_000),
    '16',
    'Maximum concurrent requests per client with a body over 32 KiB, per process; file uploads do not count. Further requests wait for up to 5 seconds, then get a 429.',
  ),
  oidcIssuer: optional(
    'OIDC_ISSUER',
    issuer,
    'Provider of OpenID Connect for the sign-in to the console: its issuer URL, as in its metadata. Needs OIDC_CLIENT_ID. The redirect URL to register there is EXTERNAL_URL followed by `/admin/v1/oidc/callback`. Unset: operators sign in with passwords only.',
  ),
  oidcClientId: optional('OIDC_CLIENT_ID', word, 'Id of this server at the provider of OIDC_ISSUER.'),
  oidcClientSecret: optional(
    'OIDC_CLIENT_SECRET',
    secret,
    'Secret of this server at the provider of OIDC_ISSUER. Unset: this server is a public client there, which proves itself with PKCE alone.',
  ),
  oidcScope: setting(
    'OIDC_SCOPE',
    scope,
    'openid email profile',
    'What the console asks the provider of OIDC_ISSUER for: scopes separated by spaces. Some providers need another one to send groups.',
  ),
  oidcLabel: setting(
    'OIDC_LABEL',
    label,
    'Single sign-on',
    'Text of the button for the sign-in at OIDC_ISSUER.',
  ),
  oidcRoles: optional(
    'OIDC_ROLES',
    roleRules,
    'Who may sign in at OIDC_ISSUER, and with which role: comma-separated rules `claim:value=role`, such as `groups:ops=admin,groups:support=operator,*=viewer`. The highest role that matches counts, at each sign-in, and operators are created as needed. Unset: only operators that exist, by their verified e-mail address and with their own role.',
  ),
  consoleSession: setting(
    'CONSOLE_SESSION',
    duration(60_000),
    '12h',
    'How long a sign-in to the console lasts without a request. It never lasts for more than 7 days.',
  ),
  auditKeep: setting(
    'AUDIT_KEEP',
    age(60_000),
    '365d',
    'How long entries of the audit log are kept, which has every change that an operator or the admin key made.',
  ),
  attemptsKeep: setting(
    'ATTEMPTS_KEEP',
    age(0),
    '7d',
    'How long attempts at deliveries are kept, to show why something was not delivered: the newest ten of each delivery. `0s`: none are recorded.',
  ),
  eventsKeep: setting(
    'EVENTS_KEEP',
    age(60_000),
    '7d',
    'How long the streams of a user and of a whole client can be resumed. The stream of one conversation can be resumed as long as its messages are stored.',
  ),
  eventStreamsPerClient: setting(
    'EVENT_STREAMS_PER_CLIENT',
    integer(1, 1_000_000),
    '10000',
    'Maximum concurrent event streams and waiting requests for events per client, per process. Further ones get a 429.',
  ),
  eventStreamsPerUser: setting(
    'EVENT_STREAMS_PER_USER',
    integer(1, 10_000),
    '20',
    'Maximum concurrent event streams and waiting requests for events with the tokens of one user, per process. Further ones get a 429.',
  ),
  guestTokenTtl: setting(
    'GUEST_TOKEN_TTL',
    age(1000),
    '365d',
    'How long the token of a guest stays valid: in the web chat since the last visit, in the Smartify API since the anonymous sign-in.',
  ),
  accountTokenTtl: setting(
    'ACCOUNT_TOKEN_TTL',
    age(1000),
    '30d',
    'How long the token from a sign-in with email and password of the Smartify API stays valid.',
  ),
  guestRateLimit: setting(
    'GUEST_RATE_LIMIT',
    integer(0, MANY),
    '600',
    'Maximum anonymous sign-ins of the Smartify API, and users that sockets create, per minute and address, per process; each counts for itself. `0`: no limit.',
  ),
  guestMessageLimit: setting(
    'GUEST_MESSAGE_LIMIT',
    integer(0, MANY),
    '120',
    'Maximum messages per minute from one visitor of the web chat, one user of sockets or one anonymous user of the Smartify API, per process. `0`: no limit.',
  ),
  guestDailySize: setting(
    'GUEST_DAILY_SIZE',
    bytes(0, ONE_GIBIBYTE),
    '20MiB',
    'Maximum size of the messages per day from one visitor of the web chat, one user of sockets or one anonymous user of the Smartify API, per process. Files of the web chat are not included. `0`: no limit.',
  ),
  webGuestLimit: setting(
    'WEB_GUEST_LIMIT',
    integer(0, MANY),
    '60',
    'Maximum new guests of the web chat per minute, client and address (IPv6: one /64 network), per process. `0`: no limit.',
  ),
  webClientGuestLimit: setting(
    'WEB_CLIENT_GUEST_LIMIT',
    integer(0, MANY),
    '3000',
    'Maximum new guests of the web chat per minute and client, per process. `0`: no limit.',
  ),
  webCustomerTokenTtl: setting(
    'WEB_CUSTOMER_TOKEN_TTL',
    age(1000),
    '1d',
    'How long a known customer of the web chat stays signed in after a token of the site.',
  ),
  webUploadDailySize: setting(
    'WEB_UPLOAD_DAILY_SIZE',
    bytes(0, ONE_GIBIBYTE),
    '200MiB',
    'Maximum size of the files per day from one visitor of the web chat, per process. `0`: no limit.',
  ),
  sockets: setting(
    'SOCKETS',
    oneOf('all', 'known', 'off'),
    'all',
    'Who may open a socket at `/socket.io/`: `all`, also people without a user token, who become new users; `known`, only people with a user token; `off`, nobody.',
  ),
  socketOrigins: optional(
    'SOCKET_ORIGINS',
    origins,
    'Web pages that may open a socket: comma-separated origins such as `https://shop.example`. Programs that are not browsers send no origin, and are not affected. Unset: all pages.',
  ),
  socketRateLimit: setting(
    'SOCKET_RATE_LIMIT',
    integer(0, MANY),
    '3000',
    'Maximum sockets that one address (IPv6: one /64 network) may open per minute, per process; for one client, ten times as many. `0`: no limit.',
  ),
  socketsPerAddress: setting(
    'SOCKETS_PER_ADDRESS',
    integer(0, MANY),
    '2000',
    'Maximum open sockets of one address (IPv6: one /64 network), per process. `0`: no limit.',
  ),
  socketsPerClient: setting(
    'SOCKETS_PER_CLIENT',
    integer(0, MANY),
    '20000',
    'Maximum open sockets of one client, per process. `0`: no limit.',
  ),
  rateLimit: setting(
    'RATE_LIMIT',
    integer(0, MANY),
    '60',
    'Maximum wrong credentials per minute from one address (IPv6: one /64 network), per process. `0`: no limit.',
  ),
  accountRateLimit: setting(
    'ACCOUNT_RATE_LIMIT',
    integer(0, MANY),
    '100',
    'Maximum wrong passwords per hour for one account of the Smartify API or of the console, from all addresses together, per process. `0`: no limit.',
  ),
}

/** The settings as rows for the help text and the README: variable, default, meaning. */
export const settingRows: readonly { key: string; initial: string; meaning: string }[] = Object.values(
  settings,
).map(({ key, meaning, ...rest }) => ({ key, meaning, initial: 'initial' in rest ? rest.initial : '' }))
