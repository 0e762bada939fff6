import type { Hub, Store } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { within } from '../deadline.js'
import type { Metrics } from '../metrics/metrics.js'
import type { Disk } from '../storage/disk.js'
import { version } from '../version.js'
import type { Connections } from './descriptors.js'

export interface HostRoutesOptions {
  hub: Pick<Hub, 'isDelivering'>
  store: Store
  metrics: Metrics
  connections: Pick<Connections, 'problems'>
  /** Those that this server writes to. */
  disks?: readonly Pick<Disk, 'problems'>[]
}

const TEXT = 'text/plain; charset=utf-8'
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8'

/** Maximum wait for the database in milliseconds, after which it counts as unreachable. */
const STORE_MS = 2_000

/** Routes of the server itself, without credentials and outside any dialect. */
export async function hostRoutes(
  app: FastifyInstance,
  { hub, store, metrics, connections, disks = [] }: HostRoutesOptions,
): Promise<void> {
  app.get('/status', text('Answers `OK`'), (_, reply) => reply.type(TEXT).send('OK'))
  app.get('/version', text('The version of the server'), (_, reply) => reply.type(TEXT).send(version))
  app.get('/healthz', json('Whether the process is up', { 200: status }), async () => ({ status: 'ok' }))
  app.get(
    '/readyz',
    json('Whether the server is ready; if not, why', { 200: readiness, 503: readiness }),
    async (_, reply) => {
      const looks = [connections, ...disks].map((part) => part.problems())
      const found = (await Promise.all([findProblems(hub, store), ...looks])).flat()
      void reply.code(found.length === 0 ? 200 : 503)
      return { status: found.length === 0 ? 'ok' : 'unavailable', problems: found }
    },
  )
  app.get('/metrics', text('Metrics in the Prometheus text format'), async (_, reply) =>
    reply.type(PROMETHEUS).send(await metrics.text(store)),
  )
}

const tags = ['server']
const status = z.object({ status: z.literal('ok') })
const readiness = z.object({ status: z.enum(['ok', 'unavailable']), problems: z.array(z.string()) })

const json = (summary: string, response: Record<number, z.ZodType>) => ({
  schema: { tags, summary, response },
})

const text = (summary: string) => ({
  schema: { tags, summary, response: { 200: { content: { 'text/plain': { schema: { type: 'string' } } } } } },
})

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
