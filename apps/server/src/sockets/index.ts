import type { IncomingMessage } from 'node:http'
import { Socket as RawSocket } from 'node:net'
import type { Hub, Keyring } from '@plugboard/hub'
import type { FastifyInstance, FastifySchema } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../config/read-config.js'
import { ClientSlots } from '../dialects/client-slots.js'
import { GuestLimits } from '../dialects/guest-limits.js'
import { writeAnswer } from '../http/errors/malformed-request.js'
import { networkOf, TrustedProxies } from '../http/trusted-proxies.js'
import { SOCKET_PATH } from '../http/upgrade-requests.js'
import { lazyModule } from '../lazy.js'
import type { Metrics } from '../metrics/metrics.js'
import type { Gateway } from './gateway.js'
import { SocketLimits } from './limits.js'

export interface SocketsOptions {
  hub: Hub
  keyring: Keyring
  metrics: Metrics
  log: Logger
  settings: Pick<
    Config,
    | 'sockets'
    | 'socketOrigins'
    | 'socketRateLimit'
    | 'socketsPerAddress'
    | 'socketsPerClient'
    | 'guestRateLimit'
    | 'guestMessageLimit'
    | 'guestDailySize'
    | 'trustedProxies'
  >
}

/** Most servers have no sockets, and need neither the time nor the memory. */
const gatewayModule = lazyModule(() => import('./gateway.js'))

/** Sockets of a client that are sent what they missed at once; after a restart, all of them connect at once. */
const RESUMING = { what: 'sockets that continue', perClient: 16, maxWaitMs: 60_000, maxWaiting: 100_000 }

/** Long lists that clients of a client read at once. */
const LONG_LISTS = { what: 'long lists of sockets', perClient: 4, maxWaitMs: 1_000 }

/** Why a connection is refused, over HTTP. */
interface Refused {
  status: number
  message: string
}

/** The Messaging API's socket: socket.io over WebSocket, loaded by the first connection. */
export async function sockets(app: FastifyInstance, options: SocketsOptions): Promise<void> {
  const { settings } = options
  refusePolling(app, settings)
  if (settings.sockets === 'off') return
  const proxies = new TrustedProxies(settings.trustedProxies ?? [])
  const limits = new SocketLimits({
    perMinute: settings.socketRateLimit,
    usersPerMinute: settings.guestRateLimit,
    perNetwork: settings.socketsPerAddress,
    perClient: settings.socketsPerClient,
  })
  const guests = new GuestLimits({
    messagesPerMinute: settings.guestMessageLimit,
    bytesPerDay: settings.guestDailySize,
  })
  let gateway: Gateway | undefined
  let isClosing = false

  async function gatewayOf(): Promise<Gateway> {
    const { Gateway } = await gatewayModule()
    gateway ??= new Gateway({
      ...options,
      ...{ limits, guests, takesGuests: settings.sockets === 'all' },
      ...{
        listSlots: app.visitorListSlots,
        resumeSlots: new ClientSlots(RESUMING),
        longSlots: new ClientSlots(LONG_LISTS),
      },
    })
    return gateway
  }

  async function upgrade(request: IncomingMessage, raw: RawSocket, head: Buffer): Promise<void> {
    const network = networkOf(proxies.callerOf(raw.remoteAddress, request.headers))
    const refused = isClosing ? CLOSING : faultOf(request, settings.socketOrigins)
    if (refused) return refuse(raw, refused)
    if (!limits.connects(network)) return refuse(raw, TOO_MANY)
    const room = limits.open({ network })
    if (!room) return refuse(raw, TOO_MANY)
    raw.once('close', room.release)
    const opened = await gatewayOf()
    if (isClosing) return refuse(raw, CLOSING)
    opened.accept(request, { raw, network, room }, head)
  }

  app.server.on('upgrade', (request, raw, head) => {
    // Nobody else listens for it any more.
    raw.on('error', () => raw.destroy())
    if (!(raw instanceof RawSocket)) return raw.destroy()
    upgrade(request, raw, head).catch((err) => {
      options.log.error({ err }, 'a socket could not be opened')
      refuse(raw, { status: 503, message: 'Service Unavailable' })
    })
  })
  app.addHook('preClose', async () => {
    isClosing = true
    await gateway?.close()
  })
}

const TOO_MANY: Refused = { status: 429, message: 'too many connections; try again later' }
const CLOSING: Refused = { status: 503, message: 'the server stops' }

function refuse(raw: RawSocket, { status, message }: Refused): void {
  writeAnswer(raw, status, message)
  raw.destroySoon()
}

/** What is wrong with a connection, before anything is loaded for it. */
function faultOf(request: IncomingMessage, origins: readonly string[] | undefined): Refused | undefined {
  const { origin } = request.headers
  // Only pages of browsers have an origin, and only they act for a person who does not know it.
  if (origins && origin !== undefined && !origins.includes(origin.toLowerCase()))
    return { status: 403, message: 'this origin is not allowed' }
  const query = new URLSearchParams(request.url?.split('?')[1])
  if (query.get('transport') !== 'websocket' || query.has('sid')) return { status: 400, message: NO_POLLING }
  if (query.get('EIO') !== '4')
    return { status: 400, message: 'Unsupported protocol version: 4 is supported' }
  return undefined
}

const NO_POLLING = "Transport unknown: only WebSocket is supported, set transports to ['websocket']"
const NO_UPGRADE =
  'Bad request: it has no `Upgrade` header. A proxy has to pass on the headers `Upgrade` and `Connection`'

/**
 * Long polling needs all requests of a socket at one replica, which a proxy would have to see to. The client of the
 * Messaging API does not use it. The answer is in the form of socket.io.
 */
function refusePolling(app: FastifyInstance, { sockets: mode }: SocketsOptions['settings']): void {
  const schema = { hide: true } as FastifySchema
  app.route({
    ...{ method: ['GET', 'POST'], url: SOCKET_PATH, schema },
    handler: async ({ query }, reply) => {
      if (mode === 'off') return reply.callNotFound()
      const isWebSocket = Object(query).transport === 'websocket'
      const answer = { code: isWebSocket ? 3 : 0, message: isWebSocket ? NO_UPGRADE : NO_POLLING }
      return reply.code(400).header('access-control-allow-origin', '*').send(answer)
    },
  })
}
