import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Hub, Store } from '@plugboard/hub'
import {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify'
import type { Logger } from 'pino'
import type { Config } from './config/read-config.js'
import { serverDescription } from './http/api-document/description.js'
import { type ApiDescription, schemasForDocumentOnly, serveDocument } from './http/api-document/openapi.js'
import type { Connections } from './http/descriptors.js'
import { BadRequest } from './http/errors/bad-request.js'
import { refuseExpectation, refuseMalformed } from './http/errors/malformed-request.js'
import { sendPlainError } from './http/errors/plain-errors.js'
import { attachments } from './http/files/attachment-routes.js'
import { media } from './http/files/media-routes.js'
import { hostRoutes } from './http/host-routes.js'
import { type LazyApi, LazyApps } from './http/lazy-apps.js'
import { providerWebhooks } from './http/provider-webhooks.js'
import type { PublicUrls } from './http/public-urls.js'
import { TrustedProxies } from './http/trusted-proxies.js'
import { SOCKET_PATH, upgradableAt } from './http/upgrade-requests.js'
import { RequestLog } from './logging.js'
import type { Metrics } from './metrics/metrics.js'
import type { Disk } from './storage/disk.js'

type SendError = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => unknown

export interface ServerOptions {
  urls: PublicUrls
  config: Pick<Config, 'mediaMaxSize' | 'mediaTimeout' | 'trustedProxies' | 'externalUrl' | 'host'>
  hub: Hub
  store: Store
  metrics: Metrics
  connections: Connections
  disks?: readonly Disk[]
  log: Logger
  /** Default: true. A worker only serves its health and metrics routes. */
  takesRequests?: boolean
  /** Error format for malformed URLs, by path prefix. Default: plain text. */
  errorForms?: readonly (readonly [prefix: string, send: SendError])[]
  /** An optional URL prefix, which is removed if one of these follows it. */
  withoutPrefix?: readonly [prefix: string, before: readonly string[]]
  /** For the API document. Default: the server's own routes alone. */
  apis?: readonly ApiDescription[]
  /** What routes find at their app. */
  decorations?: Readonly<Record<string, object>>
  /** Adds the dialects, each as a plugin with a prefix. */
  register(app: FastifyInstance): void
  /** APIs that their first request loads. */
  lazyApis?: readonly LazyApi[]
}

/** 150 kB: the limit of the Messaging API. */
const BODY_LIMIT_BYTES = 153_600

/**
 * A name of a client has up to 200 characters, of up to nine bytes each when it is percent-encoded; the sealed address of
 * a file holds what its channel needs to find it.
 */
const MAX_PARAM_LENGTH = 6_000

const TIMEOUTS = {
  headersMs: 15_000,
  /** As long as the largest upload may take over a slow line. */
  requestMs: 300_000,
  /** Longer than the 60 s after which load balancers drop an unused connection, so that they do it first. */
  keepAliveMs: 72_000,
  /** Without a byte in either direction. Longer than a collect request may wait. */
  silenceMs: 120_000,
}

/**
 * Headers of every response: no content sniffing, and no caching, because most responses contain tokens or messages. Files
 * set their own `cache-control`.
 */
const HEADERS = { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' }

/** Creates the HTTP server with all routes. It does not listen yet. */
export function buildServer(options: ServerOptions): FastifyInstance {
  const { register, urls, takesRequests = true, apis = [serverDescription], lazyApis = [] } = options
  const state = { isClosing: false }
  const lazyApps = new LazyApps(takesRequests ? lazyApis : [], () => {
    const app = createApp(options, state)
    documented?.(app)
    return app
  })
  const app = createApp(options, state, lazyApps)
  app.addHook('preClose', async () => {
    state.isClosing = true
    await lazyApps.close()
  })
  app.server.on('checkExpectation', (_, response: ServerResponse) => refuseExpectation(response, HEADERS))
  // While closing, Fastify answers requests on open connections without any hook.
  app.server.prependListener('request', (_, response: ServerResponse) => {
    if (state.isClosing) for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
  })
  urls.listensAt(app.server)
  const { externalUrl } = options.config
  const documented = takesRequests
    ? serveDocument(app, { urls, externalUrl, apis, loadRoutes: () => lazyApps.load() })
    : undefined
  app.register(hostRoutes, options)
  if (takesRequests) {
    app.register(providerWebhooks, { ...options, prefix: '/webhooks/v1' })
    const { mediaMaxSize: maxBytes, mediaTimeout: timeoutMs } = options.config
    app.register(media, { ...options, maxBytes, timeoutMs, prefix: '/media/v1' })
    app.register(attachments, { ...options, timeoutMs, prefix: '/attachments/v1' })
    register(app)
  }
  return app
}

/**
 * An app without routes. `lazyApps`: of the one that listens, which takes the requests of all. They know together whether
 * the server is closing.
 */
function createApp(
  { metrics, log, config, errorForms, withoutPrefix: prefixes, decorations = {} }: ServerOptions,
  state: { readonly isClosing: boolean },
  lazyApps?: LazyApps,
): FastifyInstance {
  const proxies = new TrustedProxies(config.trustedProxies ?? [])
  const app = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new RequestLog(),
    // A child for each request would cost more than the route of a short one; lines of requests name their id.
    childLoggerFactory: (logger) => logger,
    genReqId: requestIds(),
    bodyLimit: BODY_LIMIT_BYTES,
    // It would take the host and the protocol from headers as well: `EXTERNAL_URL` says what they are.
    trustProxy: false,
    forceCloseConnections: 'idle',
    connectionTimeout: TIMEOUTS.silenceMs,
    requestTimeout: TIMEOUTS.requestMs,
    keepAliveTimeout: TIMEOUTS.keepAliveMs,
    // Node would answer a request without a Host header itself, without the headers of every answer.
    http: {
      headersTimeout: TIMEOUTS.headersMs,
      requireHostHeader: false,
      IncomingMessage: upgradableAt(SOCKET_PATH),
    },
    clientErrorHandler: refuseMalformed,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    schemaController: schemasForDocumentOnly,
    rewriteUrl: ({ url = '/' }) => withoutPrefix(url, prefixes),
    // A malformed URL reaches no route and no hook.
    frameworkErrors: (error, request, reply) => {
      const [, send = sendPlainError] = errorForms?.find(([prefix]) => request.url.startsWith(prefix)) ?? []
      setAddress(request, proxies)
      void send(error, request, reply.headers(HEADERS).header('x-request-id', request.id))
    },
  })
  app.setErrorHandler(sendPlainError)
  app.setNotFoundHandler((_, reply) => reply.code(404).type('text/plain; charset=utf-8').send('Not Found'))
  app.decorateRequest('isHandedOver', false)
  for (const [name, value] of Object.entries(decorations)) app.decorate(name, value)
  app.addHook('onRequest', (request, reply, done) => {
    if (lazyApps?.handOver(request, reply, done)) return
    setAddress(request, proxies)
    void reply.headers(HEADERS).header('x-request-id', request.id)
    const fault = hostFault(request.raw)
    if (fault === undefined) return done()
    done(new BadRequest(fault))
  })
  // An open keep-alive connection would delay the stop of the server.
  app.addHook('onSend', (_, reply, payload, done) => {
    if (state.isClosing) void reply.header('connection', 'close')
    done(null, payload)
  })
  app.addHook('onResponse', (request, reply, done) => {
    // How long a stream lasts says nothing about the server.
    if (request.isHandedOver || reply.getHeader('content-type') === 'text/event-stream') return done()
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none')
    metrics.request(route, request.method, reply.statusCode, reply.elapsedTime)
    done()
  })
  return app
}

/** Sets `request.ip` to the caller's address, also behind proxies. */
function setAddress(request: FastifyRequest, proxies: TrustedProxies): void {
  const { ip, headers } = request
  const value = proxies.callerOf(ip, headers)
  if (value !== ip) Object.defineProperty(request, 'ip', { value })
}

/**
 * Validates the Host headers of a request: RFC 9112 §3.2 requires exactly one, except in HTTP/1.0. Node silently keeps the
 * first of several, while a proxy may have used another one.
 */
function hostFault({ rawHeaders, httpVersion }: IncomingMessage): string | undefined {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  if (hosts > 1) return 'the request has more than one Host header'
  return hosts === 0 && httpVersion !== '1.0' ? 'the request has no Host header' : undefined
}

function withoutPrefix(url: string, [prefix, before]: ServerOptions['withoutPrefix'] = ['', []]): string {
  if (prefix === '' || !url.startsWith(prefix)) return url
  const rest = url.slice(prefix.length)
  return before.some((start) => rest.startsWith(start)) ? rest : url
}

/** The caller's request id if it is valid, otherwise a generated one. */
function requestIds(): (request: IncomingMessage) => string {
  const process = randomBytes(4).toString('hex')
  let count = 0
  return ({ headers }) => {
    const given = headers['x-request-id']
    if (typeof given === 'string' && /^[\w.-]{1,64}$/.test(given)) return given
    count += 1
    return `${process}-${count.toString(36)}`
  }
}
