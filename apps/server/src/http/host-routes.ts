import type { Hub, Store } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { isLocalOnly, isLoopback } from '../config/local-only.js'
import type { Config } from '../config/read-config.js'
import { within } from '../deadline.js'
import type { Metrics } from '../metrics/metrics.js'
import type { Disk } from '../storage/disk.js'
import { version } from '../version.js'
import { OPEN } from './api-document/description.js'
import type { Connections } from './descriptors.js'
import { HOME_HEADERS, homePage } from './pages/home-page.js'
import type { PublicUrls } from './public-urls.js'

export interface HostRoutesOptions {
  hub: Pick<Hub, 'isDelivering' | 'listening' | 'live'>
  store: Store
  metrics: Metrics
  connections: Pick<Connections, 'problems'>
  /** Those that this server writes to. */
  disks?: readonly Pick<Disk, 'problems'>[]
  urls: Pick<PublicUrls, 'base' | 'baseFor'>
  config: Pick<Config, 'externalUrl' | 'host' | 'trustedProxies'>
  takesRequests?: boolean
}

const TEXT = 'text/plain; charset=utf-8'
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8'

/** Maximum wait for the database in milliseconds, after which it counts as unreachable. */
const STORE_MS = 2_000

/** Routes of the server itself, without credentials and outside any dialect. */
export async function hostRoutes(app: FastifyInstance, options: HostRoutesOptions): Promise<void> {
  const { hub, store, metrics, connections, urls, disks = [], takesRequests = true } = options
  const problems = async (): Promise<string[]> => {
    const looks = [connections, ...disks].map((part) => part.problems())
    return (await Promise.all([findProblems(hub, store), ...looks])).flat()
  }
  app.get(
    '/',
    json('getHome', 'What runs here; browsers get a page', { 200: home }),
    async ({ headers }, reply) => {
      const found = await problems()
      void reply.headers(HOME_HEADERS)
      if (!prefersHtml(headers.accept)) {
        const { base } = urls
        return {
          ...{ name: 'Plugboard', version, status: statusOf(found), problems: found },
          ...(takesRequests && { documentation: `${base}/docs`, openapi: `${base}/openapi.json` }),
        }
      }
      const page = homePage({
        version,
        problems: found,
        takesRequests,
        needsAdminKey: !isForThisMachine(options.config, headers.host),
        base: urls.baseFor(headers.host),
      })
      return reply.type('text/html; charset=utf-8').send(page)
    },
  )
  app.get('/status', text('getStatus', 'Answers `OK`'), (_, reply) => reply.type(TEXT).send('OK'))
  app.get('/version', text('getVersion', 'The version of the server'), (_, reply) =>
    reply.type(TEXT).send(version),
  )
  app.get('/healthz', json('getHealth', 'Whether the process is up', { 200: status }), async () => ({
    status: 'ok',
  }))
  app.get(
    '/readyz',
    json('getReadiness', 'Whether the server is ready; if not, why', { 200: readiness, 503: readiness }),
    async (_, reply) => {
      const found = await problems()
      void reply.code(found.length === 0 ? 200 : 503)
      return { status: statusOf(found), problems: found }
    },
  )
  app.get('/metrics', text('getMetrics', 'Metrics in the Prometheus text format'), async (_, reply) =>
    reply.type(PROMETHEUS).send(await metrics.text(store, hub)),
  )
}

/** Browsers name the type; programs accept anything, or JSON. */
const prefersHtml = (accept = ''): boolean => /\btext\/html\b/.test(accept)

/** Whether a program on this machine may create a client without the admin key, as far as the page can know. */
const isForThisMachine = (config: HostRoutesOptions['config'], host = ''): boolean =>
  isLocalOnly(config) && !config.trustedProxies?.length && isLoopback(host.replace(/:\d+$/, ''))

const statusOf = (problems: readonly string[]) => (problems.length === 0 ? 'ok' : 'unavailable')

const tags = ['server']
const home = z.object({
  name: z.literal('Plugboard'),
  version: z.string(),
  status: z.enum(['ok', 'unavailable']),
  problems: z.array(z.string()),
  documentation: z.url().optional(),
  openapi: z.url().optional(),
})
const status = z.object({ status: z.literal('ok') })
const readiness = z.object({ status: z.enum(['ok', 'unavailable']), problems: z.array(z.string()) })

const json = (operationId: string, summary: string, response: Record<number, z.ZodType>) => ({
  schema: { ...OPEN, tags, operationId, summary, response },
})

const text = (operationId: string, summary: string) => json(operationId, summary, { 200: z.string() })

async function findProblems(hub: Pick<Hub, 'isDelivering'>, store: Store): Promise<string[]> {
  const isReachable = await within(STORE_MS, store.getMeta('ready')).then(
    () => true,
    () => false,
  )
  return [
    ...(isReachable ? [] : ['the database does not respond']),
    ...(hub.isDelivering ? [] : ['delivery is stopped']),
  ]
}
