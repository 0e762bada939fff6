import { stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { dirname } from 'node:path'
import { isPlugboardError, PlugboardError } from '@plugboard/core'
import { type Hub, type Keyring, loadFileTypes, type Store } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { adminDescription } from './admin-api/description.js'
import { signInState } from './admin-api/sign-in/console-sign-in.js'
import { Links } from './admin-api/sign-in/links.js'
import { type AdminKey, adminKeyFor } from './config/admin-key.js'
import { databaseOf } from './config/database.js'
import { keyringFor } from './config/encryption-key.js'
import { isLoopback } from './config/local-only.js'
import { type Config, printable } from './config/read-config.js'
import { createConfiguredHub } from './configured-hub.js'
import { within } from './deadline.js'
import { ClientSlots } from './dialects/client-slots.js'
import { describeApis } from './dialects/description.js'
import { InternalPassword } from './dialects/internal-password.js'
import { messagingV1 } from './dialects/messaging-v1/index.js'
import { smartify } from './dialects/smartify/index.js'
import { sendError as sendSunshineError } from './dialects/sunshine-v2/errors.js'
import { HOSTED_PREFIX, sunshineOauth, sunshineV2 } from './dialects/sunshine-v2/index.js'
import { Refusals } from './dialects/wrong-credentials.js'
import { Connections, connectionsFor, descriptorLimit, mayRunOut } from './http/descriptors.js'
import { consoleFiles } from './http/pages/console-files.js'
import { PublicUrls } from './http/public-urls.js'
import { lazyModule, loadModules } from './lazy.js'
import { createLog } from './logging.js'
import { Metrics } from './metrics/metrics.js'
import { timedStore } from './metrics/timed-store.js'
import { parseAllowance } from './outbound/guard.js'
import { guardedFetch } from './outbound/guarded-fetch.js'
import { buildServer, type ServerOptions } from './server.js'
import { sockets } from './sockets/index.js'
import { awaitStore } from './storage/await-store.js'
import { Disk } from './storage/disk.js'
import { blobFolderOf, openBlobs } from './storage/open-blobs.js'
import { openStore } from './storage/open-store.js'
import { preparePlaces } from './storage/prepare-folders.js'
import { assertUsable } from './storage/usable-store.js'
import { EventStreams } from './streams/event-streams.js'
import { StreamSlots } from './streams/stream-slots.js'
import { version } from './version.js'
import { webDescription } from './web/description.js'

export interface StartOptions {
  /** Default: JSON lines on the standard output. */
  log?: Logger
  /** The compiled worker of the webhook sender. Default: the one next to the compiled server. */
  workerUrl?: URL
}

/** A running server. */
export interface Running {
  url: string
  /** The database: a file, or a URL without credentials. */
  database: string
  /** File with the admin key, unless ADMIN_KEY is set or the admin routes are closed. */
  adminKeyFile?: string
  /** Makes a link that creates the first operator of the console, within an hour; undefined if there is one. */
  firstOperator(): Promise<string | undefined>
  /** Accepts no new requests, waits for those in progress within the grace period, and closes the store. */
  close(): Promise<void>
}

/** Starts a server. @throws PlugboardError with a message for the operator */
export async function start(config: Config, options: StartOptions = {}): Promise<Running> {
  const { log = createLog(config.logLevel) } = options
  log.info({ version, node: process.versions.node }, 'starting')
  log.debug({ settings: printable(config) }, 'settings')
  const database = databaseOf(config)
  await preparePlaces(config)
  const keyring = await keyringFor(database, config)
  const metrics = new Metrics()
  const urls = new PublicUrls(config)
  const store = await awaitStore(() => openStore(config, metrics), config, log)
  const opened: Closable[] = [store]
  try {
    await assertUsable(store, keyring)
    const blobs = await awaitStore(() => openBlobs(config), config, log)
    opened.unshift(blobs)
    const adminKey = config.role === 'worker' ? undefined : await adminKeyFor(database, config)
    const hub = await createConfiguredHub(config, options, {
      store: timedStore(store, metrics),
      blobs,
      keyring,
      metrics,
      log,
      urls,
    })
    const links = new Links({ urls, key: keyring.keyFor('console-links') })
    const connections = new Connections(() => metrics.connectionRefused())
    const app = buildServer({
      connections,
      disks: disksOf(config),
      errorForms: [['/v2/', sendSunshineError]],
      withoutPrefix: [HOSTED_PREFIX, ['/v2/', '/oauth/']],
      apis: describeApis(config, [webDescription, adminDescription]),
      urls,
      config,
      hub,
      store,
      metrics,
      log,
      takesRequests: config.role !== 'worker',
      ...apisOf({ hub, urls, keyring, links, adminKey, metrics, log }, config),
    })
    const close = once(() => shutDown(app, hub, opened, config.shutdownGrace))
    try {
      hub.start()
      const descriptors = await descriptorLimit()
      if (descriptors !== undefined) connections.cap(app.server, mostConnections(descriptors, config))
      const url = await listen(app, config)
      if (descriptors !== undefined && mayRunOut(descriptors)) void loadModules(log, loadFileTypes)
      warnOfUnknownAddress(config, log)
      warnOfUnknownProxies(config, log)
      await warnOfReaders(config, log)
      if (config.role !== 'worker' && !adminKey)
        log.warn(
          {},
          'admin routes are closed: set ADMIN_KEY to open them. On MongoDB, a key file is created only if HOST is loopback',
        )
      return {
        ...{ url, database: database.label, close },
        firstOperator: () => firstOperatorLink(hub, links, config),
        ...(adminKey?.file && { adminKeyFile: adminKey.file }),
      }
    } catch (error) {
      await close()
      throw error
    }
  } catch (error) {
    for (const each of opened) await each.close()
    throw error
  }
}

type Closable = Pick<Store, 'close'>

const adminModule = lazyModule(() => import('./admin-api/index.js'))
const webModule = lazyModule(() => import('./web/index.js'))

interface Parts {
  hub: Hub
  urls: PublicUrls
  keyring: Keyring
  links: Links
  adminKey: AdminKey | undefined
  metrics: Metrics
  log: Logger
}

/** What bots, people and operators call. */
function apisOf(
  { hub, urls, keyring, links, adminKey, metrics, log }: Parts,
  settings: Config,
): Required<Pick<ServerOptions, 'decorations' | 'register' | 'lazyApis'>> {
  const { listsPerClient: perClient, largeBodiesPerClient } = settings
  const slots = new StreamSlots({
    perClient: settings.eventStreamsPerClient,
    perUser: settings.eventStreamsPerUser,
  })
  const refusals = new Refusals(settings.rateLimit)
  return {
    decorations: {
      listSlots: new ClientSlots({ what: 'lists', perClient }),
      visitorListSlots: new ClientSlots({ what: 'lists of visitors', perClient }),
      largeBodySlots: new ClientSlots({
        what: 'requests with large bodies',
        perClient: largeBodiesPerClient,
      }),
      eventStreams: new EventStreams(),
    },
    register(app) {
      const shared = { hub, refusals, internal: new InternalPassword(settings) }
      const own = { ...settings, adminKey: adminKey?.key }
      app.register(messagingV1, { prefix: '/api/v1', ...shared, slots, settings: own })
      const base = (): string => urls.base
      const download = downloadOptions(settings)
      app.register(sunshineV2, { prefix: '/v2', ...shared, base, download })
      app.register(sunshineOauth, { prefix: '/oauth', ...shared })
      const tokenKey = keyring.keyFor('smartify-tokens')
      app.register(smartify, { prefix: '/api', ...shared, tokenKey, settings })
      app.register(consoleFiles, { prefix: '/console', urls, state: () => signInState(hub, settings) })
      app.register(sockets, { hub, keyring, metrics, log, settings })
    },
    lazyApis: [
      {
        prefix: '/admin/v1',
        load: async () => {
          const { adminV1 } = await adminModule()
          const sessionKey = keyring.keyFor('console-sessions')
          const options = {
            hub,
            refusals,
            urls,
            links,
            config: settings,
            adminKey: adminKey?.key,
            sessionKey,
          }
          return (app, prefix) => app.register(adminV1, { prefix, ...options })
        },
      },
      {
        prefix: '/web/v1',
        load: async () => {
          const { webChat } = await webModule()
          const tokenKey = keyring.keyFor('web-visitors')
          return (app, prefix) =>
            app.register(webChat, { prefix, hub, refusals, slots, urls, tokenKey, settings })
        },
      },
      {
        prefix: '/chat',
        load: async () => {
          const { chatPages } = await webModule()
          return (app, prefix) => app.register(chatPages, { prefix, hub, urls })
        },
      },
    ],
  }
}

/**
 * For URLs from requests, whose content is returned to the caller. Loopback is forbidden even on a local-only server,
 * unless the setting allows it.
 */
function downloadOptions({ allowPrivateTargets, channelTimeout: timeoutMs }: Config) {
  return { fetch: guardedFetch(parseAllowance(allowPrivateTargets, false), timeoutMs), timeoutMs }
}

/** A host name may have two addresses, and Fastify creates a server for each. */
const mostConnections = (descriptors: number, { host }: Config): number =>
  connectionsFor(isIP(host) === 0 ? descriptors / 2 : descriptors)

/** Why a server cannot listen, by error code. */
const LISTEN_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use; set "PORT" to another port, or to 0 for any free port',
  EACCES: 'permission denied; set "PORT" to 1024 or above',
  EADDRNOTAVAIL: 'the address is not available on this machine; correct "HOST"',
  ENOTFOUND: 'the host name cannot be resolved; correct "HOST"',
}

async function listen(app: FastifyInstance, { host, port }: Config): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (cause) {
    const reason = LISTEN_FAULTS[String((cause as NodeJS.ErrnoException).code)]
    if (isPlugboardError(cause) || reason === undefined) throw cause
    throw new PlugboardError('INVALID', `cannot listen on ${host}, port ${port}: ${reason}`, { cause })
  }
}

function disksOf(config: Config): Disk[] {
  const { kind, place } = databaseOf(config)
  const blobs = blobFolderOf(config)
  return [
    ...(kind === 'sqlite' ? [new Disk(dirname(place), 'the database')] : []),
    ...(blobs === undefined ? [] : [new Disk(blobs, 'files of clients')]),
  ]
}

/** The server creates files for their owner only, but an existing folder may be readable by others. */
async function warnOfReaders(config: Config, log: Logger): Promise<void> {
  const { kind, place, keyFile, adminKeyFile } = databaseOf(config)
  const folders = [blobFolderOf(config), ...(kind === 'sqlite' ? [dirname(place)] : [])]
  for (const path of [...folders, keyFile, adminKeyFile]) {
    const mode =
      path === undefined
        ? 0
        : await stat(path).then(
            (found) => found.mode,
            () => 0,
          )
    if ((mode & 0o077) !== 0)
      log.warn({ path }, 'path is readable by other users of this machine: run `chmod go-rwx` on it')
  }
}

const HOUR_MS = 60 * 60 * 1000

/** Only on loopback, where whoever reads the output of the server may use it: elsewhere there is the command. */
async function firstOperatorLink(
  hub: Hub,
  links: Links,
  { host, role }: Config,
): Promise<string | undefined> {
  if (role === 'worker' || !isLoopback(host) || (await hub.operators.isAny())) return undefined
  return links.make({ use: 'first-operator' }, HOUR_MS).url
}

/** Without the public address, addresses that are given out begin with the one that the server listens on. */
function warnOfUnknownAddress({ externalUrl, host }: Config, log: Logger): void {
  if (externalUrl === undefined && !isLoopback(host))
    log.warn(
      { host },
      'EXTERNAL_URL is not set: addresses of files and webhooks begin with HOST, where others may not reach this server. Set it to the public address',
    )
}

/** Behind an undeclared proxy, all callers share one limit. */
function warnOfUnknownProxies({ externalUrl, trustedProxies }: Config, log: Logger): void {
  if (externalUrl === undefined || isLoopback(new URL(externalUrl).hostname)) return
  if (trustedProxies === undefined)
    log.warn(
      {},
      'TRUSTED_PROXIES is not set: behind a proxy, all callers share its address in rate limits and logs. Set it to the addresses of the proxy, or to `none` if there is none',
    )
}

/** How often a stop reports what it waits for; the first time soon, since most stops end before. */
const FIRST_REPORT_MS = 300
const REPORT_MS = 5_000

/** In this order, so that waiting collect requests are answered and do not delay the stop. */
async function shutDown(
  app: FastifyInstance,
  hub: Hub,
  opened: readonly Closable[],
  graceMs: number,
): Promise<void> {
  const deadline = Date.now() + graceMs
  const left = (): number => Math.max(0, deadline - Date.now())
  app.log.info({ graceMs }, 'stopping')
  let timer = setTimeout(report, FIRST_REPORT_MS)
  function report(): void {
    app.server.getConnections((_, connections) => {
      app.log.info(
        { connections, conversations: hub.conversationsInDelivery, leftMs: left() },
        'waiting for requests and deliveries in progress; a second signal (Ctrl-C) ends the process now',
      )
    })
    timer = setTimeout(report, REPORT_MS)
  }
  const closed = app.close()
  try {
    await hub.stop(graceMs)
    await within(left(), closed).catch(() => app.server.closeAllConnections())
    await closed
  } finally {
    clearTimeout(timer)
    for (const each of opened) await each.close()
    app.log.info('stopped')
  }
}

function once(action: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined
  return () => (result ??= action())
}
