import { STATUS_CODES } from 'node:http'
import type { FastifyInstance, FastifySchema, FastifyServerOptions, RouteOptions } from 'fastify'
import { z } from 'zod'
import { lazy, lazyModule } from '../lazy.js'
import { version } from '../version.js'

/**
 * For Fastify: dialects check what comes in themselves, so schemas of routes (zod) are for the document. With these two
 * it does not load its own compilers, which are a fifth of its start.
 */
export const schemasForDocumentOnly = {
  compilersFactory: {
    buildValidator: () => () => (value: unknown) => ({ value }),
    buildSerializer: () => () => (value: unknown) => JSON.stringify(value),
  },
  // The type allows compilers of ajv only.
} as unknown as NonNullable<FastifyServerOptions['schemaController']>

/** The `data` of what webhooks are sent, by its type. */
export type Events = Readonly<Record<string, z.ZodType>>

/** A route of the API document. */
type Documented = Required<Pick<RouteOptions, 'method' | 'url' | 'schema'>>

/**
 * Serves the API's document (`/openapi.json`, OpenAPI 3.1) and a page to browse it (`/docs`). It contains every route
 * with a schema that is registered after this call. Nothing is loaded or built before the first request.
 */
export function serveDocument(app: FastifyInstance, events: Events = {}): void {
  const routes: Documented[] = []
  app.addHook('onRoute', ({ method, url, schema }) => {
    const isExtra = method === 'HEAD' || method === 'OPTIONS'
    if (schema && !('hide' in schema) && !isExtra) routes.push({ method, url, schema })
  })
  const docs = lazy(() => buildDocs(routes, events))
  for (const url of ['/openapi.json', '/docs', '/docs/*']) {
    app.get(
      url,
      { schema: { hide: true } as FastifySchema, exposeHeadRoute: false },
      async (request, reply) => {
        const { url, headers } = request
        const answer = await (await docs()).inject({ method: 'GET', url, headers })
        for (const name of ['content-type', 'content-security-policy', 'cache-control', 'etag', 'location']) {
          const value = answer.headers[name]
          if (value !== undefined) void reply.header(name, value)
        }
        return reply.code(answer.statusCode).send(answer.rawPayload)
      },
    )
  }
}

const documentModules = lazyModule(() =>
  Promise.all([import('fastify'), import('@fastify/swagger'), import('@fastify/swagger-ui')]),
)

/** A second server that never listens: the plugins that make the document must be there before the routes are. */
async function buildDocs(routes: readonly Documented[], events: Events): Promise<FastifyInstance> {
  const [{ fastify }, { default: swagger }, { default: swaggerUi }] = await documentModules()
  const docs = fastify({ exposeHeadRoutes: false, schemaController: schemasForDocumentOnly })
  docs.setNotFoundHandler((_, reply) => reply.code(404).type('text/plain; charset=utf-8').send('Not Found'))
  await docs.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Plugboard', version, description: 'A self-hosted messaging hub.' },
      webhooks: Object.fromEntries(
        Object.entries(events).map(([type, data]) => [type, asWebhook(type, data)]),
      ),
    },
    transform: ({ schema, url }) => ({ schema: asJsonSchemas(schema), url }),
  })
  await docs.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, indexPrefix: '' })
  for (const route of routes) docs.route({ ...route, handler: () => '' })
  docs.get('/openapi.json', { schema: { hide: true } as FastifySchema }, (_, reply) =>
    reply.type('application/json; charset=utf-8').send(JSON.stringify(docs.swagger())),
  )
  await docs.ready()
  return docs
}

/** The request that a client's webhook gets of an event. */
function asWebhook(type: string, data: z.ZodType): object {
  const schema = asJsonSchema(z.object({ type: z.literal(type), data }), 'output')
  const requestBody = { required: true, content: { 'application/json': { schema } } }
  const responses = {
    '2XX': { description: 'The event was accepted; after any other status it is sent again' },
  }
  return { post: { tags: ['events'], summary: `Sent to the webhooks of the client`, requestBody, responses } }
}

/** The parts of a route's schema as JSON Schema. */
function asJsonSchemas(schema: FastifySchema): FastifySchema {
  const { body, params, querystring, headers, response, ...rest } = schema
  const inputs = Object.entries({ body, params, querystring, headers }).filter(([, value]) => value)
  const responses = Object.entries(response ?? {}).map(([status, value]) => {
    const description = STATUS_CODES[status] ?? 'Answer'
    return [status, { description, ...asJsonSchema(value, 'output') }]
  })
  return {
    ...rest,
    ...Object.fromEntries(inputs.map(([part, value]) => [part, asJsonSchema(value, 'input')])),
    ...(responses.length > 0 && { response: Object.fromEntries(responses) }),
  }
}

function asJsonSchema(value: unknown, io: 'input' | 'output'): object {
  if (!(value instanceof z.ZodType)) return Object(value)
  const {
    $schema: _,
    $defs,
    ...json
  } = z.toJSONSchema(value, {
    io,
    unrepresentable: ({ zodSchema }) =>
      zodSchema instanceof z.ZodDate
        ? { type: 'string', format: 'date-time' }
        : zodSchema instanceof z.ZodVoid
          ? { type: 'null' }
          : 'any',
    override: ({ jsonSchema }) => {
      // Redundant with the format, in an unreadable form.
      if (jsonSchema.format) delete jsonSchema.pattern
      delete jsonSchema.propertyNames
    },
  })
  return $defs ? withoutReferences(json) : json
}

/** Recursive schemas become any JSON, because references would not resolve in the combined document. */
const withoutReferences = (schema: object): object =>
  JSON.parse(JSON.stringify(schema), (_, value: unknown) =>
    typeof value === 'object' && value !== null && '$ref' in value ? {} : value,
  ) as object
