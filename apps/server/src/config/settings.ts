import { isIP } from 'node:net'
import { parseAllowance, rangesOf } from '../outbound/guard.js'
import { databaseNameOf, isMongodbUrl, withoutCredentials } from '../storage/open-store.js'
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
  expected: 'the URL of a file (file:./data/plugboard.db) or of MongoDB (mongodb://localhost/plugboard)',
  show: withoutCredentials,
}

/** Kept as it was written, since providers sign it byte for byte. */
const externalUrl: Kind<string> = {
  parse(text) {
    if (!URL.canParse(text)) return undefined
    const { protocol, username, password, search, hash } = new URL(text)
    const isBare = `${username}${password}${search}${hash}` === '' && !/[?#]/.test(text)
    return /^https?:$/.test(protocol) && isBare ? text.replace(/\/+$/, '') : undefined
  },
  expected: 'an http or https URL without a user name, a query or a fragment',
  show: String,
}

const encryptionKey: Kind<Buffer> = {
  parse: (text) => (/^[\w+/-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined),
  expected: '32 bytes in base64 (`openssl rand -base64 32` makes one)',
  show: () => MASK,
}

/** Checked here, read by `parseAllowance` once it is known whether the server is for its own machine only. */
const privateTargets: Kind<string> = {
  parse(text) {
    try {
      parseAllowance(text, false)
    } catch (error) {
      throw new Error((error as Error).message.replace(/^ALLOW_PRIVATE_TARGETS: /, 'is wrong: '))
    }
    return text
  },
  expected: 'a list of CIDR ranges, loopback, all or none',
  show: String,
}

/** Empty for `none`. */
const trustedProxies: Kind<readonly string[]> = {
  parse(text) {
    const words = text.split(/[\s,]+/).filter((word) => word !== '')
    if (words.length === 1 && words[0] === 'none') return []
    const ranges = words.map(rangesOf)
    return words.length > 0 && ranges.every((each) => each !== undefined) ? ranges.flat() : undefined
  },
  expected: 'a list of addresses, CIDR ranges and `loopback`, or `none`',
  show: (value) => (value.length === 0 ? 'none' : value.join(',')),
}

/** Of the same origin, and the same path or one below it. */
const urlPrefixes: Kind<readonly string[]> = {
  parse(text) {
    const urls = text.split(',').map((each) => externalUrl.parse(each.trim()))
    return urls.every((url) => url !== undefined) ? urls : undefined
  },
  expected: 'a list of http or https URLs without a user name, a query or a fragment',
  show: (value) => value.join(','),
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
  expected: 'a list of package names',
  show: (value) => value.join(','),
}

/** May hold secrets, so only the names are shown. */
const channelOptions: Kind<Readonly<Record<string, unknown>>> = {
  parse(text) {
    try {
      const value: unknown = JSON.parse(text)
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
    } catch {
      return undefined
    }
  },
  expected: 'a JSON object with the options of each channel by its name',
  show: (value) =>
    Object.keys(value)
      .map((name) => `${name}: ${MASK}`)
      .join(', '),
}

const ONE_MEBIBYTE = 1_048_576
const ONE_GIBIBYTE = 1_073_741_824
const MANY = 1_000_000

/** Every setting. Its key here is its name in `plugboard.config.json`. */
export const settings = {
  port: setting('PORT', integer(0, 65_535), '3100', 'Port to listen on; 0 takes any that is free.'),
  host: setting('HOST', host, '127.0.0.1', 'Address to listen on.'),
  databaseUrl: setting('DATABASE_URL', databaseUrl, 'file:./data/plugboard.db', 'Where the data lies.'),
  role: setting(
    'ROLE',
    oneOf('all', 'api', 'worker'),
    'all',
    'What this process does, where several have one MongoDB: `api` takes requests, `worker` delivers.',
  ),
  leaseTime: setting(
    'LEASE_TIME',
    duration(3_000),
    '30s',
    'How long a conversation waits for a process that was killed; MongoDB only.',
  ),
  externalUrl: optional('EXTERNAL_URL', externalUrl, 'Public base URL, under which providers call.'),
  trustedProxies: optional(
    'TRUSTED_PROXIES',
    trustedProxies,
    'Proxies in front of this server: addresses, CIDR ranges or `loopback`, comma-separated; `none`: there is no proxy. The caller is the address in their `X-Forwarded-For` or `Forwarded`, in limits and in the log.',
  ),
  adminKey: optional(
    'ADMIN_KEY',
    headerSecret,
    'Key of the admin routes. Unset: a key file next to the database; on MongoDB only with a loopback HOST, otherwise the routes are closed.',
  ),
  internalPassword: optional(
    'INTERNAL_PASSWORD',
    headerSecret,
    'Password that every call of an API must have in the header `password`. It is also sent to the webhooks in INTERNAL_WEBHOOKS. Provider webhooks, files and health checks need none.',
  ),
  internalWebhooks: optional(
    'INTERNAL_WEBHOOKS',
    urlPrefixes,
    'Webhooks that get INTERNAL_PASSWORD: URLs, comma-separated, such as `https://bots.internal/hooks`, each with all paths below it. Unset: none.',
  ),
  encryptionKey: optional(
    'ENCRYPTION_KEY',
    encryptionKey,
    'Seals stored secrets: 32 bytes in base64. Unset: a key file next to the database; MongoDB needs it, but on a loopback HOST.',
  ),
  newEncryptionKey: optional(
    'NEW_ENCRYPTION_KEY',
    encryptionKey,
    'For `plugboard rotate-key` only: the key to change to. Unset: a new key file.',
  ),
  allowPrivateTargets: optional(
    'ALLOW_PRIVATE_TARGETS',
    privateTargets,
    'Private addresses that webhooks and channels may call: CIDR ranges, `loopback`, `all` or `none`. Unset: `loopback` if HOST and EXTERNAL_URL are loopback or unset, otherwise `none`.',
  ),
  logLevel: setting(
    'LOG_LEVEL',
    oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    'info',
    'Least level that is logged. Successful requests are logged at debug.',
  ),
  channels: setting(
    'PLUGBOARD_CHANNELS',
    packages,
    '@plugboard/channel-webhook,@plugboard/channel-telegram,@plugboard/channel-slack,@plugboard/channel-twilio',
    'Packages of the channels to load.',
  ),
  channelOptions: setting(
    'PLUGBOARD_CHANNEL_OPTIONS',
    channelOptions,
    '{}',
    'JSON: options of channels, by channel name.',
  ),
  webhookRetryDelays: setting(
    'WEBHOOK_RETRY_DELAYS',
    durations,
    '100ms,200ms,400ms,800ms,1600ms,5s,15s,30s,1m,2m,5m,10m,20m,20m',
    'Waits between the attempts at a webhook.',
  ),
  sunshineRetryDelays: setting(
    'SUNSHINE_RETRY_DELAYS',
    durations,
    '15s,1m,3m,10m',
    'Waits between the attempts at a webhook of the Sunshine API.',
  ),
  webhookTimeout: setting('WEBHOOK_TIMEOUT', duration(1), '10s', 'Longest time for one webhook request.'),
  webhookConcurrency: setting(
    'WEBHOOK_CONCURRENCY',
    integer(1, 10_000),
    '32',
    'Requests at once to one webhook.',
  ),
  channelRetryDelays: setting(
    'CHANNEL_RETRY_DELAYS',
    durations,
    '1s,5s,15s,30s,1m,2m,5m',
    'Waits between the attempts at a channel.',
  ),
  provisionRetryDelays: setting(
    'PROVISION_RETRY_DELAYS',
    durations,
    '1s,5s,15s,30s,1m,2m,5m,10m,15m',
    'Waits between the attempts to tell a provider where to call; the last one is repeated for a day.',
  ),
  channelTimeout: setting('CHANNEL_TIMEOUT', duration(1), '30s', 'Longest time for one call of a channel.'),
  mediaLinkTtl: setting(
    'MEDIA_LINK_TTL',
    age(1000),
    '30d',
    'How long the address of a file works that a person sent.',
  ),
  mediaMaxSize: setting('MEDIA_MAX_SIZE', bytes(1, ONE_GIBIBYTE), '64MiB', 'Largest file that is passed on.'),
  mediaTimeout: setting('MEDIA_TIMEOUT', duration(1000), '5m', 'Longest time for passing a file on.'),
  attachmentMaxSize: setting(
    'ATTACHMENT_MAX_SIZE',
    bytes(1, ONE_GIBIBYTE),
    '50MiB',
    'Largest file that a client may keep here.',
  ),
  clientMaxSize: setting(
    'CLIENT_MAX_SIZE',
    bytes(0, MANY * ONE_MEBIBYTE),
    '0',
    'Largest size of what one client stores, such as `500MiB`: messages, data of users and conversations, and files; 0: any size.',
  ),
  blobPath: optional(
    'BLOB_PATH',
    folder,
    'Folder for the files of clients. Unset: next to the embedded database, or in MongoDB.',
  ),
  shutdownGrace: setting(
    'SHUTDOWN_GRACE',
    duration(0),
    '10s',
    'How long a stop waits for what is under way.',
  ),
  maxStreams: setting(
    'MAX_STREAMS',
    integer(1, MANY),
    '8192',
    'Conversations being delivered at once; others wait in the store.',
  ),
  maxStreamsPerClient: setting(
    'MAX_STREAMS_PER_CLIENT',
    integer(1, MANY),
    '512',
    'Of these, those of one client.',
  ),
  gateItems: setting('GATE_ITEMS', integer(1, MANY), '1024', 'Entries under way at once to one target.'),
  gateBytes: setting('GATE_BYTES', bytes(1, ONE_GIBIBYTE), '1MiB', 'Their size.'),
  gateFailures: setting(
    'GATE_FAILURES',
    integer(1, MANY),
    '5',
    'Failures in a row after which a target is left alone.',
  ),
  gatePause: setting('GATE_PAUSE', duration(1), '1s', 'How long at first; doubles each time.'),
  gateMaxPause: setting('GATE_MAX_PAUSE', duration(1), '30s', 'How long at most.'),
  pollInterval: setting(
    'POLL_INTERVAL',
    duration(10),
    '2s',
    'Longest time between two looks at what is due; rarer where the database tells.',
  ),
  cacheSize: setting(
    'CACHE_SIZE',
    integer(1, 10_000_000),
    '20000',
    'Clients, users and sessions kept in memory, each.',
  ),
  listsPerClient: setting(
    'LISTS_PER_CLIENT',
    integer(1, 10_000),
    '8',
    'Lists of one client that are answered at once. Others wait for 5 seconds at most, then get a 429.',
  ),
  largeBodiesPerClient: setting(
    'LARGE_BODIES_PER_CLIENT',
    integer(1, 10_000),
    '16',
    'Requests of one client with bodies over 32 KiB (files apart) that are handled at once. Others wait for 5 seconds at most, then get a 429.',
  ),
  guestTokenTtl: setting(
    'GUEST_TOKEN_TTL',
    age(1000),
    '365d',
    'How long the token works that an anonymous sign-in of the Smartify API answers.',
  ),
  accountTokenTtl: setting(
    'ACCOUNT_TOKEN_TTL',
    age(1000),
    '30d',
    'How long the token works that a sign-in with e-mail and password answers.',
  ),
  guestRateLimit: setting(
    'GUEST_RATE_LIMIT',
    integer(0, MANY),
    '600',
    'Anonymous sign-ins of one address in a minute; 0: any number.',
  ),
  guestMessageLimit: setting(
    'GUEST_MESSAGE_LIMIT',
    integer(0, MANY),
    '120',
    'Messages that one anonymous user of the Smartify API may post in a minute; 0: any number. Each process counts for itself.',
  ),
  guestDailySize: setting(
    'GUEST_DAILY_SIZE',
    bytes(0, ONE_GIBIBYTE),
    '20MiB',
    'Size of all messages that one anonymous user of the Smartify API may post in a day; 0: any size. Each process counts for itself.',
  ),
  rateLimit: setting(
    'RATE_LIMIT',
    integer(0, MANY),
    '60',
    'Wrong credentials that one address (for IPv6, one /64 network) may send in a minute; 0: any number. Each process counts for itself.',
  ),
  accountRateLimit: setting(
    'ACCOUNT_RATE_LIMIT',
    integer(0, MANY),
    '100',
    'Wrong passwords for one account of the Smartify API in an hour, from all addresses together; 0: any number. Each process counts for itself.',
  ),
}

/** Settings as a table: name of the variable, default, meaning. */
export const settingRows: readonly { key: string; initial: string; meaning: string }[] = Object.values(
  settings,
).map(({ key, meaning, ...rest }) => ({ key, meaning, initial: 'initial' in rest ? rest.initial : '' }))
