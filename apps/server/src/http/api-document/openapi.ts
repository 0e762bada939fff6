import { STATUS_CODES } from 'node:http'
import type { FastifyInstance, FastifySchema, FastifyServerOptions, RouteOptions } from 'fastify'
import { z } from 'zod'
import { lazy, lazyModule } from '../../lazy.js'
import { version } from '../../version.js'
import { DOCS_FILES, docsPage, docsPolicy, PAGE_HEADERS } from '../pages/docs-page.js'

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

declare module 'fastify' {
  interface FastifySchema {
    /** Names of the {@link ApiDescription.errors} that a route may answer with. */
    errors?: readonly string[]
  }
}

/** Alternatives of credentials: each names schemes that are needed together. An empty one: none are needed. */
export type Security = readonly Readonly<Record<string, readonly string[]>>[]

/** An answer that many operations have. */
export interface ErrorAnswer {
  status: number
  description: string
  /** Bodies by a name; texts are plain text, all others JSON. */
  examples: Readonly<Record<string, unknown>>
}

/** A request that webhooks of a client receive. */
export interface DocumentedWebhook {
  tag: string
  summary: string
  body: z.ZodType
}

/** Bodies of an operation by a name, as they were sent. */
export interface OperationExamples {
  request?: Readonly<Record<string, unknown>>
  response?: Readonly<Record<string, unknown>>
}

/** One of the APIs of the server: what the document says beside what is known from its routes. */
export interface ApiDescription {
  /** In URLs. */
  name: string
  title: string
  description: string
  /** Of its routes, and of no others; in the order of the page. */
  tags: readonly { name: string; description: string }[]
  securitySchemes: Readonly<Record<string, object>>
  /** One of `securitySchemes` that all of its operations need in addition. */
  everywhere?: string
  errors: Readonly<Record<string, ErrorAnswer>>
  /** By the name of the event. */
  webhooks?: Readonly<Record<string, DocumentedWebhook>>
  /** By operation, and of webhooks by the name of the event. Loaded with the document. */
  loadExamples?(): Promise<Readonly<Record<string, OperationExamples>>>
}

export interface DocumentOptions {
  /** The first one is that of the page, unless another one is asked for. */
  apis: readonly ApiDescription[]
  /** Where the server is called from outside. */
  urls: { base: string }
  externalUrl?: string | undefined
  /** Loads routes that are not there before. */
  loadRoutes?(): Promise<void>
}

/** A route of the API document. */
type Documented = Required<Pick<RouteOptions, 'method' | 'url' | 'schema'>>

/** Answers of the document's own server that are passed on. */
const PASSED_ON = ['content-type', 'cache-control', 'etag', 'location']

/**
 * Serves the API's document (`/openapi.json`, OpenAPI 3.1), its part for each API (`/openapi/NAME.json`) and a page to
 * browse them (`/docs`). It contains every route with a schema that is registered after this call. Nothing is loaded or
 * built before the first request. Returns what makes it contain the routes of another app.
 */
export function serveDocument(
  app: FastifyInstance,
  options: DocumentOptions,
): (app: FastifyInstance) => void {
  const routes: Documented[] = []
  const document = (app: FastifyInstance): void => {
    app.addHook('onRoute', ({ method: methods, url, schema }) => {
      if (!schema || 'hide' in schema) return
      const shown = [methods].flat().filter((name) => name !== 'HEAD' && name !== 'OPTIONS')
      for (const method of shown) {
        // Each method is an operation with a name of its own.
        const end = `${method[0]}${method.slice(1).toLowerCase()}`
        const operationId = shown.length > 1 ? { operationId: `${schema.operationId}${end}` } : {}
        routes.push({ method, url, schema: { ...schema, ...operationId } })
      }
    })
  }
  document(app)
  const docs = lazy(async () => {
    await options.loadRoutes?.()
    return buildDocs(routes, options)
  })
  const hidden = { schema: { hide: true } as FastifySchema, exposeHeadRoute: true }
  for (const url of ['/docs', '/docs/'])
    app.get<{ Querystring: Record<string, unknown> }>(url, hidden, ({ query }, reply) => {
      const shown = options.apis.find(({ name }) => name === query.api) ?? options.apis[0]
      return reply
        .headers({ 'content-security-policy': docsPolicy(options.externalUrl), ...PAGE_HEADERS })
        .type('text/html; charset=utf-8')
        .send(docsPage(url.endsWith('/') ? '../' : '', options.apis, shown?.name))
    })
  for (const [path, { type, text }] of Object.entries(DOCS_FILES))
    app.get(path, hidden, (_, reply) => reply.type(type).send(text))
  for (const url of ['/openapi.json', '/openapi/*', '/docs/static/*'])
    app.get(url, hidden, async (request, reply) => {
      const { url, headers } = request
      const answer = await (await docs()).inject({ method: 'GET', url, headers })
      for (const name of PASSED_ON) {
        const value = answer.headers[name]
        if (value !== undefined) void reply.header(name, value)
      }
      return reply.code(answer.statusCode).send(answer.rawPayload)
    })
  return document
}

const documentModules = lazyModule(() =>
  Promise.all([import('fastify'), import('@fastify/swagger'), import('@fastify/swagger-ui')]),
)

/** A second server that never listens: the plugins that make the document must be there before the routes are. */
async function buildDocs(
  routes: readonly Documented[],
  { apis, urls, externalUrl }: DocumentOptions,
): Promise<FastifyInstance> {
  const [{ fastify }, { default: swagger }, { default: swaggerUi }] = await documentModules()
  const docs = fastify({ exposeHeadRoutes: false, schemaController: schemasForDocumentOnly })
  docs.setNotFoundHandler((_, reply) => reply.code(404).type('text/plain; charset=utf-8').send('Not Found'))
  const here = { url: new URL(urls.base).pathname, description: 'this server' }
  const outside = externalUrl === undefined ? [] : [{ url: externalUrl, description: 'EXTERNAL_URL' }]
  await docs.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Plugboard',
        version,
        description: `${ABOUT} ${apis.map((api) => api.description).join(' ')}`,
        license: { name: 'MIT', identifier: 'MIT' } as { name: string },
      },
      servers: [here, ...outside],
      tags: apis.flatMap(({ tags }) => tags),
      components: { securitySchemes: merged(apis.map((api) => api.securitySchemes)) as never },
      webhooks: Object.fromEntries(
        Object.entries(merged(apis.map(({ webhooks = {} }) => webhooks))).map(([name, webhook]) => [
          name,
          asWebhook(name, webhook),
        ]),
      ),
    },
    transform: ({ schema, url }) => ({ schema: asJsonSchemas(schema), url }),
  })
  // For its files only: the page is Plugboard's own.
  await docs.register(swaggerUi, { routePrefix: '/docs' })
  for (const route of routes) docs.route({ ...route, handler: () => '' })
  const examples = merged<OperationExamples>(await Promise.all(apis.map((api) => api.loadExamples?.() ?? {})))
  const whole = lazy(async () => completed(docs.swagger() as Document, apis, examples))
  const texts = new Map([
    ['/openapi.json', lazy(async () => JSON.stringify(await whole()))],
    ...apis.map(
      (api) =>
        [`/openapi/${api.name}.json`, lazy(async () => JSON.stringify(partOf(await whole(), api)))] as const,
    ),
  ])
  for (const [path, text] of texts)
    docs.get(path, { schema: { hide: true } as FastifySchema }, async (_, reply) =>
      reply.type('application/json; charset=utf-8').send(await text()),
    )
  await docs.ready()
  return docs
}

const ABOUT = 'Plugboard is a self-hosted messaging hub.'

const merged = <T>(parts: readonly Readonly<Record<string, T>>[]): Record<string, T> =>
  Object.assign({}, ...parts)

interface Document {
  info: object
  tags: readonly { name: string }[]
  paths: Record<string, Record<string, Operation>>
  webhooks: Record<string, Record<string, Operation>>
  components: object
}
interface Operation {
  operationId?: string
  security?: Security
  tags?: readonly string[]
  'x-errors'?: readonly string[]
  requestBody?: { content?: Contents }
  responses?: Record<string, { $ref?: string; content?: Contents }>
}
type Contents = Record<string, { examples?: object }>

/** The document with its errors, and with examples. */
function completed(
  document: Document,
  apis: readonly ApiDescription[],
  examples: Readonly<Record<string, OperationExamples>>,
): Document {
  const { paths, webhooks, components } = document
  const errors = merged(apis.map((api) => api.errors))
  const schemeOf = new Map(
    apis.flatMap(({ tags, everywhere }) => tags.map(({ name }) => [name, everywhere] as const)),
  )
  for (const operation of [paths, webhooks].flatMap(Object.values).flatMap(Object.values<Operation>)) {
    const scheme = schemeOf.get(operation.tags?.[0] ?? '')
    if (scheme !== undefined) operation.security = withScheme(scheme, operation.security)
    const { request, response } = examples[operation.operationId ?? ''] ?? {}
    addExamples(operation.requestBody?.content, request)
    addExamples(Object.values(operation.responses ?? {})[0]?.content, response)
    for (const name of operation['x-errors'] ?? []) {
      const status = String(errors[name]?.status)
      operation.responses = { [status]: { $ref: `#/components/responses/${name}` }, ...operation.responses }
    }
    delete operation['x-errors']
  }
  return { ...document, components: { ...components, responses: asResponses(errors) } }
}

/** The document of one API. */
function partOf(
  whole: Document,
  { title, description, tags, securitySchemes, errors }: ApiDescription,
): object {
  const names = new Set(tags.map(({ name }) => name))
  const own = (paths: Document['paths']) =>
    Object.fromEntries(
      Object.entries(paths).filter(([, operations]) =>
        Object.values(operations).some((operation) => operation.tags?.some((tag) => names.has(tag))),
      ),
    )
  return {
    ...whole,
    info: { ...whole.info, title: `Plugboard: ${title}`, description },
    tags,
    paths: own(whole.paths),
    webhooks: own(whole.webhooks),
    components: { securitySchemes, responses: asResponses(errors) },
  }
}

const asResponses = (errors: ApiDescription['errors']): object =>
  Object.fromEntries(Object.entries(errors).map(([name, error]) => [name, asResponse(error)]))

/** Each alternative with another scheme. */
const withScheme = (scheme: string, security: Security = []): Security =>
  (security.length === 0 ? [{}] : security).map((alternative) => ({ ...alternative, [scheme]: [] }))

function addExamples(content: Contents = {}, values: Readonly<Record<string, unknown>> | undefined): void {
  const [media] = Object.values(content)
  if (media && values) media.examples = namedExamples(values)
}

const namedExamples = (values: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]))

function asResponse({ description, examples }: ErrorAnswer): object {
  const isText = ([, value]: [string, unknown]) => typeof value === 'string'
  const all = Object.entries(examples)
  const content = (type: string, schema: object, some: [string, unknown][]) =>
    some.length > 0 && { [type]: { schema, examples: namedExamples(Object.fromEntries(some)) } }
  return {
    description,
    content: {
      ...content('text/plain', { type: 'string' }, all.filter(isText)),
      ...content(
        'application/json',
        { type: 'object' },
        all.filter((each) => !isText(each)),
      ),
    },
  }
}

/** The request that a webhook gets of an event. */
function asWebhook(operationId: string, { tag, summary, body }: DocumentedWebhook): object {
  const requestBody = {
    required: true,
    content: { 'application/json': { schema: asJsonSchema(body, 'output') } },
  }
  const responses = {
    '2XX': { description: 'The event was accepted; after any other status it is sent again' },
  }
  return { post: { operationId, tags: [tag], summary, security: [], requestBody, responses } }
}

/** The parts of a route's schema as JSON Schema. */
function asJsonSchemas(schema: FastifySchema): FastifySchema {
  const { body, params, querystring, headers, response, errors, ...rest } = schema
  const inputs = Object.entries({ body, params, querystring, headers }).filter(([, value]) => value)
  const responses = Object.entries(response ?? {}).map(([status, value]) => {
    const description = STATUS_CODES[status] ?? 'Answer'
    const json = asJsonSchema(value, 'output')
    // The one kind of answer without JSON.
    const isText = value instanceof z.ZodString
    return [status, { description, ...(isText ? { content: { 'text/plain': { schema: json } } } : json) }]
  })
  return {
    ...rest,
    ...{ 'x-errors': errors },
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
